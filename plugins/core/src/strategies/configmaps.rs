//! ConfigMaps: keys that are file names, and `immutable`.

use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::{metadata, names};

const SIZE_MAX: usize = 1024 * 1024;

pub(super) struct ConfigMaps;

impl Strategy for ConfigMaps {
    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let data = object["data"].as_object();
        let binary = object["binaryData"].as_object();
        let mut size = 0;
        for (key, value) in data.into_iter().flatten() {
            check_key("data", key, errors);
            if binary.is_some_and(|binary| binary.contains_key(key)) {
                let why = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(format!("data[{key}]"), &json!(key), why));
            }
            size += value.as_str().map_or(0, str::len);
        }
        for (key, value) in binary.into_iter().flatten() {
            check_key("binaryData", key, errors);
            // Three bytes for four letters.
            size += value.as_str().map_or(0, |text| text.trim_end_matches('=').len() * 3 / 4);
        }
        if size > SIZE_MAX {
            let why = format!("may not be more than {SIZE_MAX} bytes");
            errors.push(FieldError::new(FieldErrorKind::TooLong, "[]", "", why));
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        check_immutable(&["data", "binaryData"], object, old, errors);
        metadata::late(operation.definition, operation.subresource, object, errors);
        self.validate(operation, object, errors);
    }
}

/// A key is the name of a file.
pub(super) fn check_key(field: &str, key: &str, errors: &mut Vec<FieldError>) {
    for why in names::config_key(key) {
        errors.push(FieldError::invalid(format!("{field}[{key}]"), &json!(key), why));
    }
}

/// Once `immutable` is set it stays, and the content with it.
pub(super) fn check_immutable(fields: &[&str], object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    const WHY: &str = "field is immutable when `immutable` is set";
    if old["immutable"] != true {
        return;
    }
    if object["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", WHY));
    }
    let changed = fields.iter().filter(|field| object[**field] != old[**field]);
    errors.extend(changed.map(|field| FieldError::forbidden(*field, WHY)));
}
