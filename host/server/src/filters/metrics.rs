//! Counts requests and the time that they take.

use std::sync::Arc;

use super::Filter;
use crate::observe::{RequestMetrics, StartedRequest};
use crate::request::{Context, Request};
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
    type Held = StartedRequest;

    async fn before(&self, request: &mut Request) -> Result<StartedRequest, Response> {
        Ok(self.metrics.start(request))
    }

    fn after(&self, started: StartedRequest, _: &Arc<Context>, response: &mut Response) {
        // A stream's time ends with its last byte, as upstream counts it.
        let answered = started.answered(response.status());
        response.body_mut().hold(answered);
    }
}
