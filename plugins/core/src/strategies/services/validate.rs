//! Whether a service can be one, and may become another.

use std::collections::BTreeSet;

use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use super::texts;

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const POLICIES: [&str; 2] = ["Cluster", "Local"];
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const FAMILY_POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameZone", "PreferSameNode"];
const AFFINITY_SECONDS_MAX: i64 = 86_400;
const BALANCED_ONLY: &str = "may only be used when `type` is 'LoadBalancer'";
const NOT_FOR_NAMES: &str = "may not be set for ExternalName services";
const ONCE: &str = "may not change once set";
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";

/// All findings about a service; `old` is what it was, if it was.
pub(super) fn service(object: &Value, old: Option<&Value>, findings: &mut Findings) {
    let nothing = Value::Null;
    let (root, before) = (Place::root(object), Place::root(old.unwrap_or(&nothing)));
    topology(&root, findings);
    let spec = root.at("spec");
    let kind = spec.at("type");
    let ports = spec.at("ports");
    let headless = is_headless(spec.value());
    if ports.is_empty() && !headless && kind.text() != "ExternalName" {
        ports.required("", findings);
    }
    match kind.text() {
        name @ ("LoadBalancer" | "NodePort") if headless => {
            spec.at("clusterIPs").item(0).invalid(format!("may not be set to 'None' for {name} services"), findings);
        }
        "ExternalName" => external_name(&spec, findings),
        _ => {}
    }
    let mut taken = BTreeSet::new();
    for port in ports.items() {
        self::port(&port, ports.count() > 1, &mut taken, findings);
    }
    spec.at("selector").labels(findings);
    affinity(&spec, findings);
    addresses(&spec, &before.at("spec"), findings);
    let had: Vec<&str> = texts(before.at("spec.externalIPs").value());
    for address in spec.at("externalIPs").items() {
        external_address(&address, &had, findings);
    }
    kind.one_of(&TYPES, findings);
    if kind.text() == "ClusterIP" {
        for port in ports.items().filter(|port| port.at("nodePort").number().unwrap_or(0) != 0) {
            port.at("nodePort").forbidden("may not be used when `type` is 'ClusterIP'", findings);
        }
    }
    duplicates(&ports, findings);
    source_ranges(&root, &before, findings);
    let allocate = spec.at("allocateLoadBalancerNodePorts");
    if allocate.is_given() && kind.text() != "LoadBalancer" {
        allocate.forbidden(BALANCED_ONLY, findings);
    }
    balancer_class(&spec, None, findings);
    traffic(&spec, findings);
    spec.at("trafficDistribution").none_or_one_of(&DISTRIBUTIONS, findings);
}

/// What an update may not do; the rest is what a new service may not be.
pub(super) fn change(object: &Value, old: &Value, findings: &mut Findings) {
    let root = Place::root(object);
    let (spec, was) = (root.at("spec"), &old["spec"]);
    if spec.at("type").text() != "ExternalName" && was["type"] != "ExternalName" {
        changed_addresses(&spec, was, findings);
        changed_families(&spec, was, findings);
    }
    balancer_class(&spec, Some(was), findings);
    if needs_health_check(spec.value()) && needs_health_check(was) {
        let port = spec.at("healthCheckNodePort");
        if port.value() != &was["healthCheckNodePort"] {
            port.forbidden("field is immutable", findings);
        }
    }
    service(object, Some(old), findings);
}

/// What a load balancer tells.
pub(super) fn status(object: &Value, old: &Value, findings: &mut Findings) {
    let root = Place::root(object);
    let ingress = root.at("status.loadBalancer.ingress");
    if object["spec"]["type"] != "LoadBalancer" && !ingress.is_empty() {
        return ingress.forbidden("may only be used when `spec.type` is 'LoadBalancer'", findings);
    }
    let had: Vec<&str> = old["status"]["loadBalancer"]["ingress"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|point| point["ip"].as_str())
        .collect();
    for point in ingress.items() {
        let (ip, mode) = (point.at("ip"), point.at("ipMode"));
        if !ip.is_empty() {
            ip.address(&had, findings);
        }
        match (mode.is_given(), ip.is_empty()) {
            (false, false) => mode.required("must be specified when `ip` is set", findings),
            (true, true) => mode.forbidden("may not be specified when `ip` is not set", findings),
            _ => mode.none_or_one_of(&["Proxy", "VIP"], findings),
        }
        host_name(&point.at("hostname"), findings);
    }
}

