//! JSON patch (RFC 6902), with upstream's bounds and leniencies.

use json_patch::PatchOperation;
use serde_json::{Map, Value};

use super::{cannot_unmarshal, decode, unprocessable};
use crate::codec::{DEPTH_MAX, depth};
use crate::status::ApiError;

/// Operations in one patch.
const OPERATIONS_MAX: usize = 10_000;
/// What all `copy` operations of one patch may add, as JSON.
const COPIED_BYTES_MAX: usize = 3 * 1024 * 1024;

/// `object` after all operations.
///
/// # Errors
/// `BadRequest` if it is not a patch, `RequestEntityTooLarge` if it has too many operations,
/// `Invalid` if one of them fails.
pub fn apply(object: &Value, patch: &[u8]) -> Result<Value, ApiError> {
    apply_decoded(object, decode(patch)?)
}

/// As [`apply`], with a patch that has been decoded.
///
/// # Errors
/// As [`apply`].
pub fn apply_decoded(object: &Value, patch: Value) -> Result<Value, ApiError> {
    let operations = operations(patch)?;
    if operations.len() > OPERATIONS_MAX {
        let count = operations.len();
        let message = format!("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {count}");
        return Err(ApiError::new(413, "RequestEntityTooLarge", format!("Request entity too large: {message}")));
    }

    let mut patched = object.clone();
    let mut copied_bytes = 0;
    for operation in operations {
        if is_test_for_absence(&operation, &patched) {
            continue;
        }
        let operation = parse(operation, &patched).ok_or_else(unprocessable)?;
        if let PatchOperation::Copy(copy) = &operation {
            copied_bytes += copy.from.resolve(&patched).map_or(0, |value| value.to_string().len());
            if copied_bytes > COPIED_BYTES_MAX {
                return Err(unprocessable());
            }
        }
        if depth_after(&operation, &patched) > DEPTH_MAX {
            return Err(unprocessable());
        }
        json_patch::patch_unsafe(&mut patched, &[operation]).map_err(|_| unprocessable())?;
    }
    Ok(patched)
}

/// How deep what an operation puts into the object will be.
fn depth_after(operation: &PatchOperation, object: &Value) -> usize {
    let (path, value) = match operation {
        PatchOperation::Add(add) => (&add.path, Some(&add.value)),
        PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
        PatchOperation::Copy(copy) => (&copy.path, copy.from.resolve(object).ok()),
        PatchOperation::Move(step) => (&step.path, step.from.resolve(object).ok()),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return 0,
    };
    path.tokens().count() + value.map_or(0, depth)
}

fn operations(patch: Value) -> Result<Vec<Map<String, Value>>, ApiError> {
    let list = match patch {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => return Err(cannot_unmarshal(&other, "Go value of type []handlers.jsonPatchOp")),
    };
    list.into_iter()
        .map(|operation| match operation {
            Value::Object(operation) => {
                for name in ["op", "path", "from"] {
                    if let Some(value) = operation.get(name).filter(|value| !value.is_string() && !value.is_null()) {
                        let target = format!("Go struct field jsonPatchOp.{name} of type string");
                        return Err(cannot_unmarshal(value, &target));
                    }
                }
                Ok(operation)
            }
            Value::Null => Ok(Map::new()),
            other => Err(cannot_unmarshal(&other, "Go value of type handlers.jsonPatchOp")),
        })
        .collect()
}

/// Upstream lets a `test` for null pass where the last key is absent.
fn is_test_for_absence(operation: &Map<String, Value>, object: &Value) -> bool {
    let Some(path) = operation.get("path").and_then(Value::as_str) else { return false };
    let Some((parent, _)) = path.rsplit_once('/') else { return false };
    operation.get("op").and_then(Value::as_str) == Some("test")
        && operation.get("value").is_none_or(Value::is_null)
        && object.pointer(path).is_none()
        && object.pointer(parent).is_some_and(Value::is_object)
}

fn parse(mut operation: Map<String, Value>, object: &Value) -> Option<PatchOperation> {
    // An absent value is null, and indices may count from the end.
    operation.entry("value").or_insert(Value::Null);
    for name in ["path", "from"] {
        if let Some(path) = operation.get(name).and_then(Value::as_str)
            && let Some(positive) = from_the_end(path, object)
        {
            operation.insert(name.into(), Value::String(positive));
        }
    }
    serde_json::from_value(Value::Object(operation)).ok()
}

