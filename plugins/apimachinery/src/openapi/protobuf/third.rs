//! `openapi.v3.Document`.

use super::{Kind, Message, TEXTS};
use crate::tree::Value;

const SCHEMA_OR_REFERENCE: Kind = Kind::Either(schema);
const SCHEMAS: Kind = Kind::Each(&SCHEMA_OR_REFERENCE);
const PARAMETERS: Kind = Kind::Each(&Kind::In(1, &Kind::Of(&PARAMETER)));
const CONTENT: Kind = Kind::Named(1, &Kind::Of(&MEDIA_TYPE));

pub(super) static DOCUMENT: Message = Message {
    fields: &[
        ("openapi", 1, Kind::Text),
        ("info", 2, Kind::Of(&INFO)),
        ("paths", 4, Kind::Named(1, &Kind::Of(&PATH_ITEM))),
        ("components", 5, Kind::Of(&COMPONENTS)),
    ],
    extensions: 9,
};

static INFO: Message = Message {
    fields: &[("title", 1, Kind::Text), ("description", 2, Kind::Text), ("version", 6, Kind::Text)],
    extensions: 7,
};

static COMPONENTS: Message = Message {
    fields: &[
        ("schemas", 1, Kind::Named(1, &SCHEMA_OR_REFERENCE)),
        ("securitySchemes", 7, Kind::Named(1, &Kind::In(1, &Kind::Of(&SECURITY_SCHEME)))),
    ],
    extensions: 10,
};

static SECURITY_SCHEME: Message = Message {
    fields: &[("type", 1, Kind::Text), ("description", 2, Kind::Text), ("name", 3, Kind::Text), ("in", 4, Kind::Text)],
    extensions: 9,
};

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 4, Kind::Of(&OPERATION)),
        ("put", 5, Kind::Of(&OPERATION)),
        ("post", 6, Kind::Of(&OPERATION)),
        ("delete", 7, Kind::Of(&OPERATION)),
        ("options", 8, Kind::Of(&OPERATION)),
        ("head", 9, Kind::Of(&OPERATION)),
        ("patch", 10, Kind::Of(&OPERATION)),
        ("parameters", 13, PARAMETERS),
    ],
    extensions: 14,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, TEXTS),
        ("summary", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("operationId", 5, Kind::Text),
        ("parameters", 6, PARAMETERS),
        ("requestBody", 7, Kind::In(1, &Kind::Of(&REQUEST_BODY))),
        ("responses", 8, Kind::Named(2, &Kind::In(1, &Kind::Of(&RESPONSE)))),
        ("deprecated", 10, Kind::Flag),
    ],
    extensions: 13,
};

static PARAMETER: Message = Message {
    fields: &[
        ("name", 1, Kind::Text),
        ("in", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("required", 4, Kind::Flag),
        ("schema", 10, SCHEMA_OR_REFERENCE),
    ],
    extensions: 14,
};

static REQUEST_BODY: Message = Message {
    fields: &[("description", 1, Kind::Text), ("content", 2, CONTENT), ("required", 3, Kind::Flag)],
    extensions: 4,
};

static RESPONSE: Message =
    Message { fields: &[("description", 1, Kind::Text), ("content", 3, CONTENT)], extensions: 5 };

static MEDIA_TYPE: Message = Message { fields: &[("schema", 1, SCHEMA_OR_REFERENCE)], extensions: 5 };

fn schema(value: &Value) -> &'static Kind {
    static IN_PLACE: Kind = Kind::In(1, &Kind::Of(&SCHEMA));
    static REFERENCE: Kind = Kind::In(2, &Kind::Of(&JSON_REFERENCE));
    if value.get("$ref").is_some() { &REFERENCE } else { &IN_PLACE }
}

static JSON_REFERENCE: Message = Message { fields: &[("$ref", 1, Kind::Text)], extensions: 0 };

static SCHEMA: Message = Message {
    fields: &[
        ("nullable", 1, Kind::Flag),
        ("readOnly", 3, Kind::Flag),
        ("writeOnly", 4, Kind::Flag),
        ("externalDocs", 6, Kind::Of(&EXTERNAL_DOCS)),
        ("example", 7, Kind::Free),
        ("deprecated", 8, Kind::Flag),
        ("title", 9, Kind::Text),
        ("multipleOf", 10, Kind::Real),
        ("maximum", 11, Kind::Real),
        ("exclusiveMaximum", 12, Kind::Flag),
        ("minimum", 13, Kind::Real),
        ("exclusiveMinimum", 14, Kind::Flag),
        ("maxLength", 15, Kind::Whole),
        ("minLength", 16, Kind::Whole),
        ("pattern", 17, Kind::Text),
        ("maxItems", 18, Kind::Whole),
        ("minItems", 19, Kind::Whole),
        ("uniqueItems", 20, Kind::Flag),
        ("maxProperties", 21, Kind::Whole),
        ("minProperties", 22, Kind::Whole),
        ("required", 23, TEXTS),
        ("enum", 24, Kind::Each(&Kind::Free)),
        ("type", 25, Kind::Text),
        ("allOf", 26, SCHEMAS),
        ("oneOf", 27, SCHEMAS),
        ("anyOf", 28, SCHEMAS),
        ("not", 29, Kind::Of(&SCHEMA)),
        ("items", 30, Kind::In(1, &SCHEMAS)),
        ("properties", 31, Kind::Named(1, &SCHEMA_OR_REFERENCE)),
        ("additionalProperties", 32, Kind::Either(additional)),
        ("default", 33, Kind::Either(default)),
        ("description", 34, Kind::Text),
        ("format", 35, Kind::Text),
    ],
    extensions: 36,
};

static EXTERNAL_DOCS: Message =
    Message { fields: &[("description", 1, Kind::Text), ("url", 2, Kind::Text)], extensions: 3 };

fn additional(value: &Value) -> &'static Kind {
    static WHETHER: Kind = Kind::In(2, &Kind::Flag);
    static OF_SCHEMA: Kind = Kind::In(1, &SCHEMA_OR_REFERENCE);
    if value.is_boolean() { &WHETHER } else { &OF_SCHEMA }
}

/// Of objects and lists the schema of defaults knows nothing.
fn default(value: &Value) -> &'static Kind {
    static NUMBER: Kind = Kind::In(1, &Kind::Real);
    static WHETHER: Kind = Kind::In(2, &Kind::Flag);
    static TEXT: Kind = Kind::In(3, &Kind::Text);
    static NOTHING: Kind = Kind::Of(&Message { fields: &[], extensions: 0 });
    match value {
        Value::Number(_) => &NUMBER,
        Value::Bool(_) => &WHETHER,
        Value::String(_) => &TEXT,
        _ => &NOTHING,
    }
}
