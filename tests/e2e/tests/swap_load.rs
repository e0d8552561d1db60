//! Swaps while clients read, write and watch: nobody notices.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use e2e::{Client, Host, checkout};
use serde_json::{Value, json};

/// `make soak` asks for more.
const SWAPS: u32 = 100;
/// By so much resident memory may differ between the first swaps and the last: the allocator
/// does not give everything back at once.
const GROWTH_BYTES_MAX: u64 = 24 << 20;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WIDGETS: &str = "/apis/swap.example.com/v1/namespaces/default/widgets";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Two builds of each plugin of the default chain.
fn builds(host: &Host) -> Vec<(&'static str, [String; 2])> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let plugins = checkout().join(target).join("release/plugins");
    let builds = |name: &'static str| {
        let first = plugins.join(format!("{name}.wasm"));
        let second = host.setup().rebuilt(&first, &format!("{name}-2.wasm"));
        (name, [second.display().to_string(), first.display().to_string()])
    };
    ["core", "extensions", "aggregator"].map(builds).into()
}

fn definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.swap.example.com"},
        "spec": {
            "group": "swap.example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

/// Creates the object that is written to, in one resource.
fn create(client: &Client, resource: &str, api_version: &str, kind: &str) {
    let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "busy"}, "data": {"n": "0"}});
    client.post(resource, &object).expect(201);
}

/// Writes numbers, one after the other, until it is told to end; the last one.
fn write(client: &Client, resource: &str, end: &AtomicBool) -> u64 {
    let mut n = 0;
    while !end.load(Ordering::Relaxed) {
        n += 1;
        let patch = json!({"data": {"n": n.to_string()}}).to_string();
        let path = format!("{resource}/busy");
        client.send("PATCH", &path, "application/merge-patch+json", patch.as_bytes()).expect(200);
    }
    // What watchers wait for.
    let last = json!({"metadata": {"labels": {"last": "true"}}, "data": {"n": (n + 1).to_string()}}).to_string();
    client.send("PATCH", &format!("{resource}/busy"), "application/merge-patch+json", last.as_bytes()).expect(200);
    n + 1
}

/// Follows a watch to the last write; how many changes it has seen.
fn follow(events: impl Iterator<Item = Value>, number: impl Fn(&Value) -> Option<u64>) -> (u64, u64) {
    let (mut changes, mut last) = (0, 0);
    for event in events {
        assert_ne!(event["type"], "ERROR", "{event}");
        let Some(object) = Some(&event["object"]).filter(|_| event["type"] != "BOOKMARK") else { continue };
        let Some(n) = number(object) else { continue };
        assert!(n == last + 1 || changes == 0, "{n} follows {last}");
        (changes, last) = (changes + 1, n);
        let row = object["rows"][0]["object"]["metadata"].clone();
        if object["metadata"]["labels"]["last"] == "true" || row["labels"]["last"] == "true" {
            return (changes, last);
        }
    }
    panic!("the watch ended after {last}");
}

/// Tells the clients to end, however the swaps end.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn clients_do_not_notice_that_plugins_are_swapped() {
    let swaps = env::var("SWAPS").map_or(SWAPS, |swaps| swaps.parse().expect("`SWAPS` is a number"));
    let Some(host) = Host::start() else { return };
    let client = host.client();
    client.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition()).expect(201);
    e2e::eventually(|| client.get(WIDGETS).status == 200, || "the definition is not established".to_owned());
    create(client, MAPS, "v1", "ConfigMap");
    create(client, WIDGETS, "swap.example.com/v1", "Widget");
    let builds = builds(&host);
    // Their code is cached from here on.
    for (name, [second, first]) in &builds {
        for path in [second, first] {
            host.command(&["plugin", "swap", name, path]).success();
        }
    }

    let (end, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut resident = BTreeMap::new();
    thread::scope(|scope| {
        let of_data = |object: &Value| object["data"]["n"].as_str()?.parse().ok();
        let watches: Vec<_> = [MAPS, WIDGETS]
            .map(|resource| {
                let events = client.stream(&format!("{resource}?watch=true"));
                scope.spawn(move || follow(events, of_data))
            })
            .into();
        // Rendered by whatever generation serves; its rows carry the metadata.
        let tables = client.stream_as(TABLE, &format!("{MAPS}?watch=true"));
        let tables = scope.spawn(move || {
            let mut rows = 0_u64;
            for event in tables {
                assert_ne!(event["type"], "ERROR", "{event}");
                rows += 1;
                if event["object"]["rows"][0]["object"]["metadata"]["labels"]["last"] == "true" {
                    return rows;
                }
            }
            panic!("the watch ended after {rows} rows");
        });
        let writers: Vec<_> = [MAPS, WIDGETS].map(|resource| scope.spawn(|| write(client, resource, &end))).into();
        for path in [format!("{MAPS}/busy"), WIDGETS.to_owned(), "/apis".to_owned(), "/readyz".to_owned()] {
            let (end, reads) = (&end, &reads);
            scope.spawn(move || {
                while !end.load(Ordering::Relaxed) {
                    client.get(&path).expect(200);
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }

        let ending = End(&end);
        for swap in 0..swaps {
            let (name, builds) = &builds[swap as usize % builds.len()];
            host.command(&["plugin", "swap", name, &builds[swap as usize / 3 % 2]]).success();
            resident.insert(swap, host.resident_bytes());
        }
        drop(ending);
        let written: Vec<u64> = writers.into_iter().map(|writer| writer.join().expect("every write works")).collect();
        let watched: Vec<_> = watches.into_iter().map(|watch| watch.join().expect("no watch breaks")).collect();
        for ((changes, last), written) in watched.iter().zip(&written) {
            assert_eq!(last, written);
            assert_eq!(*changes, written + 1, "each change once, and what was there before");
        }
        let rows = tables.join().expect("no watch breaks");
        eprintln!("{swaps} swaps, {written:?} writes, {} reads, {rows} table rows", reads.load(Ordering::Relaxed));
    });

    // The first third is left to the allocator.
    let (early, late) = (resident[&(swaps / 3)], resident[&(swaps - 1)]);
    eprintln!("{} MiB resident early on, {} MiB at the end", early >> 20, late >> 20);
    assert!(late < early + GROWTH_BYTES_MAX, "{early} bytes early on, {late} at the end");
    for (name, _) in &builds {
        let reverted = host.metric(&format!(r#"host_plugin_swaps_total{{plugin="{name}",result="reverted"}}"#));
        assert_eq!(reverted, 0.0, "{name}");
    }
    assert_eq!(host.terminate().1.code(), Some(0));
}
