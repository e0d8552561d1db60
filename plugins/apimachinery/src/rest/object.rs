//! Reading and writing the parts of an object that every resource has.

use crate::tree::{Map, Value, same_text};

/// `metadata`, made if it is not there.
pub fn metadata_mut(object: &mut Value) -> &mut Map {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let metadata = &mut object["metadata"];
    if !metadata.is_object() {
        *metadata = Value::Object(Map::new());
    }
    match metadata {
        Value::Object(map) => map,
        _ => unreachable!("made above"),
    }
}

/// A string in `metadata`, empty if it is not there.
pub fn meta<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}

/// A list of strings in `metadata`.
pub fn meta_list<'a>(object: &'a Value, key: &str) -> Vec<&'a str> {
    object["metadata"][key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A number in `metadata`.
pub fn meta_number(object: &Value, key: &str) -> Option<i64> {
    object["metadata"][key].as_i64()
}

/// Whether somebody asked for the object to go.
pub fn is_deleting(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_empty()
}

/// Sets or, with an empty value, removes a string in `metadata`.
pub fn set_meta(object: &mut Value, key: &str, value: &str) {
    let metadata = metadata_mut(object);
    if value.is_empty() {
        metadata.remove(key);
    } else {
        metadata.insert(key, Value::from(value));
    }
}

/// Makes `key` of `to` what it is in `from`, absent included.
pub fn carry_over(to: &mut Value, from: &Value, key: &str) {
    let Value::Object(to) = to else { return };
    match from.get(key) {
        Some(value) => {
            to.insert(key, value.clone());
        }
        None => {
            to.remove(key);
        }
    }
}

/// As [`carry_over`], for a key of `metadata`.
pub fn carry_over_meta(to: &mut Value, from: &Value, key: &str) {
    let kept = from["metadata"].get(key).cloned();
    let metadata = metadata_mut(to);
    match kept {
        Some(value) => {
            metadata.insert(key, value);
        }
        None => {
            metadata.remove(key);
        }
    }
}

/// The order of an object on the wire; the others are behind.
const OBJECT: [&str; 3] = ["kind", "apiVersion", "metadata"];
/// The order of `metadata` on the wire. `resourceVersion` stands behind `uid`, where the host
/// writes it in.
const METADATA: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// Puts `kind`, `apiVersion` and `metadata` first, as the store requires and clients expect.
pub fn arrange(object: &mut Value) {
    fn rank(order: &[&str], name: &str) -> usize {
        order.iter().position(|known| same_text(known, name)).unwrap_or(order.len())
    }
    let Value::Object(map) = object else { return };
    map.arrange(|name| rank(&OBJECT, name));
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        metadata.arrange(|name| rank(&METADATA, name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn an_object_is_arranged_as_the_store_requires() {
        let mut object = json!({
            "data": {}, "metadata": {"labels": {}, "custom": 1, "uid": "u", "name": "a"}, "apiVersion": "v1", "kind": "K",
        });
        arrange(&mut object);
        assert_eq!(
            object.to_string(),
            r#"{"kind":"K","apiVersion":"v1","metadata":{"name":"a","uid":"u","labels":{},"custom":1},"data":{}}"#
        );
    }

    #[test]
    fn carrying_over_removes_what_the_source_lacks() {
        let mut object = json!({"spec": 1, "status": 2, "metadata": {"labels": {}}});
        let source = json!({"spec": 3, "metadata": {"generation": 4}});
        carry_over(&mut object, &source, "spec");
        carry_over(&mut object, &source, "status");
        carry_over_meta(&mut object, &source, "labels");
        carry_over_meta(&mut object, &source, "generation");
        assert_eq!(object, json!({"spec": 3, "metadata": {"generation": 4}}));
    }
}
