//! Sends the warnings that those below have collected.

use std::sync::Arc;

use http::header::WARNING;

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct SendWarnings;

impl Filter for SendWarnings {
    type Held = ();

    async fn before(&self, _: &mut Request) -> Result<(), Response> {
        Ok(())
    }

    fn after(&self, _: (), context: &Arc<Context>, response: &mut Response) {
        for warning in context.warnings().headers() {
            response.headers_mut().append(WARNING, warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get, through};

    #[tokio::test]
    async fn warnings_become_headers() {
        let request = get("/api");
        for text in ["one", "two", "one"] {
            request.context().warnings().add(text);
        }
        let (_, headers, _) = through(SendWarnings, request, &Inside::default()).await;
        assert_eq!(headers.get_all(WARNING).iter().collect::<Vec<_>>(), ["299 - \"one\"", "299 - \"two\""]);
    }
}
