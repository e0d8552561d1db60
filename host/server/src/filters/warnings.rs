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
