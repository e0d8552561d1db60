//! What is written down about requests.

use std::fs;

use e2e::{Kubectl, Setup};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: RequestResponse, omitManagedFields: true, resources: [{resources: [configmaps]}]}
- {level: None}
";

fn read(log: &str) -> Vec<Value> {
    let lines = fs::read_to_string(log).expect("the host has written it");
    lines.lines().map(|line| serde_json::from_str(line).expect("a line is an event")).collect()
}

#[track_caller]
fn event(events: &[Value], verb: &str, name: &str) -> Value {
    let found = events.iter().find(|event| event["verb"] == verb && event["objectRef"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {verb} of {name} in {events:#?}")).clone()
}

#[test]
fn requests_are_recorded_as_the_policy_says() {
    let Some(setup) = Setup::default_chain() else { return };
    let policy = setup.file("policy.yaml", POLICY.as_bytes());
    let log = setup.file("audit.log", b"");
    let host = setup.with(&["--audit-policy-file", &policy, "--audit-log-path", &log]).start();
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
    host.client().post(CONFIG_MAPS, &object).expect(201);
    host.client().get(&format!("{CONFIG_MAPS}/nothing")).expect(404);
    host.client().get("/api/v1/namespaces").expect(200);
    // What it was set up with holds the log.
    let (_setup, _) = host.terminate();

    let events = read(&log);
    let of = |verb, name| event(&events, verb, name);
    let created = of("create", "a");
    assert_eq!(created["user"]["username"], "kubernetes-admin");
    assert_eq!((&created["requestObject"], &created["responseStatus"]["code"]), (&object, &json!(201)));
    assert_eq!(created["responseObject"]["data"], object["data"]);
    assert!(created["responseObject"]["metadata"].get("managedFields").is_none(), "{created:#}");
    assert_eq!(created["annotations"]["authorization.k8s.io/decision"], "allow");
    assert_eq!(of("get", "nothing")["responseStatus"]["reason"], "NotFound");
    assert!(events.iter().all(|event| event["objectRef"]["resource"] == "configmaps"), "{events:#?}");
}

#[test]
fn objects_that_came_or_went_as_protobuf_are_recorded_as_json() {
    let Some(setup) = Setup::default_chain() else { return };
    let policy = setup.file("policy.yaml", POLICY.as_bytes());
    let log = setup.file("audit.log", b"");
    let host = setup.with(&["--audit-policy-file", &policy, "--audit-log-path", &log]).start();
    let Some(kubectl) = Kubectl::of(&host) else { return };
    kubectl.run(&["create", "configmap", "b", "--from-literal=k=v"]).success();
    let protobuf = host.client().with_header("accept", "application/vnd.kubernetes.protobuf");
    let body = protobuf.get(&format!("{CONFIG_MAPS}/b")).expect(200).body;
    assert!(body.starts_with(b"k8s\0"), "it is not protobuf");
    protobuf.get(CONFIG_MAPS).expect(200);
    // One that nobody can read is recorded without its object.
    let broken = protobuf.send("POST", CONFIG_MAPS, "application/vnd.kubernetes.protobuf", b"k8s\0\xff\xff");
    broken.expect(400);
    let (_setup, _) = host.terminate();

    let events = read(&log);
    let created = event(&events, "create", "b");
    for object in ["requestObject", "responseObject"] {
        assert_eq!(created[object]["kind"], "ConfigMap", "{created:#}");
        assert_eq!(created[object]["data"], json!({"k": "v"}), "{created:#}");
    }
    assert!(created["responseObject"]["metadata"]["uid"].is_string(), "{created:#}");
    assert!(created["responseObject"]["metadata"].get("managedFields").is_none(), "{created:#}");
    assert_eq!(event(&events, "get", "b")["responseObject"]["data"], json!({"k": "v"}));
    let listed = events.iter().find(|event| event["verb"] == "list").expect("the list is recorded");
    assert_eq!(listed["responseObject"]["kind"], "ConfigMapList", "{listed:#}");
    let refused = events.iter().find(|event| event["responseStatus"]["code"] == 400).expect("it is recorded");
    assert!(refused.get("requestObject").is_none(), "{refused:#}");
}
