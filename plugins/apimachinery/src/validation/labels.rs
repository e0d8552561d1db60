//! Labels on objects, and label selectors inside of objects.

use super::{names, quoted};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;

/// Every finding about a map of labels. `field` is the map's path.
pub fn labels(labels: &Value, field: &str, errors: &mut Vec<FieldError>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        label_key(key, field, errors);
        let value = value.as_str().unwrap_or_default();
        for reason in names::label_value(value) {
            errors.push(FieldError::new(FieldErrorKind::Invalid, field, quoted(value), reason));
        }
    }
}

pub fn label_key(key: &str, field: &str, errors: &mut Vec<FieldError>) {
    for reason in names::qualified_name(key) {
        errors.push(FieldError::new(FieldErrorKind::Invalid, field, quoted(key), reason));
    }
}

/// Every finding about a `metav1.LabelSelector` at `field`.
pub fn selector(selector: &Value, field: &str, errors: &mut Vec<FieldError>) {
    labels(&selector["matchLabels"], &format!("{field}.matchLabels"), errors);
    for (index, requirement) in selector["matchExpressions"].as_array().into_iter().flatten().enumerate() {
        expression(requirement, &format!("{field}.matchExpressions[{index}]"), errors);
    }
}

fn expression(requirement: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let values = requirement["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let operator = requirement["operator"].as_str().unwrap_or_default();
    match operator {
        "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
            format!("{field}.values"),
            "must be specified when `operator` is 'In' or 'NotIn'",
        )),
        "In" | "NotIn" => {}
        "Exists" | "DoesNotExist" if !values.is_empty() => errors.push(FieldError::forbidden(
            format!("{field}.values"),
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        )),
        "Exists" | "DoesNotExist" => {}
        _ => errors.push(FieldError::new(
            FieldErrorKind::Invalid,
            format!("{field}.operator"),
            quoted(operator),
            "not a valid selector operator",
        )),
    }
    label_key(requirement["key"].as_str().unwrap_or_default(), &format!("{field}.key"), errors);
    for (index, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        for reason in names::label_value(value) {
            let field = format!("{field}.values[{index}]");
            errors.push(FieldError::new(FieldErrorKind::Invalid, field, quoted(value), reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    fn fields(check: impl Fn(&mut Vec<FieldError>)) -> Vec<String> {
        let mut errors = Vec::new();
        check(&mut errors);
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn keys_and_values_are_checked() {
        let found = fields(|errors| labels(&json!({"ok": "fine", "-": "x", "a": "-"}), "metadata.labels", errors));
        assert_eq!(found, ["metadata.labels", "metadata.labels"]);
        assert_eq!(fields(|errors| labels(&Value::Null, "metadata.labels", errors)), Vec::<String>::new());
    }

    #[test]
    fn selectors_are_checked() {
        let bad = json!({
            "matchLabels": {"a": " "},
            "matchExpressions": [
                {"key": "a", "operator": "In", "values": []},
                {"key": "a", "operator": "Exists", "values": ["x"]},
                {"key": "", "operator": "Nonsense"},
                {"key": "a", "operator": "NotIn", "values": ["ok", "not ok"]},
                {"key": "a", "operator": "DoesNotExist"},
            ],
        });
        assert_eq!(
            fields(|errors| selector(&bad, "spec.selector", errors)),
            [
                "spec.selector.matchLabels",
                "spec.selector.matchExpressions[0].values",
                "spec.selector.matchExpressions[1].values",
                "spec.selector.matchExpressions[2].operator",
                "spec.selector.matchExpressions[2].key",
                "spec.selector.matchExpressions[2].key",
                "spec.selector.matchExpressions[3].values[1]",
            ]
        );
    }
}
