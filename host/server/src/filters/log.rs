//! Logs each request, if somebody wants to read that.

use http::header::USER_AGENT;
use tracing::{Level, debug, enabled};

use super::{Filter, Handler};
use crate::request::Request;
use crate::response::Response;

pub(super) struct Log;

impl Filter for Log {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        if !enabled!(target: "host::requests", Level::DEBUG) {
            return next.handle(request).await;
        }
        let context = request.context().clone();
        let uri = request.uri().clone();
        let method = request.method().clone();
        let agent = request.headers().get(USER_AGENT).cloned();
        let response = next.handle(request).await;
        debug!(
            target: "host::requests",
            verb = context.info().verb(),
            %method,
            %uri,
            latency_us = context.received().elapsed().as_micros() as u64,
            user = context.user().name,
            user_agent = agent.as_ref().and_then(|agent| agent.to_str().ok()).unwrap_or_default(),
            audit_id = context.audit_id(),
            peer = %context.connection().peer(),
            code = response.status().as_u16(),
            "request"
        );
        response
    }
}
