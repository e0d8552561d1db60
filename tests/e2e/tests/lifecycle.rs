//! A process from its start to its end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use e2e::{Host, Setup, eventually};
use serde_json::json;

#[test]
fn a_fresh_data_directory_gets_what_a_client_needs_and_keeps_its_keys_private() {
    let Some(host) = Host::start() else { return };
    for (file, private) in
        [("admin.kubeconfig", true), ("pki/ca.crt", false), ("pki/admin.crt", false), ("pki/admin.key", true)]
    {
        let metadata = fs::metadata(host.data_dir().join(file)).unwrap_or_else(|error| panic!("`{file}`: {error}"));
        let others = metadata.permissions().mode() & 0o077;
        assert!(!private || others == 0, "`{file}` can be read by others: {others:o}");
    }
}

#[test]
fn sigterm_ends_it_with_exit_code_0_and_a_restart_serves_the_same_objects_to_the_same_client() {
    let Some(host) = Host::start() else { return };
    let authority = fs::read(host.data_dir().join("pki/ca.crt")).expect("it is there");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}});
    let created = host.client().post("/api/v1/namespaces", &namespace).expect(201).json();

    let (setup, status) = host.terminate();
    assert_eq!(status.code(), Some(0));

    let host = setup.start();
    assert_eq!(fs::read(host.data_dir().join("pki/ca.crt")).expect("it is there"), authority);
    assert_eq!(host.client().get("/api/v1/namespaces/kept").expect(200).json(), created);
}

#[test]
fn a_watch_ends_when_the_host_does() {
    let Some(host) = Host::start() else { return };
    let events = host.client().stream("/api/v1/namespaces?watch=true");
    let reader = std::thread::spawn(move || events.count());
    let (_, status) = host.terminate();
    assert_eq!(status.code(), Some(0));
    reader.join().expect("the stream ends");
}

#[test]
fn a_watch_of_initial_events_goes_on_where_nobody_asked_for_bookmarks() {
    let Some(host) = Host::start() else { return };
    let maps = "/api/v1/namespaces/default/configmaps";
    let create = |name: &str| {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        host.client().post(maps, &object).expect(201);
    };
    create("before");
    let query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=30";
    let events = host.client().stream(&format!("{maps}?{query}"));
    let mut names = events.map(|event| event["object"]["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    assert_eq!(names.next().as_deref(), Some("before"));
    // Told while the watch is open, and not at its end.
    create("after");
    assert_eq!(names.next().as_deref(), Some("after"));
}

#[test]
fn a_client_without_credentials_sees_health_and_version_only() {
    let Some(host) = Host::start() else { return };
    let anonymous = host.anonymous();
    for (path, status) in [
        ("/livez", 200),
        ("/readyz", 200),
        ("/healthz", 200),
        ("/version", 200),
        ("/api", 403),
        ("/apis", 403),
        ("/metrics", 403),
        ("/api/v1/namespaces", 403),
        ("/api/v1/namespaces/default/secrets", 403),
    ] {
        assert_eq!(anonymous.get(path).status, status, "{path}");
    }
}

#[test]
fn a_plugin_sees_each_signal_of_the_life_cycle() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("listening", "prefix /a\nhook it-listens")) else {
        return;
    };
    let seen = tempfile::tempdir().expect("a temporary directory can be made");
    let grant = format!("listening=dir-rw:{}=/seen", seen.path().display());
    let host = setup.with(&["--plugin-grant", &grant]).start();
    // What is served and where is known, and that it is ready.
    let signals = || std::fs::read_to_string(seen.path().join("signals")).unwrap_or_default();
    eventually(|| signals().lines().count() == 2, || format!("it has seen {:?}", signals()));
    assert_eq!(host.terminate().1.code(), Some(0));
    let signals = signals().replace("Signal::", "");
    let expected = [
        "MuxAndDiscoveryComplete",
        "HasBeenReady",
        "ShutdownInitiated",
        "AfterShutdownDelayDuration",
        "PreShutdownHooksStopped",
        "NotAcceptingNewRequest",
        "InFlightRequestsDrained",
        "HttpServerStoppedListening",
    ];
    assert_eq!(signals.lines().collect::<Vec<_>>(), expected);
}
