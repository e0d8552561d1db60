//! Logs each request, if somebody wants to read that.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderValue, Method, Uri};
use tracing::{Level, debug, enabled};

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

pub(super) struct Log;

/// What the message says of itself, which is gone when it is answered.
pub(super) struct Line {
    method: Method,
    uri: Uri,
    agent: Option<HeaderValue>,
}

impl Filter for Log {
    type Held = Option<Box<Line>>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        let wanted = enabled!(target: "host::requests", Level::DEBUG);
        Ok(wanted.then(|| {
            let agent = request.headers().get(USER_AGENT).cloned();
            Box::new(Line { method: request.method().clone(), uri: request.uri().clone(), agent })
        }))
    }

    fn after(&self, line: Self::Held, context: &Arc<Context>, response: &mut Response) {
        let Some(line) = line else { return };
        debug!(
            target: "host::requests",
            verb = context.info().verb(),
            method = %line.method,
            uri = %line.uri,
            latency_us = context.received().elapsed().as_micros() as u64,
            user = context.user().name,
            user_agent = line.agent.as_ref().and_then(|agent| agent.to_str().ok()).unwrap_or_default(),
            audit_id = context.audit_id(),
            peer = %context.connection().peer(),
            code = response.status().as_u16(),
            "request"
        );
    }
}
