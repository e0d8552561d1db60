//! JSON patch (RFC 6902) as upstream's library applies it: it is more lenient than the standard
//! in some places (what is replaced need not be there, what is copied neither), and clients have
//! got used to that.

use super::{cannot_unmarshal, unprocessable};
use crate::codec::{self, DEPTH_MAX, depth};
use crate::status::ApiError;
use crate::tree::{Map, Value};

/// Operations in one patch.
const OPERATIONS_MAX: usize = 10_000;
/// What all `copy` operations of one patch may add, as JSON.
const COPIED_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Bytes of texts that all `test` operations of one patch may have read: what a test finds is seldom
/// longer than what the patch says of it, and never much unless its names are repeated.
const TESTED_BYTES_MAX: usize = 8 * COPIED_BYTES_MAX;

/// `object` after all operations. What they brought to places that hold no text is to be settled
/// ([`crate::schema::foreign::settle`]).
///
/// # Errors
/// `BadRequest` if it is not a patch, `RequestEntityTooLarge` if it has too many operations,
/// `Invalid` if one of them fails.
pub fn apply(object: &Value, patch: Value) -> Result<Value, ApiError> {
    let operations = operations(patch)?;
    if operations.len() > OPERATIONS_MAX {
        let count = operations.len();
        let message = format!("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {count}");
        return Err(ApiError::new(413, "RequestEntityTooLarge", format!("Request entity too large: {message}")));
    }

    let mut patched = Patched { object: object.clone(), copied_bytes: 0, tested_bytes: 0 };
    for operation in operations {
        patched.perform(&operation).ok_or_else(unprocessable)?;
    }
    Ok(patched.object)
}

/// Members of operations that mean nothing, as strict decoding finds them (`[0].x`).
pub fn unknown_members(patch: &Value) -> Vec<String> {
    const KNOWN: [&str; 4] = ["op", "path", "from", "value"];
    let operations = patch.as_array().into_iter().flatten().enumerate();
    let members = |(index, operation): (usize, &Value)| {
        let members = operation.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let unknown = members.filter(|name| !KNOWN.contains(&name.as_str()));
        unknown.map(|name| format!("[{index}].{name}")).collect::<Vec<_>>()
    };
    operations.flat_map(members).collect()
}

/// Whether a patch brings what the object holds to other places.
pub fn has_source(patch: &Value) -> bool {
    patch.as_array().into_iter().flatten().any(|operation| operation["from"].is_string())
}

/// The places that a patch goes through, without their last step.
pub fn parents<'p>(patch: &'p Value, members: &'p [&str]) -> impl Iterator<Item = Vec<String>> + 'p {
    let operations = patch.as_array().into_iter().flatten();
    let paths = operations.flat_map(|operation| members.iter().map(|member| operation[*member].as_str()));
    paths.map(|path| path.and_then(steps).map(|(parents, _)| parents).unwrap_or_default())
}

/// Where each operation puts what it has.
pub fn paths(patch: &Value) -> impl Iterator<Item = Vec<String>> + '_ {
    let paths = patch.as_array().into_iter().flatten().map(|operation| operation["path"].as_str().and_then(steps));
    paths.map(|path| path.map(|(parents, last)| [parents, vec![last.to_string()]].concat()).unwrap_or_default())
}

/// Whether a document is a patch, as whoever validates its fields finds out first.
///
/// # Errors
/// `BadRequest` if it is none.
pub fn check(patch: &Value) -> Result<(), ApiError> {
    let list = match patch {
        Value::Array(list) => list,
        Value::Null => return Ok(()),
        other => return Err(cannot_unmarshal(other, "Go value of type []handlers.jsonPatchOp")),
    };
    list.iter().try_for_each(|operation| match operation {
        Value::Object(operation) => ["op", "path", "from"].into_iter().try_for_each(|name| match operation.get(name) {
            None | Some(Value::Null | Value::String(_)) => Ok(()),
            Some(other) => Err(cannot_unmarshal(other, &format!("Go struct field jsonPatchOp.{name} of type string"))),
        }),
        Value::Null => Ok(()),
        other => Err(cannot_unmarshal(other, "Go value of type handlers.jsonPatchOp")),
    })
}

fn operations(patch: Value) -> Result<Vec<Map>, ApiError> {
    let refuse = |found: &Value, target: &str| {
        let kind = codec::json::kind(found);
        ApiError::bad_request(format!("json: cannot unmarshal {kind} into Go value of type jsonpatch.{target}"))
    };
    let list = match patch {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        other => return Err(refuse(&other, "Patch")),
    };
    list.into_iter()
        .map(|operation| match operation {
            Value::Object(operation) => Ok(operation),
            Value::Null => Ok(Map::new()),
            other => Err(refuse(&other, "Operation")),
        })
        .collect()
}

