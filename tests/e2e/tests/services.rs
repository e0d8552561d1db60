//! Addresses of services: of both families, over restarts, of ranges that are made later, and repaired.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::{Client, Etcd, Host, Kubectl, Setup, eventually};
use serde_json::{Value, json};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const ADDRESSES: &str = "/apis/networking.k8s.io/v1/ipaddresses";
const RANGES: &str = "/apis/networking.k8s.io/v1/servicecidrs";
const BOTH: &str = "--service-cluster-ip-range=10.0.0.0/24,fd00:10::/108";

fn host(arguments: &[&str]) -> Option<Host> {
    Some(Setup::default_chain()?.with(arguments).start())
}

fn service(name: &str, spec: &Value) -> Value {
    let mut service =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    let members = spec.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    service["spec"].as_object_mut().expect("it is one").extend(members);
    service
}

/// The addresses of a service, which are its own.
#[track_caller]
fn addresses(client: &Client, name: &str) -> Vec<String> {
    let service = client.get(&format!("{SERVICES}/{name}")).expect(200).json();
    let addresses = service["spec"]["clusterIPs"].as_array().cloned().unwrap_or_default();
    let addresses: Vec<String> = addresses.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for address in &addresses {
        let parent = client.get(&format!("{ADDRESSES}/{address}")).expect(200).json()["spec"]["parentRef"].clone();
        assert_eq!(parent, json!({"resource": "services", "namespace": "default", "name": name}), "{address}");
    }
    addresses
}

#[track_caller]
fn deleted(client: &Client, path: &str) {
    client.send("DELETE", path, "application/json", b"").expect(200);
}

#[test]
fn addresses_of_both_families_survive_a_restart_and_are_repaired() {
    let Some(host) = host(&[BOTH]) else { return };
    let client = host.client();
    client.post(SERVICES, &service("both", &json!({"ipFamilyPolicy": "RequireDualStack"}))).expect(201);
    client.post(SERVICES, &service("kept", &json!({"ipFamilies": ["IPv6"]}))).expect(201);
    let (both, kept) = (addresses(client, "both"), addresses(client, "kept"));
    assert!(both[0].starts_with("10.0.0.") && both[1].starts_with("fd00:10::"), "{both:?}");

    // Somebody takes addresses away, and somebody writes what the server alone writes.
    both.iter().for_each(|address| deleted(client, &format!("{ADDRESSES}/{address}")));
    let leaked = |name: &str, service: &str| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
            "metadata": {"name": name, "labels": {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}},
            "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": service}}})
    };
    // Below what is drawn from.
    for (name, service) in [("10.0.0.9", "gone"), ("fd00:10::9", "kept")] {
        client.post(ADDRESSES, &leaked(name, service)).expect(201);
    }

    let host = host.terminate().0.start();
    let client = host.client();
    assert_eq!((addresses(client, "both"), addresses(client, "kept")), (both.clone(), kept));
    for name in ["10.0.0.9", "fd00:10::9"] {
        client.get(&format!("{ADDRESSES}/{name}")).expect(404);
    }
    let events = client.get("/apis/events.k8s.io/v1/namespaces/default/events").expect(200).json();
    let mut notes: Vec<&str> =
        events["items"].as_array().expect("it is a list").iter().filter_map(|event| event["note"].as_str()).collect();
    notes.sort_unstable();
    let mut expected = [
        format!("Cluster IP [IPv4]: {} is not allocated; repairing", both[0]),
        format!("Cluster IP [IPv6]: {} is not allocated; repairing", both[1]),
        "IPAddress: 10.0.0.9 for Service default/gone appears to have leaked: cleaning up".into(),
        "IPAddress: fd00:10::9 for Service default/kept has a wrong reference; cleaning up".into(),
    ];
    expected.sort_unstable();
    assert_eq!(notes, expected);

    // What was given back can be had again.
    deleted(client, &format!("{SERVICES}/both"));
    client.post(SERVICES, &service("next", &json!({"clusterIP": both[1]}))).expect(201);
    assert_eq!(addresses(client, "next"), both[1..]);
}

