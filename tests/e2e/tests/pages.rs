//! Lists in pages, over what happens between them.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{Host, Setup};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Long enough for what is asked within one, most of the time.
const INTERVAL: Duration = Duration::from_secs(5);
/// What was overwritten is given up after one to two intervals.
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
    let interval = format!("{}s", INTERVAL.as_secs());
    let host = setup.with(&["--etcd-compaction-interval", &interval]).start();
    for name in ["a", "b", "c"] {
        create(&host, name);
    }
    let begun = Instant::now();
    let (first, token, rest) = loop {
        let first = host.client().get(&format!("{CONFIG_MAPS}?limit=1")).expect(200).json();
        let token = first["metadata"]["continue"].clone();
        let asked = Instant::now();
        create(&host, "b-later");
        let rest = after(&host, &token);
        // A busy machine may take longer than an interval: once more.
        if rest.status == 410 && asked.elapsed() > INTERVAL && begun.elapsed() < PATIENCE {
            let path = format!("{CONFIG_MAPS}/b-later");
            host.client().send("DELETE", &path, "", b"").expect(200);
            continue;
        }
        break (first, token, rest.expect(200).json());
    };
    assert_eq!(names(&rest), ["b", "c"]);
    assert_eq!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);

    // That the host remembers more than the store makes no difference.
    let begun = Instant::now();
    let expired = loop {
        let answer = after(&host, &token);
        if answer.status == 410 {
            break answer;
        }
        assert!(begun.elapsed() < PATIENCE, "the store is not compacted");
        thread::sleep(Duration::from_millis(100));
    };
    let status = expired.expect(410).json();
    assert_eq!(status["reason"], "Expired", "{status}");
    let rest = after(&host, &status["metadata"]["continue"]).expect(200).json();
    assert_eq!(names(&rest), ["b", "b-later", "c"]);
    assert_ne!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}
