//! Findings that many resources share, in upstream's words.

use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::tree::Value;
use apimachinery::validation::quoted;

use crate::tree::{items, text};

/// A value that is not among those that are supported, named in upstream's order.
pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> FieldError {
    let supported: Vec<String> = supported.iter().map(|name| quoted(name)).collect();
    let why = format!("supported values: {}", supported.join(", "));
    FieldError::new(FieldErrorKind::NotSupported, field, value.to_string(), why)
}

/// A field that may not change.
pub(crate) fn immutable(field: &str, value: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    if value != old {
        errors.push(FieldError::invalid(field, value, "field is immutable"));
    }
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
    use apimachinery::tree::json;

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
