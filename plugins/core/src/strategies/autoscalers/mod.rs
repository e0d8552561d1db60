//! Horizontal pod autoscalers: stored as `autoscaling/v2`, where everything is a metric;
//! `autoscaling/v1` has a number for the CPU and keeps the rest in annotations.

mod metrics;
mod validate;

use apimachinery::rest::object::metadata_mut;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Map, Value, json};
use apimachinery::validation::place::Place;

use crate::tree::{child, is_empty, or_set, remove};

pub(super) struct Autoscalers;
pub(super) struct OldAutoscalers;

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const UTILIZATION: u32 = 80;

impl Strategy for Autoscalers {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set(spec, "minReplicas", 1);
        if is_empty(&spec["metrics"]) {
            spec["metrics"] = json!([cpu(UTILIZATION.into())]);
        }
        if spec["behavior"].is_object() {
            behavior(child(spec, "behavior"));
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"desiredReplicas": 0, "currentMetrics": null});
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::spec(&Place::root(object).at("spec"), errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => self.validate(operation, object, errors),
            _ => validate::status(&Place::root(object).at("status"), errors),
        }
    }
}

impl Strategy for OldAutoscalers {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set(spec, "minReplicas", 1);
        if is_empty(&spec["targetCPUUtilizationPercentage"]) && object["metadata"]["annotations"].get(METRICS).is_none()
        {
            object["spec"]["targetCPUUtilizationPercentage"] = UTILIZATION.into();
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"currentReplicas": 0, "desiredReplicas": 0});
        keep_annotations(object, &Value::Null, &OF_STATUS);
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        let kept = if operation.subresource == "status" { &OF_SPEC } else { &OF_STATUS };
        keep_annotations(object, old, kept);
    }

    /// What is wrong is told of the form in which it is stored, as upstream tells it.
    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let mut stored = object.clone();
        self.reshape_to_store(&mut stored);
        validate::spec(&Place::root(&stored).at("spec"), errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        match operation.subresource {
            "" => self.validate(operation, object, errors),
            _ => validate::status(&Place::root(object).at("status"), errors),
        }
    }

    fn converts(&self) -> bool {
        true
    }

    fn reshape_to_store(&self, object: &mut Value) {
        let annotated = |object: &mut Value, name: &str| -> Option<Value> {
            let annotations = metadata_mut(object).get_mut("annotations")?.as_object_mut()?;
            let text = annotations.remove(name)?;
            if annotations.is_empty() {
                metadata_mut(object).remove("annotations");
            }
            serde_json::from_str(text.as_str()?).ok()
        };
        let wanted = annotated(object, METRICS);
        let current = annotated(object, CURRENT_METRICS);
        let conditions = annotated(object, CONDITIONS);
        let behavior = annotated(object, BEHAVIOR);
        let spec = child(object, "spec");
        let each = |annotation: Option<Value>, convert: fn(&Value) -> Value| -> Vec<Value> {
            annotation.iter().flat_map(|all| all.as_array().into_iter().flatten()).map(convert).collect()
        };
        let mut all = each(wanted, metrics::from_old);
        if let Some(percentage) = remove(spec, "targetCPUUtilizationPercentage").filter(|value| !value.is_null()) {
            all.push(cpu(percentage));
        }
        // Upstream's default of this version, which looks at the annotation as well, is part of the conversion.
        if all.is_empty() {
            all.push(cpu(UTILIZATION.into()));
        }
        spec["metrics"] = all.into();
        if let Some(behavior) = behavior {
            spec["behavior"] = metrics::behavior_from_old(&behavior);
        }
        let status = child(object, "status");
        if status["currentReplicas"] == 0 {
            remove(status, "currentReplicas");
        }
        // The annotation says more than the number.
        let mut measured = each(current, metrics::measured_from_old);
        let percentage = remove(status, "currentCPUUtilizationPercentage").filter(|value| !value.is_null());
        if let Some(percentage) = percentage.filter(|_| measured.is_empty()) {
            let resource = json!({"name": "cpu", "current": {"averageUtilization": percentage}});
            measured.push(json!({"type": "Resource", "resource": resource}));
        }
        status["currentMetrics"] = if measured.is_empty() { Value::Null } else { measured.into() };
        if let Some(conditions) = conditions {
            status["conditions"] = conditions;
        }
    }

    /// The old form does not say all of it, nor in which order.
    fn kept_stored(&self, subresource: &str) -> &'static [&'static str] {
        if subresource == "status" { &["spec"] } else { &["status"] }
    }

    fn reshape_to_serve(&self, object: &mut Value) {
        let spec = child(object, "spec");
        let wanted = remove(spec, "metrics").unwrap_or_default();
        let behavior = remove(spec, "behavior").filter(|behavior| !behavior.is_null());
        let (of_cpu, others): (Vec<_>, Vec<_>) =
            items_of(&wanted).partition(|metric| utilization(metric, "target").is_some());
        if let Some(percentage) = of_cpu.first().and_then(|metric| utilization(metric, "target")).cloned() {
            spec["targetCPUUtilizationPercentage"] = percentage;
        }
        let status = child(object, "status");
        let current = remove(status, "currentMetrics").unwrap_or_default();
        let conditions = remove(status, "conditions").filter(|conditions| !is_empty(conditions));
        if let Some(percentage) = items_of(&current).filter_map(|metric| utilization(metric, "current")).last().cloned()
        {
            status["currentCPUUtilizationPercentage"] = percentage;
        }
        or_set(status, "currentReplicas", 0);
        or_set(status, "desiredReplicas", 0);
        let kept = [
            (METRICS, (!others.is_empty()).then(|| others.into_iter().map(metrics::to_old).collect())),
            (
                CURRENT_METRICS,
                (!is_empty(&current)).then(|| items_of(&current).map(metrics::measured_to_old).collect()),
            ),
            (CONDITIONS, conditions),
            (BEHAVIOR, behavior.as_ref().map(metrics::behavior_to_old)),
        ];
        for (name, value) in kept {
            if let Some(value) = value {
                let annotations = metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
                annotations[name] = value.to_string().into();
            }
        }
    }
}

