//! Counts the requests that a shutdown waits for, and refuses those that come too late.

use std::sync::Arc;

use super::Filter;
use super::retry_after::is_exempt;
use crate::lifecycle::{Signal, Signals};
use crate::request::{Context, Request};
use crate::response::{Failure, Response};
use crate::serve::{InFlightRequest, InFlightRequests};

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
    /// Nothing for those who are not waited for.
    type Held = Option<InFlightRequest>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        if request.info().is_long_running() {
            return Ok(None);
        }
        // Counted first and asked then: the drain starts after the signal, so a request that sees
        // none is waited for.
        let guard = InFlightRequests::enter(&self.in_flight);
        if self.signals.has_fired(Signal::NotAcceptingNewRequest) && !is_exempt(request) {
            return Err(Failure::unavailable("apiserver is shutting down", 1).into());
        }
        Ok(Some(guard))
    }

    fn after(&self, guard: Self::Held, _: &Arc<Context>, response: &mut Response) {
        response.body_mut().hold(guard);
    }
}
