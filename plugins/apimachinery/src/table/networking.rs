//! Services and what leads to and from them.

use std::collections::BTreeSet;

use super::object::{
    NONE, Object, UNSET, first_of, int_or_string, joined, label_set, list, number, selector_or_none, text, text_or,
};
use crate::tree::Value;

pub(super) fn services(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    let ports: Vec<String> = list(&spec["ports"])
        .iter()
        .map(|port| match (number(&port["port"]), number(&port["nodePort"]), text(&port["protocol"])) {
            (port, node_port, protocol) if node_port > 0 => format!("{port}:{node_port}/{protocol}"),
            (port, _, protocol) => format!("{port}/{protocol}"),
        })
        .collect();
    let ports = if ports.is_empty() { NONE.into() } else { ports.join(",") };
    let cluster_ip = list(&spec["clusterIPs"]).first().map_or(NONE, text);
    vec![
        object.name(),
        text(&spec["type"]).into(),
        cluster_ip.into(),
        external_ips(&object).into(),
        ports.into(),
        object.age(),
        label_set(&spec["selector"]).into(),
    ]
}

fn external_ips(service: &Value) -> String {
    let spec = &service["spec"];
    let given = joined(&spec["externalIPs"]);
    match text(&spec["type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => NONE.into(),
        "ClusterIP" | "NodePort" => given,
        "LoadBalancer" => match (load_balancer(service), given) {
            (balancer, given) if balancer.is_empty() && given.is_empty() => "<pending>".into(),
            (balancer, given) if given.is_empty() => balancer,
            (balancer, given) if balancer.is_empty() => given,
            (balancer, given) => format!("{balancer},{given}"),
        },
        "ExternalName" => text(&spec["externalName"]).into(),
        _ => "<unknown>".into(),
    }
}

/// The addresses of a load balancer, sorted.
fn load_balancer(object: &Value) -> String {
    let ingress = list(&object["status"]["loadBalancer"]["ingress"]).iter();
    let addresses: BTreeSet<&str> = ingress
        .map(|ingress| text_or(&ingress["ip"], text(&ingress["hostname"])))
        .filter(|address| !address.is_empty())
        .collect();
    Vec::from_iter(addresses).join(",")
}

pub(super) fn endpoint_slices(object: Object<'_>) -> Vec<Value> {
    let ports: Vec<String> = list(&object["ports"])
        .iter()
        .map(|port| match &port["port"] {
            Value::Null => int_or_string(&port["name"], "*"),
            number => number.to_string(),
        })
        .collect();
    let addresses: Vec<String> = list(&object["endpoints"])
        .iter()
        .flat_map(|endpoint| list(&endpoint["addresses"]))
        .map(|address| text(address).to_string())
        .collect();
    let or_unset = |all: Vec<String>| match first_of(&all, 3, ",") {
        empty if empty.is_empty() => UNSET.to_string(),
        shown => shown,
    };
    vec![
        object.name(),
        text(&object["addressType"]).into(),
        or_unset(ports).into(),
        or_unset(addresses).into(),
        object.age(),
    ]
}

pub(super) fn ingresses(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        object.name(),
        spec["ingressClassName"].as_str().unwrap_or(NONE).into(),
        hosts(list(&spec["rules"])).into(),
        load_balancer(&object).into(),
        if list(&spec["tls"]).is_empty() { "80" } else { "80, 443" }.into(),
        object.age(),
    ]
}

/// Rules without a host are counted but not shown, as upstream does.
fn hosts(rules: &[Value]) -> String {
    const SHOWN_MAX: usize = 3;
    let hosts: Vec<&str> = rules.iter().map(|rule| text(&rule["host"])).filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() {
        return "*".into();
    }
    let full = rules.iter().scan(0, |shown, rule| {
        let before = *shown;
        *shown += usize::from(!text(&rule["host"]).is_empty());
        Some(before >= SHOWN_MAX)
    });
    let shown = hosts[..hosts.len().min(SHOWN_MAX)].join(",");
    if full.into_iter().any(|full| full) { format!("{shown} + {} more...", rules.len() - SHOWN_MAX) } else { shown }
}

pub(super) fn ingress_classes(object: Object<'_>) -> Vec<Value> {
    let mut name = text(&object["metadata"]["name"]).to_string();
    if object.annotation("ingressclass.kubernetes.io/is-default-class") == Some("true") {
        name.push_str(" (default)");
    }
    let parameters = match &object["spec"]["parameters"] {
        Value::Null => NONE.into(),
        reference => {
            let group = reference["apiGroup"].as_str().map(|group| format!(".{group}")).unwrap_or_default();
            format!("{}{group}/{}", text(&reference["kind"]), text(&reference["name"]))
        }
    };
    vec![name.into(), text(&object["spec"]["controller"]).into(), parameters.into(), object.age()]
}

pub(super) fn network_policies(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), selector_or_none(&object["spec"]["podSelector"]).into(), object.age()]
}

pub(super) fn service_cidrs(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), joined(&object["spec"]["cidrs"]).into(), object.age()]
}

pub(super) fn ip_addresses(object: Object<'_>) -> Vec<Value> {
    let parent = match &object["spec"]["parentRef"] {
        Value::Null => NONE.into(),
        parent => {
            let mut path = vec![match (text(&parent["resource"]), text(&parent["group"])) {
                (resource, "") => resource.to_lowercase(),
                (resource, group) => format!("{resource}.{group}").to_lowercase(),
            }];
            if !text(&parent["namespace"]).is_empty() {
                path.push(text(&parent["namespace"]).into());
            }
            path.push(text(&parent["name"]).into());
            path.join("/")
        }
    };
    // Upstream adds the age, for which there is no column.
    vec![object.name(), parent.into(), object.age()]
}
