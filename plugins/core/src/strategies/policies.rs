//! Policies of admission that are written in CEL, and what binds them to requests. They are
//! stored, once their expressions compile; whoever evaluates them is the server's admission.

use std::collections::BTreeSet;

use apimachinery::cel::{Environment, Wanted, is_identifier};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::conditions;
use super::rules::{RULES, Rules};
use super::webhooks::{reserved_name, rule};
use crate::tree::{child, existing, items_mut, or_set};

const CONDITIONS_MAX: usize = 64;
const ANNOTATIONS_MAX: usize = 20;
const NOTHING: &str = "validations or auditAnnotations must contain at least one item";
const NOT_BOTH: &str = "name and selector are mutually exclusive";
const TWICE: &str = "must not contain both Deny and Warn (repeating the same validation failure information in the API \
                     response and headers serves no purpose)";

pub(super) static VALIDATING: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set(spec, "failurePolicy", "Fail");
        if let Some(constraints) = existing(spec, "matchConstraints") {
            match_defaults(constraints);
        }
    },
    validate: |object, findings| {
        let spec = object.at("spec");
        let environment = common(&spec, false, findings);
        let name = object.at("metadata.name");
        validations(&spec, name.text(), &environment, findings);
    },
    status: |object, _, findings| {
        for warning in object.at("status.typeChecking.expressionWarnings").items() {
            warning.at("warning").must_be_given(findings);
            warning.at("fieldRef").must_be_given(findings);
        }
        conditions::conditions(&object.at("status.conditions"), findings);
    },
    warnings: reserved_name,
    generation: true,
    knows_finalizers: false,
    unconditional_update: false,
    ..RULES
};

pub(super) static MUTATING: Rules = Rules {
    validate: |object, findings| {
        let spec = object.at("spec");
        let environment = common(&spec, true, findings);
        mutations(&spec, &environment, findings);
    },
    ..VALIDATING
};

pub(super) static VALIDATING_BINDINGS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        if let Some(resources) = existing(spec, "matchResources") {
            match_defaults(resources);
        }
    },
    validate: |object, findings| {
        let spec = object.at("spec");
        binding(&spec, findings);
        actions(&spec.at("validationActions"), findings);
    },
    ..VALIDATING
};

pub(super) static MUTATING_BINDINGS: Rules = Rules {
    validate: |object, findings| {
        let spec = object.at("spec");
        binding(&spec, findings);
        only_changes(&spec.at("matchResources.resourceRules"), findings);
    },
    ..VALIDATING_BINDINGS
};

fn match_defaults(resources: &mut Value) {
    or_set(resources, "matchPolicy", "Equivalent");
    or_set(resources, "namespaceSelector", json!({}));
    or_set(resources, "objectSelector", json!({}));
    for list in ["resourceRules", "excludeResourceRules"] {
        items_mut(resources, list).for_each(|rule| or_set(rule, "scope", "*"));
    }
}

/// What both kinds of policies say. Answers what their other expressions may name.
fn common(spec: &Place<'_, '_>, mutating: bool, findings: &mut Findings) -> Environment {
    spec.at("failurePolicy").none_or_one_of(&["Fail", "Ignore"], findings);
    if spec.at("paramKind").is_given() {
        parameter_kind(&spec.at("paramKind"), findings);
    }
    let constraints = spec.at("matchConstraints");
    if constraints.is_given() {
        resources(&constraints, findings);
        let rules = constraints.at("resourceRules");
        rules.must_be_given(findings);
        if mutating {
            only_changes(&rules, findings);
        }
    } else {
        constraints.required("", findings);
    }
    let parameters = spec.at("paramKind").is_given();
    conditions(&spec.at("matchConditions"), &Environment::conditions(parameters), findings);
    let mut environment = match mutating {
        true => Environment::mutation(parameters),
        false => Environment::policy(parameters),
    };
    if !spec.at("variables").is_empty() {
        environment.begin_variables();
    }
    for variable in spec.at("variables").items() {
        let name = variable.at("name");
        if name.is_empty() || name.text().trim().is_empty() {
            name.required("name is not specified", findings);
        } else if !is_identifier(name.text()) {
            name.invalid("must be a valid CEL identifier", findings);
        }
        let expression = variable.at("expression");
        if expression.text().trim().is_empty() {
            expression.required("expression is not specified", findings);
        } else if let Err(why) = environment.define(name.text(), expression.text().trim()) {
            expression.invalid(why, findings);
        }
    }
    environment
}

/// An expression that is there has to compile.
fn compiles(expression: &Place<'_, '_>, environment: &Environment, wanted: Wanted, findings: &mut Findings) {
    if let Err(why) = environment.compile(expression.text().trim(), wanted) {
        expression.invalid(why, findings);
    }
}

