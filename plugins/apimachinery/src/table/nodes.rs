//! Nodes.

use std::collections::BTreeSet;

use super::object::{NONE, Object, UNKNOWN, flag, list, text, text_or};
use crate::tree::Value;

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE: &str = "kubernetes.io/role";

pub(super) fn nodes(node: Object<'_>) -> Vec<Value> {
    let mut status = match node.condition("Ready") {
        Some(ready) if ready["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_string();
    if flag(&node["spec"]["unschedulable"]) {
        status.push_str(",SchedulingDisabled");
    }
    let info = &node["status"]["nodeInfo"];
    let mut kernel = text_or(&info["kernelVersion"], UNKNOWN).to_string();
    if !text(&info["architecture"]).is_empty() {
        kernel = format!("{kernel} ({})", text(&info["architecture"]));
    }
    vec![
        node.name(),
        status.into(),
        roles(&node).into(),
        node.age(),
        text(&info["kubeletVersion"]).into(),
        address(&node, "InternalIP").into(),
        address(&node, "ExternalIP").into(),
        text_or(&info["osImage"], UNKNOWN).into(),
        kernel.into(),
        text_or(&info["containerRuntimeVersion"], UNKNOWN).into(),
    ]
}

/// From the labels: one for each role, or the old one that names it.
fn roles(node: &Value) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
        let role = key.strip_prefix(ROLE_PREFIX).or_else(|| (key == ROLE).then(|| text(value)));
        roles.extend(role.filter(|role| !role.is_empty()));
    }
    if roles.is_empty() { NONE.into() } else { Vec::from_iter(roles).join(",") }
}

fn address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let mut addresses = list(&node["status"]["addresses"]).iter();
    addresses.find(|address| address["type"] == kind).map_or(NONE, |address| text(&address["address"]))
}
