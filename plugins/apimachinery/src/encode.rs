//! Trees as bytes of an answer: in what the client accepts, and indented where people read it.

use plugin_sdk::{Answer, Body, Response, Summary};

use crate::codec;
use crate::negotiate::{self, Encoding, Notation};
use crate::schema::builtin;
use crate::status::ApiError;
use crate::tree::Value;

/// A tree in a notation, with the line end that upstream writes behind what is not indented.
pub(crate) fn encode(value: &Value, Notation { encoding, pretty }: Notation) -> Vec<u8> {
    match encoding {
        Encoding::Json if pretty => codec::json::encode_pretty(value),
        Encoding::Json => {
            let mut bytes = codec::json::encode(value);
            bytes.push(b'\n');
            bytes
        }
        Encoding::Yaml | Encoding::Protobuf => encode_item(value, encoding),
    }
}

/// A tree in an encoding, as it stands in something larger.
pub(crate) fn encode_item(value: &Value, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Json => codec::json::encode(value),
        Encoding::Yaml => codec::yaml::encode(value),
        // Only built-in types are offered in protobuf, and they are all in the table.
        Encoding::Protobuf => match type_of(value) {
            Some(of) => codec::proto::encode(value, of.schema()),
            None => codec::json::encode(value),
        },
    }
}

/// The built-in type that an object or a list says it is of.
pub(crate) fn type_of(value: &Value) -> Option<builtin::Type> {
    let name = |key: &str| value[key].as_str().unwrap_or_default();
    builtin::kind_of(name("apiVersion"), name("kind"))
}

/// The `Status` of a failure, in the client's encoding if it has one for it; indented, where it has none.
pub fn failure(summary: &Summary, error: &ApiError) -> Answer {
    let notation = negotiate::client(summary).failure();
    let mut response = Response::new(error.code).header("content-type", notation.encoding.media_type());
    if error.retry_after_seconds > 0 {
        response = response.header("retry-after", error.retry_after_seconds.to_string());
    }
    response.body(Body::Bytes(encode(&error.to_value(), notation))).into()
}
