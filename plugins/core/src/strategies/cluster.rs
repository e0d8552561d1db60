//! The smaller resources of the core group, and those that look after nodes and scheduling.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use plugin_sdk::Store;
use serde_json::{Value, json};

use super::rules::{RULES, Rules};
use crate::check;
use crate::tree::{child, existing, items, items_mut, or_set, or_set_text, text};

pub(super) static SERVICE_ACCOUNTS: Rules = Rules { returns_deleted: true, ..RULES };

pub(super) static ENDPOINTS: Rules = Rules {
    default: |object| {
        for subset in items_mut(object, "subsets") {
            items_mut(subset, "ports").for_each(|port| or_set_text(port, "protocol", "TCP"));
        }
    },
    create_on_update: true,
    ..RULES
};

pub(super) static LIMIT_RANGES: Rules = Rules { default: limit_range, create_on_update: true, ..RULES };

pub(super) static RESOURCE_QUOTAS: Rules = Rules { validate: resource_quota, returns_deleted: true, ..RULES };

pub(super) static PRIORITY_CLASSES: Rules = Rules {
    default: |object| or_set_text(object, "preemptionPolicy", "PreemptLowerPriority"),
    validate: priority_class,
    immutable: &["value", "preemptionPolicy"],
    generation: true,
    ..RULES
};

pub(super) static LEASES: Rules =
    Rules { validate: lease, create_on_update: true, unconditional_update: false, ..RULES };

pub(super) static RUNTIME_CLASSES: Rules = Rules { immutable: &["handler"], unconditional_update: false, ..RULES };

/// A new node is not ready, so nothing is scheduled on it until somebody says that it is.
pub(super) struct Nodes;

const NOT_READY: &str = "node.kubernetes.io/not-ready";

impl Strategy for Nodes {
    fn default(&self, object: &mut Value) {
        let Some(status) = existing(object, "status") else { return };
        if let Some(capacity) = status.get("capacity").cloned().filter(|capacity| !capacity.is_null()) {
            or_set(status, "allocatable", capacity);
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        _store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        if old.is_none() && operation.subresource.is_empty() {
            let spec = child(object, "spec");
            let tainted = items(spec, "taints")
                .any(|taint| text(taint, "key") == NOT_READY && text(taint, "effect") == "NoSchedule");
            if !tainted {
                if !spec["taints"].is_array() {
                    spec["taints"] = json!([]);
                }
                if let Some(taints) = spec["taints"].as_array_mut() {
                    taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
                }
            }
        }
        Box::pin(std::future::ready(Ok(Companions::default())))
    }

    fn validate_update(&self, _operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        for field in ["podCIDR", "providerID"] {
            let (new, old) = (&object["spec"][field], &old["spec"][field]);
            if !text_is_empty(old) && new != old {
                let why = format!("node updates may not change {field} except from \"\" to valid");
                errors.push(FieldError::forbidden(format!("spec.{field}"), why));
            }
        }
    }

    fn keeps_status_on_create(&self) -> bool {
        true
    }
}

fn text_is_empty(value: &Value) -> bool {
    value.as_str().is_none_or(str::is_empty)
}

/// A limit is also what is asked for by default, and the other way round, as far as bounds go.
fn limit_range(object: &mut Value) {
    for limit in items_mut(child(object, "spec"), "limits").filter(|limit| limit["type"] == "Container") {
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let Some(amounts) = limit.get(from).and_then(Value::as_object).cloned() else { continue };
            let target = child(limit, to);
            for (name, amount) in amounts {
                or_set(target, &name, amount);
            }
        }
    }
}

fn resource_quota(object: &Value, errors: &mut Vec<FieldError>) {
    for (name, amount) in object["spec"]["hard"].as_object().into_iter().flatten() {
        let field = format!("spec.hard[{name}]");
        check::name(&field, name, apimachinery::validation::names::qualified_name, errors);
        if amount.as_str().is_some_and(|amount| amount.starts_with('-')) {
            errors.push(FieldError::invalid(field, amount, "must be greater than or equal to 0"));
        }
    }
}

/// Classes of the system may be above what users may have.
const USER_PRIORITY_MAX: i64 = 1_000_000_000;

fn priority_class(object: &Value, errors: &mut Vec<FieldError>) {
    let name = text(&object["metadata"], "name");
    let value = object["value"].as_i64().unwrap_or(0);
    let system = matches!(name, "system-cluster-critical" | "system-node-critical");
    if !system && name.starts_with("system-") {
        let why = "priority class names with 'system-' prefix are reserved for system use only. error: \
                   only system priority classes are allowed";
        errors.push(FieldError::forbidden("metadata.name", why));
    }
    if !system && value > USER_PRIORITY_MAX {
        let why = format!("maximum allowed value of a user defined priority is {USER_PRIORITY_MAX}");
        errors.push(FieldError::forbidden("value", why));
    }
    let policies = ["Never", "PreemptLowerPriority"];
    check::one_of("preemptionPolicy", &object["preemptionPolicy"], &policies, false, errors);
}

fn lease(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
        errors.push(FieldError::invalid(
            "spec.leaseDurationSeconds",
            &spec["leaseDurationSeconds"],
            "must be greater than 0",
        ));
    }
    check::not_negative("spec.leaseTransitions", &spec["leaseTransitions"], errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_default_request() {
        let mut object =
            json!({"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}, "default": {"cpu": "1"}}]}});
        limit_range(&mut object);
        assert_eq!(object["spec"]["limits"][0]["default"], json!({"cpu": "1", "memory": "1Gi"}));
        assert_eq!(object["spec"]["limits"][0]["defaultRequest"], json!({"cpu": "1", "memory": "1Gi"}));
    }

    #[test]
    fn names_of_the_system_are_the_systems() {
        for (name, value, count) in
            [("a", 7, 0), ("system-x", 7, 1), ("a", 2_000_000_000, 1), ("system-node-critical", 2_000_001_000, 0)]
        {
            let mut errors = Vec::new();
            priority_class(&json!({"metadata": {"name": name}, "value": value}), &mut errors);
            assert_eq!(errors.len(), count, "{name}");
        }
    }
}