fn parameter_kind(of: &Place<'_, '_>, findings: &mut Findings) {
    let (version, kind) = (of.at("apiVersion"), of.at("kind"));
    match version.text().split('/').collect::<Vec<_>>().as_slice() {
        [""] => version.required("", findings),
        [number] => version_name(&version, number, findings),
        [group, number] => {
            let wrong = if group.is_empty() { Vec::new() } else { names::dns1123_subdomain(group) };
            if !wrong.is_empty() {
                version.invalid_as(&(*group).into(), wrong.join(","), findings);
            }
            version_name(&version, number, findings);
        }
        _ => version.invalid(format!("unexpected GroupVersion string: {}", version.text()), findings),
    }
    if kind.is_empty() {
        return kind.required("", findings);
    }
    let wrong = names::dns1035_label(&kind.text().to_lowercase());
    if !wrong.is_empty() {
        kind.invalid(format!("may have mixed case, but should otherwise match: {}", wrong.join(",")), findings);
    }
}

fn version_name(version: &Place<'_, '_>, name: &str, findings: &mut Findings) {
    if name.is_empty() {
        return version.invalid("version must be specified", findings);
    }
    let wrong = names::dns1035_label(name);
    if !wrong.is_empty() {
        version.invalid_as(&name.into(), wrong.join(","), findings);
    }
}

fn resources(of: &Place<'_, '_>, findings: &mut Findings) {
    of.at("matchPolicy").none_or_one_of(&["Equivalent", "Exact"], findings);
    of.at("namespaceSelector").selector(findings);
    of.at("objectSelector").selector(findings);
    for list in ["resourceRules", "excludeResourceRules"] {
        for named in of.at(list).items() {
            let mut seen = BTreeSet::new();
            for name in named.at("resourceNames").items() {
                name.shaped(names::path_segment, findings);
                if !seen.insert(name.text()) {
                    name.duplicate(findings);
                }
            }
            rule(&named, findings);
        }
    }
}

/// Only what is created or changed can be changed more.
fn only_changes(rules: &Place<'_, '_>, findings: &mut Findings) {
    let operations = rules.at("operations");
    for rule in rules.items() {
        for operation in rule.at("operations").items() {
            if !["*", "CONNECT", "CREATE", "UPDATE"].contains(&operation.text()) {
                operations.with(operation.value()).unsupported(&["*", "CONNECT", "CREATE", "UPDATE"], findings);
            }
        }
    }
}

/// When a policy or a webhook is asked at all.
pub(super) fn conditions(conditions: &Place<'_, '_>, environment: &Environment, findings: &mut Findings) {
    if conditions.count() > CONDITIONS_MAX {
        conditions.too_many(conditions.count(), CONDITIONS_MAX, findings);
    }
    let mut seen = BTreeSet::new();
    for condition in conditions.items() {
        let (name, expression) = (condition.at("name"), condition.at("expression"));
        if expression.text().trim().is_empty() {
            expression.required("", findings);
        } else {
            compiles(&expression, environment, Wanted::Bool, findings);
        }
        name.required_shaped(names::qualified_name, findings);
        if !name.is_empty() && !seen.insert(name.text()) {
            name.duplicate(findings);
        }
    }
}

fn validations(spec: &Place<'_, '_>, policy: &str, environment: &Environment, findings: &mut Findings) {
    let (validations, annotations) = (spec.at("validations"), spec.at("auditAnnotations"));
    if validations.is_empty() && annotations.is_empty() {
        validations.required(NOTHING, findings);
        return annotations.required(NOTHING, findings);
    }
    for validation in validations.items() {
        let (expression, message) = (validation.at("expression"), validation.at("message"));
        let lines = |text: &str| text.contains(['\n', '\r']);
        if expression.text().trim().is_empty() {
            expression.required("expression is not specified", findings);
        } else {
            compiles(&expression, environment, Wanted::Bool, findings);
        }
        let told = validation.at("messageExpression");
        if told.is_given() && !told.is_empty() && told.text().trim().is_empty() {
            told.invalid("must be non-empty if specified", findings);
        } else if !told.is_empty() {
            compiles(&told, environment, Wanted::Text, findings);
        }
        if !message.is_empty() && message.text().trim().is_empty() {
            message.invalid("must be non-empty if specified", findings);
        } else if lines(message.text().trim()) {
            message.invalid("must not contain line breaks", findings);
        }
        let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
        validation.at("reason").none_or_one_of(&reasons, findings);
    }
    if annotations.count() > ANNOTATIONS_MAX {
        annotations.invalid(format!("must not have more than {ANNOTATIONS_MAX} auditAnnotations"), findings);
    }
    let mut keys = BTreeSet::new();
    for annotation in annotations.items() {
        let (key, value) = (annotation.at("key"), annotation.at("valueExpression"));
        // It is told below the name of its policy.
        let full = format!("{policy}/{}", key.text());
        if policy.is_empty() {
            key.invalid("requires metadata.name be non-empty", findings);
        }
        for why in names::qualified_name(&full).into_iter().filter(|_| !policy.is_empty()) {
            key.invalid_as(&full.as_str().into(), why, findings);
        }
        if value.text().trim().is_empty() {
            value.required("valueExpression is not specified", findings);
        } else {
            compiles(&value, environment, Wanted::TextOrNull, findings);
        }
        if !keys.insert(key.text()) {
            key.duplicate(findings);
        }
    }
}

