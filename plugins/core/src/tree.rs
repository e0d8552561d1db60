//! Short ways through trees.

use apimachinery::tree::{Map, Value};

/// Sets a member that is absent or null.
pub(crate) fn or_set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if object.get(key).is_none_or(Value::is_null)
        && let Value::Object(map) = object
    {
        map.insert(key.to_string(), value.into());
    }
}

/// As [`or_set`], for texts that may not be empty either.
pub(crate) fn or_set_text(object: &mut Value, key: &str, value: &str) {
    if object[key].as_str().is_none_or(str::is_empty)
        && let Value::Object(map) = object
    {
        map.insert(key.to_string(), value.into());
    }
}

/// A member that is an object, made if it is not there.
pub(crate) fn child<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    let member = &mut object[key];
    if !member.is_object() {
        *member = Value::Object(Map::new());
    }
    member
}

/// A member that is an object, if it is there.
pub(crate) fn existing<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    object.get_mut(key).filter(|member| member.is_object())
}

/// The items of a list, to be changed.
pub(crate) fn items_mut<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// The items of a list.
pub(crate) fn items<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A text, empty if it is not there.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Takes a member away.
pub(crate) fn remove(object: &mut Value, key: &str) -> Option<Value> {
    object.as_object_mut()?.remove(key)
}

/// Whether a member is absent, null or has nothing in it.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Whether objects desire the same but for lists that are empty in one and null in the other.
pub(crate) fn same_but_for_empty_lists(a: &Value, b: &Value) -> bool {
    let is_desired = |name: &str| !matches!(name, "kind" | "apiVersion" | "metadata" | "status");
    let is_none = |value: &Value| value.is_null() || value.as_array().is_some_and(|items| items.is_empty());
    let alike = |name: &str| is_none(&a[name]) && is_none(&b[name]) || a[name] == b[name];
    let members = [a, b].into_iter().filter_map(Value::as_object).flatten();
    members.map(|(name, _)| name.as_str()).filter(|name| is_desired(name)).all(alike)
}

/// Whether two values are the same to upstream's comparison, which does not tell what is empty from what is
/// not there.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let absent = &Value::Null;
            let alike = |a: &Value, b: &Value| is_nothing(a) && is_nothing(b) || same(a, b);
            left.iter().all(|(name, value)| alike(value, right.get(name).unwrap_or(absent)))
                && right.iter().all(|(name, value)| left.contains_key(name) || is_nothing(value))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_list_that_is_empty_is_the_one_that_is_not_there() {
        let object = json!({"metadata": {"name": "a"}, "endpoints": [], "ports": null});
        for (old, same) in [
            (json!({"endpoints": null, "ports": null}), true),
            (json!({"ports": []}), true),
            (json!({"endpoints": [{}], "ports": null}), false),
            (json!({"addressType": "IPv4"}), false),
            (json!({"ports": {}}), false),
        ] {
            assert_eq!(same_but_for_empty_lists(&object, &old), same, "{old}");
            assert_eq!(same_but_for_empty_lists(&old, &object), same, "{old}");
        }
    }
}
