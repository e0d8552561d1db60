//! The condition `Available`: of local APIServices at once, of remote ones by what stands
//! behind them.

use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::rest::clock;
use apimachinery::rest::from_store;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use futures_util::future::join_all;
use plugin_sdk::{Client, HookContext, Result};

use super::{described, registry};
use crate::apiservice::{self, ApiService, Condition, Service};

/// What changes behind an APIService is not watched, but looked at this often.
const REMOTE_INTERVAL_MS: u64 = 1_000;
const LOCAL_INTERVAL_MS: u64 = 60_000;

pub(super) async fn run_local(context: Rc<HookContext>, definition: &Definition) -> Result {
    let store_failed = |error| described("follow APIServices", from_store(error));
    let mut changes = Changes::of(context.clone(), &[&definition.storage_prefix]).await.map_err(store_failed)?;
    let local = Condition::local();
    loop {
        let store = context.store();
        let known = apiservice::list(&store, definition).await.map_err(store_failed)?;
        let stale = known.values().filter(|known| known.service.is_none() && known.available != local);
        let groups = ["system:masters".to_string()];
        let registry = Registry { subresource: "status", ..registry(&store, definition, &groups) };
        for done in join_all(stale.map(|known| mark(&registry, known, &local))).await {
            done.map_err(|error| described("write the status of APIServices", error))?;
        }
        context.ready();
        if !changes.wait(LOCAL_INTERVAL_MS).await.map_err(store_failed)? {
            return Ok(());
        }
    }
}

pub(super) async fn run_remote(context: Rc<HookContext>, definition: &Definition) -> Result {
    let store_failed = |error| described("follow APIServices", from_store(error));
    let mut changes = Changes::of(context.clone(), &[&definition.storage_prefix]).await.map_err(store_failed)?;
    loop {
        let store = context.store();
        let known = apiservice::list(&store, definition).await.map_err(store_failed)?;
        let mut remote = false;
        for known in known.values() {
            let Some(service) = &known.service else { continue };
            remote = true;
            let found = check(&context, service).await;
            if found != known.available {
                let groups = ["system:masters".to_string()];
                let registry = Registry { subresource: "status", ..registry(&store, definition, &groups) };
                let done = mark(&registry, known, &found).await;
                done.map_err(|error| described("write the status of APIServices", error))?;
            }
        }
        context.ready();
        let interval = if remote { REMOTE_INTERVAL_MS } else { LOCAL_INTERVAL_MS };
        if !changes.wait(interval).await.map_err(store_failed)? {
            return Ok(());
        }
    }
}

