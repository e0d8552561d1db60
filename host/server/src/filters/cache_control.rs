//! Keeps answers out of caches, unless somebody says otherwise.

use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::{Filter, Handler};
use crate::request::Request;
use crate::response::Response;

pub(super) struct CacheControl;

impl Filter for CacheControl {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        let mut response = next.handle(request).await;
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
        response
    }
}
