//! What runs pods from a template: deployments, replica sets, stateful sets, daemon sets,
//! replication controllers. Jobs are in `jobs`.

use apimachinery::rest::object::{meta_number, metadata_mut};
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::validation::labels;
use serde_json::{Value, json};

use super::pods::{defaults, validate};
use crate::check;
use crate::tree::{child, existing, is_empty, items_mut, or_set, or_set_text, text};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) struct Deployments;
pub(super) struct ReplicaSets;
pub(super) struct StatefulSets;
pub(super) struct DaemonSets;
pub(super) struct ReplicationControllers;
pub(super) struct PodTemplates;
pub(super) struct ControllerRevisions;

impl Strategy for Deployments {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set(spec, "replicas", 1);
        defaults::template(spec);
        let strategy = child(spec, "strategy");
        or_set_text(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            let rolling = child(strategy, "rollingUpdate");
            or_set(rolling, "maxUnavailable", "25%");
            or_set(rolling, "maxSurge", "25%");
        }
        or_set(spec, "revisionHistoryLimit", 10);
        or_set(spec, "progressDeadlineSeconds", 600);
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        check::not_negative("spec.replicas", &spec["replicas"], errors);
        selector_and_template(spec, errors);
        let strategy = &spec["strategy"];
        match text(strategy, "type") {
            "Recreate" if !is_empty(&strategy["rollingUpdate"]) => {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                errors.push(FieldError::forbidden("spec.strategy.rollingUpdate", why));
            }
            "RollingUpdate" => {
                let (unavailable, surge) =
                    (&strategy["rollingUpdate"]["maxUnavailable"], &strategy["rollingUpdate"]["maxSurge"]);
                if is_zero(unavailable) && is_zero(surge) {
                    let why = "may not be 0 when `maxSurge` is 0";
                    errors.push(FieldError::invalid("spec.strategy.rollingUpdate.maxUnavailable", unavailable, why));
                }
            }
            "Recreate" => {}
            _ => errors.push(check::unsupported("spec.strategy", strategy, &["Recreate", "RollingUpdate"])),
        }
        check::not_negative("spec.minReadySeconds", &spec["minReadySeconds"], errors);
        check::not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"], errors);
        check::not_negative("spec.progressDeadlineSeconds", &spec["progressDeadlineSeconds"], errors);
        let number = |key: &str| spec[key].as_i64().unwrap_or(0);
        if !spec["progressDeadlineSeconds"].is_null() && number("progressDeadlineSeconds") <= number("minReadySeconds")
        {
            let why = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid("spec.progressDeadlineSeconds", &spec["progressDeadlineSeconds"], why));
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
            check::immutable("spec.selector", &object["spec"]["selector"], &old["spec"]["selector"], errors);
        } else if operation.subresource == "scale" {
            check::not_negative("spec.replicas", &object["spec"]["replicas"], errors);
        } else {
            status_counts(object, errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }

    /// Controllers copy annotations to replica sets, so they count.
    fn desires_differ(&self, object: &Value, old: &Value) -> bool {
        object["spec"] != old["spec"] || object["metadata"]["annotations"] != old["metadata"]["annotations"]
    }
}

