//! Rules that are short enough to be said as a value.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::validation::names;
use serde_json::Value;

use crate::tree::is_empty;

/// What a resource without hooks of its own may have.
pub(super) struct Rules {
    pub(super) default: fn(&mut Value),
    /// What upstream sets on create whatever the client sent.
    pub(super) prepare: fn(&mut Value),
    pub(super) validate: fn(&Value, &mut Vec<FieldError>),
    pub(super) name: fn(&str) -> Vec<String>,
    /// Members of the object, as paths of two keys at most, that may not change.
    pub(super) immutable: &'static [&'static str],
    /// How their values are shown: as upstream's internal types print them.
    pub(super) shown: fn(&Value) -> Value,
    pub(super) generation: bool,
    pub(super) create_on_update: bool,
    pub(super) unconditional_update: bool,
    pub(super) returns_deleted: bool,
}

pub(super) const RULES: Rules = Rules {
    default: |_| {},
    prepare: |_| {},
    validate: |_, _| {},
    name: names::dns1123_subdomain,
    immutable: &[],
    shown: Value::clone,
    generation: false,
    create_on_update: false,
    unconditional_update: true,
    returns_deleted: false,
};

impl Strategy for Rules {
    fn default(&self, object: &mut Value) {
        (self.default)(object);
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        (self.prepare)(object);
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        (self.validate)(object, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource == "status" {
            return;
        }
        (self.validate)(object, errors);
        for path in self.immutable {
            let at = |object: &Value| path.split('.').fold(object.clone(), |value, key| value[key].clone());
            let (new, old) = (at(object), at(old));
            if new != old && !(is_empty(&new) && is_empty(&old)) {
                errors.push(FieldError::invalid(*path, &(self.shown)(&new), "field is immutable"));
            }
        }
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        (self.name)(name)
    }

    fn create_on_update(&self) -> bool {
        self.create_on_update
    }

    fn unconditional_update(&self) -> bool {
        self.unconditional_update
    }

    fn generation(&self) -> bool {
        self.generation
    }

    fn returns_deleted(&self) -> bool {
        self.returns_deleted
    }
}
