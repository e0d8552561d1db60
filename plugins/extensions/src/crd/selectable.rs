//! `selectableFields`: paths to scalars that selectors may name.

use apimachinery::schema::{Scalar, Schema, Shape};
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::tree::Value;
use apimachinery::validation::quoted;

const FIELDS_MAX: usize = 8;

/// Findings about the paths at `path` in a version's schema.
pub(super) fn check(fields: &Value, schema: &Schema, path: &str, too_many_before: bool, errors: &mut Vec<FieldError>) {
    let mut seen: Vec<Vec<String>> = Vec::new();
    for (index, field) in fields.as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}[{index}].jsonPath");
        let text = field["jsonPath"].as_str().unwrap_or_default();
        let mut invalid =
            |why: String| errors.push(FieldError::new(FieldErrorKind::Invalid, path.clone(), quoted(text), why));
        if text.is_empty() {
            errors.push(FieldError::required(path, ""));
            continue;
        }
        let (steps, found) = match walk(text, schema) {
            Ok(found) => found,
            Err(why) => {
                invalid(format!("is an invalid path: {why}"));
                continue;
            }
        };
        if steps.first().is_some_and(|first| first == "metadata") {
            invalid("must not point to fields in metadata".to_string());
        }
        let scalar = matches!(found.shape, Shape::Scalar(Scalar::String | Scalar::Boolean | Scalar::Integer));
        if !scalar || found.rules.untyped {
            invalid(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats \
                 are allowed."
                    .to_string(),
            );
        }
        if seen.contains(&steps) {
            errors.push(FieldError::new(FieldErrorKind::Duplicate, path, quoted(text), ""));
        } else {
            seen.push(steps);
        }
    }
    if seen.len() > FIELDS_MAX && !too_many_before {
        let why = format!("must have at most {FIELDS_MAX} items");
        errors.push(FieldError::new(FieldErrorKind::TooMany, path, seen.len().to_string(), why));
    }
}

/// Whether there are more fields than are allowed.
pub(super) fn are_too_many(fields: &Value) -> bool {
    fields.as_array().is_some_and(|fields| fields.len() > FIELDS_MAX)
}

/// The keys that a path names, and the schema at its end.
fn walk<'a>(text: &str, schema: &'a Schema) -> Result<(Vec<String>, &'a Schema), String> {
    if text.contains('[') {
        return Err("array notation is not allowed".to_string());
    }
    let Some(rest) = text.strip_prefix('.') else {
        let first = text.split('.').next().unwrap_or_default();
        return Err(format!("expected [ or . but got: {first}"));
    };
    if rest.is_empty() {
        return Err("unexpected end of JSON path".to_string());
    }
    let mut steps = Vec::new();
    let mut at = schema;
    for step in rest.split('.') {
        at = at.member(step).ok_or("does not refer to a valid field")?;
        steps.push(step.to_string());
    }
    Ok((steps, at))
}
