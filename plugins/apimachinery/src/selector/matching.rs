//! What a selector says of an object that the host does not keep, and so cannot select.

use plugin_sdk::storage::{FieldRequirement, LabelRequirement, Operator, Selector};

use crate::rest::object::meta;
use crate::tree::Value;

/// Whether all requirements hold. Of fields those count that every object has.
pub fn holds(selector: &Selector, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    selector.labels.iter().all(|requirement| label(requirement, labels))
        && selector.fields.iter().all(|requirement| field(requirement, object))
}

fn label(requirement: &LabelRequirement, labels: &Value) -> bool {
    let value = labels[requirement.key.as_str()].as_str();
    let is_named = value.is_some_and(|value| requirement.values.iter().any(|named| named == value));
    let compared = |holds: fn(i64, i64) -> bool| {
        let bound = requirement.values.first().and_then(|bound| bound.parse().ok());
        value.and_then(|value| value.parse().ok()).zip(bound).is_some_and(|(value, bound)| holds(value, bound))
    };
    match requirement.operator {
        Operator::Equals | Operator::In => is_named,
        Operator::NotEquals | Operator::NotIn => !is_named,
        Operator::Exists => value.is_some(),
        Operator::NotExists => value.is_none(),
        Operator::Greater => compared(|value, bound| value > bound),
        Operator::Less => compared(|value, bound| value < bound),
    }
}

fn field(requirement: &FieldRequirement, object: &Value) -> bool {
    let key = requirement.name.strip_prefix("metadata.").unwrap_or_default();
    (meta(object, key) == requirement.value) == (requirement.operator == Operator::Equals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selector::parse_labels;
    use crate::tree::json;

    #[test]
    fn labels_and_names_are_compared() {
        let object = json!({"metadata": {"name": "a", "labels": {"k": "v", "n": "7"}}});
        for (text, expected) in [
            ("", true),
            ("k=v", true),
            ("k=w", false),
            ("k!=w,m!=w", true),
            ("k in (v,w)", true),
            ("k notin (v)", false),
            ("k", true),
            ("!k", false),
            ("!m", true),
            ("n>6", true),
            ("n<7", false),
            ("k>6", false),
        ] {
            let selector = Selector { labels: parse_labels(text).unwrap(), fields: Vec::new() };
            assert_eq!(holds(&selector, &object), expected, "{text}");
        }
        for (name, operator, value, expected) in [
            ("metadata.name", Operator::Equals, "a", true),
            ("metadata.name", Operator::NotEquals, "a", false),
            ("metadata.namespace", Operator::Equals, "", true),
            ("metadata.namespace", Operator::Equals, "x", false),
        ] {
            let fields = vec![FieldRequirement { name: name.into(), operator, value: value.into() }];
            let selector = Selector { labels: Vec::new(), fields };
            assert_eq!(holds(&selector, &object), expected, "{name} {value}");
        }
    }
}
