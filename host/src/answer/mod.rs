//! Carrying out what a guest decided: bytes, references to the cache, streams, proxies.
//!
//! Owns: the way from an [`Answer`] to an HTTP response. Bulk bytes go from the cache to the
//! client here; a guest sees them only where something has to be computed for each object
//! (`render`, `decode`), in batches.

mod collection;
mod decode;
mod events;
mod failure;
mod item;
mod proxy;
mod rendered;
mod stream;
mod watch;

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use host_server::{Body as HttpBody, Failure, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;

use crate::chain::{Fault, Link, PlainRead, RequestState};
use crate::guest::{Answer, Body, CallError, Layout};
use crate::limits::Limits;

pub use failure::failure;
pub(crate) use proxy::Destination;
pub use rendered::Rendered;

/// Turns an answer into the response that it asks for. What few requests need is boxed: a
/// request's future is moved about as a whole, and is as large as its largest part.
pub async fn carry_out(request: &Arc<RequestState>, link: &Arc<Link>, answer: Answer) -> Response {
    let answer = match answer {
        Answer::Response(answer) => answer,
        Answer::Proxy(order) => return Box::pin(proxy::forward(request, link, order, false)).await,
        Answer::Upgrade(order) => return Box::pin(proxy::forward(request, link, order, true)).await,
        Answer::Broken(reason) => return invalid(link, &reason),
        // The caller walks on for these.
        Answer::Pass => return request.not_found(),
    };
    let claimed = claimed_length(&answer.headers);
    let written = body(request, link, answer.body).await;
    let mut response = match written {
        Ok(body) => Response::new(body),
        Err(Unwritten::Call(error)) => return failure(link, &error, request.is_safe()).into(),
        Err(Unwritten::Late) => return Failure::timeout().into(),
    };
    match StatusCode::from_u16(answer.status).ok().filter(|status| !status.is_informational()) {
        Some(status) => *response.status_mut() = status,
        None => return invalid(link, &format!("the status `{}`", answer.status)),
    }
    if let (Some(claimed), Some(length)) = (claimed, response.body().size_hint().exact())
        && claimed != length.to_string()
    {
        let text = format!("it says that its answer has `{claimed}` bytes, of which `{length}` are there");
        link.conduct().fault(Fault::Answer, &text);
    }
    if let Err(reason) = add_headers(link, response.headers_mut(), answer.headers) {
        return invalid(link, &reason);
    }
    response
}

/// The answer to a plain read; nothing if it is none, or the object is not there: the link says what
/// then.
pub async fn plainly(request: &RequestState, link: &Arc<Link>, read: &PlainRead) -> Option<Response> {
    let (key, freshness) = read.key_in(request)?;
    let found = tokio::select! {
        found = link.services().cache.get(&key, freshness) => found.ok().flatten()?,
        () = request.cancel.cancelled() => return None,
    };
    let mut body = BytesMut::with_capacity(found.json().len() + TYPE_BYTES);
    item::append(&found, &read.form(), &mut body);
    body.put_u8(b'\n');
    let mut response = Response::new(HttpBody::from(body.freeze()).packable());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(response)
}

/// Room for another type, and for the end of the line.
const TYPE_BYTES: usize = 128;

/// The answer that a client gets where the plugin's cannot be sent.
fn invalid(link: &Link, what: &str) -> Response {
    link.conduct().fault(Fault::Answer, &format!("its answer cannot be sent: {what}"));
    Failure::internal(format!("plugin `{}` gave an answer that cannot be sent", link.name())).into()
}

/// Headers that say how a message is framed.
const FRAMING: [&str; 5] = ["content-length", "transfer-encoding", "connection", "upgrade", "keep-alive"];

fn claimed_length(headers: &[(String, String)]) -> Option<String> {
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.clone())
}

fn add_headers(link: &Link, into: &mut HeaderMap, headers: Vec<(String, String)>) -> Result<(), String> {
    let Limits { response_headers_max, response_header_bytes_max, .. } = **link.limits();
    if headers.len() > response_headers_max {
        return Err(format!("{} headers are more than `response_headers_max` ({response_headers_max})", headers.len()));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > response_header_bytes_max {
        return Err(format!(
            "{bytes} bytes of headers are more than `response_header_bytes_max` ({response_header_bytes_max})"
        ));
    }
    for (name, value) in headers {
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
            // Framing is the host's: a guest cannot lie about its length.
            (Ok(name), _) if FRAMING.contains(&name.as_str()) => {}
            (Ok(name), Ok(value)) => {
                into.append(name, value);
            }
            _ => {
                let name = name.escape_debug();
                link.conduct().fault(Fault::Answer, &format!("its header `{name}` is not valid and left out"));
            }
        }
    }
    Ok(())
}

/// Why there is no body.
enum Unwritten {
    Call(CallError),
    /// The deadline passed before it began.
    Late,
}

impl From<CallError> for Unwritten {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

async fn body(request: &RequestState, link: &Arc<Link>, body: Body) -> Result<HttpBody, Unwritten> {
    Ok(match body {
        Body::Empty => HttpBody::default(),
        Body::Bytes(bytes) => HttpBody::from(bytes).packable(),
        Body::Stream(stream) => Box::pin(stream::body(link, stream, request.deadline)).await.ok_or(Unwritten::Late)?,
        Body::Object { object, layout } => Box::pin(one(link, object, layout)).await?.packable(),
        Body::Collection { listing, layout } => {
            Box::pin(collection::body(&request.chain, link, listing, layout)).await?.packable()
        }
        Body::Watch { watcher, options, form } => watch::body(link, watcher, options, form),
    })
}

/// One object between its head and tail; nothing is copied if it stands alone as it is stored.
async fn one(link: &Arc<Link>, object: Arc<host_store::Object>, layout: Layout) -> Result<HttpBody, CallError> {
    let Layout { head, form, tail } = layout;
    let written = item::write(link, &form, false, vec![(None, object)]).await?.pop().unwrap_or_default();
    if head.is_empty() && tail.is_empty() {
        return Ok(written.into());
    }
    Ok([head, written, tail].concat().into())
}
