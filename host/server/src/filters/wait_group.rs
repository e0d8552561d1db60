//! Counts the requests that a shutdown waits for, and refuses those that come too late.

use std::sync::Arc;

use super::retry_after::is_exempt;
use super::{Filter, Handler};
use crate::lifecycle::{Signal, Signals};
use crate::request::Request;
use crate::response::{Failure, Response};
use crate::serve::InFlightRequests;

pub(super) struct WaitGroup {
    signals: Arc<Signals>,
    in_flight: Arc<InFlightRequests>,
}

impl WaitGroup {
    pub(super) fn new(signals: Arc<Signals>, in_flight: Arc<InFlightRequests>) -> Self {
        Self { signals, in_flight }
    }
}

impl Filter for WaitGroup {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        if request.info().is_long_running() {
            return next.handle(request).await;
        }
        // Counted first and asked then: the drain starts after the signal, so a request that sees
        // none is waited for.
        let guard = InFlightRequests::enter(&self.in_flight);
        if self.signals.has_fired(Signal::NotAcceptingNewRequest) && !is_exempt(&request) {
            return Failure::unavailable("apiserver is shutting down", 1).into();
        }
        let mut response = next.handle(request).await;
        response.body_mut().hold(guard);
        response
    }
}
