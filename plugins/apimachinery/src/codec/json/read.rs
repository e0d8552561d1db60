//! Reads JSON into a tree, in one pass that also finds unknown and duplicate fields.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::syntax;
use crate::codec::{DEPTH_MAX, Decoded, Path, Strict};
use crate::schema::{Schema, Shape};
use crate::tree::{Map, Name, Value};

/// Reads a document without knowing what it is: duplicate fields are found, and all fields
/// are kept.
///
/// # Errors
/// What is wrong with the text, in upstream's words.
pub fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    read(bytes, None)
}

/// Reads a document of a built-in type: unknown fields are found, and left out.
///
/// # Errors
/// What is wrong with the text, in upstream's words. Whether the values have the right types
/// is `schema::check::types`' question.
pub fn decode_as(bytes: &[u8], schema: &Schema) -> Result<Decoded, String> {
    read(bytes, Some(schema))
}

fn read(bytes: &[u8], schema: Option<&Schema>) -> Result<Decoded, String> {
    // Upstream replaces bytes that are not UTF-8 and reads on.
    let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let strict = RefCell::default();
    let place = Place { schema, path: &Path::Root, depth: 0, foreign: false, strict: &strict };
    let mut reader = serde_json::Deserializer::from_str(&text);
    let value = place.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(value) => Ok(Decoded { value, strict: strict.into_inner().into_found() }),
        // The reader's own words are not upstream's; a second look finds those.
        Err(error) => Err(syntax::error(text.as_bytes()).unwrap_or_else(|| error.to_string())),
    }
}

/// One place in the document, and what the schema says of it.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// None where anything may stand: nothing is unknown there.
    schema: Option<&'a Schema>,
    path: &'a Path<'a>,
    depth: usize,
    /// Whether it belongs to somebody else, who may repeat himself: `RawExtension` and the like.
    foreign: bool,
    strict: &'a RefCell<Strict>,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Place<'_> {
    fn is_foreign(&self) -> bool {
        self.foreign || self.schema.is_some_and(|schema| matches!(schema.shape, Shape::Any))
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        match self.depth < DEPTH_MAX {
            true => Ok(self.depth + 1),
            false => Err(E::custom(syntax::TOO_DEEP)),
        }
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        // Upstream keeps what fits into a signed integer, the rest becomes a float.
        Ok(i64::try_from(value).map_or_else(|_| Value::from(value as f64), Value::from))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let (schema, foreign) = (self.schema.and_then(Schema::items), self.is_foreign());
        let mut items = Vec::new();
        loop {
            let path = self.path.index(items.len());
            match seq.next_element_seed(Place { schema, path: &path, depth, foreign, ..self })? {
                Some(item) => items.push(item),
                None => return Ok(items.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (depth, foreign) = (self.deeper()?, self.is_foreign());
        let mut members = Map::new();
        while let Some(Name(key)) = map.next_key()? {
            let path = self.path.key(&key);
            let schema = match self.schema {
                Some(schema) => match known(schema, &key) {
                    Known::Yes(schema) => schema,
                    Known::No => {
                        self.strict.borrow_mut().unknown(&path);
                        map.next_value::<serde::de::IgnoredAny>()?;
                        continue;
                    }
                },
                None => None,
            };
            let is_new = !members.contains_key(&key);
            if !is_new && !foreign {
                self.strict.borrow_mut().duplicate(&path);
            }
            let value = map.next_value_seed(Place { schema, path: &path, depth, foreign, ..self })?;
            match is_new {
                true => members.push(key, value),
                false => drop(members.insert(key, value)),
            }
        }
        Ok(members.into())
    }
}

enum Known<'a> {
    Yes(Option<&'a Schema>),
    No,
}

fn known<'a>(schema: &'a Schema, key: &str) -> Known<'a> {
    match &schema.shape {
        Shape::Object(_) => match schema.member(key) {
            Some(member) => Known::Yes(Some(member)),
            None if schema.preserve_unknown => Known::Yes(None),
            None => Known::No,
        },
        // Anything, or a type error that is reported as such.
        _ => Known::Yes(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!(decoded.value, json!({"spec": {}}));
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
            assert_eq!(decode(deep(n).as_bytes()), Err("exceeded max depth".into()));
        }
        // What is left out is skipped without recursion.
        let text = format!(r#"{{"x":{}}}"#, deep(1_000_000));
        assert!(decode_as(text.as_bytes(), builtin::schema("io.k8s.api.core.v1.Pod")).is_ok());
    }

    #[test]
    fn text_that_is_not_utf8_is_repaired() {
        assert_eq!(decode(b"{\"a\":\"\xff\"}").unwrap().value, json!({"a": "\u{fffd}"}));
    }
}
