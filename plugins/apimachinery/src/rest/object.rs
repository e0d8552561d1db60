//! Reading and writing the parts of an object that every resource has.

use crate::tree::{Map, Value};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

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
