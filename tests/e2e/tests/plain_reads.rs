//! Reads that the host answers in a link's place.

use std::collections::BTreeSet;

use e2e::{Host, Reply};
use serde_json::{Value, json};

/// Said otherwise: JSON, but so that the link is asked.
const ASKED: &str = "application/json;q=0.9";

/// The paths of all objects of built-in resources, by what discovery says.
fn objects(host: &Host) -> Vec<String> {
    let client = host.client();
    let groups = client.get("/apis").expect(200).json();
    let versions = groups["groups"].as_array().expect("there are some").iter();
    let versions = versions.flat_map(|group| group["versions"].as_array().expect("there are some"));
    let roots = versions.map(|version| format!("/apis/{}", version["groupVersion"].as_str().expect("it is text")));
    let mut paths = Vec::new();
    for root in std::iter::once("/api/v1".to_string()).chain(roots) {
        let resources = client.get(&root).expect(200).json();
        for resource in resources["resources"].as_array().expect("there are some") {
            let name = resource["name"].as_str().expect("it is text");
            let verbs = resource["verbs"].as_array().expect("there are some");
            if name.contains('/') || !["get", "list"].iter().all(|verb| verbs.contains(&json!(verb))) {
                continue;
            }
            let all = client.get(&format!("{root}/{name}")).expect(200).json();
            for object in all["items"].as_array().expect("there are some") {
                let place = match object["metadata"]["namespace"].as_str() {
                    Some(namespace) => format!("{root}/namespaces/{namespace}/{name}"),
                    None => format!("{root}/{name}"),
                };
                paths.push(format!("{place}/{}", object["metadata"]["name"].as_str().expect("it is text")));
            }
        }
    }
    paths
}

fn create_some(host: &Host) {
    let client = host.client();
    let metadata = json!({"name": "some"});
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "some"});
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": metadata, "reason": "Some",
                       "involvedObject": {"kind": "Pod", "namespace": "default", "name": "some"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
                     "spec": {"containers": [{"name": "some", "image": "example.com/some:1"}]}});
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata,
                        "spec": {"maxReplicas": 3, "scaleTargetRef": target}});
    for (path, object) in [
        ("/api/v1/namespaces/default/serviceaccounts", &json!({"metadata": {"name": "default"}})),
        ("/api/v1/namespaces/default/pods", &pod),
        ("/api/v1/namespaces/default/events", &event),
        ("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", &scaler),
    ] {
        let status = client.post(path, object).status;
        assert!([201, 409].contains(&status), "{path}: {status}");
    }
}

fn plain_reads(host: &Host) -> f64 {
    host.metric(r#"host_plugin_plain_reads_total{plugin="core"}"#)
}

#[test]
fn they_are_what_the_link_would_have_said() {
    let Some(host) = Host::start() else { return };
    create_some(&host);
    let mut told = BTreeSet::new();
    // The lease of the server is renewed now and then, perhaps between two reads.
    for path in objects(&host).into_iter().filter(|path| !path.contains("/leases/apiserver-")) {
        let before = plain_reads(&host);
        let asked = host.client().with_header("accept", ASKED).get(&path).expect(200);
        assert_eq!(plain_reads(&host), before, "{path}: the link was not asked");
        let plain = host.client().with_header("accept", "application/json, */*").get(&path).expect(200);
        if plain_reads(&host) > before {
            told.insert(path.rsplit('/').nth(1).expect("there is a resource").to_string());
        }
        let said = |reply: &Reply| (reply.headers.get("content-type").cloned(), reply.text());
        assert_eq!(said(&plain), said(&asked), "{path}");
    }
    for resource in ["namespaces", "pods", "events", "services", "priorityclasses", "flowschemas", "clusterroles"] {
        assert!(told.contains(resource), "no plain read of `{resource}`, of {told:?}");
    }
    // Autoscalers are kept in another version than they are served in, and made into it by the link.
    assert!(host.client().get("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/some").status == 200);
}

#[test]
fn what_is_not_plain_is_asked_of_the_link() {
    let Some(host) = Host::start() else { return };
    const NAMESPACE: &str = "/api/v1/namespaces/default";
    let before = plain_reads(&host);
    for (accept, path, status) in [
        ("application/json", "/api/v1/namespaces/nobody", 404),
        ("application/json", "/api/v1/namespaces/default?pretty=true", 200),
        ("application/json", "/api/v1/namespaces/default?resourceVersion=1", 200),
        ("application/json", "/api/v1/namespaces/default?resourceVersion=x", 500),
        ("application/json", "/api/v1/namespaces/default/status", 200),
        ("application/yaml", NAMESPACE, 200),
        ("application/vnd.kubernetes.protobuf, application/json", NAMESPACE, 200),
        ("application/json;as=Table;v=v1;g=meta.k8s.io, application/json", NAMESPACE, 200),
        ("text/plain", NAMESPACE, 406),
    ] {
        host.client().with_header("accept", accept).get(path).expect(status);
    }
    host.client().with_header("user-agent", "curl/8.0").get(NAMESPACE).expect(200);
    assert_eq!(plain_reads(&host), before);
    let freshest = |path: &str| host.client().with_header("accept", "application/json").get(path).expect(200).json();
    let named: Vec<Value> = ["", "?resourceVersion=0", "?resourceVersion="]
        .map(|query| freshest(&format!("{NAMESPACE}{query}"))["metadata"]["name"].clone())
        .to_vec();
    assert_eq!(named, [json!("default"), json!("default"), json!("default")]);
    assert_eq!(plain_reads(&host), before + 3.0);
}
