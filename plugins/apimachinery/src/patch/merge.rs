//! JSON merge patch (RFC 7386).

use super::cannot_unmarshal;
use crate::status::ApiError;
use crate::tree::{Map, Value};

/// `object` with `patch` merged into it; `null` removes. What it brought to places that hold no text
/// is to be settled ([`crate::schema::foreign::settle`]).
///
/// # Errors
/// `BadRequest` if the patch is not a JSON object.
pub fn apply(object: &Value, patch: &Value) -> Result<Value, ApiError> {
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
        drop_nulls(value);
        return;
    };
    value.open_level();
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

/// What a list brings along has nothing to remove from; its own nulls are items.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => members.retain(|_, value| {
            drop_nulls(value);
            !value.is_null()
        }),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::decode;
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
            (json!({"l": [null, {"x": null, "y": [{"z": null}]}]}), {
                json!({"a": 1, "b": {"c": 2, "d": 3}, "l": [null, {"y": [{}]}]})
            }),
        ] {
            assert_eq!(apply(&object, &patch), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn of_a_text_only_what_the_patch_leads_to_is_taken_apart() {
        let object = json!({"data": Value::raw(r#"{"z":1e2,"a":{"y":1.0,"y":12345678901234567890},"b":1}"#)});
        let patch = decode(br#"{"data":{"b":98765432109876543210,"z":null,"c":{"x":1.50}}}"#).unwrap();
        let mut patched = apply(&object, &patch.value).unwrap();
        patched["data"].close();
        let expected = r#"{"data":{"a":{"y":1.0,"y":12345678901234567890},"b":98765432109876543210,"c":{"x":1.50}}}"#;
        assert_eq!(patched.to_string(), expected);
    }

    #[test]
    fn only_objects_are_patches() {
        for (patch, message) in [
            ("[]", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
            ("1", "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"),
            ("null", "Invalid JSON Patch"),
        ] {
            let patch = decode(patch.as_bytes()).unwrap().value;
            assert_eq!(apply(&json!({}), &patch), Err(ApiError::bad_request(message)), "{patch}");
        }
        assert_eq!(decode(b"{").map_err(|error| error.code), Err(400));
    }
}
