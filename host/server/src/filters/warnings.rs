//! Sends the warnings that those below have collected.

use http::header::WARNING;

use super::{Filter, Handler};
use crate::request::Request;
use crate::response::Response;

pub(super) struct SendWarnings;

impl Filter for SendWarnings {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        let context = request.context().clone();
        let mut response = next.handle(request).await;
        for warning in context.warnings().headers() {
            response.headers_mut().append(WARNING, warning);
        }
        response
    }
}
