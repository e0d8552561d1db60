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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get, message, through};
    use futures_util::FutureExt;

    #[tokio::test]
    async fn late_requests_are_refused() {
        let cases =
            [("/api", false, 200), ("/api", true, 503), ("/livez", true, 200), ("/api/v1/pods?watch=1", true, 200)];
        for (path, ending, expected) in cases {
            let signals = Arc::new(Signals::default());
            if ending {
                signals.fire(Signal::NotAcceptingNewRequest);
            }
            let filter = WaitGroup::new(signals, Arc::default());
            let (code, headers, body) = through(filter, get(path), &Inside::default()).await;
            assert_eq!(code, expected, "{path}");
            if code == 503 {
                assert_eq!(headers["retry-after"], "1");
                assert_eq!(message(&body), "apiserver is shutting down");
            }
        }
    }

    #[tokio::test]
    async fn the_drain_waits_for_requests_and_not_for_watches() {
        let in_flight = Arc::new(InFlightRequests::default());
        let filter = WaitGroup::new(Arc::default(), in_flight.clone());
        let watch = filter.before(&mut get("/api/v1/pods?watch=1")).await.ok().unwrap();
        assert!(in_flight.drained().now_or_never().is_some());
        let request = filter.before(&mut get("/api/v1/pods")).await.ok().unwrap();
        let mut drained = Box::pin(in_flight.drained());
        assert!(drained.as_mut().now_or_never().is_none());
        drop((request, watch));
        drained.await;
    }
}
