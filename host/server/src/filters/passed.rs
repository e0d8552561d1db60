//! Counts what a filter takes of the requests that it lets through.

use std::sync::Arc;
use std::time::Duration;

use super::Filter;
use crate::observe::AccessMetrics;
use crate::request::{Context, Request, Step};
use crate::response::Response;

/// A filter that says in the request's latency what it has done; if it had nothing to do, that took no time.
pub(super) struct Passed<F> {
    filter: F,
    step: Step,
    metrics: Arc<AccessMetrics>,
}

impl<F> Passed<F> {
    pub(super) fn new(step: Step, metrics: &Arc<AccessMetrics>, filter: F) -> Self {
        Self { filter, step, metrics: metrics.clone() }
    }

    fn count(&self, time: Duration) {
        self.metrics.passed(self.step, time);
    }
}

impl<F: Filter> Filter for Passed<F> {
    type Held = F::Held;

    async fn before(&self, request: &mut Request) -> Result<F::Held, Response> {
        let held = self.filter.before(request).await;
        // As upstream, which counts those of whom it does not know who they are, but nobody who may not.
        if held.is_ok() || self.step == Step::Authentication {
            self.count(request.context().latency().of(self.step));
        }
        held
    }

    fn after(&self, held: F::Held, context: &Arc<Context>, response: &mut Response) {
        self.filter.after(held, context, response);
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use prometheus::Registry;

    use super::*;
    use crate::filters::testing::{Inside, get, through};
    use crate::observe::encode;
    use crate::response::text;

    /// Takes as long as it says, and refuses if it is told to.
    struct Takes(Duration, bool);

    impl Filter for Takes {
        type Held = ();

        async fn before(&self, request: &mut Request) -> Result<(), Response> {
            request.context().latency().set(Step::Authorization, self.0);
            request.context().latency().set(Step::Authentication, self.0);
            if self.1 { Err(text(StatusCode::FORBIDDEN, "no")) } else { Ok(()) }
        }
    }

    #[tokio::test]
    async fn what_a_filter_takes_is_counted_of_those_whom_it_lets_through() {
        let registry = Registry::new();
        let metrics = Arc::new(AccessMetrics::new(&registry));
        for (step, milliseconds, refuses) in [
            (Step::Authorization, 2, false),
            (Step::Authorization, 40_000, false),
            (Step::Authorization, 2, true),
            (Step::Authentication, 2, true),
            (Step::Impersonation, 2, false),
        ] {
            let filter = Passed::new(step, &metrics, Takes(Duration::from_millis(milliseconds), refuses));
            through(filter, get("/api"), &Inside::default()).await;
        }
        let text = encode(&registry);
        for line in [
            "_bucket{filter=\"authorization\",le=\"0.001\"} 0",
            "_bucket{filter=\"authorization\",le=\"0.003\"} 1",
            "_bucket{filter=\"authorization\",le=\"30\"} 1",
            "_bucket{filter=\"authorization\",le=\"+Inf\"} 2",
            "_sum{filter=\"authorization\"} 40.002",
            "_count{filter=\"authorization\"} 2",
            "_count{filter=\"authentication\"} 1",
            "_bucket{filter=\"constrainedimpersonation\",le=\"0.0001\"} 1",
        ] {
            let line = format!("apiserver_request_filter_duration_seconds{line}");
            assert!(text.lines().any(|other| other == line), "no `{line}` in:\n{text}");
        }
        assert!(!text.contains("filter=\"audit\""), "{text}");
    }
}
