//! Devices: classes of them, what nodes have, and who claims what.
//!
//! - `slices`, `capacity`: what nodes have.
//! - `claims`, `admin`: what somebody wants, and who may want it.
//! - `status`: what a claim was given.
//! - `names`: how all that is named.

mod admin;
mod capacity;
mod claims;
mod names;
mod slices;
mod status;

use std::collections::BTreeSet;

use apimachinery::cel::{Environment, Wanted};
use apimachinery::rest::clock;
use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::pods::validate::claim_template_metadata;
use super::pods::validate::resources::is_extended;
use super::rules::{RULES, Rules};
use crate::tree::{child, items_mut, or_set};

const SELECTORS_MAX: usize = 32;
const CONFIGURATIONS_MAX: usize = 32;
const EXPRESSION_COST_MAX: u64 = 1_000_000;
const EXPRESSION_BYTES_MAX: usize = 10 * 1024;
const PARAMETERS_BYTES_MAX: usize = 10 * 1024;
const BINDING_CONDITIONS_MAX: usize = 4;
const EFFECTS: [&str; 3] = ["NoExecute", "NoSchedule", "None"];

pub(super) static DEVICE_CLASSES: Rules = Rules {
    validate: |object, findings| class(&object.at("spec"), None, findings),
    validates_updates: false,
    change: |object, old, findings| class(&object.at("spec"), Some(&old["spec"]), findings),
    generation: true,
    returns_deleted: true,
    ..RULES
};

pub(super) static RESOURCE_CLAIMS: Rules = Rules {
    default: claims::default,
    admit: admin::admit_claim,
    prepare_status: status::prepare,
    validate: |object, findings| claims::validate(&object.at("spec.devices"), findings),
    validates_updates: false,
    change: |object, old, findings| unchanged(object, old, "io.k8s.api.resource.v1.ResourceClaimSpec", findings),
    status: status::change,
    returns_deleted: true,
    ..RULES
};

pub(super) static CLAIM_TEMPLATES: Rules = Rules {
    default: |object| claims::default(child(object, "spec")),
    admit: admin::admit_template,
    validate: |object, findings| {
        claim_template_metadata(&object.at("spec.metadata"), findings);
        claims::validate(&object.at("spec.spec.devices"), findings);
    },
    change: |object, old, findings| {
        unchanged(object, old, "io.k8s.api.resource.v1.ResourceClaimTemplateSpec", findings)
    },
    returns_deleted: true,
    ..RULES
};

pub(super) static RESOURCE_SLICES: Rules = Rules {
    default: |object| {
        for device in items_mut(child(object, "spec"), "devices") {
            items_mut(device, "taints").for_each(|taint| or_set(taint, "timeAdded", clock::now()));
        }
    },
    prepare: slices::prepare,
    prepare_update: |object, _| slices::prepare(object),
    validate: |object, findings| slices::validate(&object.at("spec"), None, findings),
    validates_updates: false,
    change: |object, old, findings| slices::validate(&object.at("spec"), Some(&old["spec"]), findings),
    warnings: |object, _, out| {
        let driver = object.at("spec.driver");
        if driver.text().chars().any(char::is_uppercase) {
            out.push(format!(
                "spec.driver: driver names should be lowercase; \"{}\" contains uppercase characters",
                driver.text()
            ));
        }
    },
    generation: true,
    returns_deleted: true,
    ..RULES
};

fn unchanged(object: &Place<'_, '_>, old: &Value, kind: &str, findings: &mut Findings) {
    let spec = object.at("spec");
    if spec.value() != &old["spec"] {
        spec.invalid_as(&internal::show(kind, spec.value()), "field is immutable", findings);
    }
}

fn class(spec: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    selectors(&spec.at("selectors"), findings);
    let config = spec.at("config");
    let stored = old.is_some_and(|old| &old["config"] == config.value());
    let check = |config: &Place<'_, '_>, findings: &mut Findings| configuration(config, stored, findings);
    each_item(&config, CONFIGURATIONS_MAX, check, findings);
    let name = spec.at("extendedResourceName");
    if name.is_given() && !is_extended(name.text()) {
        name.invalid("must be a valid extended resource name", findings);
    }
}

/// They have to compile; schedulers evaluate them.
fn selectors(selectors: &Place<'_, '_>, findings: &mut Findings) {
    let environment = Environment::device();
    let check = |selector: &Place<'_, '_>, findings: &mut Findings| {
        let expression = selector.at("cel.expression");
        if !selector.at("cel").is_given() {
            selector.at("cel").required("", findings);
        } else if expression.text().len() > EXPRESSION_BYTES_MAX {
            expression.too_long(EXPRESSION_BYTES_MAX, findings);
        } else {
            match environment.compile(expression.text(), Wanted::BoolOrUnknown) {
                Ok(..=EXPRESSION_COST_MAX) => {}
                Ok(_) => expression.forbidden("too complex, exceeds cost limit", findings),
                Err(why) => expression.invalid(why, findings),
            }
        }
    };
    each_item(selectors, SELECTORS_MAX, check, findings);
}

/// What a driver is told. What is stored already may be of any length.
fn configuration(config: &Place<'_, '_>, stored: bool, findings: &mut Findings) {
    let opaque = config.at("opaque");
    if !opaque.is_given() {
        return opaque.required("", findings);
    }
    names::driver(&opaque.at("driver"), findings);
    let most = if stored { usize::MAX } else { PARAMETERS_BYTES_MAX };
    parameters(&opaque.at("parameters"), most, findings);
}

