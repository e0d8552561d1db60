//! A link's own request to the rest of the chain.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_server::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Limited};
use tokio_util::sync::CancellationToken;

use super::{Link, RequestState};
use crate::bindings::host::chain::request::{Subrequest, Subresponse};

/// Asks the links behind `position` on behalf of a request.
pub async fn for_request(
    request: Arc<RequestState>,
    position: usize,
    subrequest: Subrequest,
) -> Result<Subresponse, String> {
    let max = request.chain.entries()[position].link.limits().subrequest_body_bytes_max;
    let (method, uri, headers, body) = parts(subrequest)?;
    let request = Arc::new(request.derive(method, uri, headers, body)?);
    collect(Box::pin(super::serve(request, position + 1)).await, max).await
}

/// Asks the links behind `link` on behalf of the server itself.
pub async fn for_hook(
    link: Arc<Link>,
    cancel: CancellationToken,
    subrequest: Subrequest,
) -> Result<Subresponse, String> {
    let chain = link.services().chain.load_full();
    let position = chain.position(link.name()).ok_or("the link is not part of the chain yet")?;
    // Cancelled with the hook, and when nobody waits for the answer any more.
    let cancel = cancel.child_token();
    let _over = cancel.clone().drop_guard();
    let request = Arc::new(RequestState::internal(chain, cancel, parts(subrequest)?)?);
    let limits = link.limits();
    let answer =
        async { collect(Box::pin(super::serve(request, position + 1)).await, limits.subrequest_body_bytes_max).await };
    let limit_ms = limits.hook_subrequest_ms_max;
    match tokio::time::timeout(Duration::from_millis(limit_ms), answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within `hook_subrequest_ms_max` ({limit_ms})")),
    }
}

fn parts(subrequest: Subrequest) -> Result<(Method, Uri, HeaderMap, Bytes), String> {
    let method = subrequest.method.parse().map_err(|_| format!("`{}` is not a method", subrequest.method))?;
    let uri = subrequest.uri.parse().map_err(|error| format!("`{}` is not a path: {error}", subrequest.uri))?;
    let mut headers = HeaderMap::new();
    for (name, value) in subrequest.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| format!("`{name}` is not a header's name"))?;
        let value = HeaderValue::try_from(value).map_err(|_| format!("the value of `{name}` is not a header's"))?;
        headers.append(name, value);
    }
    Ok((method, uri, headers, subrequest.body.into()))
}

async fn collect(response: Response, max: usize) -> Result<Subresponse, String> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, max).collect().await.map_err(|error| format!("the answer's body: {error}"))?;
    let text = |value: &HeaderValue| std::str::from_utf8(value.as_bytes()).ok().map(str::to_string);
    Ok(Subresponse {
        status: parts.status.as_u16(),
        headers: parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect(),
        body: body.to_bytes().to_vec(),
    })
}
