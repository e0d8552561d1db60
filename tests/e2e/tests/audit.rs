//! What is written down about requests.

use std::fs;

use e2e::Setup;
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: RequestResponse, omitManagedFields: true, resources: [{resources: [configmaps]}]}
- {level: None}
";

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

    let events = fs::read_to_string(log).expect("the host has written it");
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).expect("a line is an event")).collect();
    let of = |verb: &str, name: &str| {
        let found = events.iter().find(|event| event["verb"] == verb && event["objectRef"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {verb} of {name} in {events:#?}")).clone()
    };
    let created = of("create", "a");
    assert_eq!(created["user"]["username"], "kubernetes-admin");
    assert_eq!((&created["requestObject"], &created["responseStatus"]["code"]), (&object, &json!(201)));
    assert_eq!(created["responseObject"]["data"], object["data"]);
    assert!(created["responseObject"]["metadata"].get("managedFields").is_none(), "{created:#}");
    assert_eq!(created["annotations"]["authorization.k8s.io/decision"], "allow");
    assert_eq!(of("get", "nothing")["responseStatus"]["reason"], "NotFound");
    assert!(events.iter().all(|event| event["objectRef"]["resource"] == "configmaps"), "{events:#?}");
}
