//! Lists in pages, over what happens between them.

use std::time::{Duration, Instant};

use e2e::{Host, Setup};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Each start compacts what was old at the one before.
const PATIENCE: Duration = Duration::from_secs(60);

fn create(host: &Host, name: &str) {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    host.client().post(CONFIG_MAPS, &object).expect(201);
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list has items");
    items.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect()
}

/// The page behind a token.
fn after(host: &Host, token: &Value) -> e2e::Reply {
    let token = token.as_str().expect("there is a token");
    host.client().get(&format!("{CONFIG_MAPS}?limit=10&continue={token}"))
}

#[test]
fn a_token_whose_moment_is_compacted_is_answered_410_with_one_that_goes_on_from_now() {
    let Some(setup) = Setup::default_chain() else { return };
    let setup = setup.with(&["--etcd-compaction-interval", "100ms"]);
    let mut host = Some(setup.start());
    let running = host.as_ref().expect("it runs");
    for name in ["a", "b", "c"] {
        create(running, name);
    }
    let first = running.client().get(&format!("{CONFIG_MAPS}?limit=1")).expect(200).json();
    let token = first["metadata"]["continue"].clone();
    create(running, "b-later");
    // As long as it is remembered, the list is of one moment.
    let rest = after(running, &token).expect(200).json();
    assert_eq!(names(&rest), ["b", "c"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);

    // What a host remembers beyond compaction goes with it.
    let begun = Instant::now();
    let mut expired = after(running, &token);
    while expired.status != 410 {
        assert!(begun.elapsed() < PATIENCE, "the store is not compacted");
        let (setup, _) = host.take().expect("it runs").terminate();
        expired = after(host.insert(setup.start()), &token);
    }
    let status = expired.expect(410).json();
    assert_eq!(status["reason"], "Expired", "{status}");
    let running = host.as_ref().expect("it runs");
    let rest = after(running, &status["metadata"]["continue"]).expect(200).json();
    assert_eq!(names(&rest), ["b", "b-later", "c"]);
    assert_ne!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}
