//! Ties the life of a request to its answer.

use std::sync::Arc;

use super::Filter;
use crate::request::{CancelOnDrop, Context, Request};
use crate::response::Response;

/// Cancels the request when the client leaves, and when the last byte has been written.
pub(super) struct EndWithBody;

impl Filter for EndWithBody {
    type Held = CancelOnDrop;

    async fn before(&self, request: &mut Request) -> Result<CancelOnDrop, Response> {
        Ok(CancelOnDrop(request.context().clone()))
    }

    fn after(&self, end: CancelOnDrop, _: &Arc<Context>, response: &mut Response) {
        response.body_mut().hold(end);
    }
}
