//! `x-kubernetes-list-type`: items of sets and keys of maps stand there once.

use std::collections::HashMap;

use super::text;
use crate::schema::{List, ListKind, Schema, Shape};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::{Map, Value};

/// Appends every first repetition.
pub fn validate(schema: &Schema, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(map)) => {
            for (name, value) in map {
                // What any object has is not the author's to say, and upstream lets its lists repeat themselves.
                let is_metadata = name == "metadata" && (path.is_empty() || schema.embedded_resource);
                if is_metadata || !value.is_object() && !value.is_array() {
                    continue;
                }
                if let Some(field) = object.fields.get(name) {
                    let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    validate(&field.schema, value, &path, errors);
                } else if let Some(values) = &object.values {
                    validate(values, value, &format!("{path}[{name}]"), errors);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            repetitions(list, items, path, errors);
            for (index, item) in items.iter().enumerate().filter(|(_, item)| item.is_object() || item.is_array()) {
                validate(&list.items, item, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// Items by their keys, to find what an item was before an update: of two with the same keys
/// the first.
pub(super) fn by_key<'a>(keys: &[Box<str>], items: &'a [Value]) -> HashMap<String, &'a Value> {
    let mut found = HashMap::with_capacity(items.len());
    for item in items {
        if let Some(key) = key_text(keys, item) {
            found.entry(key).or_insert(item);
        }
    }
    found
}

/// An item's keys, if it has them all.
pub(super) fn key_text(keys: &[Box<str>], item: &Value) -> Option<String> {
    let scalar = |key: &str| {
        item.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_)))
    };
    keys.iter().all(|key| scalar(key)).then(|| text::json(&key_of(keys, item)))
}

fn repetitions(list: &List, items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    let keys: Vec<Value> = match &list.kind {
        ListKind::Atomic => return,
        ListKind::Set => items.to_vec(),
        ListKind::Map { keys } => {
            if let Some(index) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
                let detail = "must be an object for an array of list-type map";
                let value = text::shown(&items[index]);
                errors.push(FieldError::new(FieldErrorKind::Invalid, format!("{path}[{index}]"), value, detail));
                return;
            }
            items.iter().map(|item| key_of(keys, item)).collect()
        }
    };
    let mut seen: HashMap<String, u32> = HashMap::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let times = seen.entry(identity(&list.kind, key)).or_default();
        *times += 1;
        if *times == 2 {
            let value = text::shown(key);
            errors.push(FieldError::new(FieldErrorKind::Duplicate, format!("{path}[{index}]"), value, ""));
        }
    }
}

/// What two items have in common that are the same. Go tells scalars by their types, too, unless
/// several make the key.
fn identity(kind: &ListKind, key: &Value) -> String {
    let scalar = match kind {
        ListKind::Map { keys } => keys.first().filter(|_| keys.len() == 1).map_or(key, |name| &key[&**name]),
        _ => key,
    };
    match scalar {
        Value::Number(number) if number.is_f64() => number.to_string(),
        _ => text::json(key),
    }
}

fn key_of(keys: &[Box<str>], item: &Value) -> Value {
    let present = keys.iter().filter_map(|key| Some((key.to_string(), item.get(&**key)?.clone())));
    Value::Object(present.collect::<Map>())
}
