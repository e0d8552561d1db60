//! Reads JSON into a tree, in one pass that also finds unknown and duplicate fields.

use std::borrow::Cow;

use super::{again, syntax};
use crate::codec::{Decoded, Path, Strict};
use crate::schema::{Field, Schema, Shape};
use crate::tree::{Map, Reader, Unreadable, Value, into_text};

/// Reads a document without knowing what it is: duplicate fields are found, and all fields
/// are kept.
///
/// # Errors
/// What is wrong with the text, in upstream's words.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    read(bytes, None, false)
}

/// As [`decode`], with numbers as they were written where a tree would spell them otherwise: for
/// what may become part of a value that is kept as text. See [`crate::schema::foreign::settle`].
///
/// # Errors
/// As [`decode`].
pub fn decode_exactly(bytes: &[u8]) -> Result<Decoded, String> {
    read(bytes, None, true)
}

/// Reads a document of a built-in type: unknown fields are found, and left out; what belongs to
/// somebody else stays text.
///
/// # Errors
/// What is wrong with the text, in upstream's words. Whether the values have the right types
/// is `schema::check::types`' question.
pub fn decode_as(bytes: &[u8], schema: &Schema) -> Result<Decoded, String> {
    read(bytes, Some(schema), false)
}

/// Reads a value that stays text.
///
/// # Errors
/// What is wrong with it, in upstream's words.
pub fn decode_raw(bytes: &[u8]) -> Result<Value, String> {
    let text = text(bytes);
    Value::keep(&text).map_err(|Unreadable| syntax::error(text.as_bytes()))
}

fn read(bytes: &[u8], schema: Option<&Schema>, exactly: bool) -> Result<Decoded, String> {
    let text = text(bytes);
    let mut strict = Strict::default();
    let place = Place { schema, path: &Path::Root, foreign: false };
    let mut reader = if exactly { Reader::exact(&text) } else { Reader::new(&text) };
    let value = place.read(&mut reader, &mut strict).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) => Ok(Decoded { value, strict: strict.into_found() }),
        // Nearly all are good: what is wrong with the others is found by a second look.
        Err(Unreadable) => Err(syntax::error(text.as_bytes())),
    }
}

/// Upstream replaces bytes that are not UTF-8 and reads on.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// One place in the document, and what the schema says of it.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// None where anything may stand: nothing is unknown there.
    schema: Option<&'a Schema>,
    path: &'a Path<'a>,
    /// Whether it belongs to somebody else, who may repeat himself.
    foreign: bool,
}

impl Place<'_> {
    fn read(self, reader: &mut Reader<'_>, strict: &mut Strict) -> Result<Value, Unreadable> {
        let foreign = self.foreign || self.schema.is_some_and(|schema| matches!(schema.shape, Shape::Any));
        match reader.peek()? {
            b'{' => self.read_members(foreign, reader, strict),
            b'[' => {
                let schema = self.schema.and_then(Schema::items);
                let mut items = Vec::new();
                reader.items(|reader, index| {
                    let path = self.path.index(index);
                    items.push(Place { schema, path: &path, foreign }.read(reader, strict)?);
                    Ok::<(), Unreadable>(())
                })?;
                Ok(Value::Array(items))
            }
            // A struct's number is told by how it is written: `1e2` is no integer.
            b'-' | b'0'..=b'9' if !foreign && self.schema.is_some() => reader.written_number(),
            _ => reader.scalar(),
        }
    }

    fn read_members(self, foreign: bool, reader: &mut Reader<'_>, strict: &mut Strict) -> Result<Value, Unreadable> {
        let mut members = Map::new();
        reader.members(|reader, key| {
            let path = self.path.key(&key);
            let known = self.schema.map_or(Known::Anything, |schema| known(schema, &key));
            if let Known::No = known {
                strict.unknown(&path);
                return reader.skip().map(drop);
            }
            let is_new = !members.contains_key(&key);
            if !is_new && !foreign {
                strict.duplicate(&path);
            }
            let value = match known {
                Known::Field(field) if field.is_foreign() => reader.raw()?,
                Known::Field(Field { schema, .. }) => {
                    Place { schema: Some(schema), path: &path, foreign }.read(reader, strict)?
                }
                Known::Value(schema) => Place { schema: Some(schema), path: &path, foreign }.read(reader, strict)?,
                _ => Place { schema: None, path: &path, foreign }.read(reader, strict)?,
            };
            match (is_new, known) {
                (true, _) => members.push(into_text(key), value),
                (false, Known::Field(field)) => {
                    let old = members.get_mut(&key).map(std::mem::take).unwrap_or_default();
                    members.set(key, again::field(field, old, value, &mut strict.misfit));
                }
                (false, _) => members.set(key, value),
            }
            Ok(())
        })?;
        Ok(members.into())
    }
}

