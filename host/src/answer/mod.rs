//! Carrying out what a guest decided: bytes, references to the cache, streams, proxies.
//!
//! Owns: the way from an [`Answer`] to an HTTP response. Bulk bytes go from the cache to the
//! client here; a guest sees them only where something has to be computed for each object
//! (`render`, `decode`), in batches.

mod collection;
mod decode;
mod failure;
mod item;
mod proxy;
mod watch;

use std::sync::Arc;

use bytes::Bytes;
use host_server::{Body as HttpBody, BoxError, Failure, Response};
use http::{HeaderName, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;

use crate::chain::{Link, RequestState};
use crate::guest::{Answer, Body, GuestStream, Layout};

pub use failure::failure;

/// Turns an answer into the response that it asks for. What few requests need is boxed: a
/// request's future is moved about as a whole, and is as large as its largest part.
pub async fn carry_out(request: &Arc<RequestState>, link: &Arc<Link>, answer: Answer) -> Response {
    let answer = match answer {
        Answer::Response(answer) => answer,
        Answer::Proxy(order) => return Box::pin(proxy::forward(request, link, order, false)).await,
        Answer::Upgrade(order) => return Box::pin(proxy::forward(request, link, order, true)).await,
        Answer::Broken(reason) => {
            link.log().host(tracing::Level::ERROR, &format!("an answer cannot be carried out: {reason}"));
            return Failure::internal(format!("plugin `{}` gave an answer that cannot be carried out", link.name()))
                .into();
        }
        // The caller walks on for these.
        Answer::Pass => return request.not_found(),
    };
    let body = match body(link, answer.body).await {
        Ok(body) => body,
        Err(error) => return failure(link, &error, request.is_safe()).into(),
    };
    let mut response = Response::new(body);
    match StatusCode::from_u16(answer.status).ok().filter(|status| !status.is_informational()) {
        Some(status) => *response.status_mut() = status,
        None => {
            link.log().host(tracing::Level::ERROR, &format!("it answered with the status `{}`", answer.status));
            return Failure::internal(format!("plugin `{}` answered with an invalid status", link.name())).into();
        }
    }
    for (name, value) in answer.headers {
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value)) {
            // Framing is the host's: a guest cannot lie about its length.
            (Ok(name), _) if FRAMING.contains(&name.as_str()) => {}
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            _ => link.log().host(tracing::Level::WARN, &format!("its header `{name}` is not valid and left out")),
        }
    }
    response
}

/// Headers that say how a message is framed.
const FRAMING: [&str; 5] = ["content-length", "transfer-encoding", "connection", "upgrade", "keep-alive"];

async fn body(link: &Arc<Link>, body: Body) -> Result<HttpBody, crate::guest::CallError> {
    Ok(match body {
        Body::Empty => HttpBody::default(),
        Body::Bytes(bytes) => bytes.into(),
        Body::Stream(stream) => HttpBody::stream(StreamBody::new(chunks(stream))),
        Body::Object { object, layout } => Box::pin(one(link, object, layout)).await?,
        Body::Collection { listing, layout } => Box::pin(collection::body(link, listing, layout)).await?,
        Body::Watch { watcher, options, form } => watch::body(link, watcher, options, form),
    })
}

/// One object between its head and tail; nothing is copied if it stands alone as it is stored.
async fn one(
    link: &Arc<Link>,
    object: Arc<host_store::Object>,
    layout: Layout,
) -> Result<HttpBody, crate::guest::CallError> {
    let Layout { head, form, tail } = layout;
    let written = item::write(link, &form, false, vec![(None, object)]).await?.pop().unwrap_or_default();
    if head.is_empty() && tail.is_empty() {
        return Ok(written.into());
    }
    Ok([head, written, tail].concat().into())
}

/// What the guest writes. A stream whose instance ends is broken, not short: the client must not
/// take half of it for all.
fn chunks(stream: GuestStream) -> impl futures::Stream<Item = Result<Frame<Bytes>, BoxError>> + Send {
    futures::stream::unfold(Some(stream), |stream| async {
        let mut stream = stream?;
        match stream.next().await {
            Some(Ok(bytes)) => Some((Ok(Frame::data(bytes)), Some(stream))),
            Some(Err(reason)) => Some((Err(BoxError::from(reason)), None)),
            None => None,
        }
    })
}
