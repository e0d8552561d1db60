//! `spec.names` and `status.acceptedNames`.

use apimachinery::status::FieldError;
use apimachinery::validation::names::dns1035_label;

use super::{invalid, label};
use crate::crd::Names;

/// What a definition cannot do without.
pub(super) fn required(names: &Names, errors: &mut Vec<FieldError>) {
    for (field, name) in [
        ("plural", &names.plural),
        ("singular", &names.singular),
        ("kind", &names.kind),
        ("listKind", &names.list_kind),
    ] {
        if name.is_empty() {
            errors.push(FieldError::required(format!("spec.names.{field}"), ""));
        }
    }
}

/// The form of those names that are there.
pub(super) fn check(names: &Names, path: &str, errors: &mut Vec<FieldError>) {
    for (field, name) in [("plural", &names.plural), ("singular", &names.singular)] {
        if !name.is_empty() {
            label(&format!("{path}.{field}"), name, errors);
        }
    }
    for (field, name) in [("kind", &names.kind), ("listKind", &names.list_kind)] {
        let found = dns1035_label(&name.to_lowercase());
        if !name.is_empty() && !found.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", found.join(","));
            errors.push(invalid(&format!("{path}.{field}"), name, why));
        }
    }
    for (index, name) in names.short_names.iter().enumerate() {
        label(&format!("{path}.shortNames[{index}]"), name, errors);
    }
    if !names.kind.is_empty() && names.kind == names.list_kind {
        let why = "kind and listKind may not be the same";
        errors.push(invalid(&format!("{path}.listKind"), &names.list_kind, why));
    }
    for (index, name) in names.categories.iter().enumerate() {
        label(&format!("{path}.categories[{index}]"), name, errors);
    }
}