#[test]
fn a_health_check_has_a_node_port_of_its_own() {
    let Some(host) = host(&[]) else { return };
    let client = host.client();
    // No other port is drawn, which might be the one that is asked for.
    let local = |port: i64| json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "externalTrafficPolicy": "Local", "healthCheckNodePort": port});
    let port = |name: &str| {
        let service = client.get(&format!("{SERVICES}/{name}")).expect(200).json();
        service["spec"]["healthCheckNodePort"].as_i64().unwrap_or(0)
    };
    client.post(SERVICES, &service("first", &local(0))).expect(201);
    let first = port("first");
    assert!((30_000..32_768).contains(&first), "{first}");
    for (asked, why) in [
        (first, "provided port is already allocated"),
        (80, "provided port is not in the valid range. The range of valid ports is 30000-32767"),
    ] {
        let refused = client.post(SERVICES, &service("second", &local(asked))).expect(500).json();
        let expected =
            format!("Internal error occurred: failed to allocate requested HealthCheck NodePort {asked}: {why}");
        assert_eq!(refused["message"], expected);
    }
    // Given up, it is another's.
    let cluster = json!({"spec": {"externalTrafficPolicy": "Cluster"}}).to_string();
    let path = format!("{SERVICES}/first");
    client.send("PATCH", &path, "application/merge-patch+json", cluster.as_bytes()).expect(200);
    assert_eq!(port("first"), 0);
    client.post(SERVICES, &service("second", &local(first))).expect(201);
    deleted(client, &format!("{SERVICES}/second"));
    client.post(SERVICES, &service("third", &local(first))).expect(201);
    assert_eq!(port("third"), first);
}

#[test]
fn a_service_takes_its_endpoints_along() {
    let Some(host) = host(&[]) else { return };
    let (client, endpoints) = (host.client(), "/api/v1/namespaces/default/endpoints");
    for name in ["goes", "stays"] {
        client.post(SERVICES, &service(name, &json!({}))).expect(201);
        let metadata = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name}});
        client.post(endpoints, &metadata).expect(201);
    }
    deleted(client, &format!("{SERVICES}/goes"));
    client.send("DELETE", &format!("{SERVICES}/stays?dryRun=All"), "application/json", b"").expect(200);
    client.get(&format!("{endpoints}/goes")).expect(404);
    client.get(&format!("{endpoints}/stays")).expect(200);
}

#[test]
fn a_second_range_makes_a_cluster_one_of_both_families() {
    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.clone().with(&["--service-cluster-ip-range=10.0.0.0/24"]).start();
    let prefers = json!({"ipFamilyPolicy": "PreferDualStack"});
    host.client().post(SERVICES, &service("before", &prefers)).expect(201);
    drop(host);

    let host = setup.clone().with(&[BOTH]).start();
    let client = host.client();
    let range = client.get(&format!("{RANGES}/kubernetes")).expect(200).json();
    assert_eq!(range["spec"]["cidrs"], json!(["10.0.0.0/24", "fd00:10::/108"]));
    client.post(SERVICES, &service("after", &prefers)).expect(201);
    assert_eq!((addresses(client, "before").len(), addresses(client, "after").len()), (1, 2));
    let grows = json!({"spec": {"ipFamilyPolicy": "RequireDualStack"}}).to_string();
    client.send("PATCH", &format!("{SERVICES}/before"), "application/merge-patch+json", grows.as_bytes()).expect(200);
    assert_eq!(addresses(client, "before").len(), 2);
    drop(host);

    // Another range is not what the object says, which stays: it is said, and addresses are still the object's.
    let host = setup.with(&["--service-cluster-ip-range=10.7.0.0/24"]).start();
    host.wait_for_log("--service-cluster-ip-range says");
    let client = host.client();
    client.post(SERVICES, &service("other", &prefers)).expect(201);
    let other = addresses(client, "other");
    assert!(other.len() == 1 && other[0].starts_with("10.0.0."), "{other:?}");
}

