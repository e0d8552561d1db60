//! Carrying out what a guest decided: bytes, references to the cache, streams, proxies.
//!
//! Owns: the way from an [`Answer`] to an HTTP response. Bulk bytes go from the cache to the
//! client here; a guest sees them only where something has to be computed for each object
//! (`render`, `decode`), in batches.

mod collection;
mod decode;
mod events;
mod failure;
mod framing;
mod item;
mod proxy;
mod rendered;
mod stream;
mod watch;

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use host_server::{Body as HttpBody, Failure, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Body as _;

use crate::bindings::host::chain::request::ItemForm;
use crate::chain::{Fault, Link, PlainRead, RequestState};
use crate::guest::{Answer, Body, CallError, KnownHeaders, Layout, Reply};
use crate::limits::Limits;

use self::framing::Framing;
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
    let body = match body(request, link, &answer.headers, answer.body).await {
        Ok(body) => body,
        Err(Unwritten::Call(error)) => return failure(link, &error, request.is_safe()).into(),
        Err(Unwritten::Late) => return Failure::timeout().into(),
        Err(Unwritten::Invalid(reason)) => return invalid(link, reason),
    };
    let headers = headers(link, answer.headers.into_iter(), body.size_hint().exact());
    headers
        .and_then(|Headers { map, .. }| written(answer.status, map, body))
        .unwrap_or_else(|reason| invalid(link, &reason))
}

/// The response that an immediate answer asks for.
pub fn whole(link: &Link, reply: Reply, known: &mut KnownHeaders) -> Response {
    let body = match reply.body.is_empty() {
        true => HttpBody::default(),
        false => HttpBody::from(Bytes::from(reply.body)).packable(),
    };
    let headers = match known.of(&reply.headers) {
        Some(headers) => Ok(headers.clone()),
        None => headers(link, fields(&reply.headers), body.size_hint().exact()).map(|Headers { map, as_said }| {
            if as_said {
                *known = KnownHeaders::new(reply.headers, map.clone());
            }
            map
        }),
    };
    headers.and_then(|headers| written(reply.status, headers, body)).unwrap_or_else(|reason| invalid(link, &reason))
}

/// Names and values, a line each. One without a colon is all name, which is not valid.
fn fields(lines: &str) -> impl Iterator<Item = (&str, &[u8])> {
    lines.split_terminator('\n').map(|line| {
        // Near the beginning: to look at each byte costs less than to prepare a search.
        let colon = line.bytes().position(|byte| byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        (name, value.strip_prefix(": ").unwrap_or_default().as_bytes())
    })
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

/// The response, or why it cannot be sent.
fn written(status: u16, headers: HeaderMap, body: HttpBody) -> Result<Response, String> {
    let mut response = Response::new(body);
    *response.status_mut() = match StatusCode::from_u16(status) {
        Ok(status) if !status.is_informational() => status,
        _ => return Err(format!("the status `{status}`")),
    };
    *response.headers_mut() = headers;
    Ok(response)
}

/// What is sent of a guest's headers.
struct Headers {
    map: HeaderMap,
    /// Whether that is all of them.
    as_said: bool,
}

/// The headers for a body of this length, or why none can be sent.
fn headers<N, V>(link: &Link, headers: impl Iterator<Item = (N, V)>, length: Option<u64>) -> Result<Headers, String>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
    HeaderValue: TryFrom<V>,
{
    let Limits { response_headers_max, response_header_bytes_max, .. } = **link.limits();
    let mut sent = Headers { map: HeaderMap::new(), as_said: true };
    let (mut count, mut bytes) = (0, 0);
    for (name, value) in headers {
        let name = name.as_ref();
        count += 1;
        bytes += name.len() + value.as_ref().len();
        if count > response_headers_max {
            return Err(format!("it has more headers than `response_headers_max` ({response_headers_max})"));
        }
        if bytes > response_header_bytes_max {
            return Err(format!(
                "its headers have more bytes than `response_header_bytes_max` ({response_header_bytes_max})"
            ));
        }
        match header(link, name, value, length) {
            Some((name, value)) => {
                sent.map.append(name, value);
            }
            None => sent.as_said = false,
        }
    }
    Ok(sent)
}

/// Nothing if it is not sent.
fn header<V>(link: &Link, name: &str, value: V, length: Option<u64>) -> Option<(HeaderName, HeaderValue)>
where
    V: AsRef<[u8]>,
    HeaderValue: TryFrom<V>,
{
    let fault = |text: &str| link.conduct().fault(Fault::Answer, text);
    let Ok(valid) = HeaderName::try_from(name) else {
        fault(&format!("its header `{}` is not valid and left out", name.escape_debug()));
        return None;
    };
    // Framing is the host's: a guest cannot lie about its length.
    if FRAMING.contains(&valid.as_str()) {
        if let Some(length) = length.filter(|_| valid == CONTENT_LENGTH)
            && *value.as_ref() != *length.to_string().as_bytes()
        {
            let claimed = String::from_utf8_lossy(value.as_ref());
            fault(&format!("it says that its answer has `{claimed}` bytes, of which `{length}` are there"));
        }
        return None;
    }
    let Ok(value) = HeaderValue::try_from(value) else {
        fault(&format!("its header `{name}` is not valid and left out"));
        return None;
    };
    Some((valid, value))
}

/// Why there is no body.
enum Unwritten {
    Call(CallError),
    /// The deadline passed before it began.
    Late,
    Invalid(&'static str),
}

impl From<CallError> for Unwritten {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

async fn body(
    request: &RequestState,
    link: &Arc<Link>,
    headers: &[(String, String)],
    body: Body,
) -> Result<HttpBody, Unwritten> {
    Ok(match body {
        Body::Empty => HttpBody::default(),
        Body::Bytes(bytes) => HttpBody::from(bytes).packable(),
        Body::Stream(stream) => Box::pin(stream::body(link, stream, request.deadline)).await.ok_or(Unwritten::Late)?,
        Body::Object { object, layout } => Box::pin(one(link, object, layout)).await?.packable(),
        Body::Collection { listing, layout } => {
            Box::pin(collection::body(&request.chain, link, listing, layout)).await?.packable()
        }
        Body::Watch { watcher, options, form } => {
            let framing = Framing::of(headers);
            if framing == Framing::Messages && !matches!(form, ItemForm::Rendered(_)) {
                return Err(Unwritten::Invalid("a watch of messages has to be rendered"));
            }
            let info = request.info();
            let told = link.services().told.of(&info.api_group, &info.api_version, &info.resource);
            watch::body(link, told, watcher, options, form, framing)
        }
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
