//! APIServices, and discovery of a chain or any part of it.

use e2e::{Client, Host, Setup, eventually};
use serde_json::{Value, json};

const APISERVICES: &str = "/apis/apiregistration.k8s.io/v1/apiservices";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// The names of the groups that `/apis` lists, in its order.
fn groups(client: &Client) -> Vec<String> {
    let list = client.get("/apis").expect(200).json();
    let groups = list["groups"].as_array().expect("a list of groups").iter();
    groups.map(|group| group["name"].as_str().expect("a name").to_owned()).collect()
}

/// Status and reason of the condition `Available`.
fn available(client: &Client, name: &str) -> (String, String) {
    let reply = client.get(&format!("{APISERVICES}/{name}"));
    let object = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    let condition = &object["status"]["conditions"][0];
    let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

fn definition(group: &str) -> Value {
    let version = |name: &str, storage: bool| {
        json!({ "name": name, "served": true, "storage": storage,
            "schema": { "openAPIV3Schema": { "type": "object", "description": "A widget." } } })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("widgets.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList" },
            "versions": [version("v1beta1", false), version("v1", true)],
        },
    })
}

fn remote(group: &str) -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": { "name": format!("v1.{group}") },
        "spec": {
            "group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "insecureSkipTLSVerify": true, "service": { "namespace": "default", "name": "nowhere" },
        },
    })
}

#[test]
fn any_part_of_the_chain_discovers_itself() {
    let chains: [(&[&str], &[&str], &[&str]); 4] = [
        (&["extensions.wasm"], &["apiextensions.k8s.io"], &["apps", "apiregistration.k8s.io"]),
        (&["core.wasm"], &["apps", "batch"], &["apiextensions.k8s.io", "apiregistration.k8s.io"]),
        (&["extensions.wasm", "core.wasm"], &["apps", "apiextensions.k8s.io"], &["apiregistration.k8s.io"]),
        (&["core.wasm", "aggregator.wasm"], &["apiregistration.k8s.io", "apps"], &["apiextensions.k8s.io"]),
    ];
    for (plugins, served, not_served) in chains {
        let Some(setup) = Setup::bare() else { return };
        let setup = plugins.iter().fold(setup, |setup, plugin| setup.with(&["--plugin", plugin]));
        let host = setup.start();
        let groups = groups(host.client());
        let mut from = groups.iter();
        for group in served {
            assert!(from.any(|found| found == group), "no `{group}` in its place in {groups:?} of {plugins:?}");
        }
        for group in not_served {
            assert!(!groups.iter().any(|found| found == group), "`{group}` in {groups:?} of {plugins:?}");
        }
        let index = host.client().get("/openapi/v3").expect(200).json();
        for (path, entry) in index["paths"].as_object().expect("paths") {
            let url = entry["serverRelativeURL"].as_str().expect("an address");
            let document = host.client().get(url).expect(200).json();
            assert!(document["paths"].as_object().is_some_and(|paths| !paths.is_empty()), "{path} of {plugins:?}");
        }
        // Who has no delegate that defines resources does not ask for their definitions.
        assert!(!host.log().contains("ERROR"), "{plugins:?}: {}", host.log());
    }
}

#[test]
fn apiservices_follow_the_groups_that_are_served() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    for name in ["v1.", "v1.apps", "v2.autoscaling", "v1.apiextensions.k8s.io"] {
        let local = || available(client, name) == ("True".to_owned(), "Local".to_owned());
        eventually(local, || format!("`{name}` is not available"));
    }

    client.post(DEFINITIONS, &definition("follow.example.com")).expect(201);
    for name in ["v1.follow.example.com", "v1beta1.follow.example.com"] {
        let local = || available(client, name) == ("True".to_owned(), "Local".to_owned());
        eventually(local, || format!("`{name}` is not available"));
    }
    let object = client.get(&format!("{APISERVICES}/v1.follow.example.com")).expect(200).json();
    assert_eq!(object["metadata"]["labels"]["kube-aggregator.kubernetes.io/automanaged"], "true");
    assert_eq!(
        object["spec"],
        json!({
            "group": "follow.example.com", "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 100,
        })
    );
    let group = client.get("/apis/follow.example.com").expect(200).json();
    assert_eq!(group["preferredVersion"]["version"], "v1");
    assert_eq!(groups(client).last().map(String::as_str), Some("follow.example.com"));
    let index = client.get("/openapi/v3").expect(200).json();
    let url = index["paths"]["apis/follow.example.com/v1"]["serverRelativeURL"].as_str().expect("an address");
    let document = client.get(url).expect(200).json();
    assert_eq!(document["components"]["schemas"]["com.example.follow.v1.Widget"]["description"], "A widget.");

    client.send("DELETE", &format!("{DEFINITIONS}/widgets.follow.example.com"), "", b"").expect(200);
    let gone = || client.get(&format!("{APISERVICES}/v1.follow.example.com")).status == 404;
    eventually(gone, || "the APIService stays".to_owned());
    assert!(!groups(client).iter().any(|group| group == "follow.example.com"));
}

#[test]
fn a_remote_apiservice_without_a_service_is_unavailable_until_it_goes() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    client.post(APISERVICES, &remote("remote.example.com")).expect(201);
    let missing = ("False".to_owned(), "ServiceNotFound".to_owned());
    eventually(|| available(client, "v1.remote.example.com") == missing, || "nobody has looked".to_owned());
    eventually(|| client.get("/apis/remote.example.com/v1").status == 503, || "not routed".to_owned());
    let refused = client.get("/apis/remote.example.com/v1/things").expect(503);
    assert_eq!(refused.text(), "service unavailable\n");
    client.get("/apis/remote.example.com").expect(200);
    assert_eq!(groups(client).last().map(String::as_str), Some("remote.example.com"));

    client.send("DELETE", &format!("{APISERVICES}/v1.remote.example.com"), "", b"").expect(200);
    eventually(|| client.get("/apis/remote.example.com/v1").status == 404, || "still routed".to_owned());
    client.get("/apis/remote.example.com").expect(404);
}

#[test]
fn who_changes_a_built_in_apiservice_has_his_way_until_the_next_start() {
    let Some(host) = Host::start() else { return };
    let path = format!("{APISERVICES}/v1.batch");
    host.client().send("DELETE", &path, "", b"").expect(200);
    // Another that is kept all the time shows that the controller has looked since.
    host.client().post(DEFINITIONS, &definition("later.example.com")).expect(201);
    let seen = || host.client().get(&format!("{APISERVICES}/v1.later.example.com")).status == 200;
    eventually(seen, || "no APIService for a new group".to_owned());
    host.client().get(&path).expect(404);
    assert!(groups(host.client()).iter().any(|group| group == "batch"), "what is served is discovered");

    let (setup, _) = host.terminate();
    let host = setup.start();
    eventually(|| host.client().get(&path).status == 200, || "it does not come back".to_owned());
}