impl Strategy for ReplicaSets {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set(spec, "replicas", 1);
        if defaults::has_template(spec) {
            defaults::template(spec);
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"replicas": 0});
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        check::not_negative("spec.replicas", &spec["replicas"], errors);
        check::not_negative("spec.minReadySeconds", &spec["minReadySeconds"], errors);
        selector_and_template(spec, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if matches!(operation.subresource, "" | "scale") {
            self.validate(operation, object, errors);
            check::immutable("spec.selector", &object["spec"]["selector"], &old["spec"]["selector"], errors);
        } else {
            status_counts(object, errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

impl Strategy for StatefulSets {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        or_set_text(spec, "podManagementPolicy", "OrderedReady");
        let strategy = child(spec, "updateStrategy");
        or_set_text(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            or_set(child(strategy, "rollingUpdate"), "partition", 0);
        }
        let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
        or_set_text(retention, "whenDeleted", "Retain");
        or_set_text(retention, "whenScaled", "Retain");
        or_set(spec, "replicas", 1);
        or_set(spec, "revisionHistoryLimit", 10);
        defaults::template(spec);
        for claim in items_mut(spec, "volumeClaimTemplates") {
            or_set_text(child(claim, "spec"), "volumeMode", "Filesystem");
            or_set_text(child(claim, "status"), "phase", "Pending");
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        check::one_of(
            "spec.podManagementPolicy",
            &spec["podManagementPolicy"],
            &["OrderedReady", "Parallel"],
            true,
            errors,
        );
        let strategy = &spec["updateStrategy"];
        match text(strategy, "type") {
            "OnDelete" if !is_empty(&strategy["rollingUpdate"]) => errors.push(FieldError::invalid(
                "spec.updateStrategy.rollingUpdate",
                &strategy["rollingUpdate"],
                "only allowed for updateStrategy 'RollingUpdate'",
            )),
            "OnDelete" => {}
            "RollingUpdate" => check::not_negative(
                "spec.updateStrategy.rollingUpdate.partition",
                &strategy["rollingUpdate"]["partition"],
                errors,
            ),
            "" => errors.push(FieldError::required("spec.updateStrategy", "")),
            _ => errors.push(FieldError::invalid(
                "spec.updateStrategy",
                strategy,
                "must be 'RollingUpdate' or 'OnDelete'",
            )),
        }
        check::not_negative("spec.replicas", &spec["replicas"], errors);
        check::not_negative("spec.minReadySeconds", &spec["minReadySeconds"], errors);
        selector_and_template(spec, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource == "status" {
            return status_counts(object, errors);
        }
        self.validate(operation, object, errors);
        const MUTABLE: [&str; 7] = [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ];
        let fixed = |object: &Value| {
            let mut spec = object["spec"].clone();
            if let Value::Object(map) = &mut spec {
                map.retain(|key, _| !MUTABLE.contains(&key.as_str()));
            }
            spec
        };
        if fixed(object) != fixed(old) {
            errors.push(FieldError::forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                 'minReadySeconds' are forbidden",
            ));
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

impl Strategy for DaemonSets {
    fn default(&self, object: &mut Value) {
        let spec = child(object, "spec");
        defaults::template(spec);
        let strategy = child(spec, "updateStrategy");
        or_set_text(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            let rolling = child(strategy, "rollingUpdate");
            or_set(rolling, "maxUnavailable", 1);
            or_set(rolling, "maxSurge", 0);
        }
        or_set(spec, "revisionHistoryLimit", 10);
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        set_template_generation(object, 1);
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        if operation.subresource.is_empty() {
            let generation =
                old["metadata"]["annotations"][TEMPLATE_GENERATION].as_str().and_then(|text| text.parse().ok());
            let changed = object["spec"]["template"] != old["spec"]["template"];
            set_template_generation(object, generation.unwrap_or(0) + i64::from(changed));
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        selector_and_template(spec, errors);
        check::not_negative("spec.minReadySeconds", &spec["minReadySeconds"], errors);
        let strategy = &spec["updateStrategy"];
        match text(strategy, "type") {
            "OnDelete" | "RollingUpdate" => {}
            _ => errors.push(check::unsupported(
                "spec.updateStrategy.type",
                &strategy["type"],
                &["RollingUpdate", "OnDelete"],
            )),
        }
        check::not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"], errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
            check::immutable("spec.selector", &object["spec"]["selector"], &old["spec"]["selector"], errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

impl Strategy for ReplicationControllers {
    fn default(&self, object: &mut Value) {
        let labels = object["spec"]["template"]["metadata"]["labels"].clone();
        if !is_empty(&labels) {
            if is_empty(&object["spec"]["selector"]) {
                object["spec"]["selector"] = labels.clone();
            }
            if is_empty(&object["metadata"]["labels"]) {
                metadata_mut(object).insert("labels".into(), labels);
            }
        }
        let spec = child(object, "spec");
        or_set(spec, "replicas", 1);
        if defaults::has_template(spec) {
            defaults::template(spec);
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"replicas": 0});
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        check::not_negative("spec.minReadySeconds", &spec["minReadySeconds"], errors);
        if is_empty(&spec["selector"]) {
            errors.push(FieldError::required("spec.selector", ""));
        }
        check::not_negative("spec.replicas", &spec["replicas"], errors);
        if !defaults::has_template(spec) {
            errors.push(FieldError::required("spec.template", ""));
            return;
        }
        let labels = &spec["template"]["metadata"]["labels"];
        if !is_empty(&spec["selector"]) && !check::selects(&json!({"matchLabels": spec["selector"]}), labels) {
            let why = "`selector` does not match template `labels`";
            errors.push(FieldError::invalid("spec.template.metadata.labels", labels, why));
        }
        template_that_restarts(spec, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

impl Strategy for PodTemplates {
    fn default(&self, object: &mut Value) {
        if let Some(template) = existing(object, "template") {
            defaults::pod_spec(&mut template["spec"]);
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        validate::pod_spec(&object["template"]["spec"], "template.spec", errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        self.validate(operation, object, errors);
    }

    fn generation(&self) -> bool {
        true
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

impl Strategy for ControllerRevisions {
    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        if object["data"].is_null() {
            errors.push(FieldError::required("data", "data is mandatory"));
        }
        check::not_negative("revision", &object["revision"], errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        self.validate(operation, object, errors);
        check::immutable("data", &object["data"], &old["data"], errors);
    }
}

/// The selector must select what the template makes, and the template must be one that goes
/// on.
fn selector_and_template(spec: &Value, errors: &mut Vec<FieldError>) {
    let selector = &spec["selector"];
    let before = errors.len();
    if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    } else {
        labels::selector(selector, "spec.selector", errors);
        if is_empty(&selector["matchLabels"]) && is_empty(&selector["matchExpressions"]) {
            errors.push(FieldError::invalid("spec.selector", selector, "empty selector is invalid for deployment"));
        }
    }
    if !defaults::has_template(spec) {
        errors.push(FieldError::required("spec.template", ""));
        return;
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if errors.len() == before && !check::selects(selector, labels) {
        let why = "`selector` does not match template `labels`";
        let labels = if labels.is_null() { &json!({}) } else { labels };
        errors.push(FieldError::invalid("spec.template.metadata.labels", labels, why));
    }
    template_that_restarts(spec, errors);
}

fn template_that_restarts(spec: &Value, errors: &mut Vec<FieldError>) {
    validate::template(spec, "spec", errors);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if matches!(policy.as_str(), Some("Never" | "OnFailure")) {
        errors.push(check::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if !spec["template"]["spec"]["activeDeadlineSeconds"].is_null() {
        let why = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.push(FieldError::forbidden("spec.template.spec.activeDeadlineSeconds", why));
    }
}

fn status_counts(object: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in object["status"].as_object().into_iter().flatten() {
        if key.to_ascii_lowercase().ends_with("replicas") {
            check::not_negative(&format!("status.{key}"), value, errors);
        }
    }
}

fn set_template_generation(object: &mut Value, generation: i64) {
    let own = meta_number(object, "generation").unwrap_or(1);
    let generation = if generation == 0 { own } else { generation };
    let annotations = metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    annotations[TEMPLATE_GENERATION] = generation.to_string().into();
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.trim_end_matches('%') == "0",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(labels: Value) -> Value {
        let mut object = json!({"spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}},
        }});
        Deployments.default(&mut object);
        object
    }

    fn findings(object: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        selector_and_template(&object["spec"], &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_deployment_rolls_by_a_quarter() {
        let object = deployment(json!({"app": "x"}));
        assert_eq!(
            object["spec"]["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
        );
        assert_eq!(findings(&object), [""; 0]);
    }

    #[test]
    fn the_selector_must_select_the_template() {
        assert_eq!(
            findings(&deployment(json!({"app": "y"}))),
            [
                "spec.template.metadata.labels: Invalid value: {\"app\":\"y\"}: `selector` does not match template `labels`"
            ]
        );
    }
}
