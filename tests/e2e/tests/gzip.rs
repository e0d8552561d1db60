//! Large answers, for clients that take them packed.

use std::fs;
use std::io::Read as _;

use e2e::{Host, Reply, Setup, eventually};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// More than what is packed at least, with what else is in the object.
const LARGE: usize = 128 << 10;

fn create(host: &Host, name: &str, bytes: usize) {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                        "data": {"k": "some words ".repeat(bytes / 11 + 1)}});
    host.client().post(CONFIG_MAPS, &object).expect(201);
}

/// The same request of a client that takes gzip.
#[track_caller]
fn packed(host: &Host, path: &str) -> (Reply, Option<Vec<u8>>) {
    let reply = host.client().with_header("accept-encoding", "gzip").get(path).expect(200);
    let coding = reply.headers.get("content-encoding").map(|value| value.to_str().expect("it is text"));
    let unpacked = coding.map(|coding| {
        assert_eq!(coding, "gzip");
        assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Accept-Encoding"), "{:?}", reply.headers);
        assert!(!reply.headers.contains_key("content-length"));
        let mut bytes = Vec::new();
        GzDecoder::new(&*reply.body).read_to_end(&mut bytes).expect("it is packed, to its end");
        assert!(bytes.len() > 2 * reply.body.len(), "{path}: {} bytes became {}", bytes.len(), reply.body.len());
        bytes
    });
    (reply, unpacked)
}

#[test]
fn nothing_is_packed_where_the_feature_is_switched_off() {
    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.with(&["--feature-gates=APIResponseCompression=false,WatchList=true"]).start();
    create(&host, "large", LARGE);
    let (reply, unpacked) = packed(&host, &format!("{CONFIG_MAPS}/large"));
    assert!(unpacked.is_none() && reply.body.len() > LARGE, "{:?}", reply.headers);
    host.wait_for_log("--feature-gates has no effect on WatchList");
}

#[test]
fn what_is_large_is_packed_and_says_the_same() {
    let Some(host) = Host::start() else { return };
    for at in 0..40 {
        create(&host, &format!("part-{at}"), 10_000);
    }
    create(&host, "z-large", LARGE);
    for path in [
        CONFIG_MAPS,
        &format!("{CONFIG_MAPS}?limit=35"),
        // Written by a guest, in one piece.
        "/openapi/v2",
        &format!("{CONFIG_MAPS}/z-large"),
    ] {
        let (_, unpacked) = packed(&host, path);
        assert!(unpacked.expect(path) == host.client().get(path).expect(200).body, "{path} says something else");
    }
    for path in [&format!("{CONFIG_MAPS}?limit=5"), &format!("{CONFIG_MAPS}/part-1"), "/version"] {
        let (reply, unpacked) = packed(&host, path);
        assert!(unpacked.is_none() && reply.headers.contains_key("content-length"), "{path}");
    }
    // A watch is waited for line by line, however much there is to tell at its beginning.
    let watch = format!("{CONFIG_MAPS}?watch=true&resourceVersion=0&timeoutSeconds=1");
    let is_told = || {
        let (reply, unpacked) = packed(&host, &watch);
        assert!(unpacked.is_none(), "a watch is packed");
        reply.body.len() > LARGE
    };
    // A second may be short.
    eventually(is_told, || "there was never as much as there is to tell".to_owned());
}

#[test]
fn an_audit_shows_what_was_said_and_not_how_it_was_sent() {
    let Some(setup) = Setup::default_chain() else { return };
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n\
                  rules: [{level: RequestResponse, verbs: [list], resources: [{resources: [configmaps]}]}, {level: None}]";
    let (policy, log) = (setup.file("policy.yaml", policy.as_bytes()), setup.file("audit.log", b""));
    let host = setup.with(&["--audit-policy-file", &policy, "--audit-log-path", &log]).start();
    for name in ["a", "b", "c"] {
        create(&host, name, LARGE);
    }
    let (_, unpacked) = packed(&host, CONFIG_MAPS);
    let list: Value = serde_json::from_slice(&unpacked.expect("it is large")).expect("it is JSON");
    let (_setup, _) = host.terminate();
    let log = fs::read_to_string(log).expect("the host has written it");
    let shown = log.lines().map(|line| serde_json::from_str(line).expect("a line is an event"));
    let shown: Vec<Value> = shown.map(|event: Value| event["responseObject"].clone()).collect();
    assert!(shown.contains(&list), "{log:.1000}");
}