/// An object in the middle of a patch. What cannot be done answers nothing.
struct Patched {
    object: Value,
    copied_bytes: usize,
    tested_bytes: usize,
}

impl Patched {
    fn perform(&mut self, operation: &Map) -> Option<()> {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        // An absent value is null.
        let value = || operation.get("value").cloned().unwrap_or_default();
        match text("op")? {
            "add" => self.add(text("path")?, value()),
            "remove" => self.remove(text("path")?).map(drop),
            "replace" => self.replace(text("path")?, value()),
            "move" => {
                let moved = self.remove(text("from")?)?;
                self.add(text("path")?, moved)
            }
            "copy" => {
                let copied = self.get(text("from")?)?.cloned().unwrap_or_default();
                self.copied_bytes += copied.to_string().len();
                (self.copied_bytes <= COPIED_BYTES_MAX).then_some(())?;
                self.add(text("path")?, copied)
            }
            "test" => {
                let expected = value();
                let found = match text("path")? {
                    "" => Some(&self.object),
                    path => self.get(path)?,
                };
                let found = found.unwrap_or(&Value::Null);
                let (is_equal, bytes) = (*found == expected, bytes_read(found, &expected));
                self.tested_bytes += bytes;
                (is_equal && self.tested_bytes <= TESTED_BYTES_MAX).then_some(())
            }
            _ => None,
        }
    }

    /// What is at a path; nothing inside if an object lacks its last key.
    fn get(&mut self, path: &str) -> Option<Option<&Value>> {
        let (place, key) = self.locate(path)?;
        match place {
            Value::Object(members) => Some(members.get(&key)),
            Value::Array(items) => items.get(position(&key, items.len())?).map(Some),
            _ => None,
        }
    }

    fn add(&mut self, path: &str, value: Value) -> Option<()> {
        fits(path, &value)?;
        match self.locate(path)? {
            (Value::Object(members), key) => {
                members.insert(key, value);
            }
            (Value::Array(items), key) if key == "-" => items.push(value),
            (Value::Array(items), key) => {
                let at = position(&key, items.len() + 1).filter(|at| *at <= items.len())?;
                items.insert(at, value);
            }
            _ => return None,
        }
        Some(())
    }

    fn remove(&mut self, path: &str) -> Option<Value> {
        match self.locate(path)? {
            (Value::Object(members), key) => members.remove(&key),
            (Value::Array(items), key) => {
                let at = position(&key, items.len()).filter(|at| *at < items.len())?;
                Some(items.remove(at))
            }
            _ => None,
        }
    }

    fn replace(&mut self, path: &str, value: Value) -> Option<()> {
        fits(path, &value)?;
        if path.is_empty() {
            (value.is_object() || value.is_array()).then_some(())?;
            self.object = value;
            return Some(());
        }
        match self.locate(path)? {
            (Value::Object(members), key) => {
                members.insert(key, value);
            }
            (Value::Array(items), key) => {
                let at = position(&key, items.len())?;
                *items.get_mut(at)? = value;
            }
            _ => return None,
        }
        Some(())
    }

    /// What holds the last step of a path, and that step.
    fn locate(&mut self, path: &str) -> Option<(&mut Value, String)> {
        let (parents, key) = steps(path)?;
        let mut place = &mut self.object;
        for step in parents {
            place.open_level();
            place = match place {
                Value::Object(members) => members.get_mut(&step)?,
                Value::Array(items) => {
                    let at = position(&step, items.len())?;
                    items.get_mut(at)?
                }
                _ => return None,
            };
        }
        place.open_level();
        Some((place, key))
    }
}

/// How much text is read to compare the two.
fn bytes_read(found: &Value, expected: &Value) -> usize {
    match (found, expected) {
        (Value::Raw(_), Value::Raw(_) | Value::Null) => 0,
        (Value::Raw(text), _) => text.len(),
        (Value::Object(found), Value::Object(expected)) => {
            let both = expected.iter().filter_map(|(name, expected)| Some((found.get(name)?, expected)));
            both.map(|(found, expected)| bytes_read(found, expected)).sum()
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.iter().zip(expected).map(|(found, expected)| bytes_read(found, expected)).sum()
        }
        _ => 0,
    }
}

/// A pointer's steps. What stands before the first slash is not looked at.
fn steps(path: &str) -> Option<(Vec<String>, String)> {
    let unescaped = |step: &str| {
        let mut out = String::with_capacity(step.len());
        let mut rest = step;
        while let Some(at) = rest.find('~') {
            let (character, length) = match rest.as_bytes().get(at + 1) {
                Some(b'0') => ('~', 2),
                Some(b'1') => ('/', 2),
                _ => ('~', 1),
            };
            out.push_str(&rest[..at]);
            out.push(character);
            rest = &rest[at + length..];
        }
        out + rest
    };
    let mut steps: Vec<String> = path.split('/').skip(1).map(unescaped).collect();
    let last = steps.pop()?;
    Some((steps, last))
}

