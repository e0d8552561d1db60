//! Which objects a list or watch wants.

use std::sync::Arc;

use super::claims::{Claim, SelectableField};
use super::object::Object;
use crate::ReadError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    /// Holds for objects without the label too.
    NotEquals,
    In,
    /// Holds for objects without the label too.
    NotIn,
    Exists,
    NotExists,
    /// Both sides are integers.
    Greater,
    /// Both sides are integers.
    Less,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRequirement {
    pub key: String,
    pub operator: Operator,
    pub values: Vec<String>,
}

/// Only [`Operator::Equals`] and [`Operator::NotEquals`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRequirement {
    /// `metadata.name`, `metadata.namespace`, or a field of the claim.
    pub name: String,
    pub operator: Operator,
    pub value: String,
}

/// All requirements hold. The empty one wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub labels: Vec<LabelRequirement>,
    pub fields: Vec<FieldRequirement>,
}

impl Selector {
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

/// A selector whose fields were found.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    labels: Vec<LabelRequirement>,
    fields: Vec<(Field, bool, String)>,
}

#[derive(Debug)]
enum Field {
    Name,
    Namespace,
    /// The first that says something counts.
    Selectable(Vec<SelectableField>),
}

impl Matcher {
    pub(super) fn new(selector: Selector, claim: &Arc<Claim>) -> Result<Self, ReadError> {
        let field = |wanted: FieldRequirement| {
            let equal = match wanted.operator {
                Operator::Equals => true,
                Operator::NotEquals => false,
                other => return Err(ReadError::Invalid(format!("a field selector cannot be `{other:?}`"))),
            };
            let field = match wanted.name.as_str() {
                "metadata.name" => Field::Name,
                "metadata.namespace" => Field::Namespace,
                name => {
                    let found: Vec<_> = claim.fields().iter().filter(|field| field.name == name).cloned().collect();
                    if found.is_empty() {
                        return Err(ReadError::Invalid(format!("the field `{name}` cannot be selected by")));
                    }
                    Field::Selectable(found)
                }
            };
            Ok((field, equal, wanted.value))
        };
        Ok(Self { labels: selector.labels, fields: selector.fields.into_iter().map(field).collect::<Result<_, _>>()? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(super) fn matches(&self, object: &Object) -> bool {
        self.fields.iter().all(|(field, equal, value)| {
            let is = match field {
                Field::Name => object.name().unwrap_or_default() == value,
                Field::Namespace => object.namespace().unwrap_or_default() == value,
                Field::Selectable(fields) => {
                    let said = fields.iter().map(|field| object.field(field)).find(|said| !said.is_empty());
                    said.unwrap_or_default() == value.as_str()
                }
            };
            is == *equal
        }) && self.labels.iter().all(|wanted| wanted.holds(object.label(&wanted.key)))
    }
}

impl LabelRequirement {
    fn holds(&self, label: Option<&str>) -> bool {
        let listed = || label.is_some_and(|label| self.values.iter().any(|value| value == label));
        // What is no integer is neither greater nor less.
        let compare = |holds: fn(&i64, &i64) -> bool| {
            let wanted = self.values.first().and_then(|value| value.parse().ok());
            label.and_then(|label| label.parse().ok()).zip(wanted).is_some_and(|(is, wanted)| holds(&is, &wanted))
        };
        match self.operator {
            Operator::Equals | Operator::In => listed(),
            Operator::NotEquals | Operator::NotIn => !listed(),
            Operator::Exists => label.is_some(),
            Operator::NotExists => label.is_none(),
            Operator::Greater => compare(i64::gt),
            Operator::Less => compare(i64::lt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_compared_as_upstream_does() {
        use Operator::*;
        for (operator, values, label, holds) in [
            (Equals, &["a"][..], Some("a"), true),
            (Equals, &["a"], Some("b"), false),
            (Equals, &["a"], None, false),
            (Equals, &[""], Some(""), true),
            (Equals, &[""], None, false),
            (NotEquals, &["a"], Some("a"), false),
            (NotEquals, &["a"], Some("b"), true),
            (NotEquals, &["a"], None, true),
            (In, &["a", "b"], Some("b"), true),
            (In, &["a", "b"], Some("c"), false),
            (In, &["a", "b"], None, false),
            (NotIn, &["a", "b"], Some("b"), false),
            (NotIn, &["a", "b"], Some("c"), true),
            (NotIn, &["a", "b"], None, true),
            (Exists, &[], Some(""), true),
            (Exists, &[], None, false),
            (NotExists, &[], Some(""), false),
            (NotExists, &[], None, true),
            (Greater, &["5"], Some("6"), true),
            (Greater, &["5"], Some("5"), false),
            (Greater, &["5"], Some("x"), false),
            (Greater, &["5"], None, false),
            (Less, &["5"], Some("-6"), true),
            (Less, &["x"], Some("4"), false),
        ] {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            let wanted = LabelRequirement { key: "x".to_owned(), operator, values };
            assert_eq!(wanted.holds(label), holds, "{wanted:?} of {label:?}");
        }
    }

    #[test]
    fn a_field_selector_only_compares_and_only_what_is_known() {
        let field = |name: &str, operator| Selector {
            labels: vec![],
            fields: vec![FieldRequirement { name: name.to_owned(), operator, value: String::new() }],
        };
        for (selector, error) in [
            (field("spec.x", Operator::Equals), "the field `spec.x` cannot be selected by"),
            (field("metadata.name", Operator::In), "a field selector cannot be `In`"),
        ] {
            let refused = Matcher::new(selector, &Arc::default()).err();
            assert_eq!(refused, Some(ReadError::Invalid(error.to_owned())));
        }
    }
}
