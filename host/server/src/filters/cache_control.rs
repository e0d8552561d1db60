//! Keeps answers out of caches, unless somebody says otherwise.

use std::sync::Arc;

use http::HeaderValue;
use http::header::CACHE_CONTROL;

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct CacheControl;

impl Filter for CacheControl {
    type Held = ();

    async fn before(&self, _: &mut Request) -> Result<(), Response> {
        Ok(())
    }

    fn after(&self, _: (), _: &Arc<Context>, response: &mut Response) {
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    }
}
