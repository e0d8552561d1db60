//! Metrics in the words of `autoscaling/v1`, which keeps in annotations what it has no fields for.

use apimachinery::schema::internal;
use apimachinery::tree::{Map, Value, json};

use crate::tree::text;

const BEHAVIOR: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior";
/// The kinds of metrics, by the members that hold them.
const KINDS: [&str; 5] = ["object", "pods", "resource", "containerResource", "external"];

/// What is written of an amount that is not there.
#[derive(Clone, Copy)]
enum Unset {
    Left,
    Zero,
}

/// A wanted metric as the old version has it.
pub(super) fn to_old(metric: &Value) -> Value {
    convert(metric, |kind, source| {
        let target = &source["target"];
        old(kind, source, &["targetAverageUtilization", "targetAverageValue", "targetValue"], target, |kind| match kind
        {
            "pods" => [Unset::Zero, Unset::Left],
            "object" => [Unset::Left, Unset::Zero],
            _ => [Unset::Left; 2],
        })
    })
}

/// A measured one.
pub(super) fn measured_to_old(metric: &Value) -> Value {
    convert(metric, |kind, source| {
        let current = &source["current"];
        old(kind, source, &["currentAverageUtilization", "currentAverageValue", "currentValue"], current, |kind| {
            match kind {
                "object" | "external" => [Unset::Left, Unset::Zero],
                _ => [Unset::Zero, Unset::Left],
            }
        })
    })
}

/// The reverse of [`to_old`].
pub(super) fn from_old(metric: &Value) -> Value {
    convert(metric, |kind, source| {
        let amount = |name: &str| source.get(name).filter(|value| !value.is_null());
        let average = amount("targetAverageValue").or_else(|| amount("averageValue"));
        let (utilization, value) = (amount("targetAverageUtilization"), amount("targetValue"));
        let by = match kind {
            "resource" | "containerResource" if utilization.is_some() => "Utilization",
            "object" if average.is_none() => "Value",
            "external" if value.is_some() => "Value",
            _ => "AverageValue",
        };
        let amounts = [("averageUtilization", utilization), ("averageValue", average), ("value", value)];
        let mut target = Map::from_iter([("type".to_string(), Value::from(by))]);
        target.extend(amounts.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?.clone()))));
        new(kind, source, "target", target)
    })
}

/// The reverse of [`measured_to_old`].
pub(super) fn measured_from_old(metric: &Value) -> Value {
    convert(metric, |kind, source| {
        let names = [
            ("averageUtilization", "currentAverageUtilization"),
            ("averageValue", if kind == "object" { "averageValue" } else { "currentAverageValue" }),
            ("value", "currentValue"),
        ];
        let amounts = names.into_iter().filter_map(|(name, old)| Some((name.to_string(), source.get(old)?.clone())));
        new(kind, source, "current", amounts.collect())
    })
}

/// How it scales, under Go's names: upstream writes its internal struct.
pub(super) fn behavior_to_old(behavior: &Value) -> Value {
    internal::show(BEHAVIOR, behavior)
}

pub(super) fn behavior_from_old(behavior: &Value) -> Value {
    match behavior {
        Value::Object(members) => {
            let lower = |name: &str| {
                let mut letters = name.chars();
                letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
            };
            let set = members.iter().filter(|(_, value)| !value.is_null());
            set.map(|(name, value)| (lower(name), behavior_from_old(value))).collect()
        }
        Value::Array(items) => items.iter().map(behavior_from_old).collect(),
        other => other.clone(),
    }
}

fn convert(metric: &Value, source: impl Fn(&str, &Value) -> Map) -> Value {
    let mut out = json!({"type": metric["type"]});
    for kind in KINDS {
        if metric[kind].is_object() {
            out[kind] = source(kind, &metric[kind]).into();
        }
    }
    out
}