/// The path with its last element, `-1` for the last one and so on, counted from the beginning.
fn from_the_end(path: &str, object: &Value) -> Option<String> {
    let (parent, last) = path.rsplit_once('/')?;
    let back: usize = last.strip_prefix('-')?.parse().ok()?;
    let length = object.pointer(parent)?.as_array()?.len();
    Some(format!("{parent}/{}", length.checked_sub(back)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(object: &Value, patch: &Value) -> Result<Value, u16> {
        apply(object, patch.to_string().as_bytes()).map_err(|error| error.code)
    }

    #[test]
    fn operations_apply_in_order() {
        let object = json!({"a": {"x": "1", "y": "2"}, "l": [1, 2, 3]});
        for (operations, expected) in [
            (json!([]), object.clone()),
            (
                json!([{"op": "test", "path": "/a/x", "value": "1"}, {"op": "replace", "path": "/a/x", "value": "10"},
                       {"op": "add", "path": "/a/z", "value": "3"}, {"op": "remove", "path": "/a/y"}]),
                json!({"a": {"x": "10", "z": "3"}, "l": [1, 2, 3]}),
            ),
            (
                json!([{"op": "copy", "from": "/a/x", "path": "/c"}, {"op": "move", "from": "/a/y", "path": "/m"}]),
                json!({"a": {"x": "1"}, "l": [1, 2, 3], "c": "1", "m": "2"}),
            ),
            (
                json!([{"op": "add", "path": "/l/-", "value": 4}, {"op": "add", "path": "/l/0", "value": 0},
                       {"op": "remove", "path": "/l/-1"}]),
                json!({"a": {"x": "1", "y": "2"}, "l": [0, 1, 2, 3]}),
            ),
            (json!([{"op": "test", "path": "/a/none"}]), object.clone()),
        ] {
            assert_eq!(patch(&object, &operations), Ok(expected), "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_applied_is_unprocessable() {
        for operation in [
            json!({"op": "test", "path": "/a", "value": 2}),
            json!({"op": "remove", "path": "/none"}),
            json!({"op": "replace", "path": "/none", "value": 1}),
            json!({"op": "add", "path": "/none/deeper", "value": 1}),
            json!({"op": "nonsense", "path": "/a"}),
            json!({"op": "add"}),
            json!(null),
        ] {
            assert_eq!(patch(&json!({"a": 1}), &json!([operation])), Err(422), "{operation}");
        }
    }

    #[test]
    fn what_is_no_patch_is_a_bad_request() {
        for (patch, message) in [
            (
                r#"{"op":"add"}"#,
                "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
            ),
            ("[1]", "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
            (
                r#"[{"op":1}]"#,
                "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
            ),
        ] {
            assert_eq!(apply(&json!({}), patch.as_bytes()), Err(ApiError::bad_request(message)));
        }
    }

    #[test]
    fn bounds() {
        let many = vec![json!({"op": "test", "path": "/a", "value": 1}); OPERATIONS_MAX + 1];
        assert_eq!(patch(&json!({"a": 1}), &json!(many[1..])), Ok(json!({"a": 1})));
        assert_eq!(patch(&json!({"a": 1}), &json!(many)), Err(413));

        let object = json!({"a": "x".repeat(COPIED_BYTES_MAX / 2)});
        let copies =
            [json!({"op": "copy", "from": "/a", "path": "/b"}), json!({"op": "copy", "from": "/a", "path": "/c"})];
        assert!(patch(&object, &json!(copies[..1])).is_ok());
        assert_eq!(patch(&object, &json!(copies)), Err(422));
    }

    #[test]
    fn nothing_is_nested_deeper_than_what_can_be_read_again() {
        let deep = |depth: usize| (0..depth).fold(json!(1), |value, _| json!({ "a": value }));
        let object = json!({"x": deep(DEPTH_MAX - 1), "y": {"z": {}}});
        for (operation, result) in [
            (json!({"op": "add", "path": "/b", "value": deep(DEPTH_MAX - 1)}), Ok(())),
            (json!({"op": "add", "path": "/b", "value": deep(DEPTH_MAX)}), Err(422)),
            (json!({"op": "add", "path": "/y/z/b", "value": deep(DEPTH_MAX - 2)}), Err(422)),
            (json!({"op": "replace", "path": "/y", "value": deep(DEPTH_MAX)}), Err(422)),
            (json!({"op": "copy", "from": "/x", "path": "/y/z"}), Err(422)),
            (json!({"op": "move", "from": "/x", "path": "/y/z"}), Err(422)),
            (json!({"op": "copy", "from": "", "path": "/y/z"}), Err(422)),
        ] {
            let applied = apply_decoded(&object, json!([operation])).map(drop).map_err(|error| error.code);
            assert_eq!(applied, result, "{operation}");
        }
    }
}
