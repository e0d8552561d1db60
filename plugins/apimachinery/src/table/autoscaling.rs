//! Autoscalers: each metric as current against target.

use super::object::{NONE, Object, UNKNOWN, UNSET, first_of, list, number, quantity, text};
use crate::tree::Value;

pub(super) fn horizontal_pod_autoscalers(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let target = &spec["scaleTargetRef"];
    let least = spec["minReplicas"].as_i64().map_or_else(|| UNSET.to_string(), |least| least.to_string());
    vec![
        object.name(),
        format!("{}/{}", text(&target["kind"]), text(&target["name"])).into(),
        metrics(spec, status).into(),
        least.into(),
        number(&spec["maxReplicas"]).into(),
        number(&status["currentReplicas"]).into(),
        object.age(),
    ]
}

fn metrics(spec: &Value, status: &Value) -> String {
    // Version 1 knows one metric only.
    if let Some(target) = spec["targetCPUUtilizationPercentage"].as_i64() {
        let current = status["currentCPUUtilizationPercentage"].as_i64();
        let current = current.map_or_else(|| UNKNOWN.to_string(), |current| format!("{current}%"));
        return format!("cpu: {current}/{target}%");
    }
    let targets = list(&spec["metrics"]);
    if targets.is_empty() {
        return NONE.into();
    }
    let current = |index: usize| &status["currentMetrics"][index];
    let all: Vec<String> = targets.iter().enumerate().map(|(index, target)| metric(target, current(index))).collect();
    first_of(&all, 2, ", ")
}

fn metric(spec: &Value, status: &Value) -> String {
    let (source, is_resource) = match text(&spec["type"]) {
        "External" => ("external", false),
        "Object" => ("object", false),
        "Pods" => ("pods", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".into(),
    };
    let (spec, current) = (&spec[source], &status[source]);
    let target = &spec["target"];
    // What the status does not have is not known; what it has without a value is zero.
    let known = |field: &str, required: bool| match &status[source] {
        Value::Null => UNKNOWN.to_string(),
        _ if required && current["current"][field].is_null() => UNKNOWN.to_string(),
        _ => quantity(&current["current"][field]).to_string(),
    };
    let average = target["averageValue"].as_str();
    if is_resource {
        let name = text(&spec["name"]);
        return match average {
            Some(average) => format!("{name}: {}/{average}", known("averageValue", false)),
            None => {
                let percent = |value: &Value| value.as_i64().map(|percent| format!("{percent}%"));
                let now = percent(&current["current"]["averageUtilization"]).unwrap_or_else(|| UNKNOWN.into());
                let wanted = percent(&target["averageUtilization"]).unwrap_or_else(|| "<auto>".into());
                format!("{name}: {now}/{wanted}")
            }
        };
    }
    match average {
        _ if source == "pods" => format!("{}/{}", known("averageValue", false), quantity(&target["averageValue"])),
        Some(average) => format!("{}/{average} (avg)", known("averageValue", true)),
        None => format!("{}/{}", known("value", false), quantity(&target["value"])),
    }
}
