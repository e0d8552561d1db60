//! What is left of an object without some of its fields.

use super::element::PathElement;
use super::set::Set;
use super::types::{Atom, Type};
use crate::tree::Value;

/// `value` without the members of `fields`. A list or map of which nothing is left is null.
pub(super) fn remove(of: Type<'_>, value: &Value, fields: &Set) -> Value {
    match (of.atom(Some(value)), value) {
        (Atom::Scalar(_), value) => value.clone(),
        (Atom::List(list), Value::Array(items)) => {
            let mut left = Vec::with_capacity(items.len());
            for item in items {
                match list.element(item).ok().and_then(|element| fields.entry(&element)) {
                    Some(entry) if entry.member => {}
                    Some(entry) => left.push(remove(list.items, item, &entry.children)),
                    None => left.push(item.clone()),
                }
            }
            if left.is_empty() { Value::Null } else { Value::Array(left) }
        }
        (Atom::Map(map), Value::Object(members)) => {
            let mut left = crate::tree::Map::new();
            for (name, value) in members {
                let kept = match fields.entry(&PathElement::field(name)) {
                    Some(entry) if entry.member => continue,
                    Some(entry) => remove(map.get(name).unwrap_or(Type::Deduced), value, &entry.children),
                    None => value.clone(),
                };
                left.insert(name.clone(), kept);
            }
            if left.is_empty() { Value::Null } else { Value::Object(left) }
        }
        // Nothing below a leaf can be removed from it: it is the leaf that goes.
        _ => Value::Null,
    }
}