/// An object that only a driver understands.
fn parameters(parameters: &Place<'_, '_>, bytes_max: usize, findings: &mut Findings) {
    if !parameters.is_given() {
        parameters.required("", findings);
    } else if parameters.value().bytes() > bytes_max {
        parameters.too_long(bytes_max, findings);
    } else if !parameters.value().says_object() {
        parameters.invalid_as(&"<value omitted>".into(), "must be a valid JSON object", findings);
    }
}

/// Conditions that are awaited before a device is used, and those that end the wait.
fn binding(of: &Place<'_, '_>, findings: &mut Findings) {
    let (awaited, failed) = (of.at("bindingConditions"), of.at("bindingFailureConditions"));
    for list in [&awaited, &failed] {
        each_item(list, BINDING_CONDITIONS_MAX, |name, findings| name.label_name(findings), findings);
    }
    repeated(&awaited, findings);
    let mut seen = BTreeSet::new();
    for name in failed.items() {
        if !seen.insert(name.text()) {
            name.duplicate(findings);
        }
        if awaited.items().any(|other| other.text() == name.text()) {
            name.invalid("bindingFailureConditions must not overlap with bindingConditions", findings);
        }
    }
    if awaited.is_empty() && !failed.is_empty() {
        let why = "bindingConditions are required to use bindingFailureConditions";
        awaited.invalid_as(awaited.value(), why, findings);
    }
    if failed.is_empty() && !awaited.is_empty() {
        let why = "bindingFailureConditions are required to use bindingConditions";
        failed.invalid_as(failed.value(), why, findings);
    }
}

/// Each of a list that is not too long: of one that is, no more is said.
fn each_item(
    list: &Place<'_, '_>,
    most: usize,
    each: impl Fn(&Place<'_, '_>, &mut Findings),
    findings: &mut Findings,
) -> bool {
    if list.count() > most {
        list.too_many(list.count(), most, findings);
        return false;
    }
    list.items().for_each(|item| each(&item, findings));
    true
}

/// As [`each_item`], of objects that have different names.
fn each_named(
    list: &Place<'_, '_>,
    name: &str,
    most: usize,
    each: impl Fn(&Place<'_, '_>, &mut Findings),
    findings: &mut Findings,
) {
    if each_item(list, most, each, findings) {
        let mut seen = BTreeSet::new();
        for item in list.items() {
            let name = item.at(name).text();
            if !seen.insert(name) {
                item.duplicate_as(&name.into(), findings);
            }
        }
    }
}

/// As [`each_item`], of different texts.
fn each_once(list: &Place<'_, '_>, most: usize, each: impl Fn(&Place<'_, '_>, &mut Findings), findings: &mut Findings) {
    if each_item(list, most, each, findings) {
        repeated(list, findings);
    }
}

fn repeated(list: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for item in list.items() {
        if !seen.insert(item.text()) {
            item.duplicate(findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn found(rule: fn(&Place<'_, '_>, &mut Findings), value: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        rule(&Place::named("x", value), &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn drivers_are_told_objects() {
        let with = |parameters: Value| json!({"opaque": {"driver": "d", "parameters": parameters}});
        let check: fn(&Place<'_, '_>, &mut Findings) = |config, findings| configuration(config, false, findings);
        assert!(found(check, &with(json!({"a": 1}))).is_empty());
        assert_eq!(found(check, &json!({})), ["x.opaque: Required value"]);
        assert_eq!(found(check, &with(Value::Null)), ["x.opaque.parameters: Required value"]);
        assert_eq!(
            found(check, &with(json!("a"))),
            ["x.opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON object"]
        );
        assert_eq!(
            found(check, &with(json!({"a": "b".repeat(PARAMETERS_BYTES_MAX)}))),
            ["x.opaque.parameters: Too long: may not be more than 10240 bytes"]
        );
    }

    #[test]
    fn what_is_awaited_may_fail() {
        for (conditions, expected) in [
            (json!({"bindingConditions": ["a"], "bindingFailureConditions": ["b"]}), vec![]),
            (
                json!({"bindingConditions": ["a"]}),
                vec![
                    "x.bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use \
                     bindingConditions",
                ],
            ),
            (
                json!({"bindingConditions": ["a", "a"], "bindingFailureConditions": ["a"]}),
                vec![
                    "x.bindingConditions[1]: Duplicate value: \"a\"",
                    "x.bindingFailureConditions[0]: Invalid value: \"a\": bindingFailureConditions must not overlap \
                     with bindingConditions",
                ],
            ),
        ] {
            assert_eq!(found(binding, &conditions), expected, "{conditions}");
        }
    }

    #[test]
    fn classes_stand_for_resources_of_others() {
        let check: fn(&Place<'_, '_>, &mut Findings) = |spec, findings| class(spec, None, findings);
        assert!(found(check, &json!({"extendedResourceName": "example.com/gpu"})).is_empty());
        assert_eq!(
            found(check, &json!({"extendedResourceName": "cpu", "selectors": [{}]})),
            [
                "x.selectors[0].cel: Required value",
                "x.extendedResourceName: Invalid value: \"cpu\": must be a valid extended resource name",
            ]
        );
    }
}
