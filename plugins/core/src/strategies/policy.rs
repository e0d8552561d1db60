//! Who may do what, what is admitted and in which order: access rules, admission
//! configurations, budgets, flow control, certificates.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::validation::{labels, names};
use serde_json::{Value, json};

use super::rules::{RULES, Rules};
use crate::check;
use crate::tree::{child, existing, is_empty, items, items_mut, or_set, or_set_text, text};

pub(super) static ROLES: Rules = Rules { validate: role, name: names::path_segment, create_on_update: true, ..RULES };

pub(super) static BINDINGS: Rules = Rules {
    default: |object| {
        or_set_text(child(object, "roleRef"), "apiGroup", RBAC);
        for subject in items_mut(object, "subjects") {
            if matches!(text(subject, "kind"), "User" | "Group") {
                or_set_text(subject, "apiGroup", RBAC);
            }
        }
    },
    validate: binding,
    name: names::path_segment,
    immutable: &["roleRef"],
    shown: |role| json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]}),
    create_on_update: true,
    ..RULES
};

pub(super) static BUDGETS: Rules = Rules {
    prepare: |object| {
        object["status"] =
            json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
    },
    validate: |object, errors| {
        let spec = &object["spec"];
        if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
            let why = "minAvailable and maxUnavailable cannot be both set";
            errors.push(FieldError::invalid("spec", spec, why));
        }
        labels::selector(&spec["selector"], "spec.selector", errors);
    },
    generation: true,
    unconditional_update: false,
    ..RULES
};

pub(super) static FLOW_SCHEMAS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        if spec["matchingPrecedence"].as_i64().unwrap_or(0) == 0 {
            spec["matchingPrecedence"] = 1000.into();
        }
    },
    generation: true,
    ..RULES
};

pub(super) static PRIORITY_LEVELS: Rules = Rules { default: priority_level, generation: true, ..RULES };

pub(super) static WEBHOOKS: Rules =
    Rules { default: |object| webhooks(object, false), generation: true, unconditional_update: false, ..RULES };

pub(super) static MUTATING_WEBHOOKS: Rules =
    Rules { default: |object| webhooks(object, true), generation: true, unconditional_update: false, ..RULES };

pub(super) static ADMISSION_POLICIES: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set_text(spec, "failurePolicy", "Fail");
        if let Some(constraints) = existing(spec, "matchConstraints") {
            match_resources(constraints);
        }
    },
    generation: true,
    unconditional_update: false,
    ..RULES
};

pub(super) static ADMISSION_BINDINGS: Rules = Rules {
    default: |object| {
        if let Some(resources) = existing(child(object, "spec"), "matchResources") {
            match_resources(resources);
        }
    },
    generation: true,
    unconditional_update: false,
    ..RULES
};

pub(super) static DEVICE_CLASSES: Rules = Rules { generation: true, ..RULES };
pub(super) static RESOURCE_SLICES: Rules = Rules { generation: true, ..RULES };
pub(super) static RESOURCE_CLAIMS: Rules = Rules { immutable: &["spec"], ..RULES };

/// Who asks for a certificate is who sends the request.
pub(super) struct SigningRequests;

const RBAC: &str = "rbac.authorization.k8s.io";

impl Strategy for SigningRequests {
    fn default(&self, object: &mut Value) {
        for condition in items_mut(child(object, "status"), "conditions") {
            or_set_text(condition, "status", "True");
        }
    }

