//! Kubernetes' own conformance tests, as far as they need neither nodes nor what this server does not do yet.

use std::thread;

use e2e::{Controllers, Host, Setup, conformance, eventually};
use serde_json::{Value, json};

/// One name in each line; `tests/conformance/README.md` says what is left out.
const NAMES: &str = include_str!("../../conformance/tests.txt");
/// They wait most of the time, each for something else.
const AT_ONCE: usize = 4;

#[test]
fn what_needs_no_nodes_conforms_to_kubernetes() {
    let Some(setup) = Setup::default_chain() else { return };
    // Controllers come with tokens, and roles are not enforced. Endpoints are not on the loopback.
    let host = setup.with(&["--authorization-mode=AlwaysAllow", "--advertise-address=192.0.2.10"]).start();
    let Some(_controllers) = Controllers::start(&host) else { return };
    add_node(&host);
    let names: Vec<&str> = NAMES.lines().collect();
    assert!(names.len() > 50, "they are listed");
    thread::scope(|scope| {
        let run = |at: usize| {
            let mine: Vec<&str> = names.iter().copied().skip(at).step_by(AT_ONCE).collect();
            let host = &host;
            scope.spawn(move || (conformance(host, &mine), mine))
        };
        let runs: Vec<_> = (0..AT_ONCE).map(run).collect();
        for (ended, names) in runs.into_iter().map(|run| run.join().expect("the tests run")) {
            let Some(ended) = ended else { continue };
            for name in names {
                assert_eq!(ended.get(name), Some(&None), "`{name}`");
            }
        }
    });
}

/// The tests do not begin before there is one that pods could be on.
fn add_node(host: &Host) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}, "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "192.0.2.20"}],
    }});
    host.client().post("/api/v1/nodes", &node).expect(201);
    let taints = || host.client().get("/api/v1/nodes/node").expect(200).json()["spec"]["taints"].clone();
    eventually(|| taints() == Value::Null, || format!("the node stays tainted: {}", taints()));
}
