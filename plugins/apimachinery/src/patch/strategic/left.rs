//! What a strategic merge leaves of the patch itself. Upstream takes directives out of it as it carries
//! them out, and its messages show the patch when that has been done.

use super::place::Place;
use super::{DELETE_FROM, PATCH, RETAIN_KEYS, SET_ORDER};
use crate::schema::Schema;
use crate::tree::{Map, Text, Value};

/// The patch without what merging it into `object` takes out of it.
pub fn left(schema: &Schema, object: &Value, patch: &Value) -> Value {
    let mut left = patch.clone();
    if let (Some(object), Some(left)) = (object.as_object(), left.as_object_mut()) {
        take(Place::root(schema), object, left);
    }
    left
}

fn take(place: Place<'_>, original: &Map, patch: &mut Map) {
    match patch.get(PATCH) {
        Some(directive) if *directive == "replace" => drop(patch.remove(PATCH)),
        Some(_) => {}
        None => take_members(place, original, patch),
    }
}

fn take_members(place: Place<'_>, original: &Map, patch: &mut Map) {
    let retained = patch.remove(RETAIN_KEYS);
    let is_retained = |key: &str| match retained.as_ref().and_then(Value::as_array) {
        Some(keys) => keys.iter().any(|retained| retained == key),
        None => true,
    };
    let directives: Vec<Text> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for key in directives {
        patch.remove(&key);
        let ordered = key.strip_prefix(SET_ORDER).unwrap_or_default().trim_start_matches('/').to_string();
        patch.remove(&ordered);
    }
    for (key, value) in patch.iter_mut() {
        let (key, deletes) = match key.strip_prefix(DELETE_FROM) {
            Some(rest) => (rest.trim_start_matches('/'), true),
            None => (key.as_str(), false),
        };
        let old = original.get(key).filter(|_| is_retained(key));
        match (old, value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let Ok(member) = place.member(key) else { continue };
                if !member.is_replaced() {
                    take(member, old, new);
                }
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let Ok(member) = place.member(key) else { continue };
                if deletes || member.list().is_some_and(|list| list.patch_merge) {
                    take_items(member, old, new);
                }
            }
            (_, value) if !deletes => settle(value),
            _ => {}
        }
    }
}

/// Items that are merged with those of the same key.
fn take_items(place: Place<'_>, original: &[Value], patch: &mut [Value]) {
    let Some(key) = place.merge_key() else { return };
    let replaces = patch.iter().any(|item| item.get(PATCH).is_some_and(|directive| *directive == "replace"));
    if replaces {
        return;
    }
    for item in patch.iter_mut().filter_map(Value::as_object_mut).filter(|item| !item.contains_key(PATCH)) {
        let of_same_key = |old: &&Value| item.get(key).is_some_and(|value| old.get(key) == Some(value));
        if let Some(old) = original.iter().find(of_same_key).and_then(Value::as_object) {
            take(place.item(), old, item);
        }
    }
}

/// What is set for the first time loses what is null in it, and the maps in it that are directives.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) if members.contains_key(PATCH) => {}
        Value::Object(members) => {
            members.retain(|_, value| {
                settle(value);
                !value.is_null() && !value.as_object().is_some_and(|members| members.contains_key(PATCH))
            });
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn directives_go_as_they_are_carried_out() {
        let object = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 1, "template": {"spec": {
            "containers": [{"name": "c", "env": [{"name": "A"}]}]}}}});
        for (patch, expected) in [
            (json!({"spec": {"replicas": "x", "$retainKeys": ["replicas"]}}), json!({"spec": {"replicas": "x"}})),
            (
                json!({"metadata": {"labels": {"$patch": "replace", "a": {"$patch": "x"}}}}),
                json!({"metadata": {"labels": {"a": {"$patch": "x"}}}}),
            ),
            (
                json!({"spec": {"template": {"spec": {"containers": [
                    {"name": "c", "$setElementOrder/env": [{"name": "A"}], "env": [{"name": "A"}], "image": 1}]}}}}),
                json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": 1}]}}}}),
            ),
            (json!({"metadata": {"annotations": {"a": null, "b": 1}}}), json!({"metadata": {"annotations": {"b": 1}}})),
            (
                json!({"metadata": {"labels": {"$patch": "delete"}}}),
                json!({"metadata": {"labels": {"$patch": "delete"}}}),
            ),
        ] {
            let deployment = builtin::schema("io.k8s.api.apps.v1.Deployment");
            assert_eq!(left(deployment, &object, &patch), expected, "{patch}");
        }
    }
}
