//! Counts requests and the time that they take.

use std::sync::Arc;

use super::{Filter, Handler};
use crate::observe::RequestMetrics;
use crate::request::Request;
use crate::response::Response;

pub(super) struct Measure {
    metrics: Arc<RequestMetrics>,
}

impl Measure {
    pub(super) fn new(metrics: Arc<RequestMetrics>) -> Self {
        Self { metrics }
    }
}

impl Filter for Measure {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        let started = self.metrics.start(&request);
        let mut response = next.handle(request).await;
        // A stream's time ends with its last byte, as upstream counts it.
        let measured = started.answered(response.status());
        response.body_mut().hold(measured);
        response
    }
}