#[test]
fn a_range_gives_all_its_addresses_and_further_ones_are_in_a_range_that_is_made_later() {
    let Some(host) = host(&["--service-cluster-ip-range=10.0.0.0/26"]) else { return };
    let client = host.client();
    // All but those of the network, of everybody and of the service `kubernetes`.
    for n in 0..61 {
        client.post(SERVICES, &service(&format!("s{n}"), &json!({}))).expect(201);
    }
    let full = client.post(SERVICES, &service("more", &json!({}))).expect(500).json();
    let why = "Internal error occurred: failed to allocate a serviceIP for Service \"more\": range is full";
    assert_eq!(full["message"], why);

    let given_back = addresses(client, "s7");
    deleted(client, &format!("{SERVICES}/s7"));
    client.post(SERVICES, &service("more", &json!({}))).expect(201);
    assert_eq!(addresses(client, "more"), given_back);

    let range = json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "later"},
        "spec": {"cidrs": ["10.8.0.0/24"]}});
    client.post(RANGES, &range).expect(201);
    let says = |status: &str| {
        let condition = json!({"type": "Ready", "status": status, "reason": "Test", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let patch = json!({"status": {"conditions": [condition]}}).to_string();
        let path = format!("{RANGES}/later/status");
        client.send("PATCH", &path, "application/merge-patch+json", patch.as_bytes()).expect(200);
    };
    says("False");
    client.post(SERVICES, &service("later", &json!({}))).expect(500);
    client.post(SERVICES, &service("later", &json!({"clusterIP": "10.8.0.9"}))).expect(422);
    says("True");
    client.post(SERVICES, &service("later", &json!({}))).expect(201);
    let later = addresses(client, "later");
    assert!(later[0].starts_with("10.8.0."), "{later:?}");
}

#[test]
fn kubectl_shows_addresses_and_ranges_of_both_families() {
    let Some(host) = host(&[BOTH]) else { return };
    let Some(kubectl) = Kubectl::of(&host) else { return };
    let spec = json!({"ipFamilyPolicy": "RequireDualStack", "clusterIP": "fd00:10::9", "clusterIPs": ["fd00:10::9", "10.0.0.9"]});
    host.client().post(SERVICES, &service("shown", &spec)).expect(201);
    let mut shown = String::new();
    for what in [&["svc", "shown", "-o", "wide"][..], &["ipaddresses"], &["servicecidrs"]] {
        shown += &kubectl.run(&[&["get"], what].concat()).success();
    }
    for cells in [
        &["shown", "ClusterIP", "fd00:10::9", "<none>", "80/TCP"][..],
        &["10.0.0.9", "services/default/shown"],
        &["fd00:10::9", "services/default/shown"],
        &["kubernetes", "10.0.0.0/24,fd00:10::/108"],
    ] {
        let found = shown.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().starts_with(cells));
        assert!(found, "no line {cells:?} in\n{shown}");
    }
    let described = kubectl.run(&["describe", "svc", "shown"]).success();
    assert!(described.lines().any(|line| line.split_whitespace().eq(["IPs:", "fd00:10::9,10.0.0.9"])), "{described}");
}

#[test]
fn a_new_family_alone_serves_its_own() {
    let Some(host) = host(&["--service-cluster-ip-range=fd00:10::/64"]) else { return };
    let client = host.client();
    eventually(|| client.get(&format!("{SERVICES}/kubernetes")).status == 200, || "the service is never made".into());
    assert_eq!(addresses(client, "kubernetes"), ["fd00:10::1"]);
    client.post(SERVICES, &service("any", &json!({"ipFamilyPolicy": "PreferDualStack"}))).expect(201);
    assert_eq!(addresses(client, "any").len(), 1);
}

/// Where the service `kubernetes` leads, by its endpoints and by its slice, which say the same.
#[track_caller]
fn leads_to(client: &Client) -> Vec<String> {
    let text = |address: &Value| address.as_str().unwrap_or_default().to_owned();
    let endpoints = client.get("/api/v1/namespaces/default/endpoints/kubernetes").expect(200).json();
    let subset = &endpoints["subsets"][0];
    let addresses = subset["addresses"].as_array().cloned().unwrap_or_default();
    let addresses: Vec<String> = addresses.iter().map(|address| text(&address["ip"])).collect();
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let slice = client.get(&format!("{slices}/kubernetes")).expect(200).json();
    let sliced = slice["endpoints"].as_array().cloned().unwrap_or_default();
    let sliced: Vec<String> = sliced.iter().map(|endpoint| text(&endpoint["addresses"][0])).collect();
    assert_eq!((&addresses, &subset["ports"][0]["port"]), (&sliced, &slice["ports"][0]["port"]));
    addresses
}