/// The name under which a load balancer is reached.
pub(in super::super) fn host_name(name: &Place<'_, '_>, findings: &mut Findings) {
    if name.is_empty() {
        return;
    }
    name.shaped(names::dns1123_subdomain, findings);
    if Address::parse(name.text()).is_some() {
        name.invalid("must be a DNS name, not an IP address", findings);
    }
}

fn topology(root: &Place<'_, '_>, findings: &mut Findings) {
    let annotations = root.at("metadata.annotations");
    let (mode, hints) = (annotations.entry(TOPOLOGY_MODE), annotations.entry(TOPOLOGY_HINTS));
    if mode.is_given() && hints.is_given() && mode.text() != hints.text() {
        mode.invalid(format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified"), findings);
    }
}

fn external_name(spec: &Place<'_, '_>, findings: &mut Findings) {
    if !spec.at("clusterIPs").is_empty() {
        spec.at("clusterIPs").forbidden(NOT_FOR_NAMES, findings);
    }
    if !spec.at("ipFamilies").is_empty() {
        spec.at("ipFamilies").forbidden(NOT_FOR_NAMES, findings);
    }
    if spec.at("ipFamilyPolicy").is_given() {
        spec.at("ipFamilyPolicy").forbidden(NOT_FOR_NAMES, findings);
    }
    let name = spec.at("externalName");
    match name.text().strip_suffix('.').unwrap_or(name.text()) {
        "" => name.required("", findings),
        text => drop(name.with(&text.into()).shaped(names::dns1123_subdomain, findings)),
    }
}

fn port<'v>(port: &Place<'_, 'v>, needs_name: bool, taken: &mut BTreeSet<&'v str>, findings: &mut Findings) {
    let name = port.at("name");
    if !name.is_empty() {
        name.shaped(names::dns1123_label, findings);
        if !taken.insert(name.text()) {
            name.duplicate(findings);
        }
    } else if needs_name {
        name.required("", findings);
    }
    port.at("port").port(findings);
    port.at("protocol").one_of(&PROTOCOLS, findings);
    port.at("targetPort").port_or_name(findings);
    if port.at("appProtocol").is_given() {
        port.at("appProtocol").shaped(names::qualified_name, findings);
    }
}

fn affinity(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (affinity, config) = (spec.at("sessionAffinity"), spec.at("sessionAffinityConfig"));
    affinity.one_of(&["ClientIP", "None"], findings);
    match affinity.text() {
        "ClientIP" => {
            let seconds = config.at("clientIP.timeoutSeconds");
            if seconds.number().is_some_and(|seconds| !(1..=AFFINITY_SECONDS_MAX).contains(&seconds)) {
                let why = format!("must be greater than 0 and less than {AFFINITY_SECONDS_MAX}");
                seconds.invalid(why, findings);
            }
        }
        "None" if config.is_given() => {
            config.forbidden("must not be set when session affinity is None", findings);
        }
        _ => {}
    }
}

fn is_headless(spec: &Value) -> bool {
    texts(&spec["clusterIPs"]) == ["None"] || (spec["clusterIPs"].is_null() && spec["clusterIP"] == "None")
}

/// Addresses in the cluster, and the families that they are of.
pub(super) fn addresses(spec: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) {
    if spec.at("type").text() == "ExternalName" {
        return;
    }
    let (first, all, families) = (spec.at("clusterIP"), spec.at("clusterIPs"), spec.at("ipFamilies"));
    let listed = texts(all.value());
    if first.is_empty() {
        if !listed.is_empty() {
            all.invalid("must be empty when `clusterIP` is not specified", findings);
        }
    } else if listed.is_empty() {
        all.required("", findings);
    } else if listed[0] != first.text() {
        all.invalid("first value must match `clusterIP`", findings);
    }
    let mut seen = BTreeSet::new();
    for family in families.items() {
        family.none_or_one_of(&FAMILIES, findings);
        if !seen.insert(family.text()) {
            family.duplicate(findings);
        }
    }
    spec.at("ipFamilyPolicy").none_or_one_of(&FAMILY_POLICIES, findings);
    let had = texts(old.at("clusterIPs").value());
    let before = findings.len();
    for (index, address) in all.items().enumerate() {
        if index > 0 || address.text() != "None" {
            address.address(&had, findings);
        } else if listed.len() > 1 {
            all.invalid("'None' must be the first and only value", findings);
        }
    }
    let wrong = findings.len() != before;
    if listed.len() > 2 {
        all.invalid("may only hold up to 2 values", findings);
    }
    if wrong {
        return;
    }
    let is_new = |address: &str| Address::parse(address).is_some_and(|address| address.ip.is_ipv6());
    let new = listed.iter().filter(|address| is_new(address)).count();
    if listed.len() > 1 && (new == 0 || new == listed.len()) {
        all.invalid("may specify no more than one IP for each IP family", findings);
    }
    if is_headless(spec.value()) {
        return;
    }
    for (index, (address, family)) in all.items().zip(families.items()).enumerate() {
        let wrong = match family.text() {
            "IPv4" => is_new(address.text()),
            "IPv6" => !is_new(address.text()),
            _ => false,
        };
        if wrong {
            let why = format!("expected an {} value as indicated by `ipFamilies[{index}]`", family.text());
            address.invalid(why, findings);
        }
    }
}

