//! What was acknowledged is there after a crash.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use e2e::{Client, Setup};
use serde_json::{Value, json};

const WRITERS: usize = 64;
/// Acknowledged writes before the host is killed, in each round.
const WRITES: usize = 300;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// How often it is killed: a few times, unless somebody has the time for more (`make soak`).
fn rounds() -> usize {
    std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3)
}

/// What one writer was told: its object `name` holds `count`, since `revision`.
struct Acknowledged {
    name: String,
    count: u64,
    revision: u64,
}

#[test]
fn every_acknowledged_write_survives_a_kill() {
    let Some(mut setup) = Setup::default_chain() else { return };
    // The last acknowledged count of each object, and the greatest revision seen.
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut revision = 0;

    for round in 0..rounds() {
        let host = setup.start();
        verify(host.client(), &counts, revision);

        let (acknowledge, acknowledged) = mpsc::channel();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, acknowledge) = (host.client().clone(), acknowledge.clone());
                thread::spawn(move || write_until_it_ends(&client, &format!("storm-{round}-{writer}"), &acknowledge))
            })
            .collect();
        drop(acknowledge);

        let mut record = |write: Acknowledged| {
            revision = revision.max(write.revision);
            counts.insert(write.name, write.count);
        };
        acknowledged.iter().take(WRITES).for_each(&mut record);
        // The writers still write.
        setup = host.kill();
        // What was acknowledged meanwhile counts too.
        acknowledged.iter().for_each(&mut record);
        for writer in writers {
            writer.join().expect("a writer ends with its host");
        }
    }
    verify(setup.start().client(), &counts, revision);
}

/// Creates objects `PREFIX-N`, and updates each a few times, until the host is gone.
fn write_until_it_ends(client: &Client, prefix: &str, acknowledge: &mpsc::Sender<Acknowledged>) {
    for object in 0.. {
        let name = format!("{prefix}-{object}");
        let path = format!("{CONFIG_MAPS}/{name}");
        for count in 0..4_u64 {
            let body = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"count": count.to_string()},
            });
            let (method, path) = if count == 0 { ("POST", CONFIG_MAPS) } else { ("PUT", path.as_str()) };
            let Ok(reply) = client.try_send(method, path, "application/json", body.to_string().as_bytes()) else {
                return;
            };
            // A host that is being killed may still say that it cannot answer.
            if reply.status >= 500 {
                return;
            }
            assert!(matches!(reply.status, 200 | 201), "{method} {path}: {} {}", reply.status, reply.text());
            let revision = revision_of(&reply.json());
            // Nobody listens once the test has failed.
            let _ = acknowledge.send(Acknowledged { name: name.clone(), count, revision });
        }
    }
}

/// Every object holds at least what was acknowledged, and revisions go on above `revision`.
#[track_caller]
fn verify(client: &Client, counts: &BTreeMap<String, u64>, revision: u64) {
    let list = client.get(CONFIG_MAPS).expect(200).json();
    let held: BTreeMap<&str, u64> = list["items"]
        .as_array()
        .expect("a list has items")
        .iter()
        .filter_map(|item| Some((item["metadata"]["name"].as_str()?, item["data"]["count"].as_str()?.parse().ok()?)))
        .collect();
    for (name, count) in counts {
        let held = held.get(name.as_str()).unwrap_or_else(|| panic!("`{name}` was acknowledged and is lost"));
        // The last write of all may have been made durable without an answer.
        assert!(held >= count, "`{name}` held {count} when it was acknowledged, and now {held}");
    }
    assert!(revision_of(&list) >= revision, "the list is at {}, {revision} was seen before", revision_of(&list));

    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "probe-"}});
    let written = revision_of(&client.post(CONFIG_MAPS, &probe).expect(201).json());
    assert!(written > revision, "a new write is at {written}, {revision} was seen before");
}

#[track_caller]
fn revision_of(object: &Value) -> u64 {
    let revision = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    revision.parse().unwrap_or_else(|_| panic!("no revision in {object}"))
}
