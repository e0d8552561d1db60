//! What `/metrics` tells of the store and of plugins.

use e2e::{Host, Setup};
use serde_json::json;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// What one watch of a client that does not read holds, beside what the sockets take.
const WATCHER_EVENTS_MAX: usize = 2048;

/// Series that are there, and by how much they grow at least while `acts`.
#[track_caller]
fn grow(host: &Host, series: &[(&str, f64)], acts: impl FnOnce()) {
    let before: Vec<f64> = series.iter().map(|(series, _)| host.metric(series)).collect();
    acts();
    for ((series, least), before) in series.iter().zip(before) {
        let grown = host.metric(series) - before;
        assert!(grown >= *least, "{series} grew by {grown} only, to {}", before + grown);
    }
}

#[test]
fn the_store_is_measured_by_resource() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
    let objects = r#"apiserver_resource_objects{group="",resource="configmaps"}"#;
    let of = |operation: &str| {
        let labels = format!(r#"{{group="",operation="{operation}",resource="configmaps"}}"#);
        [format!("etcd_requests_total{labels}"), format!("etcd_request_duration_seconds_count{labels}")]
    };
    let [created, timed] = of("create");
    let storage = [
        (objects, 1.0),
        (r#"apiserver_storage_objects{resource="configmaps"}"#, 1.0),
        (r#"apiserver_storage_events_received_total{group="",resource="configmaps"}"#, 1.0),
        (r#"apiserver_watch_cache_resource_version{group="",resource="configmaps"}"#, 1.0),
        ("host_store_revision", 1.0),
        (&created, 1.0),
        (&timed, 1.0),
    ];
    grow(&host, &storage, || drop(client.post(CONFIG_MAPS, &map).expect(201)));
    let [updated, timed] = of("update");
    grow(&host, &[(&updated, 1.0), (&timed, 1.0)], || {
        let changed = json!({"data": {"k": "w"}}).to_string();
        let path = format!("{CONFIG_MAPS}/a");
        client.send("PATCH", &path, "application/merge-patch+json", changed.as_bytes()).expect(200);
    });
    let lists = [
        (r#"apiserver_cache_list_total{group="",index="",resource="configmaps"}"#, 1.0),
        (r#"apiserver_cache_list_returned_objects_total{group="",resource="configmaps"}"#, 1.0),
        (
            r#"apiserver_watch_cache_consistent_read_total{fallback="false",group="",resource="configmaps",success="true"}"#,
            1.0,
        ),
    ];
    grow(&host, &lists, || drop(client.get(CONFIG_MAPS).expect(200)));
    let [deleted, timed] = of("delete");
    grow(&host, &[(&deleted, 1.0), (&timed, 1.0), (objects, -1.0)], || {
        client.send("DELETE", &format!("{CONFIG_MAPS}/a"), "", b"").expect(200);
    });
    assert!(host.metric(r#"apiserver_storage_size_bytes{storage_cluster_id="store-0"}"#) > 0.0);
    assert!(host.metric("host_store_watchers") > 0.0, "hooks watch");
    assert_eq!(host.metric("host_store_alarm"), 0.0);

    // By the names that resources have, wherever their keys are.
    let containers = json!([{"name": "a", "image": "example.com/a:1"}]);
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": containers}});
    let spec = json!({"selector": {"matchLabels": {"app": "a"}}, "template": template});
    let named = |kind: &str, version: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
    let mut deployment = named("Deployment", "apps/v1");
    deployment["spec"] = spec;
    let found = [
        (r#"apiserver_resource_objects{group="apps",resource="deployments"}"#, 1.0),
        (r#"apiserver_storage_objects{resource="deployments.apps"}"#, 1.0),
        (r#"etcd_requests_total{group="apps",operation="create",resource="deployments"}"#, 1.0),
        (r#"apiserver_resource_objects{group="",resource="nodes"}"#, 1.0),
    ];
    grow(&host, &found, || {
        client.post(DEPLOYMENTS, &deployment).expect(201);
        client.post("/api/v1/nodes", &named("Node", "v1")).expect(201);
    });
    assert!(host.metric(r#"apiserver_resource_objects{group="",resource="services"}"#) >= 1.0, "`kubernetes` is one");
}

#[test]
fn plugins_are_measured_by_name() {
    let setup = Setup::bare().and_then(|setup| setup.link("neighbour", "prefix /neighbour"));
    let Some(setup) = setup.and_then(|setup| setup.link("measured", "prefix /measured")) else { return };
    let host = setup.start();
    let idle = r#"host_plugin_busy_seconds_total{plugin="neighbour"}"#;
    let series = [
        (r#"host_plugin_calls_total{outcome="ok",plugin="measured"}"#, 1.0),
        (r#"host_plugin_calls_total{outcome="failed",plugin="measured"}"#, 1.0),
        (r#"host_plugin_call_duration_seconds_count{plugin="measured"}"#, 2.0),
        (r#"host_plugin_instances_failed_total{plugin="measured"}"#, 1.0),
        // It works for 100 ms.
        (r#"host_plugin_busy_seconds_total{plugin="measured"}"#, 0.09),
        (idle, 0.0),
    ];
    // That it is told of the start takes as long as a busy machine lets it.
    let before = host.metric(idle);
    grow(&host, &series, || {
        host.client().get("/measured/work").expect(200);
        host.client().get("/measured/trap").expect(500);
    });
    // Its instance may be on its way back.
    host.client().get("/measured").expect(200);
    for plugin in ["measured", "neighbour"] {
        for family in ["host_plugin_memory_bytes", "host_plugin_instances", "host_plugin_generation"] {
            assert!(host.metric(&format!(r#"{family}{{plugin="{plugin}"}}"#)) > 0.0, "{family} of {plugin}");
        }
        assert_eq!(host.metric(&format!(r#"host_plugin_degraded{{plugin="{plugin}"}}"#)), 0.0);
    }
    assert!(host.metric(idle) - before < 0.09, "it has done nothing");
}

#[test]
fn watches_that_are_cut_and_reads_that_wait_are_counted_by_resource() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    let waits = r#"apiserver_watch_cache_read_wait_seconds_count{group="",resource="configmaps"}"#;
    // It does not come, and is waited for.
    grow(&host, &[(waits, 1.0)], || drop(client.get(&format!("{CONFIG_MAPS}?resourceVersion=1000000")).expect(504)));

    let unread = client.stream(&format!("{CONFIG_MAPS}?watch=true&resourceVersion=0"));
    let cut = r#"apiserver_terminated_watchers_total{group="",resource="configmaps"}"#;
    let create = |name: String, text: String| {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": text}});
        client.post(CONFIG_MAPS, &map).expect(201);
    };
    assert_eq!(host.metric(cut), 0.0);
    grow(&host, &[(cut, 1.0)], || {
        // More than any socket holds, and then more than the watch does.
        (0..24).for_each(|i| create(format!("large-{i}"), "x".repeat(1 << 20)));
        (0..=WATCHER_EVENTS_MAX).for_each(|i| create(format!("small-{i}"), String::new()));
    });
    drop(unread);
}

#[test]
fn what_requests_take_and_watches_tell_is_counted_as_upstream_does() {
    let Some(host) = Host::start() else { return };
    let client = host.client();
    let map = |name: &str, bytes: usize| {
        let data = json!({"k": "x".repeat(bytes)});
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data});
        client.post(CONFIG_MAPS, &map).expect(201);
    };
    let filter = |filter: &str| format!("apiserver_request_filter_duration_seconds_count{{filter=\"{filter}\"}}");
    let filters = ["authentication", "audit", "constrainedimpersonation", "authorization"].map(filter);
    let expiring = "apiserver_client_certificate_expiration_seconds";
    let (certificates, not_expired) = (format!("{expiring}_count"), format!("{expiring}_bucket{{le=\"0\"}}"));
    let filters = filters.iter().chain([&certificates]).map(|series| (series.as_str(), 1.0)).collect::<Vec<_>>();
    grow(&host, &filters, || map("small", 1));
    assert_eq!(host.metric(&not_expired), 0.0);

    let labels = r#"group="",resource="configmaps",version="v1""#;
    let told = format!("apiserver_watch_events_total{{{labels}}}");
    let sizes = format!("apiserver_watch_events_sizes_count{{{labels}}}");
    let bucket = |le: u32| format!("apiserver_watch_events_sizes_bucket{{{labels},le=\"{le}\"}}");
    let (small, large) = (bucket(1024), bucket(4096));
    let before = [&told, &sizes, &small, &large].map(|series| host.metric(series));
    // Two at once, one by itself, and three rows.
    map("large", 3_000);
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=0");
    let mut watch = client.stream(&path);
    watch.by_ref().take(2).for_each(drop);
    map("another", 3_000);
    watch.next().expect("it is told");
    client.stream_as("application/json;as=Table;v=v1;g=meta.k8s.io", &path).take(3).for_each(drop);
    let after = [&told, &sizes, &small, &large].map(|series| host.metric(series));
    let grown: Vec<f64> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    assert_eq!(grown[..2], [6.0, 6.0], "{before:?}");
    assert!((1.0..=5.0).contains(&grown[2]) && grown[3] == 6.0, "{grown:?}");
}
