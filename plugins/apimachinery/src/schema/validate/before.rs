//! What an update found: parts that it leaves as they were are not held against it.

use std::collections::HashMap;

use super::lists;
use crate::schema::{ListKind, Schema, SchemaRef, Shape};
use crate::tree::{Text, Value};

/// What a place held before an update, with the schema that says how parts of both are told
/// to be the same one.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    schema: &'a Schema,
    old: &'a Value,
}

impl<'a> Before<'a> {
    pub(super) fn new(schema: &'a Schema, old: &'a Value) -> Self {
        Self { schema, old }
    }

    pub(super) fn member(self, name: &str) -> Option<Before<'a>> {
        let schema = match self.schema.shape {
            // Object metadata is never told to be the same.
            Shape::Object(ref object) => match object.fields.get(name) {
                Some(field) => Some(&field.schema).filter(|schema| matches!(schema, SchemaRef::Inline(_))),
                None => object.values.as_ref(),
            },
            _ => None,
        };
        Some(Before { schema: schema?, old: self.old.get(name)? })
    }

    /// Only items of maps can be told to be the same.
    pub(super) fn items(self) -> Option<BeforeItems<'a>> {
        match (&self.schema.shape, self.old) {
            (Shape::List(list), Value::Array(items)) => match &list.kind {
                ListKind::Map { keys } => {
                    Some(BeforeItems { schema: &list.items, keys, items: lists::by_key(keys, items) })
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is the same as now.
    pub(super) fn is(self, value: &Value) -> bool {
        match (value, self.old) {
            (Value::Object(new), Value::Object(old)) => {
                let same = |(name, value): (&Text, &Value)| self.member(name).is_some_and(|before| before.is(value));
                new.len() == old.len() && new.iter().all(same)
            }
            (Value::Array(new), Value::Array(old)) => match self.items() {
                Some(before) => {
                    let same = |item: &Value| before.of(item).is_some_and(|before| before.is(item));
                    new.len() == old.len() && new.iter().all(same)
                }
                None => new == old,
            },
            (new, old) => new == old,
        }
    }
}

/// The items that a list held, by their keys.
pub(super) struct BeforeItems<'a> {
    schema: &'a Schema,
    keys: &'a [Box<str>],
    items: HashMap<String, &'a Value>,
}

impl<'a> BeforeItems<'a> {
    pub(super) fn of(&self, item: &Value) -> Option<Before<'a>> {
        let old = self.items.get(&lists::key_text(self.keys, item)?)?;
        Some(Before { schema: self.schema, old })
    }
}
