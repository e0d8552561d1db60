//! What reads bodies that are not JSON.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::request::RequestInfo;

/// Turns an object that came, or went, as something else than JSON into JSON: whoever serves the
/// resource knows how. Without one the objects of such requests are not in their events, as with
/// bodies that kube-apiserver cannot decode.
pub trait Decoder: Send + Sync + 'static {
    /// Nothing if it cannot be read.
    fn decode<'a>(&'a self, info: &'a RequestInfo, content_type: &'a str, body: Bytes) -> BoxFuture<'a, Option<Value>>;
}
