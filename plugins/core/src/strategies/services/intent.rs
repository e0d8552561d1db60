//! What a client meant that left things out, or changed one thing that others depend on: rules that keep
//! clients working that know less of services than there is to know.

use std::collections::BTreeSet;

use apimachinery::tree::{Value, json};

use super::{texts, validate};
use crate::tree::{is_empty, items, items_mut, remove, text};

/// Fills in what the client did not send and means nonetheless. `old` is what the service was, null if it is new.
pub(super) fn complete(spec: &mut Value, old: &Value) {
    if !old.is_null() {
        keep_allocated(spec, old);
    }
    follow_first(spec, old);
}

/// A client that sends none of what was allocated for it means what the service has.
fn keep_allocated(spec: &mut Value, old: &Value) {
    if spec["type"] != "ExternalName" && old["type"] != "ExternalName" {
        for key in ["clusterIP", "clusterIPs"] {
            if is_empty(&spec[key]) && !is_empty(&old[key]) {
                spec[key] = old[key].clone();
            }
        }
    }
    if needs_node_ports(spec) && needs_node_ports(old) {
        keep_node_ports(spec, old);
    }
    if validate::needs_health_check(spec)
        && validate::needs_health_check(old)
        && number(&spec["healthCheckNodePort"]) == 0
    {
        spec["healthCheckNodePort"] = old["healthCheckNodePort"].clone();
    }
}

/// Ports are known by their names; a node port that another port has now is that one's.
fn keep_node_ports(spec: &mut Value, old: &Value) {
    let (had, has) = (node_ports(old), node_ports(spec));
    for port in items_mut(spec, "ports").filter(|port| number(&port["nodePort"]) == 0) {
        // The last one, should there be several of a name.
        let same = items(old, "ports").filter(|own| text(own, "name") == text(port, "name")).last();
        let node_port = same.map_or(0, |own| number(&own["nodePort"]));
        if node_port != 0 && !(had.contains(&node_port) && has.contains(&node_port)) {
            port["nodePort"] = node_port.into();
        }
    }
}

/// A client that knows only the first address changes, or leaves, all of them by it.
fn follow_first(spec: &mut Value, old: &Value) {
    let first = text(spec, "clusterIP").to_string();
    let none = is_empty(&spec["clusterIPs"]);
    if old.is_null() {
        if !first.is_empty() && none {
            spec["clusterIPs"] = json!([first]);
        }
    } else if first == text(old, "clusterIP") {
        if none && !is_empty(&old["clusterIPs"]) {
            spec["clusterIPs"] = old["clusterIPs"].clone();
        }
    } else if texts(&spec["clusterIPs"]) == texts(&old["clusterIPs"]) {
        match &*first {
            "" => drop(remove(spec, "clusterIPs")),
            first => spec["clusterIPs"] = json!([first]),
        }
    }
}

/// Takes away what only the old type had, unless somebody asked for it anew: validation tells him.
pub(super) fn drop_dependent(spec: &mut Value, old: &Value) {
    let same = |spec: &Value, key: &str| {
        let (new, old) = (&spec[key], &old[key]);
        new == old || (is_empty(new) && is_empty(old))
    };
    if spec["type"] == "ExternalName" && old["type"] != "ExternalName" {
        if same(spec, "clusterIP") && same(spec, "clusterIPs") {
            remove(spec, "clusterIP");
            remove(spec, "clusterIPs");
        }
        for key in ["ipFamilies", "ipFamilyPolicy"] {
            if same(spec, key) {
                remove(spec, key);
            }
        }
    }
    let has_ports = |spec: &Value| matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if has_ports(old) && !has_ports(spec) && node_ports(old).is_superset(&node_ports(spec)) {
        items_mut(spec, "ports").for_each(|port| drop(remove(port, "nodePort")));
    }
    let was_balanced = old["type"] == "LoadBalancer" && spec["type"] != "LoadBalancer";
    for (key, gone) in [
        ("healthCheckNodePort", validate::needs_health_check(old) && !validate::needs_health_check(spec)),
        ("allocateLoadBalancerNodePorts", was_balanced),
        ("loadBalancerClass", was_balanced),
        ("externalTrafficPolicy", validate::is_exposed(old) && !validate::is_exposed(spec)),
    ] {
        if gone && same(spec, key) {
            remove(spec, key);
        }
    }
    // Upstream does not show it of a name, whoever sets it.
    if spec["type"] == "ExternalName" && same(spec, "internalTrafficPolicy") {
        remove(spec, "internalTrafficPolicy");
    }
}

fn needs_node_ports(spec: &Value) -> bool {
    spec["type"] == "NodePort" || (spec["type"] == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false)
}

fn node_ports(spec: &Value) -> BTreeSet<i64> {
    items(spec, "ports").map(|port| number(&port["nodePort"])).filter(|port| *port != 0).collect()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_keeps_what_was_allocated() {
        let old = json!({"type": "NodePort", "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9", "fd00::9"], "ports": [
            {"name": "a", "port": 80, "nodePort": 30080}, {"name": "b", "port": 81, "nodePort": 30081}]});
        let mut new = json!({"type": "NodePort", "ports": [
            {"name": "a", "port": 90}, {"name": "b", "port": 81}, {"name": "c", "port": 82, "nodePort": 30081}]});
        complete(&mut new, &old);
        assert_eq!((&new["clusterIP"], &new["clusterIPs"]), (&old["clusterIP"], &old["clusterIPs"]));
        let node_ports: Vec<_> = items(&new, "ports").map(|port| number(&port["nodePort"])).collect();
        assert_eq!(node_ports, [30080, 0, 30081]);
    }

    #[test]
    fn all_addresses_follow_the_first() {
        let both = json!(["10.0.0.9", "fd00::9"]);
        let old = json!({"type": "ClusterIP", "clusterIP": "10.0.0.9", "clusterIPs": both});
        for (sent, old, want) in [
            (json!({"clusterIP": "10.0.0.9"}), &Value::Null, json!(["10.0.0.9"])),
            (json!({"clusterIP": "10.0.0.9"}), &old, both.clone()),
            (json!({"clusterIP": "10.0.0.10", "clusterIPs": both}), &old, json!(["10.0.0.10"])),
            (json!({"clusterIP": "10.0.0.10", "clusterIPs": ["10.0.0.10"]}), &old, json!(["10.0.0.10"])),
            (json!({"type": "ExternalName", "clusterIP": "", "clusterIPs": both}), &old, Value::Null),
        ] {
            let mut spec = sent.clone();
            complete(&mut spec, old);
            assert_eq!(spec["clusterIPs"], want, "{sent}");
        }
    }

    #[test]
    fn what_a_type_has_not_goes_unless_it_was_asked_for() {
        let old = json!({"type": "NodePort", "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "externalTrafficPolicy": "Cluster", "ports": [{"nodePort": 30080}]});
        let mut same = old.clone();
        same["type"] = "ExternalName".into();
        drop_dependent(&mut same, &old);
        assert_eq!(same, json!({"type": "ExternalName", "ports": [{}]}));

        let mut other = old.clone();
        other["type"] = "ExternalName".into();
        other["clusterIP"] = "None".into();
        other["ports"] = json!([{"nodePort": 30081}]);
        drop_dependent(&mut other, &old);
        assert_eq!((&other["clusterIP"], number(&other["ports"][0]["nodePort"])), (&json!("None"), 30081));
    }
}
