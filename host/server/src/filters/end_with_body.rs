//! Ties the life of a request to its answer.

use super::{Filter, Handler};
use crate::request::{CancelOnDrop, Request};
use crate::response::Response;

/// Cancels the request when the client leaves, and when the last byte has been written.
pub(super) struct EndWithBody;

impl Filter for EndWithBody {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        // Dropped with this future if the client leaves before there is an answer.
        let end = CancelOnDrop(request.context().clone());
        let mut response = next.handle(request).await;
        response.body_mut().hold(end);
        response
    }
}
