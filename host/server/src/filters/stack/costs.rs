//! What each filter costs a request that it lets through: `make bench` shows it.
//!
//! Each filter is measured alone, on requests that are made beforehand, with an audit and an
//! authorisation that have something to do; what the same requests cost without it is taken off.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::FutureExt;

use super::tests::config;
use super::*;
use crate::authn::{Anonymous, Known, Tokens};
use crate::authz::Mode;
use crate::filters::Filter;
use crate::filters::testing::request_of;
use crate::request::Request;
use crate::response::{Response, text};

const ROUNDS: usize = 51;
const REQUESTS: usize = 1_000;

/// Answers at once.
struct Answers;

impl Handler for Answers {
    async fn handle(&self, request: Request) -> Response {
        drop(black_box(request));
        text(http::StatusCode::OK, "done")
    }
}

#[tokio::test]
#[ignore = "measures"]
async fn what_each_filter_costs() {
    let dir = tempfile::tempdir().unwrap();
    let Parts {
        signals,
        authentication,
        authorization,
        metrics,
        access_metrics,
        limits,
        in_flight,
        watches,
        auditor,
        requests,
        ..
    } = parts(dir.path());

    let without = cost(&Answers);
    let show = |what: &str, cost: Duration| {
        let cost = cost.saturating_sub(without).as_secs_f64() * 1e6 / REQUESTS as f64;
        println!("{what:38} {cost:>10.2} µs");
    };
    fn alone<F: Filter>(filter: F) -> Duration {
        cost(&Layered { around: Filters(filter), inside: Answers })
    }

    println!("what each filter costs a request:");
    show("  audit id", alone(AuditId));
    show("  panics contained", cost(&Layered { around: ContainPanics, inside: Answers }));
    show("  end with body", alone(EndWithBody));
    show("  routes complete", alone(CaptureRoutesComplete::new(signals.clone())));
    show("  request info", alone(FindRequestInfo));
    show("  metrics", alone(Measure::new(metrics)));
    show("  log, which is off", alone(Log));
    show("  retry after", alone(RetryAfter::new(signals.clone(), true)));
    show("  strict transport security", alone(StrictTransportSecurity::new(Some("max-age=1".parse().unwrap()))));
    show("  statuses", alone(WriteStatuses));
    show("  cache control", alone(CacheControl));
    show("  goaway", alone(Goaway::new(0.001, signals.clone())));
    show("  end of watches", alone(EndWatches::new(signals.clone(), watches)));
    show("  wait group", alone(WaitGroup::new(signals, in_flight)));
    show("  deadline", cost(&Layered { around: Deadline::new(requests.timeout, None), inside: Answers }));
    show("  warnings", alone(SendWarnings));
    show("  cors", alone(Cors::new(Some(regex::RegexSet::new(["^https://example.com$"]).unwrap()))));
    show(
        "  authentication by token",
        alone(Authenticate::new(authentication, auditor.clone(), access_metrics.clone())),
    );
    show("  counting what a filter takes", alone(Passed::new(Step::Audit, &access_metrics, Audit::new(None))));
    show("  trace, which is off", alone(Trace::new(None)));
    show("  audit, off", alone(Audit::new(None)));
    show("  audit, metadata, at once into a file", alone(Audit::new(auditor)));
    show("  impersonation, of nobody", alone(Impersonate::new(authorization.clone())));
    show("  in flight", alone(InFlight::new(limits)));
    show("  authorization", alone(Authorize::new(authorization, access_metrics)));
    let all = |parts: Parts| cost(&stack(parts, Answers));
    show("  all of them, without an audit", all(Parts { auditor: None, ..parts(dir.path()) }));
    show("  all of them, with that audit", all(parts(dir.path())));
}

/// How long [`REQUESTS`] requests take, the median of [`ROUNDS`].
fn cost(handler: &impl Handler) -> Duration {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let headers = [("authorization", "Bearer best"), ("origin", "https://example.com")];
            let requests: Vec<Request> = (0..REQUESTS)
                .map(|_| request_of("root", &["system:masters"], "GET", "/api/v1/namespaces/default/pods/a", &headers))
                .collect();
            let start = Instant::now();
            for request in requests {
                let response = handler.handle(request).now_or_never().expect("nothing here waits");
                drop(black_box(response));
            }
            start.elapsed()
        })
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

fn parts(dir: &Path) -> Parts {
    let registry = prometheus::Registry::new();
    let config = config(dir, "");
    let tokens = Tokens::read(&dir.join("tokens.csv")).unwrap();
    Parts {
        signals: Arc::default(),
        authentication: Arc::new(Authentication::new(Known { tokens, ..Known::default() }, Anonymous::Everywhere)),
        authorization: Arc::new(Authorization::new(vec![Mode::AlwaysAllow])),
        metrics: Arc::new(RequestMetrics::new(&registry)),
        access_metrics: Arc::new(AccessMetrics::new(&registry)),
        limits: Arc::new(Limits::new(400, 200)),
        in_flight: Arc::default(),
        watches: Arc::new(Watches::new(Duration::ZERO)),
        tracer: None,
        auditor: Auditor::start(&config.audit, &registry).unwrap().map(Arc::new),
        requests: config.requests,
        features: config.features,
        web: Web { allowed_origins: None, strict_transport_security: None },
        shutdown: config.shutdown,
    }
}