fn mutations(spec: &Place<'_, '_>, environment: &Environment, findings: &mut Findings) {
    let mutations = spec.at("mutations");
    if mutations.is_empty() {
        mutations.required("mutations must contain at least one item", findings);
    }
    for mutation in mutations.items() {
        let (kind, patch, apply) =
            (mutation.at("patchType"), mutation.at("jsonPatch"), mutation.at("applyConfiguration"));
        let ((own, wanted), name, other, other_name) = match kind.text() {
            "JSONPatch" => ((patch, Wanted::Patches), "JSONPatch", apply, "applyConfiguration"),
            "ApplyConfiguration" => ((apply, Wanted::Object), "ApplyConfiguration", patch, "jsonPatch"),
            _ => {
                kind.one_of(&["ApplyConfiguration", "JSONPatch"], findings);
                continue;
            }
        };
        if !own.is_given() {
            own.required(&format!("must be specified when patchType is {name}"), findings);
        } else if own.at("expression").text().trim().is_empty() {
            own.at("expression").required("", findings);
        } else {
            compiles(&own.at("expression"), environment, wanted, findings);
        }
        if other.is_given() {
            let shown = format!("{{{other_name}}}").into();
            other.invalid_as(&shown, format!("must not be specified when patchType is {name}"), findings);
        }
    }
    spec.at("reinvocationPolicy").one_of(&["IfNeeded", "Never"], findings);
}

fn binding(spec: &Place<'_, '_>, findings: &mut Findings) {
    spec.at("policyName").required_shaped(names::dns1123_subdomain, findings);
    let reference = spec.at("paramRef");
    if reference.is_given() {
        parameters(&reference, findings);
    }
    if spec.at("matchResources").is_given() {
        resources(&spec.at("matchResources"), findings);
    }
}

fn parameters(reference: &Place<'_, '_>, findings: &mut Findings) {
    let (name, selector, missing) =
        (reference.at("name"), reference.at("selector"), reference.at("parameterNotFoundAction"));
    let both = !name.is_empty() && selector.is_given();
    if !name.is_empty() {
        name.shaped(names::path_segment, findings);
        if both {
            name.forbidden(NOT_BOTH, findings);
        }
    }
    selector.selector(findings);
    if both {
        selector.forbidden(NOT_BOTH, findings);
    }
    if name.is_empty() && !selector.is_given() {
        reference.required("one of name or selector must be specified", findings);
    }
    missing.one_of(&["Deny", "Allow"], findings);
}

fn actions(actions: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for action in actions.items() {
        if !["Audit", "Deny", "Warn"].contains(&action.text()) {
            action.unsupported(&["Audit", "Deny", "Warn"], findings);
        }
        if !seen.insert(action.text()) {
            action.duplicate(findings);
        }
    }
    if seen.contains("Deny") && seen.contains("Warn") {
        actions.invalid(TWICE, findings);
    }
    if seen.is_empty() {
        actions.required("at least one validation action is required", findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &Rules, spec: Value) -> Vec<String> {
        let (object, mut findings) = (json!({ "spec": spec }), Vec::new());
        (rules.validate)(&Place::root(&object), &mut findings);
        findings.iter().map(|finding| finding.field.clone()).collect()
    }

    #[test]
    fn an_empty_policy_lacks_what_a_policy_needs() {
        let [constraints, validations, annotations] = ["matchConstraints", "validations", "auditAnnotations"];
        let want = [constraints, validations, annotations].map(|field| format!("spec.{field}"));
        assert_eq!(found(&VALIDATING, json!({})), want);
        let want = ["matchConstraints", "mutations", "reinvocationPolicy"].map(|field| format!("spec.{field}"));
        assert_eq!(found(&MUTATING, json!({})), want);
        assert_eq!(found(&VALIDATING_BINDINGS, json!({})), ["spec.policyName", "spec.validationActions"]);
        assert_eq!(
            found(&MUTATING_BINDINGS, json!({"policyName": "p", "paramRef": {"name": "n"}})),
            ["spec.paramRef.parameterNotFoundAction"]
        );
    }
}
