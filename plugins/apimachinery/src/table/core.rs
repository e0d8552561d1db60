//! The rest of the core group, and events.

use super::object::{Object, containers, first_of, instant, label_set, list, number, quantity, size, text, text_or};
use crate::tree::{Text, Value};

pub(super) fn component_statuses(object: Object<'_>) -> Vec<Value> {
    let healthy = list(&object["conditions"]).iter().find(|condition| condition["type"] == "Healthy");
    let (status, message, error) = match healthy {
        Some(condition) => {
            let status = if condition["status"] == "True" { "Healthy" } else { "Unhealthy" };
            (status, text(&condition["message"]), text(&condition["error"]))
        }
        None => ("Unknown", "", ""),
    };
    vec![object.name(), status.into(), message.into(), error.into()]
}

pub(super) fn config_maps(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), (size(&object["data"]) + size(&object["binaryData"])).into(), object.age()]
}

pub(super) fn secrets(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), text(&object["type"]).into(), size(&object["data"]).into(), object.age()]
}

pub(super) fn namespaces(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), text(&object["status"]["phase"]).into(), object.age()]
}

pub(super) fn endpoints(object: Object<'_>) -> Vec<Value> {
    let subsets = list(&object["subsets"]);
    if subsets.is_empty() {
        return vec![object.name(), super::object::NONE.into(), object.age()];
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = || list(&subset["addresses"]).iter().map(|address| text(&address["ip"]));
        let ports = list(&subset["ports"]);
        if ports.is_empty() {
            all.extend(addresses().map(str::to_string));
        }
        for port in ports {
            all.extend(addresses().map(|address| host_port(address, number(&port["port"]))));
        }
    }
    vec![object.name(), first_of(&all, 3, ",").into(), object.age()]
}

fn host_port(host: &str, port: i64) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Events of both groups, whose fields have other names in the newer one.
pub(super) fn events(object: Object<'_>) -> Vec<Value> {
    let either = |new: &str, old: &str| if object[new].is_null() { &object[old] } else { &object[new] };
    let since =
        |time: &Value| instant(time).filter(|time| !time.is_zero()).map(|time| object.since_instant(Some(time)));

    let first = since(either("firstTimestamp", "deprecatedFirstTimestamp"))
        .unwrap_or_else(|| object.since(&object["eventTime"]));
    let mut last = since(either("lastTimestamp", "deprecatedLastTimestamp")).unwrap_or_else(|| first.clone());
    let mut count = number(either("count", "deprecatedCount"));
    if !object["series"].is_null() {
        last = object.since(&object["series"]["lastObservedTime"]);
        count = number(&object["series"]["count"]);
    } else if count == 0 {
        count = 1;
    }

    let about = either("involvedObject", "regarding");
    let kind = text(&about["kind"]).to_lowercase();
    let target = match text(&about["name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let source = either("source", "deprecatedSource");
    let controller = text(either("reportingComponent", "reportingController"));
    let component = text_or(&source["component"], controller);
    let source = match text_or(&source["host"], text(&object["reportingInstance"])) {
        "" => component.to_string(),
        instance => format!("{component}, {instance}"),
    };
    vec![
        last.into(),
        text(&object["type"]).into(),
        text(&object["reason"]).into(),
        target.into(),
        text(&about["fieldPath"]).into(),
        source.into(),
        text(either("message", "note")).trim().into(),
        first.into(),
        count.into(),
        object.name(),
    ]
}

pub(super) fn pod_templates(object: Object<'_>) -> Vec<Value> {
    let [names, images] = containers(&object["template"]);
    vec![object.name(), names, images, label_set(&object["template"]["metadata"]["labels"]).into()]
}

pub(super) fn resource_quotas(object: Object<'_>) -> Vec<Value> {
    let status = &object["status"];
    let mut names: Vec<&Text> = status["hard"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    names.sort_unstable();
    let (limits, requests): (Vec<&Text>, Vec<&Text>) = names.into_iter().partition(|name| name.starts_with("limits."));
    let used = |names: Vec<&Text>| {
        let of =
            |name: &Text| format!("{name}: {}/{}", quantity(&status["used"][name]), quantity(&status["hard"][name]));
        names.into_iter().map(of).collect::<Vec<_>>().join(", ")
    };
    vec![object.name(), used(requests).into(), used(limits).into(), object.age()]
}
