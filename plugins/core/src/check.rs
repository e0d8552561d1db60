//! Findings that many resources share, in upstream's words.

use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::validation::{names, quoted};
use serde_json::{Value, json};

use crate::tree::{items, text};

/// A value that is not among those that are supported, named in upstream's order.
pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> FieldError {
    let supported: Vec<String> = supported.iter().map(|name| quoted(name)).collect();
    let why = format!("supported values: {}", supported.join(", "));
    FieldError::new(FieldErrorKind::NotSupported, field, value.to_string(), why)
}

/// A text that must be one of these; `required` if it may not be left out.
pub(crate) fn one_of(field: &str, value: &Value, supported: &[&str], required: bool, errors: &mut Vec<FieldError>) {
    match value.as_str().unwrap_or_default() {
        "" if required => errors.push(FieldError::required(field, "")),
        "" => {}
        known if supported.contains(&known) => {}
        _ => errors.push(unsupported(field, value, supported)),
    }
}

pub(crate) fn not_negative(field: &str, value: &Value, errors: &mut Vec<FieldError>) {
    if value.as_i64().is_some_and(|number| number < 0) {
        errors.push(FieldError::invalid(field, value, "must be greater than or equal to 0"));
    }
}

pub(crate) fn port(field: &str, value: &Value, errors: &mut Vec<FieldError>) {
    if !value.as_i64().is_some_and(|port| (1..=65535).contains(&port)) {
        let shown = if value.is_null() { json!(0) } else { value.clone() };
        errors.push(FieldError::invalid(field, &shown, "must be between 1 and 65535, inclusive"));
    }
}

/// A port by its number or its name.
pub(crate) fn port_or_name(field: &str, value: &Value, errors: &mut Vec<FieldError>) {
    match value.as_str() {
        Some(name) => {
            errors.extend(names::port_name(name).into_iter().map(|why| FieldError::invalid(field, value, why)));
        }
        None => port(field, value, errors),
    }
}

pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> FieldError {
    FieldError::new(FieldErrorKind::Duplicate, field, value.to_string(), "")
}

/// A field that may not change.
pub(crate) fn immutable(field: &str, value: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    if value != old {
        errors.push(FieldError::invalid(field, value, "field is immutable"));
    }
}

/// A name of the shape that `shape` checks.
pub(crate) fn name(field: &str, value: &str, shape: fn(&str) -> Vec<String>, errors: &mut Vec<FieldError>) {
    errors.extend(shape(value).into_iter().map(|why| FieldError::invalid(field, &json!(value), why)));
}

/// Whether a label selector selects these labels. An empty one selects everything.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let equal = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| label(key).is_some_and(|found| value == found));
    equal
        && items(selector, "matchExpressions").all(|expression| {
            let found = label(text(expression, "key"));
            let listed = |found: &str| items(expression, "values").any(|value| value == found);
            match text(expression, "operator") {
                "In" => found.is_some_and(listed),
                "NotIn" => !found.is_some_and(listed),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select() {
        let labels = json!({"app": "web", "tier": "front"});
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, selected) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "db"}}), false),
            (expression("tier", "In", &["front", "back"]), true),
            (expression("tier", "NotIn", &["front"]), false),
            (expression("none", "NotIn", &["front"]), true),
            (expression("none", "Exists", &[]), false),
            (expression("none", "DoesNotExist", &[]), true),
        ] {
            assert_eq!(selects(&selector, &labels), selected, "{selector}");
        }
    }
}
