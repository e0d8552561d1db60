//! Services: their ports and families, and the addresses and node ports that are theirs alone.

mod allocation;
mod validate;

use apimachinery::rest::object::carry_over;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::Place;
use plugin_sdk::Store;

pub(crate) use allocation::{PORTS_PREFIX, Range};
pub(super) use validate::{host_name, public_address};

use crate::tree::{child, existing, is_empty, items_mut, or_set, or_set_text, remove, text};
use crate::warnings::{self, Warnings};

pub(super) struct Services;

impl Strategy for Services {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set_text(spec, "sessionAffinity", "None");
        match text(spec, "sessionAffinity") {
            "ClientIP" => or_set(child(child(spec, "sessionAffinityConfig"), "clientIP"), "timeoutSeconds", 10_800),
            _ => drop(remove(spec, "sessionAffinityConfig")),
        }
        or_set_text(spec, "type", "ClusterIP");
        for port in items_mut(spec, "ports") {
            or_set_text(port, "protocol", "TCP");
            if is_empty(&port["targetPort"]) || port["targetPort"] == 0 {
                port["targetPort"] = port["port"].clone();
            }
        }
        for ingress in existing(object, "status")
            .and_then(|status| existing(status, "loadBalancer"))
            .into_iter()
            .flat_map(|balancer| items_mut(balancer, "ingress"))
        {
            if !text(ingress, "ip").is_empty() {
                or_set(ingress, "ipMode", "VIP");
            }
        }
        let spec = child(object, "spec");
        let kind = text(spec, "type").to_string();
        if validate::is_exposed(spec) {
            or_set_text(spec, "externalTrafficPolicy", "Cluster");
        }
        if kind != "ExternalName" {
            or_set(spec, "internalTrafficPolicy", "Cluster");
        }
        if kind == "LoadBalancer" {
            or_set(spec, "allocateLoadBalancerNodePorts", true);
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"loadBalancer": {}});
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            "status" => carry_over(object, old, "spec"),
            _ => {
                carry_over(object, old, "status");
                if object["spec"]["type"] != "LoadBalancer" {
                    object["status"]["loadBalancer"] = json!({});
                }
            }
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            if !operation.subresource.is_empty() {
                return Ok(Companions::default());
            }
            let nothing = Value::Null;
            follow_first(child(object, "spec"), old.map_or(&nothing, |old| &old["spec"]));
            if let Some(old) = old {
                keep_allocated(object, old);
            }
            families(child(object, "spec"));
            // Upstream allocates before it validates, but looks first at what it allocates by.
            let (mut errors, before) = (Vec::new(), old.unwrap_or(&nothing));
            validate::addresses(&Place::root(object).at("spec"), &Place::root(before).at("spec"), &mut errors);
            if !errors.is_empty() {
                return Err(ApiError::invalid("", "Service", operation.name, &errors));
            }
            allocation::allocate(operation, store, object, old).await
        })
    }

    fn allocates(&self) -> bool {
        true
    }

    fn companions_of_removal(&self, object: &Value) -> Companions {
        allocation::release(object)
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::service(object, None, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => validate::change(object, old, errors),
            "status" => validate::status(object, old, errors),
            _ => {}
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        match operation.subresource {
            "" => odd(&root, &mut out),
            "status" => {
                for ingress in root.at("status.loadBalancer.ingress").items() {
                    warnings::address(&ingress.with(ingress.at("ip").value()), &mut out);
                }
            }
            _ => {}
        }
        out
    }

    fn create_on_update(&self) -> bool {
        true
    }

    fn returns_deleted(&self) -> bool {
        true
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        names::dns1123_label(name)
    }
}