    fn prepare_for_create(&self, operation: &Operation<'_>, object: &mut Value) {
        let spec = child(object, "spec");
        for key in ["uid", "extra"] {
            crate::tree::remove(spec, key);
        }
        spec["username"] = operation.user.into();
        spec["groups"] = json!(operation.groups);
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        apimachinery::rest::object::carry_over(object, old, "spec");
        // Approving is a matter of conditions alone, and the status of all but those.
        let approval = |value: &Value| matches!(text(value, "type"), "Approved" | "Denied");
        match operation.subresource {
            "approval" => {
                let conditions = object["status"]["conditions"].clone();
                apimachinery::rest::object::carry_over(object, old, "status");
                child(object, "status")["conditions"] = conditions;
            }
            "status" => {
                let kept = items(&old["status"], "conditions").filter(|condition| approval(condition)).cloned();
                let new = items(&object["status"], "conditions").filter(|condition| !approval(condition)).cloned();
                let all: Vec<Value> = kept.chain(new).collect();
                if !all.is_empty() {
                    child(object, "status")["conditions"] = all.into();
                }
            }
            _ => {}
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        if is_empty(&spec["usages"]) {
            errors.push(FieldError::required("spec.usages", ""));
        }
        if text(spec, "signerName").is_empty() {
            errors.push(FieldError::required("spec.signerName", ""));
        }
        if text(spec, "request").is_empty() {
            let why = "PEM block type must be CERTIFICATE REQUEST";
            errors.push(FieldError::invalid("spec.request", &json!(""), why));
        }
        if spec["expirationSeconds"].as_i64().is_some_and(|seconds| seconds < 600) {
            let why = "may not specify a duration less than 600 seconds (10 minutes)";
            errors.push(FieldError::invalid("spec.expirationSeconds", &spec["expirationSeconds"], why));
        }
    }
}

fn role(object: &Value, errors: &mut Vec<FieldError>) {
    for (index, rule) in items(object, "rules").enumerate() {
        let at = format!("rules[{index}]");
        if is_empty(&rule["verbs"]) {
            errors.push(FieldError::required(format!("{at}.verbs"), "verbs must contain at least one value"));
        }
        if !is_empty(&rule["nonResourceURLs"]) {
            if !is_empty(&rule["apiGroups"]) || !is_empty(&rule["resources"]) || !is_empty(&rule["resourceNames"]) {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                errors.push(FieldError::invalid(format!("{at}.nonResourceURLs"), &rule["nonResourceURLs"], why));
            }
            continue;
        }
        if is_empty(&rule["apiGroups"]) {
            let why = "resource rules must supply at least one api group";
            errors.push(FieldError::required(format!("{at}.apiGroups"), why));
        }
        if is_empty(&rule["resources"]) {
            let why = "resource rules must supply at least one resource";
            errors.push(FieldError::required(format!("{at}.resources"), why));
        }
    }
}

fn binding(object: &Value, errors: &mut Vec<FieldError>) {
    let role = &object["roleRef"];
    if text(role, "apiGroup") != RBAC {
        errors.push(check::unsupported("roleRef.apiGroup", &role["apiGroup"], &[RBAC]));
    }
    // Objects of the cluster cannot name what is in a namespace.
    let kinds: &[&str] =
        if text(&object["metadata"], "namespace").is_empty() { &["ClusterRole"] } else { &["ClusterRole", "Role"] };
    if !kinds.contains(&text(role, "kind")) {
        errors.push(check::unsupported("roleRef.kind", &role["kind"], kinds));
    }
    match text(role, "name") {
        "" => errors.push(FieldError::required("roleRef.name", "")),
        name => check::name("roleRef.name", name, names::path_segment, errors),
    }
    for (index, subject) in items(object, "subjects").enumerate() {
        let at = format!("subjects[{index}]");
        if text(subject, "name").is_empty() {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        match text(subject, "kind") {
            "ServiceAccount" => {
                if !text(subject, "apiGroup").is_empty() {
                    errors.push(check::unsupported(format!("{at}.apiGroup"), &subject["apiGroup"], &[""]));
                }
                if text(subject, "namespace").is_empty() {
                    errors.push(FieldError::required(format!("{at}.namespace"), ""));
                }
            }
            "User" | "Group" => {
                if text(subject, "apiGroup") != RBAC {
                    errors.push(check::unsupported(format!("{at}.apiGroup"), &subject["apiGroup"], &[RBAC]));
                }
            }
            _ => {
                let kinds = ["Group", "ServiceAccount", "User"];
                errors.push(check::unsupported(format!("{at}.kind"), &subject["kind"], &kinds));
            }
        }
    }
}

fn priority_level(object: &mut Value) {
    let spec = child(object, "spec");
    if let Some(exempt) = existing(spec, "exempt") {
        or_set(exempt, "nominalConcurrencyShares", 0);
        or_set(exempt, "lendablePercent", 0);
    }
    if let Some(limited) = existing(spec, "limited") {
        or_set(limited, "nominalConcurrencyShares", 30);
        or_set(limited, "lendablePercent", 0);
        if let Some(queuing) = existing(child(limited, "limitResponse"), "queuing") {
            for (key, value) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
                if queuing[key].as_i64().unwrap_or(0) == 0 {
                    queuing[key] = value.into();
                }
            }
        }
    }
}

fn webhooks(object: &mut Value, mutating: bool) {
    for webhook in items_mut(object, "webhooks") {
        or_set_text(webhook, "failurePolicy", "Fail");
        or_set_text(webhook, "matchPolicy", "Equivalent");
        or_set(webhook, "namespaceSelector", json!({}));
        or_set(webhook, "objectSelector", json!({}));
        or_set(webhook, "timeoutSeconds", 10);
        if mutating {
            or_set_text(webhook, "reinvocationPolicy", "Never");
        }
        if let Some(service) = existing(child(webhook, "clientConfig"), "service") {
            or_set(service, "port", 443);
        }
        items_mut(webhook, "rules").for_each(|rule| or_set_text(rule, "scope", "*"));
    }
}

fn match_resources(resources: &mut Value) {
    or_set_text(resources, "matchPolicy", "Equivalent");
    or_set(resources, "namespaceSelector", json!({}));
    or_set(resources, "objectSelector", json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        items_mut(resources, list).for_each(|rule| or_set_text(rule, "scope", "*"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_name_roles_that_they_can_reach() {
        for (object, want) in [
            (json!({"metadata": {}, "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "r"}}), None),
            (
                json!({"metadata": {}, "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"}}),
                Some("roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\""),
            ),
            (json!({"metadata": {"namespace": "n"}, "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"}}), None),
        ] {
            let mut errors = Vec::new();
            binding(&object, &mut errors);
            assert_eq!(errors.first().map(ToString::to_string).as_deref(), want);
        }
    }
}
