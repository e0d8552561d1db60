//! What the server writes in protobuf by itself: `Status` in its envelope, and the frames of a watch.
//! Everything that is not a pointer in upstream's types is written, empty or not.

use bytes::{BufMut as _, BytesMut};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use serde_json::{Map, Value};

use super::Failure;

/// The `content-type` of a watch that is made of messages: [`append_watch_message`].
pub const WATCH_MESSAGES: &str = "application/vnd.kubernetes.protobuf;stream=watch";
/// What an object in protobuf begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Appends an event of a watch behind its length: a `WatchEvent`, whose object is a `RawExtension` around
/// `object`, one in its envelope.
pub fn append_watch_message(kind: &str, object: &[u8], out: &mut BytesMut) {
    let field_bytes = |bytes: usize| 1 + encoded_len_varint(bytes as u64) + bytes;
    let extension_bytes = field_bytes(object.len());
    let event_bytes = field_bytes(kind.len()) + field_bytes(extension_bytes);
    out.reserve(4 + event_bytes);
    // An object has some megabytes at most.
    out.put_u32(event_bytes as u32);
    let head = |number, bytes: usize, out: &mut BytesMut| {
        encode_key(number, WireType::LengthDelimited, out);
        encode_varint(bytes as u64, out);
    };
    head(1, kind.len(), out);
    out.put_slice(kind.as_bytes());
    head(2, extension_bytes, out);
    head(1, object.len(), out);
    out.put_slice(object);
}

impl Failure {
    /// The `Status` object in its envelope.
    pub fn to_protobuf(&self) -> Vec<u8> {
        let status = Status {
            metadata: Some(ListMeta { self_link: text(""), resource_version: text(""), r#continue: text("") }),
            status: text("Failure"),
            message: text(&self.message),
            reason: text(self.reason),
            details: self.details.as_ref().map(Details::of),
            code: Some(self.code.as_u16().into()),
        };
        let envelope = Unknown {
            type_meta: Some(TypeMeta { api_version: text("v1"), kind: text("Status") }),
            raw: Some(status.encode_to_vec()),
            content_encoding: text(""),
            content_type: text(""),
        };
        [MAGIC, &envelope.encode_to_vec()].concat()
    }
}

/// `runtime.Unknown`, the envelope.
#[derive(prost::Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "vec", optional, tag = "2")]
    raw: Option<Vec<u8>>,
    #[prost(string, optional, tag = "3")]
    content_encoding: Option<String>,
    #[prost(string, optional, tag = "4")]
    content_type: Option<String>,
}

#[derive(prost::Message)]
struct TypeMeta {
    #[prost(string, optional, tag = "1")]
    api_version: Option<String>,
    #[prost(string, optional, tag = "2")]
    kind: Option<String>,
}

#[derive(prost::Message)]
struct Status {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ListMeta>,
    #[prost(string, optional, tag = "2")]
    status: Option<String>,
    #[prost(string, optional, tag = "3")]
    message: Option<String>,
    #[prost(string, optional, tag = "4")]
    reason: Option<String>,
    #[prost(message, optional, tag = "5")]
    details: Option<Details>,
    #[prost(int32, optional, tag = "6")]
    code: Option<i32>,
}

#[derive(prost::Message)]
struct ListMeta {
    #[prost(string, optional, tag = "1")]
    self_link: Option<String>,
    #[prost(string, optional, tag = "2")]
    resource_version: Option<String>,
    #[prost(string, optional, tag = "3")]
    r#continue: Option<String>,
}

#[derive(prost::Message)]
struct Details {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(string, optional, tag = "2")]
    group: Option<String>,
    #[prost(string, optional, tag = "3")]
    kind: Option<String>,
    #[prost(message, repeated, tag = "4")]
    causes: Vec<Cause>,
    #[prost(int32, optional, tag = "5")]
    retry_after_seconds: Option<i32>,
    #[prost(string, optional, tag = "6")]
    uid: Option<String>,
}

#[derive(prost::Message)]
struct Cause {
    #[prost(string, optional, tag = "1")]
    reason: Option<String>,
    #[prost(string, optional, tag = "2")]
    message: Option<String>,
    #[prost(string, optional, tag = "3")]
    field: Option<String>,
}

impl Details {
    fn of(details: &Map<String, Value>) -> Self {
        let of = |key: &str| text(details.get(key).and_then(Value::as_str).unwrap_or_default());
        let seconds = details.get("retryAfterSeconds").and_then(Value::as_i64).unwrap_or_default();
        let causes = details.get("causes").and_then(Value::as_array).into_iter().flatten();
        Self {
            name: of("name"),
            group: of("group"),
            kind: of("kind"),
            causes: causes.map(Cause::of).collect(),
            retry_after_seconds: Some(seconds as i32),
            uid: of("uid"),
        }
    }
}

impl Cause {
    fn of(cause: &Value) -> Self {
        let of = |key: &str| text(cause[key].as_str().unwrap_or_default());
        Self { reason: of("reason"), message: of("message"), field: of("field") }
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(prost::Message)]
    struct WatchEvent {
        #[prost(string, optional, tag = "1")]
        kind: Option<String>,
        #[prost(message, optional, tag = "2")]
        object: Option<RawExtension>,
    }

    #[derive(prost::Message)]
    struct RawExtension {
        #[prost(bytes = "vec", optional, tag = "1")]
        raw: Option<Vec<u8>>,
    }

    #[test]
    fn an_event_is_a_message_behind_its_length() {
        for bytes in [0, 1, 127, 128, 20_000] {
            let raw = vec![7; bytes];
            let mut out = BytesMut::from(&b"before"[..]);
            append_watch_message("ADDED", &raw, &mut out);
            let (length, message) = out[6..].split_at(4);
            assert_eq!(length, (message.len() as u32).to_be_bytes());
            let event = WatchEvent { kind: text("ADDED"), object: Some(RawExtension { raw: Some(raw) }) };
            assert_eq!(message, event.encode_to_vec());
        }
    }
}
