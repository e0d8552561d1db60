//! The cells of custom resources: a value at a path, in the column's type.

use super::object::{Object, printed};
use crate::codec::time;
use crate::jsonpath::Path;
use crate::tree::Value;

/// Null where there is nothing, or nothing of this type.
pub(super) fn cell(kind: &str, path: &str, object: Object<'_>) -> Value {
    let Some(value) = first(path, &object) else { return Value::Null };
    match kind {
        "string" => printed(&value).into(),
        "integer" => match &value {
            Value::Number(number) if number.is_f64() => (number.as_f64().unwrap_or_default() as i64).into(),
            Value::Number(_) => value,
            _ => Value::Null,
        },
        "number" => {
            if value.is_number() {
                value
            } else {
                Value::Null
            }
        }
        "boolean" => {
            if value.is_boolean() {
                value
            } else {
                Value::Null
            }
        }
        "date" => match &value {
            Value::String(text) if text.is_empty() || text == "null" => object.since_instant(None).into(),
            Value::String(text) => match time::parse(text) {
                Ok(time) => object.since_instant(Some(time)).into(),
                Err(_) => "<invalid>".into(),
            },
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

fn first(path: &str, object: &Value) -> Option<Value> {
    let found = Path::parse(path).ok()?.find(object).ok()?;
    found.into_iter().next().map(std::borrow::Cow::into_owned)
}
