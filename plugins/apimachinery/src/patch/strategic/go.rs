//! Values as Go prints them, which is how they stand in upstream's messages.

use crate::tree::Value;

/// `%T` of a decoded value.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        // It has none, and this is how Go complains.
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Raw(_) => type_name(&value.opened()),
    }
}

/// `%s` of a decoded value: of what is no text Go says so.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "%!s(<nil>)".into(),
        Value::Bool(_) | Value::Number(_) => format!("%!s({}={value})", type_name(value)),
        other => print_with(other, text),
    }
}

/// `%v` of a decoded value: `map[a:1 b:[x y]]`.
pub(crate) fn print(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        other => print_with(other, print),
    }
}

fn print_with(value: &Value, below: fn(&Value) -> String) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(below).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}:{}", below(value))).collect();
            format!("map[{}]", members.join(" "))
        }
        Value::Raw(_) => print_with(&value.opened(), below),
        other => other.to_string(),
    }
}
