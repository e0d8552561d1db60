//! What the server tells others of itself: whom it believes, and that it is there.

use std::fs;

use e2e::{Host, Setup, eventually};
use serde_json::{Value, json};

const AUTHENTICATION: &str = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

/// Two authorities; valid until January 2046.
const ONE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBbjCCAROgAwIBAgIUQwAyLssmF6JH42cNZ7jXZsH6blUwCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYTAeFw0yNjExMjMwMjU5NDBaFw00NjAxMjIwMjU5NDBaMAwx\n\
CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS0HFDsk0jxEz8n\n\
kAIkktlrdQMP0vRm7obU1gLqRdbmYXMhnuRMfkTm+WKrmZKPljhAtJWNRkIleUOP\n\
vhWx94U1o1MwUTAdBgNVHQ4EFgQUYBLcnR9sDoq/+HLLsGqvgi2LFEYwHwYDVR0j\n\
BBgwFoAUYBLcnR9sDoq/+HLLsGqvgi2LFEYwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
hkjOPQQDAgNJADBGAiEAzKywPyeO0QzEowKE+tYV/tv2IaS76h0hOhu1UAIxXPEC\n\
IQCYdR9aLDE2E1SYLRm2RMIUYA9w87pGA0WU2XskeUjOSA==\n\
-----END CERTIFICATE-----\n\
";
const OTHER: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBbDCCAROgAwIBAgIUWNYQcY93PXHRd1f1InYhp8ob1D8wCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYjAeFw0yNjExMjMwMjU5NDBaFw00NjAxMjIwMjU5NDBaMAwx\n\
CjAIBgNVBAMMAWIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAREkI9zmvSwz3tG\n\
tBYLrfxhBJbyGjGrQrlOuNr2PJYrIEh4CGV8q8twX921Jhk62r4DDvmO0QWDioTU\n\
6CIciaDYo1MwUTAdBgNVHQ4EFgQUuLeuo9wP2LksjanQVwM8jmq9aJwwHwYDVR0j\n\
BBgwFoAUuLeuo9wP2LksjanQVwM8jmq9aJwwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
hkjOPQQDAgNHADBEAiB501xen/lB613N+6XJbdVFsJHzQ4x/BbY7YNmSrCfDwgIg\n\
GNWGvbxFxxl7KMy7p7EmYnuRS+/Q1725yd7DmF2VmCg=\n\
-----END CERTIFICATE-----\n\
";

fn data(host: &Host) -> Value {
    let reply = host.client().get(AUTHENTICATION);
    if reply.status == 404 { Value::Null } else { reply.expect(200).json()["data"].clone() }
}

#[track_caller]
fn eventually_published(host: &Host, expected: &Value) {
    eventually(|| data(host) == *expected, || format!("{} and not {expected}", data(host)));
}

#[test]
fn authorities_that_flags_name_are_published() {
    let Some(setup) = Setup::default_chain() else { return };
    let clients = setup.file("clients.pem", format!("for clients\n{ONE}").as_bytes());
    let host = setup.clone().with(&["--client-ca-file", &clients]).start();
    eventually_published(&host, &json!({"client-ca-file": ONE}));

    // What others have said stays, and files are followed.
    fs::write(&clients, OTHER).expect("it can be written");
    let both = format!("{ONE}{OTHER}");
    eventually_published(&host, &json!({"client-ca-file": both}));
    host.client().send("DELETE", AUTHENTICATION, "application/json", b"").expect(200);
    eventually_published(&host, &json!({"client-ca-file": OTHER}));

    // So does what another start said.
    let (_, status) = host.terminate();
    assert!(status.success(), "{status}");
    let proxies = setup.file("proxies.pem", ONE.as_bytes());
    let host = setup
        .with(&["--requestheader-client-ca-file", &proxies, "--requestheader-allowed-names", "front & proxy,other"])
        .with(&["--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group"])
        .start();
    let mut expected = json!({
        "client-ca-file": OTHER,
        "requestheader-client-ca-file": ONE,
        "requestheader-allowed-names": "[\"front \\u0026 proxy\",\"other\"]",
        "requestheader-username-headers": "[\"X-Remote-User\"]",
        "requestheader-group-headers": "[\"X-Remote-Group\"]",
        "requestheader-extra-headers-prefix": "[]",
    });
    eventually_published(&host, &expected);
    fs::write(&proxies, OTHER).expect("it can be written");
    expected["requestheader-client-ca-file"] = both.into();
    eventually_published(&host, &expected);
    let object = host.client().get(AUTHENTICATION).expect(200).json();
    assert_eq!(object["metadata"]["managedFields"][0]["manager"], "kube-apiserver");
}

#[test]
fn a_server_has_a_lease_while_it_is_there() {
    let Some(host) = Host::start() else { return };
    let holder = |host: &Host| {
        let found = host.client().get(&format!("{LEASES}?labelSelector=apiserver.kubernetes.io/identity")).expect(200);
        let leases = found.json()["items"].as_array().expect("it is a list").clone();
        (leases.len() == 1).then(|| leases[0]["spec"]["holderIdentity"].clone())
    };
    eventually(|| holder(&host).is_some(), || "it has no lease".to_owned());
    let first = holder(&host).expect("it has one");
    assert!(first.is_string(), "{first}");
    let lease = |name: &str, label: &str| {
        json!({
            "metadata": {"name": name, "labels": {label: "kube-apiserver"}},
            "spec": {"leaseDurationSeconds": 60, "renewTime": "2026-01-01T00:00:00.000000Z"},
        })
    };
    host.client().post(LEASES, &lease("apiserver-gone", "apiserver.kubernetes.io/identity")).expect(201);
    host.client().post(LEASES, &lease("of-somebody", "somebody")).expect(201);

    // It takes its own away while it still answers.
    let own = "labelSelector=kubernetes.io/hostname&watch=true&sendInitialEvents=true\
               &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut events = host.client().stream(&format!("{LEASES}?{own}"));
    assert_eq!(events.next().expect("there is one")["object"]["spec"]["holderIdentity"], first);
    let (setup, status) = host.terminate();
    assert!(status.success(), "{status}");
    let is_gone = |event: Value| event["type"] == "DELETED" && event["object"]["spec"]["holderIdentity"] == first;
    assert!(events.any(is_gone), "it left its lease");

    let host = setup.start();
    // Another run is another holder, and whoever is gone for long has none.
    let is_another = |holder: Value| holder.is_string() && holder != first;
    eventually(|| holder(&host).is_some_and(is_another), || format!("{:?}", holder(&host)));
    host.client().get(&format!("{LEASES}/of-somebody")).expect(200);
}
