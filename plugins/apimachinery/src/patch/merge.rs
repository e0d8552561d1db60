//! JSON merge patch (RFC 7386).

use super::{cannot_unmarshal, decode};
use crate::status::ApiError;
use crate::tree::{Map, Value};

/// `object` with `patch` merged into it; `null` removes.
///
/// # Errors
/// `BadRequest` if the patch is not a JSON object.
pub fn apply(object: &Value, patch: &[u8]) -> Result<Value, ApiError> {
    apply_decoded(object, &decode(patch)?)
}

/// As [`apply`], with a patch that has been decoded.
///
/// # Errors
/// As [`apply`].
pub fn apply_decoded(object: &Value, patch: &Value) -> Result<Value, ApiError> {
    match patch {
        Value::Object(_) => {}
        // Go reads `null` as an empty map, and then finds that it is not a patch.
        Value::Null => return Err(ApiError::bad_request("Invalid JSON Patch")),
        other => return Err(cannot_unmarshal(other, "Go value of type map[string]interface {}")),
    }
    let mut merged = object.clone();
    merge(&mut merged, patch);
    Ok(merged)
}

/// Merges `patch` into `value`, whatever both are.
pub fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(members) = value else { return };
    for (name, change) in changes {
        match change {
            Value::Null => drop(members.remove(name)),
            change => merge(members.entry(name.clone()).or_insert(Value::Null), change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn merges() {
        let object = json!({"a": 1, "b": {"c": 2, "d": 3}, "l": [1, 2]});
        for (patch, expected) in [
            (json!({}), object.clone()),
            (json!({"a": 2}), json!({"a": 2, "b": {"c": 2, "d": 3}, "l": [1, 2]})),
            (json!({"a": null, "x": null}), json!({"b": {"c": 2, "d": 3}, "l": [1, 2]})),
            (json!({"b": {"c": null, "e": {"f": null}}}), json!({"a": 1, "b": {"d": 3, "e": {}}, "l": [1, 2]})),
            (json!({"b": 1, "l": [3]}), json!({"a": 1, "b": 1, "l": [3]})),
        ] {
            assert_eq!(apply(&object, patch.to_string().as_bytes()), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn only_objects_are_patches() {
        for (patch, message) in [
            ("[]", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
            ("1", "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"),
            ("null", "Invalid JSON Patch"),
        ] {
            assert_eq!(apply(&json!({}), patch.as_bytes()), Err(ApiError::bad_request(message)), "{patch}");
        }
        assert_eq!(apply(&json!({}), b"{").map_err(|error| error.code), Err(400));
    }
}