#[test]
fn others_are_told_of_the_address_that_is_advertised() {
    let Some(setup) = Setup::default_chain() else { return };
    let advertised = |address: &str| setup.clone().with(&[&format!("--advertise-address={address}")]).start();
    let host = advertised("192.0.2.7");
    let client = host.client();
    assert_eq!(leads_to(client), ["192.0.2.7"]);
    let port = client.url("").rsplit_once(':').expect("it has a port").1.trim_end_matches('/').to_owned();
    let known = client.get("/api").expect(200).json();
    assert_eq!(known["serverAddressByClientCIDRs"][0]["serverAddress"], format!("192.0.2.7:{port}"));
    let service = || client.get(&format!("{SERVICES}/kubernetes")).expect(200).json();
    assert_eq!(service()["spec"]["ports"][0]["targetPort"].to_string(), port);

    // What somebody writes there does not stay.
    let other = json!({"subsets": [{"addresses": [{"ip": "192.0.2.99"}], "ports": [{"port": 1}]}]}).to_string();
    let path = "/api/v1/namespaces/default/endpoints/kubernetes";
    client.send("PATCH", path, "application/merge-patch+json", other.as_bytes()).expect(200);
    let asked = || client.get(path).expect(200).json()["subsets"][0]["addresses"][0]["ip"] == "192.0.2.7";
    eventually(asked, || "the endpoints stay what somebody made them".to_owned());

    // Who ends is no endpoint any more, and another address and port are those of the next start.
    host.terminate();
    let nowhere = advertised("127.0.0.1");
    assert_eq!(leads_to(nowhere.client()), [""; 0]);
    nowhere.terminate();
    let host = advertised("192.0.2.8");
    assert_eq!(leads_to(host.client()), ["192.0.2.8"]);
}

#[test]
fn servers_that_share_a_store_are_endpoints_of_one_service() {
    let Some(etcd) = Etcd::start() else { return };
    let Some(setup) = Setup::default_chain() else { return };
    let another = Setup::default_chain().expect("there was one");
    let host = |setup: Setup, address: &str| {
        setup.with(&["--etcd-servers", etcd.servers(), &format!("--advertise-address={address}")]).start()
    };
    let (first, second) = (host(setup, "192.0.2.7"), host(another, "192.0.2.8"));
    assert_eq!(leads_to(second.client()), ["192.0.2.7", "192.0.2.8"]);
    first.terminate();
    assert_eq!(leads_to(second.client()), ["192.0.2.8"]);
}

#[test]
fn node_ports_are_repaired() {
    let Some(etcd) = Etcd::start() else { return };
    let host = || host(&["--etcd-servers", etcd.servers()]);
    let Some(first) = host() else { return };
    let of = |port: i64| json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]});
    first.client().post(SERVICES, &service("kept", &of(30_100))).expect(201);
    first.terminate();

    // What is taken is forgotten, and something is taken that nobody has.
    let key = |port: i64| STANDARD.encode(format!("/registry/ranges/servicenodeports/{port}"));
    etcd.ask("/v3/kv/deleterange", &json!({"key": key(30_100)}));
    let leaked = json!({"kind": "RangeAllocation", "apiVersion": "v1", "metadata": {"name": "30200"}, "range": "30200",
        "data": "default/gone"});
    etcd.ask("/v3/kv/put", &json!({"key": key(30_200), "value": STANDARD.encode(leaked.to_string())}));

    let Some(second) = host() else { return };
    let client = second.client();
    let refused = client.post(SERVICES, &service("other", &of(30_100))).expect(422).json();
    assert!(refused["message"].to_string().contains("provided port is already allocated"), "{refused}");
    client.post(SERVICES, &service("other", &of(30_200))).expect(201);
    let events = client.get("/apis/events.k8s.io/v1/namespaces/default/events").expect(200).json();
    let events = events["items"].as_array().cloned().unwrap_or_default();
    let told = events.iter().any(|event| {
        event["note"] == "Port 30100 is not allocated; repairing" && event["reason"] == "PortNotAllocated"
    });
    assert!(told, "{events:?}");
}
