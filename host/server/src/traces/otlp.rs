//! OTLP's messages, as far as they are needed: `opentelemetry/proto/trace/v1/trace.proto`. The
//! crates that have all of it bring a client for gRPC and a second tracing framework along.

use bytes::{BufMut, Bytes, BytesMut};
use prost::{Message, Oneof};

use super::span::{Span, nanoseconds};
use crate::version::KUBERNETES_VERSION;

#[derive(Message)]
struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<SpanMessage>,
}

#[derive(Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Message)]
struct SpanMessage {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<Attribute>,
    #[prost(message, repeated, tag = "13")]
    links: Vec<Link>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Message)]
struct Link {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
}

#[derive(Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Message)]
struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Value>,
}

#[derive(Message)]
struct Value {
    #[prost(oneof = "Kind", tags = "1, 3")]
    kind: Option<Kind>,
}

#[derive(Oneof)]
enum Kind {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(int64, tag = "3")]
    Number(i64),
}

const KIND_SERVER: i32 = 2;
const STATUS_ERROR: i32 = 2;

/// The request of one gRPC call that carries `spans`.
pub(super) fn call(spans: Vec<Span>) -> Bytes {
    let message = ExportRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![text("service.name", "apiserver")] }),
            scope_spans: vec![ScopeSpans {
                scope: Some(Scope { name: "host".to_owned(), version: KUBERNETES_VERSION.to_owned() }),
                spans: spans.into_iter().map(SpanMessage::from).collect(),
            }],
        }],
    };
    let mut call = BytesMut::with_capacity(5 + message.encoded_len());
    // Not compressed, and then the length.
    call.put_u8(0);
    call.put_u32(message.encoded_len() as u32);
    call.put_slice(&message.encode_to_vec());
    call.freeze()
}

impl From<Span> for SpanMessage {
    fn from(span: Span) -> Self {
        let link = span.link.map(|link| Link { trace_id: link.trace.to_vec(), span_id: link.span.to_vec() });
        Self {
            trace_id: span.trace.to_vec(),
            span_id: span.id.to_vec(),
            parent_span_id: span.parent.map(Vec::from).unwrap_or_default(),
            name: span.name,
            kind: KIND_SERVER,
            start_time_unix_nano: nanoseconds(span.start),
            end_time_unix_nano: nanoseconds(span.end),
            attributes: vec![
                text("http.request.method", span.method),
                text("http.target", span.target),
                text("audit-id", span.audit_id),
                number("http.response.status_code", span.code.into()),
            ],
            links: link.into_iter().collect(),
            status: (span.code >= 500).then_some(Status { code: STATUS_ERROR }),
        }
    }
}

fn text(key: &str, value: impl Into<String>) -> Attribute {
    Attribute { key: key.to_owned(), value: Some(Value { kind: Some(Kind::Text(value.into())) }) }
}

fn number(key: &str, value: i64) -> Attribute {
    Attribute { key: key.to_owned(), value: Some(Value { kind: Some(Kind::Number(value)) }) }
}
