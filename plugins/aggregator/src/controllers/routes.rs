//! `apiservice-registration-controller`: routes to remote APIServices.
//!
//! What is local needs none: the delegates have it. Until every group version of theirs has
//! its APIService, what no route matches may still come: a client that took a 404 for the
//! truth would clean up after what was never gone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::rest::from_store;
use apimachinery::tree::Value;
use plugin_sdk::registration::{Contents, Route, routes_complete};
use plugin_sdk::{Client, HookContext, Result};

use super::{described, served};
use crate::apiservice::{self, ApiService, GROUP, Service};
use crate::remote::Target;

/// The set of routes that this controller keeps.
const SET: &str = "remote-apiservices";
/// How often the addresses of services are looked up again, if there are any.
const INTERVAL_MS: u64 = 10_000;
const IDLE_INTERVAL_MS: u64 = 60_000;

pub(super) async fn run(context: Rc<HookContext>, definition: &Definition) -> Result {
    let store_failed = |error| described("follow APIServices", from_store(error));
    let mut changes = Changes::of(context.clone(), &[&definition.storage_prefix]).await.map_err(store_failed)?;
    let expected: BTreeSet<String> = expected(&context).await?;
    let mut complete = false;
    let mut registered = Vec::new();
    loop {
        let known = apiservice::list(&context.store(), definition).await.map_err(store_failed)?;
        let routes = routes(&context, &known).await;
        if routes != registered {
            contents(&routes).register(SET)?;
            registered = routes;
        }
        if !complete && expected.iter().all(|name| known.contains_key(name)) {
            routes_complete(crate::ROUTES)?;
            context.ready();
            complete = true;
        }
        let interval = if registered.is_empty() { IDLE_INTERVAL_MS } else { INTERVAL_MS };
        if !changes.wait(interval).await.map_err(store_failed)? {
            return Ok(());
        }
    }
}

/// Names of the APIServices that the delegates' group versions will have.
async fn expected(context: &HookContext) -> Result<BTreeSet<String>> {
    let served = served(context).await?;
    let versions = served
        .0
        .iter()
        .filter(|group| group.name != GROUP)
        .flat_map(|group| group.versions.iter().map(|version| apiservice::name(&group.name, &version.name)));
    Ok(versions.collect())
}

/// Path and target of each remote APIService, and its group.
type Routes = Vec<(String, Target, String)>;

async fn routes(context: &HookContext, known: &BTreeMap<String, ApiService>) -> Routes {
    let mut routes = Vec::new();
    for apiservice in known.values() {
        if let Some(service) = &apiservice.service {
            let address = if apiservice.is_available() { address(context, service).await } else { None };
            let target = Target { apiservice: apiservice.name.clone(), address };
            routes.push((apiservice.path(), target, apiservice.group.clone()));
        }
    }
    routes
}

fn contents(routes: &Routes) -> Contents {
    let versions = routes.iter().map(|(path, target, _)| Route::prefix(path).tag(target.to_string()));
    let groups: BTreeSet<&String> =
        routes.iter().map(|(_, _, group)| group).filter(|group| !group.is_empty()).collect();
    let groups = groups.into_iter().map(|group| Route::exact(&format!("/apis/{group}")).tag(crate::GROUP));
    Contents { routes: versions.chain(groups).collect(), claims: Vec::new() }
}

/// Where a service is reached.
async fn address(context: &HookContext, service: &Service) -> Option<String> {
    let path = format!("/api/v1/namespaces/{}/services/{}", service.namespace, service.name);
    let answer = Client::new(context).get(&path).await.ok().filter(|answer| answer.is_success())?;
    address_of(&serde_json::from_slice(&answer.body).ok()?, service.port)
}

fn address_of(object: &Value, port: u16) -> Option<String> {
    let spec = &object["spec"];
    let host = match spec["type"].as_str() {
        Some("ExternalName") => spec["externalName"].as_str()?,
        _ => spec["clusterIP"].as_str().filter(|address| !address.is_empty() && *address != "None")?,
    };
    Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_service_is_reached_where_it_says() {
        for (spec, expected) in [
            (json!({ "type": "ClusterIP", "clusterIP": "10.0.0.7" }), Some("10.0.0.7:443")),
            (json!({ "clusterIP": "fd00::7" }), Some("[fd00::7]:443")),
            (json!({ "type": "ExternalName", "externalName": "example.com" }), Some("example.com:443")),
            (json!({ "type": "ClusterIP", "clusterIP": "None" }), None),
            (json!({}), None),
        ] {
            assert_eq!(address_of(&json!({ "spec": spec }), 443).as_deref(), expected, "{spec}");
        }
    }

    #[test]
    fn versions_and_their_groups_are_routed() {
        let target = |name: &str| Target { apiservice: name.to_string(), address: None };
        let routes = vec![
            ("/apis/example.com/v1".to_string(), target("v1.example.com"), "example.com".to_string()),
            ("/apis/example.com/v2".to_string(), target("v2.example.com"), "example.com".to_string()),
        ];
        let tags: Vec<String> = contents(&routes).routes.into_iter().map(|route| route.tag).collect();
        assert_eq!(tags, ["remote v1.example.com", "remote v2.example.com", crate::GROUP]);
    }
}