/// Addresses outside of the cluster, none of which is one of the machine's own.
fn external_address(address: &Place<'_, '_>, had: &[&str], findings: &mut Findings) {
    let before = findings.len();
    address.address(had, findings);
    if findings.len() == before {
        public_address(address, findings);
    }
}

/// An address that others can reach.
pub(in super::super) fn public_address(address: &Place<'_, '_>, findings: &mut Findings) {
    let Some(parsed) = Address::parse(address.text()) else { return };
    let ip = parsed.ip.to_canonical();
    if ip.is_unspecified() {
        address.invalid(format!("may not be unspecified ({})", address.text()), findings);
    }
    if ip.is_loopback() {
        address.invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)", findings);
    }
    let (link, link_multicast) = match ip {
        std::net::IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        std::net::IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.segments()[0] & 0xff0f == 0xff02),
    };
    if link {
        address.invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)", findings);
    }
    if link_multicast {
        address.invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)", findings);
    }
}

/// No two ports may be the same for those who connect.
fn duplicates(ports: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        let number = port.at("nodePort").number().unwrap_or(0);
        if number != 0 && !seen.insert((port.at("protocol").text(), number)) {
            port.at("nodePort").duplicate(findings);
        }
    }
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        let (protocol, number) = (port.at("protocol").text(), port.at("port").number().unwrap_or(0));
        if !seen.insert((protocol, number)) {
            let shown = json!({
                "Name": "", "Protocol": protocol, "AppProtocol": null, "Port": number, "TargetPort": 0, "NodePort": 0,
            });
            port.duplicate_as(&shown, findings);
        }
    }
}

fn source_ranges(root: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) {
    let spec = root.at("spec");
    let balanced = spec.at("type").text() == "LoadBalancer";
    let ranges = spec.at("loadBalancerSourceRanges");
    if !ranges.is_empty() {
        // As upstream writes it.
        let shown = spec.at("LoadBalancerSourceRanges");
        let shown = shown.with(ranges.value());
        if !balanced {
            shown.forbidden(BALANCED_ONLY, findings);
        }
        let had: Vec<&str> =
            texts(old.at("spec.loadBalancerSourceRanges").value()).into_iter().map(str::trim).collect();
        for range in shown.items() {
            range.with(&range.text().trim().into()).range(&had, findings);
        }
        return;
    }
    let annotations = root.at("metadata.annotations");
    let annotation = annotations.entry(RANGES);
    if !annotation.is_given() {
        return;
    }
    if !balanced {
        annotation.forbidden(BALANCED_ONLY, findings);
    }
    let text = annotation.text().trim();
    if !text.is_empty() && old.at("metadata.annotations").entry(RANGES).value() != annotation.value() {
        for range in text.split(',') {
            annotation.with(&range.trim().into()).range(&[], findings);
        }
    }
}

fn balancer_class(spec: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    let class = spec.at("loadBalancerClass");
    let balanced = spec.at("type").text() == "LoadBalancer";
    if let Some(old) = old
        && balanced
        && old["type"] == "LoadBalancer"
        && class.value() != &old["loadBalancerClass"]
    {
        class.invalid_as(class.value(), ONCE, findings);
    }
    if !class.is_given() {
    } else if balanced {
        class.shaped(names::qualified_name, findings);
    } else {
        class.forbidden(BALANCED_ONLY, findings);
    }
}

