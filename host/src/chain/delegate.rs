//! A link's own request to the rest of the chain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use host_server::Response;
use host_store::Guard;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Limited};
use tokio_util::sync::CancellationToken;

use super::{Fault, Link, RequestState};
use crate::bindings::host::chain::request::{Subrequest, Subresponse};
use crate::limits::Limits;

/// The subrequests that one request or hook leads to: how many are under way, and how deep
/// this one is among them.
#[derive(Clone, Default)]
pub struct Subrequests {
    under_way: Arc<AtomicUsize>,
    depth: usize,
    /// What has to hold for all that they write.
    fence: Option<Guard>,
}

/// A subrequest under way. It counts until this is dropped.
struct UnderWay(Arc<AtomicUsize>);

/// Asks the links behind `position` on behalf of a request.
pub async fn for_request(
    request: Arc<RequestState>,
    position: usize,
    subrequest: Subrequest,
) -> Result<Subresponse, String> {
    let link = &request.chain.entries()[position].link;
    let max = link.limits().subrequest_body_bytes_max;
    let _under_way = request.subrequests().begin(link)?;
    let (method, uri, headers, body) = parts(subrequest)?;
    let derived = Arc::new(request.derive(method, uri, headers, body)?);
    collect(Box::pin(super::serve(derived, position + 1)).await, max).await
}

/// Asks the links behind `link` on behalf of the server itself.
pub async fn for_hook(
    link: Arc<Link>,
    cancel: CancellationToken,
    subrequests: Subrequests,
    subrequest: Subrequest,
) -> Result<Subresponse, String> {
    let chain = link.chain();
    let position = chain.position(link.name()).ok_or("the link is not part of the chain yet")?;
    // Cancelled with the hook, and when nobody waits for the answer any more.
    let cancel = cancel.child_token();
    let _over = cancel.clone().drop_guard();
    let _under_way = subrequests.begin(&link)?;
    let request = Arc::new(RequestState::internal(chain, cancel, &subrequests, parts(subrequest)?)?);
    let limits = link.limits();
    let answer =
        async { collect(Box::pin(super::serve(request, position + 1)).await, limits.subrequest_body_bytes_max).await };
    let limit_ms = limits.hook_subrequest_ms_max;
    match tokio::time::timeout(Duration::from_millis(limit_ms), answer).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within `hook_subrequest_ms_max` ({limit_ms})")),
    }
}

impl Subrequests {
    /// None yet, of one who may write only while this holds.
    pub fn fenced(fence: Option<Guard>) -> Self {
        Self { fence, ..Self::default() }
    }

    pub fn fence(&self) -> Option<&Guard> {
        self.fence.as_ref()
    }

    /// Those of a subrequest: they count with the others, one level deeper.
    pub fn deeper(&self) -> Self {
        Self { under_way: self.under_way.clone(), depth: self.depth + 1, fence: self.fence.clone() }
    }

    fn begin(&self, link: &Link) -> Result<UnderWay, String> {
        self.within(link.limits()).inspect_err(|reason| link.conduct().fault(Fault::Subrequest, reason))
    }

    fn within(&self, limits: &Limits) -> Result<UnderWay, String> {
        let Limits { subrequests_max, subrequest_depth_max, .. } = *limits;
        if self.depth >= subrequest_depth_max {
            return Err(format!("a subrequest is deeper than `subrequest_depth_max` ({subrequest_depth_max})"));
        }
        let under_way = UnderWay(self.under_way.clone());
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= subrequests_max {
            return Err(format!("more subrequests than `subrequests_max` ({subrequests_max}) are under way"));
        }
        Ok(under_way)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn parts(subrequest: Subrequest) -> Result<(Method, Uri, HeaderMap, Bytes), String> {
    let method = subrequest.method.parse().map_err(|_| format!("`{}` is not a method", subrequest.method))?;
    let uri = subrequest.uri.parse().map_err(|error| format!("`{}` is not a path: {error}", subrequest.uri))?;
    let mut headers = HeaderMap::new();
    for (name, value) in subrequest.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| format!("`{name}` is not a header's name"))?;
        let value = HeaderValue::try_from(value).map_err(|_| format!("the value of `{name}` is not a header's"))?;
        headers.try_append(name, value).map_err(|_| "these are too many headers")?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_leads_to_counts_together_and_is_only_so_deep() {
        let limits = Limits { subrequests_max: 3, subrequest_depth_max: 2, ..Limits::default() };
        let request = Subrequests::default();
        let first = request.within(&limits).expect("the first");
        let below = request.deeper();
        let second = below.within(&limits).expect("one below it");
        let third = request.within(&limits).expect("the third");
        assert!(below.within(&limits).is_err_and(|reason| reason.contains("`subrequests_max` (3)")));
        drop((first, second));
        assert!(below.within(&limits).is_ok());
        assert!(below.deeper().within(&limits).is_err_and(|reason| reason.contains("`subrequest_depth_max` (2)")));
        drop(third);
        assert_eq!(request.under_way.load(Ordering::Relaxed), 0);
    }
}