/// An index of a list, which may count from the end.
fn position(key: &str, length: usize) -> Option<usize> {
    match key.parse::<i64>().ok()? {
        back @ ..0 => length.checked_sub(usize::try_from(back.unsigned_abs()).ok()?),
        index => usize::try_from(index).ok(),
    }
}

/// Nothing is nested deeper than what can be read again.
fn fits(path: &str, value: &Value) -> Option<()> {
    (path.matches('/').count() + depth(value) <= DEPTH_MAX).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch::decode;
    use crate::tree::json;

    fn patch(object: &Value, patch: &Value) -> Result<Value, u16> {
        apply(object, patch.clone()).map_err(|error| error.code)
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
            (
                json!([{"op": "replace", "path": "/a/z", "value": 1}]),
                json!({"a": {"x": "1", "y": "2", "z": 1}, "l": [1, 2, 3]}),
            ),
            (
                json!([{"op": "copy", "from": "/a/z", "path": "/a/y"}]),
                json!({"a": {"x": "1", "y": null}, "l": [1, 2, 3]}),
            ),
            (
                json!([{"op": "add", "path": "ignored/b~1c~01", "value": 1}]),
                json!({"a": {"x": "1", "y": "2"}, "l": [1, 2, 3], "b/c~1": 1}),
            ),
            (json!([{"op": "replace", "path": "", "value": {"b": 1}}]), json!({"b": 1})),
        ] {
            assert_eq!(patch(&object, &operations), Ok(expected), "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_applied_is_unprocessable() {
        for operation in [
            json!({"op": "test", "path": "/a", "value": 2}),
            json!({"op": "remove", "path": "/none"}),
            json!({"op": "replace", "path": "", "value": 1}),
            json!({"op": "copy", "from": "/none/deeper", "path": "/b"}),
            json!({"op": "add", "path": "/none/deeper", "value": 1}),
            json!({"op": "nonsense", "path": "/a"}),
            json!({"op": "add"}),
            json!(null),
        ] {
            assert_eq!(patch(&json!({"a": 1}), &json!([operation])), Err(422), "{operation}");
        }
    }

    #[test]
    fn of_a_text_only_what_the_patch_leads_to_is_taken_apart() {
        let text = r#"{"z":12345678901234567890,"a":{"y":1.0,"y":1e2},"l":[1.50,{}]}"#;
        let object = json!({"data": Value::raw(text)});
        for (operations, expected) in [
            (r#"[{"op":"test","path":"/data/z","value":12345678901234567890}]"#, Some(text)),
            (r#"[{"op":"test","path":"/data/z","value":12345678901234567891}]"#, None),
            (
                r#"[{"op":"add","path":"/data/b","value":98765432109876543210},{"op":"remove","path":"/data/z"}]"#,
                Some(r#"{"a":{"y":1.0,"y":1e2},"b":98765432109876543210,"l":[1.50,{}]}"#),
            ),
            (r#"[{"op":"move","from":"/data/l/0","path":"/data/l/1/x"},{"op":"remove","path":"/data/z"}]"#, None),
            (
                r#"[{"op":"copy","from":"/data/l/0","path":"/data/l/1/x"},{"op":"remove","path":"/data/z"}]"#,
                Some(r#"{"a":{"y":1.0,"y":1e2},"l":[1.50,{"x":1.50}]}"#),
            ),
        ] {
            let patched = apply(&object, decode(operations.as_bytes()).unwrap().value);
            let written = patched.map(|mut object| {
                object["data"].close();
                object["data"].to_string()
            });
            match expected {
                Some(expected) if operations.contains("test") => {
                    assert!(written.is_ok(), "{expected}");
                }
                expected => assert_eq!(written.ok().as_deref(), expected, "{operations}"),
            }
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
            let patch = decode(patch.as_bytes()).unwrap().value;
            assert_eq!(check(&patch), Err(ApiError::bad_request(message)));
        }
        for (patch, message) in [
            (r#"{"op":"add"}"#, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
            ("[1]", "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
        ] {
            let patch = decode(patch.as_bytes()).unwrap().value;
            assert_eq!(apply(&json!({}), patch), Err(ApiError::bad_request(message)));
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

        let text = format!(r#"{{"a":"{}","a":1}}"#, "x".repeat(TESTED_BYTES_MAX / 4));
        let object = json!({"l": [{"data": Value::raw(&text)}]});
        let tests = |count| json!(vec![json!({"op": "test", "path": "/l", "value": [{"data": {"a": 1}}]}); count]);
        assert!(patch(&object, &tests(3)).is_ok());
        assert_eq!(patch(&object, &tests(4)), Err(422));
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
            let applied = apply(&object, json!([operation])).map(drop).map_err(|error| error.code);
            assert_eq!(applied, result, "{operation}");
        }
    }
}
