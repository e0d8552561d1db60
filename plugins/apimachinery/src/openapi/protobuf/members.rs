//! The outer objects of a document, read and written one member at a time: as a tree the whole of it would
//! be many times its size.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Kind, Message, field, pair};
use crate::codec::proto::Writer;
use crate::tree::Value;

/// Writes a document as this message.
///
/// # Errors
/// It is no JSON, too deep, or one of its outer objects is none.
pub(super) fn encode(of: &'static Message, json: &[u8]) -> serde_json::Result<Vec<u8>> {
    let mut json = serde_json::Deserializer::from_slice(json);
    let written = Members::Of(of).deserialize(&mut json)?;
    json.end()?;
    Ok(written)
}

/// What an outer object is: see [`Kind`].
#[derive(Clone, Copy)]
enum Members {
    Of(&'static Message),
    Named(u32, &'static Kind),
}

impl Members {
    /// Reads a member, and writes it as a field of what the object is: its number, and its bytes. Nothing for
    /// one that the message does not have.
    fn member<'de, A: MapAccess<'de>>(self, name: &str, map: &mut A) -> Result<Option<(u32, Vec<u8>)>, A::Error> {
        let of = match self {
            Self::Named(number, kind) => return Self::pair(number, name, *kind, map).map(Some),
            Self::Of(of) => of,
        };
        let Some(&(_, number, kind)) = of.fields.iter().find(|(known, ..)| *known == name) else {
            if of.extensions != 0 && name.starts_with("x-") {
                return Self::pair(of.extensions, name, Kind::Free, map).map(Some);
            }
            map.next_value::<IgnoredAny>()?;
            return Ok(None);
        };
        let inner = match kind {
            Kind::Of(of) => Self::Of(of),
            Kind::Named(number, kind) => Self::Named(number, kind),
            _ => {
                let value: Value = map.next_value()?;
                return Ok(Some((number, written(|out| field(out, number, kind, &value)))));
            }
        };
        let inner = map.next_value_seed(inner)?;
        Ok(Some((number, written(|out| out.bytes(number, &inner)))))
    }

    fn pair<'de, A: MapAccess<'de>>(
        number: u32,
        name: &str,
        kind: Kind,
        map: &mut A,
    ) -> Result<(u32, Vec<u8>), A::Error> {
        let value: Value = map.next_value()?;
        Ok((number, written(|out| pair(out, number, name, kind, &value))))
    }
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<u8>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        // Fields go by their numbers, wherever the document has them.
        let mut fields: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if let Some((number, written)) = self.member(&name, &mut map)? {
                fields.entry(number).or_default().extend(written);
            }
        }
        Ok(fields.into_values().collect::<Vec<_>>().concat())
    }
}

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::super::{message, second, third};
    use super::*;
    use crate::tree::json;

    #[test]
    fn members_are_written_as_those_of_the_whole_tree() {
        let document = json!({
            "x-b": {"c": [1]},
            "components": {
                "x-in": true,
                "securitySchemes": {"BearerToken": {"type": "apiKey"}},
                "schemas": {"B": {"type": "object"}, "A": {"$ref": "#/components/schemas/B"}},
            },
            "unknown": {"a": [{}]},
            "paths": {"/b": {"get": {"operationId": "b"}}, "/a": {}},
            "definitions": {"B": {"properties": {"c": {"type": "string"}}}, "A": {}},
            "security": [{"BearerToken": []}],
            "info": {"version": "v1", "title": "T", "x-c": null},
            "x-a": "d",
            "swagger": "2.0",
            "openapi": "3.0.0",
        });
        for of in [&second::DOCUMENT, &third::DOCUMENT] {
            let whole = written(|out| message(out, of, &document));
            assert_eq!(encode(of, document.to_string().as_bytes()).expect("JSON"), whole);
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let deep = |depth: usize| format!(r#"{{"x-a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(encode(&second::DOCUMENT, deep(100).as_bytes()).is_ok());
        for broken in ["", "{", "[]", "{} {}", r#"{"paths":1}"#, r#"{"paths":{"/a":{}"#, &deep(200)] {
            assert!(encode(&second::DOCUMENT, broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
