//! The document of version 2 as protobuf, `openapi.v2.Document` of gnostic's schema: what kubectl
//! asks for where a kind cannot be patched or is not known.
//!
//! The messages are told as tables, so that one walk over the JSON writes them all.

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

/// Writes a document.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    message(&mut writer, &DOCUMENT, document);
    writer.finish()
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

const TEXTS: Kind = Kind::Each(&Kind::Text);
const PARAMETERS: Kind = Kind::Each(&Kind::Either(parameter));
const SECURITY: Kind = Kind::Each(&Kind::Named(1, &Kind::In(1, &TEXTS)));

static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Kind::Text),
        ("info", 2, Kind::Of(&INFO)),
        ("paths", 8, Kind::Named(2, &Kind::Of(&PATH_ITEM))),
        ("definitions", 9, Kind::Named(1, &Kind::Of(&SCHEMA))),
        ("security", 12, SECURITY),
        // Of the kinds of security, that of tokens in a header.
        ("securityDefinitions", 13, Kind::Named(1, &Kind::In(2, &Kind::Of(&API_KEY)))),
    ],
    extensions: 16,
};

static INFO: Message = Message {
    fields: &[("title", 1, Kind::Text), ("version", 2, Kind::Text), ("description", 3, Kind::Text)],
    extensions: 7,
};

static API_KEY: Message = Message {
    fields: &[("type", 1, Kind::Text), ("name", 2, Kind::Text), ("in", 3, Kind::Text), ("description", 4, Kind::Text)],
    extensions: 5,
};

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 2, Kind::Of(&OPERATION)),
        ("put", 3, Kind::Of(&OPERATION)),
        ("post", 4, Kind::Of(&OPERATION)),
        ("delete", 5, Kind::Of(&OPERATION)),
        ("options", 6, Kind::Of(&OPERATION)),
        ("head", 7, Kind::Of(&OPERATION)),
        ("patch", 8, Kind::Of(&OPERATION)),
        ("parameters", 9, PARAMETERS),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, TEXTS),
        ("summary", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("operationId", 5, Kind::Text),
        ("produces", 6, TEXTS),
        ("consumes", 7, TEXTS),
        ("parameters", 8, PARAMETERS),
        ("responses", 9, Kind::Named(1, &Kind::In(1, &Kind::Of(&RESPONSE)))),
        ("schemes", 10, TEXTS),
        ("deprecated", 11, Kind::Flag),
        ("security", 12, SECURITY),
    ],
    extensions: 13,
};

static RESPONSE: Message = Message {
    fields: &[("description", 1, Kind::Text), ("schema", 2, Kind::In(1, &Kind::Of(&SCHEMA)))],
    extensions: 5,
};

/// Where a parameter stands decides about its message, and that about the numbers of its fields.
fn parameter(value: &Value) -> &'static Kind {
    static BODY_PARAMETER: Kind = Kind::In(1, &Kind::In(1, &Kind::Of(&BODY)));
    static HEADER: Kind = Kind::In(1, &Kind::In(2, &Kind::In(1, &Kind::Of(&PATH_PARAMETER))));
    static PATH: Kind = Kind::In(1, &Kind::In(2, &Kind::In(4, &Kind::Of(&PATH_PARAMETER))));
    static QUERY: Kind = Kind::In(1, &Kind::In(2, &Kind::In(3, &Kind::Of(&QUERY_PARAMETER))));
    match value["in"].as_str() {
        Some("body") => &BODY_PARAMETER,
        Some("header") => &HEADER,
        Some("path") => &PATH,
        _ => &QUERY,
    }
}

static BODY: Message = Message {
    fields: &[
        ("description", 1, Kind::Text),
        ("name", 2, Kind::Text),
        ("in", 3, Kind::Text),
        ("required", 4, Kind::Flag),
        ("schema", 5, Kind::Of(&SCHEMA)),
    ],
    extensions: 6,
};

/// One in a header has the same numbers.
static PATH_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Kind::Flag),
        ("in", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("name", 4, Kind::Text),
        ("type", 5, Kind::Text),
        ("format", 6, Kind::Text),
        ("uniqueItems", 19, Kind::Flag),
    ],
    extensions: 22,
};

static QUERY_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Kind::Flag),
        ("in", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("name", 4, Kind::Text),
        ("type", 6, Kind::Text),
        ("format", 7, Kind::Text),
        ("items", 8, Kind::Of(&PARAMETER_ITEMS)),
        ("uniqueItems", 20, Kind::Flag),
    ],
    extensions: 23,
};

static PARAMETER_ITEMS: Message =
    Message { fields: &[("type", 1, Kind::Text), ("format", 2, Kind::Text)], extensions: 18 };

static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Kind::Text),
        ("format", 2, Kind::Text),
        ("title", 3, Kind::Text),
        ("description", 4, Kind::Text),
        ("default", 5, Kind::Free),
        ("multipleOf", 6, Kind::Real),
        ("maximum", 7, Kind::Real),
        ("exclusiveMaximum", 8, Kind::Flag),
        ("minimum", 9, Kind::Real),
        ("exclusiveMinimum", 10, Kind::Flag),
        ("maxLength", 11, Kind::Whole),
        ("minLength", 12, Kind::Whole),
        ("pattern", 13, Kind::Text),
        ("maxItems", 14, Kind::Whole),
        ("minItems", 15, Kind::Whole),
        ("uniqueItems", 16, Kind::Flag),
        ("maxProperties", 17, Kind::Whole),
        ("minProperties", 18, Kind::Whole),
        ("required", 19, TEXTS),
        ("enum", 20, Kind::Each(&Kind::Free)),
        ("additionalProperties", 21, Kind::Either(additional)),
        ("type", 22, Kind::In(1, &TEXTS)),
        ("items", 23, Kind::In(1, &Kind::Each(&Kind::Of(&SCHEMA)))),
        ("allOf", 24, Kind::Each(&Kind::Of(&SCHEMA))),
        ("properties", 25, Kind::Named(1, &Kind::Of(&SCHEMA))),
        ("readOnly", 27, Kind::Flag),
        ("externalDocs", 29, Kind::Of(&EXTERNAL_DOCS)),
        ("example", 30, Kind::Free),
    ],
    extensions: 31,
};

static EXTERNAL_DOCS: Message =
    Message { fields: &[("description", 1, Kind::Text), ("url", 2, Kind::Text)], extensions: 3 };

fn additional(value: &Value) -> &'static Kind {
    static WHETHER: Kind = Kind::In(2, &Kind::Flag);
    static OF_SCHEMA: Kind = Kind::In(1, &Kind::Of(&SCHEMA));
    if value.is_boolean() { &WHETHER } else { &OF_SCHEMA }
}

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
        let written: String = encode(&document).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, include_str!("../../tests/fixtures/openapi-v2.hex").trim_end());
    }
}
