//! Webhooks of admission: which requests they are asked about, and how they are reached.
//! They are stored; who evaluates them is the server's admission.

use std::collections::BTreeSet;

use apimachinery::cel::Environment;
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::webhooks::{review_versions, service, url};

use super::policies::conditions;
use super::rules::{RULES, Rules};
use crate::tree::{child, existing, items_mut, or_set};
use crate::warnings::Warnings;

const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const NO_SIDE_EFFECTS: [&str; 2] = ["None", "NoneOnDryRun"];

pub(super) static VALIDATING_WEBHOOKS: Rules = Rules {
    default: |object| webhook_defaults(object, false),
    validate: |object, findings| webhooks(object, false, findings),
    warnings: reserved_name,
    generation: true,
    knows_finalizers: false,
    unconditional_update: false,
    ..RULES
};

pub(super) static MUTATING_WEBHOOKS: Rules = Rules {
    default: |object| webhook_defaults(object, true),
    validate: |object, findings| webhooks(object, true, findings),
    ..VALIDATING_WEBHOOKS
};

/// Names of what is configured by files.
pub(super) fn reserved_name(object: &Place<'_, '_>, _old: Option<&Value>, out: &mut Warnings) {
    const SUFFIX: &str = ".static.k8s.io";
    if object.at("metadata.name").text().ends_with(SUFFIX) {
        out.push(format!(
            "metadata.name: names ending with \"{SUFFIX}\" are reserved for static manifest-based configurations and \
             cannot be managed via the API"
        ));
    }
}

fn webhook_defaults(object: &mut Value, mutating: bool) {
    for webhook in items_mut(object, "webhooks") {
        or_set(webhook, "failurePolicy", "Fail");
        or_set(webhook, "matchPolicy", "Equivalent");
        or_set(webhook, "namespaceSelector", json!({}));
        or_set(webhook, "objectSelector", json!({}));
        or_set(webhook, "timeoutSeconds", 10);
        if mutating {
            or_set(webhook, "reinvocationPolicy", "Never");
        }
        if let Some(service) = existing(child(webhook, "clientConfig"), "service") {
            or_set(service, "port", 443);
        }
        items_mut(webhook, "rules").for_each(|rule| or_set(rule, "scope", "*"));
    }
}

fn webhooks(object: &Place<'_, '_>, mutating: bool, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for webhook in object.at("webhooks").items() {
        self::webhook(&webhook, mutating, findings);
        review_versions(&webhook.at("admissionReviewVersions"), "must specify one of v1, v1beta1", findings);
        let name = webhook.at("name");
        if !name.is_empty() && !names.insert(name.text()) {
            name.duplicate(findings);
        }
    }
}

fn webhook(webhook: &Place<'_, '_>, mutating: bool, findings: &mut Findings) {
    webhook.at("name").qualified_domain(findings);
    webhook.at("rules").items().for_each(|rule| self::rule(&rule, findings));
    webhook.at("failurePolicy").none_or_one_of(&["Fail", "Ignore"], findings);
    webhook.at("matchPolicy").none_or_one_of(&["Equivalent", "Exact"], findings);
    let effects = webhook.at("sideEffects");
    if effects.is_given() {
        effects.none_or_one_of(&NO_SIDE_EFFECTS, findings);
    } else {
        effects.required("must specify one of None, NoneOnDryRun", findings);
    }
    let timeout = webhook.at("timeoutSeconds");
    if timeout.number().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        timeout.invalid("the timeout value must be between 1 and 30 seconds", findings);
    }
    webhook.at("namespaceSelector").selector(findings);
    webhook.at("objectSelector").selector(findings);
    if mutating {
        webhook.at("reinvocationPolicy").none_or_one_of(&["IfNeeded", "Never"], findings);
    }
    let config = webhook.at("clientConfig");
    match (config.at("url").is_given(), config.at("service").is_given()) {
        (true, false) => url(&config.at("url"), findings),
        (false, true) => service(&config.at("service"), findings),
        _ => config.required("exactly one of url or service is required", findings),
    }
    conditions(&webhook.at("matchConditions"), &Environment::conditions(false), findings);
}

pub(super) fn rule(rule: &Place<'_, '_>, findings: &mut Findings) {
    let operations = rule.at("operations");
    list_with_wildcard(&operations, "operations", findings);
    for operation in operations.items() {
        operation.none_or_one_of(&OPERATIONS, findings);
    }
    list_with_wildcard(&rule.at("apiGroups"), "API groups", findings);
    let versions = rule.at("apiVersions");
    list_with_wildcard(&versions, "API versions", findings);
    versions.items().for_each(|version| version.must_be_given(findings));
    resources(&rule.at("resources"), findings);
    rule.at("scope").none_or_one_of(&["*", "Cluster", "Namespaced"], findings);
}

fn list_with_wildcard(list: &Place<'_, '_>, what: &str, findings: &mut Findings) {
    list.must_be_given(findings);
    if list.count() > 1 && list.items().any(|item| item.text() == "*") {
        list.invalid(format!("if '*' is present, must not specify other {what}"), findings);
    }
}

fn resources(resources: &Place<'_, '_>, findings: &mut Findings) {
    resources.must_be_given(findings);
    let (mut all_of, mut of_all) = (BTreeSet::new(), BTreeSet::new());
    let mut plain = false;
    for resource in resources.items() {
        if resource.is_empty() {
            resource.required("", findings);
            continue;
        }
        let Some((name, sub)) = resource.text().split_once('/') else {
            plain = resource.text() != "*";
            continue;
        };
        if all_of.contains(name) {
            resource.invalid(format!("if '{name}/*' is present, must not specify {}", resource.text()), findings);
        }
        if of_all.contains(sub) {
            resource.invalid(format!("if '*/{sub}' is present, must not specify {}", resource.text()), findings);
        }
        if sub == "*" {
            all_of.insert(name);
        }
        if name == "*" {
            of_all.insert(sub);
        }
    }
    let has = |text: &str| resources.items().any(|resource| resource.text() == text);
    if resources.count() > 1 && has("*/*") {
        resources.invalid("if '*/*' is present, must not specify other resources", findings);
    }
    if has("*") && plain {
        let why = "if '*' is present, must not specify other resources without subresources";
        resources.invalid(why, findings);
    }
}
