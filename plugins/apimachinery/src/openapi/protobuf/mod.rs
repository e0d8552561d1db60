//! Documents as protobuf, by gnostic's schemas.
//!
//! The messages are told as tables, `second` and `third`, so that one walk over the JSON writes them all.
//!
//! - `members`: how that walk begins, so that a document is never one tree.

mod members;
mod second;
mod third;

use crate::codec::proto::Writer;
use crate::codec::yaml;
use crate::tree::Value;

/// A message: its fields by their names in JSON, in the order of their numbers.
struct Message {
    fields: &'static [(&'static str, u32, Kind)],
    /// The field that takes every member named `x-…`.
    extensions: u32,
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Whole,
    Real,
    /// Any value at all, as YAML.
    Free,
    Of(&'static Message),
    /// A repeated field: one for each item of an array, or the one value.
    Each(&'static Kind),
    /// A message whose field of this number holds the value.
    In(u32, &'static Kind),
    /// An object as a message whose field of this number repeats its members, as pairs of name and value.
    Named(u32, &'static Kind),
    /// It depends on the value.
    Either(fn(&Value) -> &'static Kind),
}

/// Writes a document of version 2: what kubectl asks for where a kind cannot be patched or is not known.
///
/// # Errors
/// It is no JSON, or is too deep: some of what is in it is of servers that are not ours.
pub(super) fn second(json: &[u8]) -> serde_json::Result<Vec<u8>> {
    members::encode(&second::DOCUMENT, json)
}

/// Writes a document of version 3.
///
/// # Errors
/// It is no JSON, or is too deep: definitions of custom resources are their writers'.
pub(super) fn third(json: &[u8]) -> serde_json::Result<Vec<u8>> {
    members::encode(&third::DOCUMENT, json)
}

/// Back to front, as [`Writer`] asks.
fn message(out: &mut Writer, of: &Message, value: &Value) {
    let Some(members) = value.as_object() else { return };
    if of.extensions != 0 {
        for (name, value) in members.iter().rev().filter(|(name, _)| name.starts_with("x-")) {
            pair(out, of.extensions, name, Kind::Free, value);
        }
    }
    for (name, number, kind) in of.fields.iter().rev() {
        if let Some(value) = members.get(name) {
            field(out, *number, *kind, value);
        }
    }
}

fn field(out: &mut Writer, number: u32, kind: Kind, value: &Value) {
    match kind {
        Kind::Text => out.bytes(number, value.as_str().unwrap_or_default().as_bytes()),
        Kind::Flag => out.varint(number, value.as_bool().unwrap_or_default().into()),
        Kind::Whole => out.varint(number, value.as_i64().unwrap_or_default().cast_unsigned()),
        Kind::Real => out.fixed64(number, value.as_f64().unwrap_or_default().to_bits()),
        Kind::Free => out.message(number, |out| out.bytes(2, &yaml::encode(value))),
        Kind::Of(of) => out.message(number, |out| message(out, of, value)),
        Kind::Each(kind) => match value {
            Value::Array(items) => items.iter().rev().for_each(|item| field(out, number, *kind, item)),
            one => field(out, number, *kind, one),
        },
        Kind::In(inner, kind) => out.message(number, |out| field(out, inner, *kind, value)),
        Kind::Named(inner, kind) => out.message(number, |out| {
            for (name, value) in value.as_object().into_iter().flatten().rev() {
                pair(out, inner, name, *kind, value);
            }
        }),
        Kind::Either(choose) => field(out, number, *choose(value), value),
    }
}

fn pair(out: &mut Writer, number: u32, name: &str, kind: Kind, value: &Value) {
    out.message(number, |out| {
        field(out, 2, kind, value);
        out.bytes(1, name.as_bytes());
    });
}

/// A text for each item.
const TEXTS: Kind = Kind::Each(&Kind::Text);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    /// The bytes that gnostic-models 0.7.0 makes of the same document.
    #[test]
    fn documents_are_written_as_gnostic_writes_them() {
        let document = json!({
            "swagger": "2.0",
            "info": {"title": "T", "version": "v1"},
            "paths": {"/a": {"post": {
                "operationId": "createA",
                "consumes": ["*/*"],
                "parameters": [
                    {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/A"}},
                    {"name": "dryRun", "in": "query", "type": "string", "uniqueItems": true},
                ],
                "responses": {"201": {"description": "Created", "schema": {"$ref": "#/definitions/A"}}},
                "x-kubernetes-action": "post",
            }, "parameters": [{"name": "n", "in": "path", "required": true, "type": "string", "uniqueItems": true}]}},
            "definitions": {"A": {
                "type": "object",
                "required": ["b"],
                "properties": {
                    "b": {"type": "array", "items": {"type": "string", "enum": ["x", "z"]}},
                    "c": {"type": "object", "additionalProperties": {"type": "integer", "format": "int32", "minimum": 1}},
                },
                "x-kubernetes-group-version-kind": [{"group": "", "kind": "A", "version": "v1"}],
            }},
            "security": [{"BearerToken": []}],
            "securityDefinitions": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
        });
        let written: String =
            second(document.to_string().as_bytes()).expect("JSON").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, include_str!("../../../tests/fixtures/openapi-v2.hex").trim_end());
    }

    /// The same of a document of version 3.
    #[test]
    fn documents_of_version_3_are_written_as_gnostic_writes_them() {
        let document = include_bytes!("../../../tests/fixtures/openapi-v3.json");
        let written: String = third(document).expect("JSON").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, include_str!("../../../tests/fixtures/openapi-v3.hex").trim_end());
    }
}
