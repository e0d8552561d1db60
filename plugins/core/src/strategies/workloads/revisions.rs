//! Pod templates, and what controllers remember of older ones.

use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::validate;
use crate::strategies::pods::defaults;
use crate::strategies::rules::{RULES, Rules};
use crate::warnings::changed_template;

pub(in super::super) static POD_TEMPLATES: Rules = Rules {
    default: defaults::template,
    forget_disabled: defaults::forget_disabled_in_template,
    validate: |object, findings| validate::template(&object.at("template"), findings),
    generation: true,
    warnings: |object, old, out| changed_template(object, "template", old, out),
    returns_deleted: true,
    ..RULES
};

pub(in super::super) static CONTROLLER_REVISIONS: Rules = Rules {
    validate: |object, findings| {
        revision(object, findings);
        let data = object.at("data");
        match data.value() {
            Value::Null => data.required("data is mandatory", findings),
            other if other.says_object() => {}
            _ => data.required("data must be a valid JSON object", findings),
        }
    },
    validates_updates: false,
    change: |object, old, findings| {
        revision(object, findings);
        let data = object.at("data");
        if data.value() != &old["data"] {
            data.invalid_as(data.value(), "field is immutable", findings);
        }
    },
    ..RULES
};

fn revision(object: &Place<'_, '_>, findings: &mut Findings) {
    object.at("revision").not_negative(findings);
}
