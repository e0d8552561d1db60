//! `openapi.v2.Document`.

use super::{Kind, Message, TEXTS};
use crate::tree::Value;

const PARAMETERS: Kind = Kind::Each(&Kind::Either(parameter_or_reference));
const SECURITY: Kind = Kind::Each(&Kind::Named(1, &Kind::In(1, &TEXTS)));

pub(super) static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Kind::Text),
        ("info", 2, Kind::Of(&INFO)),
        ("paths", 8, Kind::Named(2, &Kind::Of(&PATH_ITEM))),
        ("definitions", 9, Kind::Named(1, &Kind::Of(&SCHEMA))),
        ("parameters", 10, Kind::Named(1, &Kind::Either(parameter))),
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

fn parameter_or_reference(value: &Value) -> &'static Kind {
    static PARAMETER: Kind = Kind::In(1, &Kind::Either(parameter));
    static REFERENCE: Kind = Kind::In(2, &Kind::Of(&JSON_REFERENCE));
    if value.get("$ref").is_some() { &REFERENCE } else { &PARAMETER }
}

static JSON_REFERENCE: Message = Message { fields: &[("$ref", 1, Kind::Text)], extensions: 0 };

/// Where a parameter stands decides about its message, and that about the numbers of its fields.
fn parameter(value: &Value) -> &'static Kind {
    static BODY_PARAMETER: Kind = Kind::In(1, &Kind::Of(&BODY));
    static HEADER: Kind = Kind::In(2, &Kind::In(1, &Kind::Of(&PATH_PARAMETER)));
    static PATH: Kind = Kind::In(2, &Kind::In(4, &Kind::Of(&PATH_PARAMETER)));
    static QUERY: Kind = Kind::In(2, &Kind::In(3, &Kind::Of(&QUERY_PARAMETER)));
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