/// What the annotations of the old version stand for.
const OF_SPEC: [&str; 2] = [METRICS, BEHAVIOR];
const OF_STATUS: [&str; 2] = [CURRENT_METRICS, CONDITIONS];

/// They are fields, which this write does not change.
fn keep_annotations(object: &mut Value, old: &Value, names: &[&str]) {
    for name in names {
        match old["metadata"]["annotations"].get(*name) {
            Some(value) => child(child(object, "metadata"), "annotations")[*name] = value.clone(),
            None => drop(object["metadata"].get_mut("annotations").and_then(|annotations| remove(annotations, name))),
        }
    }
    if object["metadata"]["annotations"].as_object().is_some_and(Map::is_empty) {
        metadata_mut(object).remove("annotations");
    }
}

/// The metric that `autoscaling/v1` has a number for.
fn cpu(percentage: Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": percentage});
    json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

fn items_of(metrics: &Value) -> impl Iterator<Item = &Value> {
    metrics.as_array().into_iter().flatten()
}

/// The utilization of the CPU, if that is what the metric is about.
fn utilization<'a>(metric: &'a Value, at: &str) -> Option<&'a Value> {
    let of_cpu = metric["type"] == "Resource" && metric["resource"]["name"] == "cpu";
    Some(&metric["resource"][at]["averageUtilization"]).filter(|value| of_cpu && !value.is_null())
}

fn behavior(behavior: &mut Value) {
    for (direction, window) in [("scaleUp", 0), ("scaleDown", 300)] {
        let rules = child(behavior, direction);
        or_set(rules, "selectPolicy", "Max");
        if direction == "scaleUp" {
            or_set(rules, "stabilizationWindowSeconds", window);
        }
        if rules["policies"].is_null() {
            let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
            rules["policies"] = match direction {
                "scaleUp" => json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]),
                _ => json!([percent]),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_of_the_status_is_not_the_clients() {
        let annotated = |value: &str| json!({"metadata": {"annotations": {CURRENT_METRICS: value, METRICS: value}}});
        for (old, left) in
            [(json!({}), json!({METRICS: "new"})), (annotated("old"), json!({METRICS: "new", CURRENT_METRICS: "old"}))]
        {
            let mut object = annotated("new");
            keep_annotations(&mut object, &old, &OF_STATUS);
            assert_eq!(object["metadata"]["annotations"], left);
        }
        let mut object = json!({"metadata": {"annotations": {CONDITIONS: "[]"}}});
        keep_annotations(&mut object, &Value::Null, &OF_STATUS);
        assert_eq!(object, json!({"metadata": {}}));
    }

    #[test]
    fn one_autoscaler_has_two_versions() {
        let memory = json!({"type": "Resource", "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 50}}});
        let stored =
            json!({"metadata": {}, "spec": {"metrics": [memory, cpu(70.into())]}, "status": {"currentMetrics": null}});
        let mut served = stored.clone();
        OldAutoscalers.reshape_to_serve(&mut served);
        assert_eq!(served["spec"], json!({"targetCPUUtilizationPercentage": 70}));
        assert!(served["metadata"]["annotations"][METRICS].as_str().unwrap().contains("memory"));
        OldAutoscalers.reshape_to_store(&mut served);
        assert_eq!(served["spec"], stored["spec"]);
        assert_eq!(served["metadata"], json!({}));
    }
}