pub(super) fn is_exposed(spec: &Value) -> bool {
    let outside = spec["externalIPs"].as_array().is_some_and(|addresses| !addresses.is_empty());
    matches!(spec["type"].as_str(), Some("LoadBalancer" | "NodePort")) || (spec["type"] == "ClusterIP" && outside)
}

pub(super) fn needs_health_check(spec: &Value) -> bool {
    spec["type"] == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
}

fn traffic(spec: &Place<'_, '_>, findings: &mut Findings) {
    let outside = spec.at("externalTrafficPolicy");
    if is_exposed(spec.value()) {
        outside.one_of(&POLICIES, findings);
    } else if !outside.is_empty() {
        outside.invalid("may only be set for externally-accessible services", findings);
    }
    let check = spec.at("healthCheckNodePort");
    match (needs_health_check(spec.value()), check.number().unwrap_or(0)) {
        (false, 0) => {}
        (false, _) => {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            check.invalid(why, findings);
        }
        // One is allocated after this.
        (true, 0) => {}
        (true, _) => check.port(findings),
    }
    let inside = spec.at("internalTrafficPolicy");
    if inside.is_given() {
        inside.none_or_one_of(&POLICIES, findings);
    } else if matches!(spec.at("type").text(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        inside.required("", findings);
    }
}

fn changed_addresses(spec: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    if is_headless(spec.value()) && is_headless(old) {
        return;
    }
    let all = spec.at("clusterIPs");
    let (new, old) = (texts(all.value()), texts(&old["clusterIPs"]));
    let shown = json!(new);
    let mut refuse = |index: usize, why: &str| all.item(index).invalid_as(&shown, why, findings);
    if new.len() == old.len() {
        (0..new.len()).filter(|index| new[*index] != old[*index]).for_each(|index| refuse(index, ONCE));
    } else if new.is_empty() {
        refuse(0, "primary clusterIP can not be unset");
    } else if !old.is_empty() && new[0] != old[0] {
        refuse(0, ONCE);
    }
    let policy = spec.at("ipFamilyPolicy");
    if new.len() == 1 && old.len() > 1 && policy.text() != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        policy.invalid_as(policy.value(), why, findings);
    }
}

fn changed_families(spec: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    if is_headless(spec.value()) || is_headless(old) {
        return;
    }
    let all = spec.at("ipFamilies");
    let (new, old) = (texts(all.value()), texts(&old["ipFamilies"]));
    let shown = json!(new);
    if new.len() == old.len() {
        for _ in (0..new.len()).filter(|index| new[*index] != old[*index]) {
            all.item(0).invalid_as(&shown, ONCE, findings);
        }
    } else if !old.is_empty() && !new.is_empty() && new[0] != old[0] {
        all.item(0).invalid_as(spec.at("clusterIPs").value(), ONCE, findings);
    }
    let policy = spec.at("ipFamilyPolicy");
    if new.len() == 1 && old.len() > 1 && policy.text() != "SingleStack" {
        let why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
        policy.invalid_as(policy.value(), why, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_upstreams_order_and_words() {
        for (given, want) in [
            (
                json!({"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"}),
                vec!["spec.ports: Required value"],
            ),
            (
                json!({"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ports": [
                    {"port": 80, "protocol": "TCP", "targetPort": 80}, {"port": 0, "protocol": "TCP", "targetPort": 0}]}),
                vec![
                    "spec.ports[0].name: Required value",
                    "spec.ports[1].name: Required value",
                    "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    "spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
                ],
            ),
            (
                json!({"type": "ClusterIP", "sessionAffinity": "Sticky", "internalTrafficPolicy": "Cluster", "externalIPs": ["127.0.0.1"],
                    "externalTrafficPolicy": "Cluster", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30000}]}),
                vec![
                    "spec.sessionAffinity: Unsupported value: \"Sticky\": supported values: \"ClientIP\", \"None\"",
                    "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
                    "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
                ],
            ),
        ] {
            let mut findings = Vec::new();
            service(&json!({"spec": given}), None, &mut findings);
            assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
        }
    }

    #[test]
    fn what_was_allocated_stays() {
        let spec = |address: &str| {
            json!({"spec": {"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address],
            "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]}})
        };
        let mut findings = Vec::new();
        change(&spec("10.0.0.2"), &spec("10.0.0.1"), &mut findings);
        assert_eq!(
            findings[0].to_string(),
            "spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"
        );
    }
}