fn odd(service: &Place<'_, '_>, out: &mut Warnings) {
    const HINTS: &str = "service.kubernetes.io/topology-aware-hints";
    if service.at("metadata.annotations").entry(HINTS).is_given() {
        out.push(format!("annotation {HINTS} is deprecated, please use service.kubernetes.io/topology-mode instead"));
    }
    let spec = service.at("spec");
    let (kind, first) = (spec.at("type").text(), spec.at("clusterIP").text());
    let (external, balancer) = (spec.at("externalIPs"), spec.at("loadBalancerIP"));
    let headless = kind == "ClusterIP" && first == "None";
    if !matches!(first, "" | "None") {
        spec.at("clusterIPs").items().for_each(|address| warnings::address(&address, out));
    }
    if headless {
        for (is_set, field) in [
            (!balancer.is_empty(), "loadBalancerIP"),
            (!external.is_empty(), "externalIPs"),
            (spec.at("sessionAffinity").text() != "None", "SessionAffinity"),
        ] {
            out.extend(is_set.then(|| format!("spec.{field} is ignored for headless services")));
        }
    }
    external.items().for_each(|address| warnings::address(&address, out));
    let is_name = kind == "ExternalName";
    if !external.is_empty() && !headless && !is_name {
        out.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    warnings::address(&balancer, out);
    spec.at("loadBalancerSourceRanges").items().for_each(|range| warnings::range(&range, out));
    if is_name && !external.is_empty() {
        out.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !is_name && !spec.at("externalName").is_empty() {
        out.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.at("trafficDistribution").text() == "PreferClose" {
        out.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

/// A client that knows only the first address changes, or leaves, all of them by it.
fn follow_first(new: &mut Value, old: &Value) {
    let same_first = text(new, "clusterIP") == text(old, "clusterIP");
    if old.is_null() {
        if !is_empty(&new["clusterIP"]) && is_empty(&new["clusterIPs"]) {
            new["clusterIPs"] = json!([new["clusterIP"]]);
        }
    } else if same_first {
        if is_empty(&new["clusterIPs"]) && !is_empty(&old["clusterIPs"]) {
            new["clusterIPs"] = old["clusterIPs"].clone();
        }
    } else if new["clusterIPs"] == old["clusterIPs"] {
        match text(new, "clusterIP") {
            "" => drop(remove(new, "clusterIPs")),
            first => new["clusterIPs"] = json!([first]),
        }
    }
}

/// A client that sends no address means the one that the service has.
fn keep_allocated(object: &mut Value, old: &Value) {
    let (new, old) = (child(object, "spec"), &old["spec"]);
    let balanced = new["type"] == "LoadBalancer";
    let exposed = balanced || new["type"] == "NodePort" || !is_empty(&new["externalIPs"]);
    // What only the old type had, and nobody asked for anew, goes with it.
    for (key, applies) in [
        ("externalTrafficPolicy", exposed),
        ("allocateLoadBalancerNodePorts", balanced),
        ("loadBalancerClass", balanced),
        ("healthCheckNodePort", balanced),
    ] {
        if !applies && new.get(key) == old.get(key) {
            remove(new, key);
        }
    }
    let node_ports = |spec: &Value| -> Vec<i64> {
        let all = crate::tree::items(spec, "ports").filter_map(|port| port["nodePort"].as_i64());
        all.filter(|port| *port != 0).collect()
    };
    let has_ports = |spec: &Value| matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if has_ports(old) && !has_ports(new) && node_ports(new) == node_ports(old) {
        items_mut(new, "ports").for_each(|port| drop(remove(port, "nodePort")));
    }
    if new["type"] == "ExternalName" && old["type"] != "ExternalName" {
        for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
            if new[key] == old[key] {
                remove(new, key);
            }
        }
        if is_empty(&new["clusterIPs"]) && new["clusterIP"] == old["clusterIP"] {
            remove(new, "clusterIP");
        }
    }
    if new["type"] == "ExternalName" || old["type"] == "ExternalName" {
        return;
    }
    for key in ["clusterIP", "clusterIPs"] {
        if is_empty(&new[key]) && !is_empty(&old[key]) {
            new[key] = old[key].clone();
        }
    }
    if old["clusterIP"] == new["clusterIP"] {
        for key in ["ipFamilies", "ipFamilyPolicy"] {
            if let Some(value) = old.get(key) {
                or_set(new, key, value.clone());
            }
        }
    }
    // Node ports stay, too, by the port that they are for.
    if !matches!(text(new, "type"), "NodePort" | "LoadBalancer") {
        return;
    }
    let had: Vec<(Value, Value, Value)> = crate::tree::items(old, "ports")
        .map(|port| (port["port"].clone(), port["protocol"].clone(), port["nodePort"].clone()))
        .collect();
    for port in items_mut(new, "ports").filter(|port| port["nodePort"].as_i64().unwrap_or(0) == 0) {
        let same = had.iter().find(|(number, protocol, _)| *number == port["port"] && *protocol == port["protocol"]);
        if let Some((_, _, node_port)) = same
            && node_port.as_i64().unwrap_or(0) != 0
        {
            port["nodePort"] = node_port.clone();
        }
    }
}

/// The cluster has one family; a headless service without a selector may have both, since
/// its endpoints are somebody else's.
fn families(spec: &mut Value) {
    if spec["type"] == "ExternalName" {
        return;
    }
    let headless = spec["clusterIP"] == "None";
    if headless && is_empty(&spec["selector"]) {
        or_set(spec, "ipFamilyPolicy", "RequireDualStack");
        if is_empty(&spec["ipFamilies"]) {
            let both = spec["ipFamilyPolicy"] != "SingleStack";
            spec["ipFamilies"] = if both { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) };
        }
    } else {
        or_set(spec, "ipFamilyPolicy", "SingleStack");
        if is_empty(&spec["ipFamilies"]) {
            let own = if text(spec, "clusterIP").contains(':') { "IPv6" } else { "IPv4" };
            spec["ipFamilies"] = json!([own]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaulted(spec: Value) -> Value {
        let mut object = json!({"spec": spec});
        Services.default(&mut object);
        object["spec"].take()
    }

    #[test]
    fn services_are_completed_by_their_type() {
        let spec = defaulted(json!({"ports": [{"port": 80}], "selector": {"a": "b"}}));
        assert_eq!(spec["ports"][0], json!({"port": 80, "protocol": "TCP", "targetPort": 80}));
        assert_eq!((&spec["type"], &spec["internalTrafficPolicy"]), (&json!("ClusterIP"), &json!("Cluster")));
        let spec = defaulted(json!({"type": "ExternalName", "externalName": "example.com"}));
        assert_eq!(spec, json!({"type": "ExternalName", "externalName": "example.com", "sessionAffinity": "None"}));
    }

    #[test]
    fn who_finds_endpoints_himself_may_have_both_families() {
        for (spec, want) in [
            (json!({"selector": {"a": "b"}}), json!(["IPv4"])),
            (json!({"clusterIP": "None"}), json!(["IPv4", "IPv6"])),
            (json!({"type": "ExternalName"}), Value::Null),
        ] {
            let mut spec = spec;
            families(&mut spec);
            assert_eq!(spec["ipFamilies"], want);
        }
    }

    #[test]
    fn an_update_keeps_what_was_allocated() {
        let old = json!({"spec": {"type": "NodePort", "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"],
            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}});
        let mut new = json!({"spec": {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]}});
        keep_allocated(&mut new, &old);
        assert_eq!(new["spec"]["clusterIP"], "10.0.0.9");
        assert_eq!(new["spec"]["ports"][0]["nodePort"], 30080);
        assert!(new["spec"]["ports"][1].get("nodePort").is_none());
    }
}
