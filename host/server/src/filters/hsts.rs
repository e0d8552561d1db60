//! Tells browsers to come with TLS only (`--strict-transport-security-directives`).

use std::sync::Arc;

use http::HeaderValue;
use http::header::STRICT_TRANSPORT_SECURITY;

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct StrictTransportSecurity {
    directives: Option<HeaderValue>,
}

impl StrictTransportSecurity {
    pub(super) fn new(directives: Option<HeaderValue>) -> Self {
        Self { directives }
    }
}

impl Filter for StrictTransportSecurity {
    type Held = ();

    async fn before(&self, _: &mut Request) -> Result<(), Response> {
        Ok(())
    }

    fn after(&self, _: (), _: &Arc<Context>, response: &mut Response) {
        if let Some(directives) = &self.directives {
            response.headers_mut().entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| directives.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get, through};

    #[tokio::test]
    async fn directives_are_sent_if_there_are_any() {
        for directives in [None, Some(HeaderValue::from_static("max-age=31536000; includeSubDomains"))] {
            let filter = StrictTransportSecurity::new(directives.clone());
            let (_, headers, _) = through(filter, get("/api"), &Inside::default()).await;
            assert_eq!(headers.get(STRICT_TRANSPORT_SECURITY), directives.as_ref());
        }
    }
}