#[derive(Clone, Copy)]
enum Known<'a> {
    Field(&'a Field),
    /// The value of a map.
    Value(&'a Schema),
    Anything,
    No,
}

fn known<'a>(schema: &'a Schema, key: &str) -> Known<'a> {
    match &schema.shape {
        Shape::Object(object) => match (object.fields.get(key), object.values.as_deref()) {
            (Some(field), _) => Known::Field(field),
            (None, Some(values)) => Known::Value(values),
            (None, None) if schema.preserve_unknown => Known::Anything,
            (None, None) => Known::No,
        },
        // Anything, or a type error that is reported as such.
        _ => Known::Anything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::DEPTH_MAX;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn duplicates_are_found_with_their_paths() {
        for (text, expected) in [
            (r#"{"a":1,"b":2}"#, vec![]),
            (r#"{"data":{},"data":{}}"#, vec![r#"duplicate field "data""#]),
            (r#"{"a":[{"b":1},{"b":1,"b":2,"b":3}]}"#, vec![r#"duplicate field "a[1].b""#]),
            (r#"{"m":{"x.y":1,"x.y":2}}"#, vec![r#"duplicate field "m.x.y""#]),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap().strict, expected, "{text}");
        }
    }

    #[test]
    fn the_last_of_duplicates_counts() {
        assert_eq!(decode(br#"{"a":1,"b":0,"a":2}"#).unwrap().value, json!({"a": 2, "b": 0}));
    }

    #[test]
    fn unknown_and_duplicate_fields_are_found_in_the_texts_order() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let text =
            br#"{"x":{"y":1,"y":2},"spec":{"containers":[{"name":"a","name":"b","Image":"c"}]},"x":1,"spec":{}}"#;
        let decoded = decode_as(text, pod).unwrap();
        assert_eq!(
            decoded.strict,
            [
                r#"unknown field "x""#,
                r#"duplicate field "spec.containers[0].name""#,
                r#"unknown field "spec.containers[0].Image""#,
                r#"duplicate field "spec""#,
            ]
        );
        assert_eq!(decoded.value, json!({"spec": {"containers": [{"name": "b"}]}}));
    }

    #[test]
    fn a_field_that_is_there_twice_is_read_into_itself() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        for (first, second, left) in [
            (r#""hostname":"a""#, r#""hostname":"b""#, json!({"hostname": "b"})),
            (r#""hostname":"a""#, r#""hostname":null"#, json!({"hostname": "a"})),
            (r#""priority":1"#, r#""priority":null"#, json!({"priority": null})),
            (r#""hostname":1"#, r#""hostname":"b""#, json!({"hostname": 1})),
            (r#""os":{"name":"a"}"#, r#""os":null"#, json!({"os": null})),
            (r#""os":{"name":"a"}"#, r#""os":{}"#, json!({"os": {"name": "a"}})),
            (
                r#""nodeSelector":{"a":"b"}"#,
                r#""nodeSelector":{"c":"d"}"#,
                json!({"nodeSelector": {"a": "b", "c": "d"}}),
            ),
            (
                r#""containers":[{"name":"a"},{"name":"b"}]"#,
                r#""containers":[{"image":"i"}]"#,
                json!({"containers": [{"name": "a", "image": "i"}]}),
            ),
        ] {
            let text = format!(r#"{{"spec":{{{first},{second}}}}}"#);
            assert_eq!(decode_as(text.as_bytes(), pod).unwrap().value, json!({"spec": left}), "{text}");
            let text = format!(r#"{{"spec":{{{first}}},"spec":{{{second}}}}}"#);
            assert_eq!(decode_as(text.as_bytes(), pod).unwrap().value, json!({"spec": left}), "{text}");
        }
    }

    /// It would take minutes if each repetition looked at what was first.
    #[test]
    fn a_large_misfit_that_is_there_again_and_again_is_looked_at_once() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let first = format!(r#""containers":[0{}]"#, ",0".repeat(200_000));
        let text = format!(r#"{{"spec":{{{first}{}}}}}"#, r#","containers":0"#.repeat(100_000));
        let decoded = decode_as(text.as_bytes(), pod).unwrap();
        assert_eq!(decoded.value["spec"]["containers"].as_array().map(Vec::len), Some(200_001));
    }

    #[test]
    fn numbers_of_a_struct_are_told_as_they_were_written() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let text = br#"{"spec":{"priority":-0,"activeDeadlineSeconds":1e2,"overhead":{"cpu":1e400}}}"#;
        let spec = decode_as(text, pod).unwrap().value["spec"].take();
        assert_eq!(spec.to_string(), r#"{"priority":-0,"activeDeadlineSeconds":1e2,"overhead":{"cpu":1e400}}"#);
    }

    #[test]
    fn what_belongs_to_somebody_else_stays_text() {
        let revision = builtin::schema("io.k8s.api.apps.v1.ControllerRevision");
        let text = br#"{"data": {"b": 12345678901234567890, "a":[1.0,1e2], "a":{"x":"\u0041","x":2}}, "revision": 1}"#;
        let decoded = decode_as(text, revision).unwrap();
        assert_eq!(decoded.strict, [""; 0]);
        let written = r#"{"data":{"b":12345678901234567890,"a":[1.0,1e2],"a":{"x":"\u0041","x":2}},"revision":1}"#;
        assert_eq!(decoded.value.to_string(), written);
        for text in [r#"{"data":{"a":}}"#, r#"{"data":{"a":1e999}}"#, r#"{"data":"#] {
            assert!(decode_as(text.as_bytes(), revision).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_is_unknown_in_maps_and_raw_values() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let text = br#"{"metadata":{"labels":{"any":"x"},"managedFields":[{"fieldsV1":{"f:a":{"f:b":{}}}}]}}"#;
        let decoded = decode_as(text, pod).unwrap();
        assert_eq!(decoded.strict, [""; 0]);
        assert_eq!(decoded.value["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:a": {"f:b": {}}}));
    }

    #[test]
    fn numbers_keep_what_upstream_keeps() {
        let text = br#"[1,-1,9223372036854775807,9223372036854775808,1.0,1e3]"#;
        let value = decode(text).unwrap().value;
        assert!(value[2].is_i64() && value[3].is_f64() && value[4].is_f64() && value[5].is_f64());
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(decode(deep(DEPTH_MAX).as_bytes()).is_ok());
        for n in [DEPTH_MAX + 1, 1_000_000] {
            assert_eq!(decode(deep(n).as_bytes()), Err("invalid character '[' exceeded max depth".into()));
        }
        let revision = builtin::schema("io.k8s.api.apps.v1.ControllerRevision");
        for (n, fits) in [(DEPTH_MAX - 1, true), (DEPTH_MAX, false)] {
            assert_eq!(decode_as(format!(r#"{{"data":{}}}"#, deep(n)).as_bytes(), revision).is_ok(), fits, "{n}");
        }
        // What is left out is skipped without recursion.
        for (n, fits) in [(9_999, true), (10_000, false), (1_000_000, false)] {
            let text = format!(r#"{{"x":{}}}"#, deep(n));
            assert_eq!(decode_as(text.as_bytes(), builtin::schema("io.k8s.api.core.v1.Pod")).is_ok(), fits, "{n}");
        }
    }

    #[test]
    fn text_that_is_not_utf8_is_repaired() {
        assert_eq!(decode(b"{\"a\":\"\xff\"}").unwrap().value, json!({"a": "\u{fffd}"}));
    }
}