/// A metric's source in the order of the old version's structs. `names` are those of the utilization,
/// the average and the value.
fn old(kind: &str, source: &Value, names: &[&str; 3], amounts: &Value, unset: impl Fn(&str) -> [Unset; 2]) -> Map {
    let mut out = Map::new();
    let mut put = |name: &str, value: &Value, unset: Unset| {
        match (value.is_null(), unset) {
            (false, _) => drop(out.insert(name.to_string(), value.clone())),
            (true, Unset::Zero) => drop(out.insert(name.to_string(), "0".into())),
            (true, Unset::Left) => {}
        };
    };
    let ([utilization, average, value], [of_average, of_value]) = (names, unset(kind));
    let (metric, left) = (&source["metric"], Unset::Left);
    match kind {
        "resource" | "containerResource" => {
            put("name", &source["name"], left);
            put(utilization, &amounts["averageUtilization"], left);
            put(average, &amounts["averageValue"], of_average);
            put("container", &source["container"], left);
        }
        "pods" => {
            put("metricName", &metric["name"], left);
            put(average, &amounts["averageValue"], of_average);
            put("selector", &metric["selector"], left);
        }
        "object" => {
            put("target", &source["describedObject"], left);
            put("metricName", &metric["name"], left);
            put(value, &amounts["value"], of_value);
            put("selector", &metric["selector"], left);
            put("averageValue", &amounts["averageValue"], left);
        }
        _ => {
            put("metricName", &metric["name"], left);
            put("metricSelector", &metric["selector"], left);
            put(value, &amounts["value"], of_value);
            put(average, &amounts["averageValue"], left);
        }
    }
    out
}

/// A metric's source as the new version has it, with its amounts under `at`.
fn new(kind: &str, source: &Value, at: &str, amounts: Map) -> Map {
    let mut out = Map::new();
    match kind {
        "resource" | "containerResource" => {
            for name in ["name", "container"] {
                if let Some(value) = source.get(name) {
                    out.insert(name.to_string(), value.clone());
                }
            }
        }
        _ => {
            if kind == "object" {
                out.insert("describedObject".to_string(), source["target"].clone());
            }
            let mut metric = json!({"name": text(source, "metricName")});
            let selector = if kind == "external" { "metricSelector" } else { "selector" };
            if let Some(selector) = source.get(selector) {
                metric["selector"] = selector.clone();
            }
            out.insert("metric".to_string(), metric);
        }
    }
    out.insert(at.to_string(), amounts.into());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_two_forms() {
        let service = json!({"kind": "Service", "name": "s"});
        for (metric, expected) in [
            (
                json!({"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Mi"}}}),
                r#"{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Mi"}}"#,
            ),
            (
                json!({"type": "Pods", "pods": {"metric": {"name": "m", "selector": {}}, "target": {"type": "AverageValue", "averageValue": "1"}}}),
                r#"{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1","selector":{}}}"#,
            ),
            (
                json!({"type": "Object", "object": {"describedObject": service, "metric": {"name": "m"}, "target": {"type": "Value", "value": "5"}}}),
                r#"{"type":"Object","object":{"target":{"kind":"Service","name":"s"},"metricName":"m","targetValue":"5"}}"#,
            ),
            (
                json!({"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "3"}}}),
                r#"{"type":"External","external":{"metricName":"m","targetAverageValue":"3"}}"#,
            ),
        ] {
            let old = to_old(&metric);
            assert_eq!(old.to_string(), expected);
            assert_eq!(from_old(&old), metric);
        }
    }

    #[test]
    fn what_was_measured_has_two_forms() {
        let metric =
            json!({"type": "External", "external": {"metric": {"name": "q"}, "current": {"averageValue": "3"}}});
        let old = r#"{"type":"External","external":{"metricName":"q","currentValue":"0","currentAverageValue":"3"}}"#;
        assert_eq!(measured_to_old(&metric).to_string(), old);
        let cpu = json!({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 7, "averageValue": "3m"}}});
        assert_eq!(measured_from_old(&measured_to_old(&cpu)), cpu);
    }

    #[test]
    fn behavior_is_written_under_gos_names() {
        let behavior = json!({"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}]}});
        assert_eq!(behavior_from_old(&behavior_to_old(&behavior)), behavior);
    }
}