async fn check(context: &HookContext, service: &Service) -> Condition {
    let Service { namespace, name, .. } = service;
    let found = get(context, &format!("/api/v1/namespaces/{namespace}/services/{name}")).await;
    let slices = match &found {
        Ok(Some(object)) if has_endpoints(object) => {
            let selector = format!("labelSelector=kubernetes.io%2Fservice-name%3D{name}");
            get(context, &format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?{selector}")).await
        }
        _ => Ok(None),
    };
    judge(service, &found, &slices)
}

/// What there is at a path of the delegates: nothing for 404, an error for what else is no
/// success.
async fn get(context: &HookContext, uri: &str) -> Result<Option<Value>, String> {
    let answer = Client::new(context).get(uri).await?;
    match answer.status {
        404 => Ok(None),
        200 => serde_json::from_slice(&answer.body).map(Some).map_err(|error| error.to_string()),
        status => {
            let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            Err(body["message"].as_str().map_or_else(|| format!("status {status}"), str::to_string))
        }
    }
}

/// An external name is somebody else's to look after.
fn has_endpoints(service: &Value) -> bool {
    service["spec"]["type"].as_str().is_none_or(|kind| kind == "ClusterIP")
}

/// What the service and its endpoint slices say, in upstream's reasons and words.
fn judge(
    service: &Service,
    found: &Result<Option<Value>, String>,
    slices: &Result<Option<Value>, String>,
) -> Condition {
    let of = format!("service/{} in \"{}\"", service.name, service.namespace);
    let object = match found {
        Ok(Some(object)) => object,
        Ok(None) => return Condition::new("False", "ServiceNotFound", &format!("{of} is not present")),
        Err(why) => {
            return Condition::new("Unknown", "ServiceAccessError", &format!("{of} cannot be checked due to: {why}"));
        }
    };
    if has_endpoints(object) {
        let ports = members(&object["spec"]["ports"]);
        let Some(port) = ports.iter().find(|port| port["port"] == service.port) else {
            let message = format!("{of} is not listening on port {}", service.port);
            return Condition::new("False", "ServicePortError", &message);
        };
        let port = port["name"].as_str().unwrap_or_default();
        let slices = match slices {
            Ok(Some(list)) => members(&list["items"]),
            Ok(None) => &[],
            Err(why) => {
                return Condition::new(
                    "Unknown",
                    "EndpointsAccessError",
                    &format!("{of} cannot be checked due to: {why}"),
                );
            }
        };
        if slices.is_empty() {
            return Condition::new("False", "EndpointsNotFound", &format!("cannot find endpointslices for {of}"));
        }
        if !slices.iter().any(|slice| is_reachable(slice, port)) {
            let message = format!("endpointslices for {of} have no addresses with port name \"{port}\"");
            return Condition::new("False", "MissingEndpoints", &message);
        }
    }
    Condition::new("True", "Passed", "all checks passed")
}

/// Whether a slice has an address that is ready on the port of this name.
fn is_reachable(slice: &Value, port: &str) -> bool {
    let ready =
        |endpoint: &Value| endpoint["conditions"]["ready"] != false && !members(&endpoint["addresses"]).is_empty();
    members(&slice["endpoints"]).iter().any(ready)
        && members(&slice["ports"]).iter().any(|known| known["name"].as_str().unwrap_or_default() == port)
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Writes the condition; an APIService that is gone needs none.
async fn mark(registry: &Registry<'_>, known: &ApiService, available: &Condition) -> Result<(), ApiError> {
    let now = clock::now();
    let mut next = |old: Option<&Value>| {
        let mut next = old.cloned().unwrap_or_default();
        available.set(&mut next, &now);
        Ok(next)
    };
    match registry.update("", &known.name, &Change::default(), &mut next).await {
        Err(error) if error.reason == "NotFound" => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn service() -> Service {
        Service { namespace: "kube-system".into(), name: "metrics".into(), port: 443 }
    }

    #[test]
    fn a_remote_one_is_available_if_something_stands_behind_it() {
        let object = |kind: &str, port: u16| {
            Ok(Some(json!({ "spec": { "type": kind, "ports": [{ "name": "https", "port": port }] } })))
        };
        let slices = |ready: bool, port: &str| {
            let endpoint = json!({ "addresses": ["10.1.0.9"], "conditions": { "ready": ready } });
            Ok(Some(json!({ "items": [{ "endpoints": [endpoint], "ports": [{ "name": port, "port": 4443 }] }] })))
        };
        let none = || Ok(Some(json!({ "items": [] })));
        let failed = || Err("no".to_string());
        let of = "service/metrics in \"kube-system\"";
        let cases = [
            (Ok(None), none(), "False", "ServiceNotFound", format!("{of} is not present")),
            (failed(), none(), "Unknown", "ServiceAccessError", format!("{of} cannot be checked due to: no")),
            (
                object("ClusterIP", 80),
                none(),
                "False",
                "ServicePortError",
                format!("{of} is not listening on port 443"),
            ),
            (
                object("ClusterIP", 443),
                failed(),
                "Unknown",
                "EndpointsAccessError",
                format!("{of} cannot be checked due to: no"),
            ),
            (
                object("ClusterIP", 443),
                none(),
                "False",
                "EndpointsNotFound",
                format!("cannot find endpointslices for {of}"),
            ),
            (
                object("ClusterIP", 443),
                slices(true, "http"),
                "False",
                "MissingEndpoints",
                format!("endpointslices for {of} have no addresses with port name \"https\""),
            ),
            (
                object("ClusterIP", 443),
                slices(false, "https"),
                "False",
                "MissingEndpoints",
                format!("endpointslices for {of} have no addresses with port name \"https\""),
            ),
            (object("ClusterIP", 443), slices(true, "https"), "True", "Passed", "all checks passed".to_string()),
            (object("ExternalName", 80), none(), "True", "Passed", "all checks passed".to_string()),
        ];
        for (found, slices, status, reason, message) in cases {
            assert_eq!(judge(&service(), &found, &slices), Condition::new(status, reason, &message));
        }
    }

    #[test]
    fn the_time_is_that_of_the_last_change() {
        let mut object = json!({ "status": {} });
        Condition::new("False", "ServiceNotFound", "a").set(&mut object, "then");
        Condition::new("False", "EndpointsNotFound", "b").set(&mut object, "now");
        let available = |object: &Value| object["status"]["conditions"][0].clone();
        assert_eq!(available(&object)["lastTransitionTime"], "then");
        assert_eq!(available(&object)["reason"], "EndpointsNotFound");
        Condition::new("True", "Passed", "c").set(&mut object, "now");
        assert_eq!(available(&object)["lastTransitionTime"], "now");
        assert_eq!(object["status"]["conditions"].as_array().map(Vec::len), Some(1));
    }
}
