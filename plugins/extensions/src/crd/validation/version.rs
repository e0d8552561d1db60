//! One version, and what all versions share.

use apimachinery::schema::structural;
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::tree::Value;
use apimachinery::validation::{is_printable, quoted};

use super::{Before, invalid, label};
use crate::crd::layout::{Layout, Placed};
use crate::crd::{Crd, Version, selectable};

const WARNING_BYTES_MAX: usize = 256;
/// In upstream's order, which is alphabetical.
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// What the version at `index` says for itself.
pub(super) fn own(crd: &Crd, layout: &Layout<'_>, index: usize, before: &Before, errors: &mut Vec<FieldError>) {
    let version = &crd.spec.versions[index];
    let path = format!("spec.versions[{index}]");
    label(&format!("{path}.name"), &version.name, errors);
    deprecation_warning(version, &path, errors);
    let schema = layout.of_version(index, "schema");
    if let Some(Placed { path, value }) = &schema {
        check_schema(value, path, version.has_status(), before, errors);
    }
    if let Some(Placed { path, value }) = layout.of_version(index, "subresources") {
        subresources(value, &path, errors);
    }
    if let Some(Placed { path, value }) = layout.of_version(index, "additionalPrinterColumns") {
        columns(value, &path, errors);
    }
    if let Some(fields) = layout.of_version(index, "selectableFields") {
        let tolerated = before.too_many_selectable.contains(&version.name);
        match schema.and_then(|schema| openapi(schema.value)) {
            Some(schema) => selectable_fields(&fields, schema, &path, tolerated, errors),
            None => {
                // The wording is upstream's, which means the opposite.
                let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
                errors.push(invalid(&fields.path, "", why));
            }
        }
    }
}

/// What is the same in all versions.
pub(super) fn shared(crd: &Crd, layout: &Layout<'_>, before: &Before, errors: &mut Vec<FieldError>) {
    let schema = layout.shared("schema");
    if let Some(Placed { path, value }) = &schema {
        let has_status = crd.spec.versions.iter().any(Version::has_status);
        check_schema(value, path, has_status, before, errors);
    }
    if let Some(Placed { path, value }) = layout.shared("subresources") {
        subresources(value, &path, errors);
    }
    if let Some(Placed { path, value }) = layout.shared("additionalPrinterColumns") {
        columns(value, &path, errors);
    }
    if let Some(fields) = layout.shared("selectableFields") {
        let tolerated = !before.too_many_selectable.is_empty();
        match schema.and_then(|schema| openapi(schema.value)) {
            Some(schema) => selectable_fields(&fields, schema, "spec", tolerated, errors),
            None => errors.push(invalid(&fields.path, "", "may only be set when validations.schema is included")),
        }
    }
}

fn selectable_fields(fields: &Placed<'_>, schema: &Value, path: &str, tolerated: bool, errors: &mut Vec<FieldError>) {
    match structural::unsupported(schema) {
        Some(why) => errors.push(invalid(&format!("{path}.schema.openAPIV3Schema"), "", why)),
        None => {
            let schema = structural::from_openapi(schema);
            selectable::check(fields.value, &schema, &fields.path, tolerated, errors);
        }
    }
}

fn openapi(validation: &Value) -> Option<&Value> {
    Some(&validation["openAPIV3Schema"]).filter(|schema| schema.is_object())
}

fn check_schema(validation: &Value, path: &str, has_status: bool, before: &Before, errors: &mut Vec<FieldError>) {
    if let Some(schema) = openapi(validation) {
        super::schema(schema, path, has_status, before, errors);
    }
}

fn deprecation_warning(version: &Version, path: &str, errors: &mut Vec<FieldError>) {
    let Some(text) = &version.deprecation_warning else { return };
    let mut refuse = |why: String| errors.push(invalid(&format!("{path}.deprecationWarning"), text, why));
    if !version.deprecated {
        refuse("can only be set for deprecated versions".to_string());
        return;
    }
    if text.len() > WARNING_BYTES_MAX {
        refuse(format!("must be <= {WARNING_BYTES_MAX} characters long"));
    }
    if text.is_empty() {
        refuse("must not be an empty string".to_string());
    }
    if let Some((at, _)) = text.char_indices().find(|(_, char)| !is_printable(*char)) {
        refuse(format!("must only contain printable UTF-8 characters; non-printable character found at index {at}"));
    }
}

fn subresources(subresources: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let scale = &subresources["scale"];
    if !scale.is_object() {
        return;
    }
    let text = |name: &str| scale[name].as_str().unwrap_or_default();
    for (name, below) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let (path, text) = (format!("{path}.scale.{name}"), text(name));
        if text.is_empty() {
            errors.push(FieldError::required(path, ""));
        } else if simple_path(&path, text, errors) && !text.starts_with(below) {
            let why = format!("should be a json path under {}", below.trim_end_matches('.'));
            errors.push(invalid(&path, text, why));
        }
    }
    let (path, text) = (format!("{path}.scale.labelSelectorPath"), text("labelSelectorPath"));
    let below = text.starts_with(".spec.") || text.starts_with(".status.");
    if !text.is_empty() && simple_path(&path, text, errors) && !below {
        errors.push(invalid(&path, text, "should be a json path under either .spec or .status"));
    }
}

fn columns(columns: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
        let text = |name: &str| column[name].as_str().unwrap_or_default();
        let path = |name: &str| format!("{path}[{index}].{name}");
        if text("name").is_empty() {
            errors.push(FieldError::required(path("name"), ""));
        }
        let one_of = |names: &[&str]| format!("must be one of {}", names.join(","));
        match text("type") {
            "" => errors.push(FieldError::required(path("type"), one_of(&COLUMN_TYPES))),
            kind if COLUMN_TYPES.contains(&kind) => {}
            kind => errors.push(invalid(&path("type"), kind, one_of(&COLUMN_TYPES))),
        }
        let format = text("format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            errors.push(invalid(&path("format"), format, one_of(&COLUMN_FORMATS)));
        }
        match text("jsonPath") {
            "" => errors.push(FieldError::required(path("JSONPath"), "")),
            text => {
                simple_path(&path("JSONPath"), text, errors);
            }
        }
    }
}

/// Whether a path begins as one does; what is wrong otherwise is appended.
fn simple_path(path: &str, text: &str, errors: &mut Vec<FieldError>) -> bool {
    let simple = text.starts_with('.');
    if !simple {
        let why = "must be a simple json path starting with .";
        errors.push(FieldError::new(FieldErrorKind::Invalid, path, quoted(text), why));
    }
    simple
}
