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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::Handler;
    use crate::filters::chain::Filters;
    use crate::filters::{Around, testing};

    struct Cacheable(&'static str);

    impl Handler for Cacheable {
        async fn handle(&self, _: Request) -> Response {
            let mut response = Response::default();
            if !self.0.is_empty() {
                response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(self.0));
            }
            response
        }
    }

    #[tokio::test]
    async fn only_who_says_so_is_cached() {
        for (said, expected) in [("", "no-cache, private"), ("public", "public")] {
            let response = Filters(CacheControl).around(testing::get("/"), &Cacheable(said)).await;
            assert_eq!(response.headers()[CACHE_CONTROL], expected);
        }
    }
}
