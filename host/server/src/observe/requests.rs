//! Requests by verb, resource and code: kube-apiserver's numbers.
//!
//! On the path of a request stand one look-up by borrowed labels and a few additions. What a
//! client makes up in a path never becomes a series: only what was answered well does.

use std::sync::Arc;
use std::time::Instant;

use hashbrown::{Equivalent, HashMap, HashSet};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use parking_lot::RwLock;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::limits::REQUEST_SERIES_MAX;
use crate::request::{Context, Request, RequestInfo, info};

const LABELS: [&str; 8] = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component"];
const COMPONENT: &str = "apiserver";

/// Upstream's, by which its service level objectives are measured.
const SECONDS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];

#[derive(Debug)]
pub(crate) struct RequestMetrics {
    known: RwLock<Known>,
    total: IntCounterVec,
    duration: HistogramVec,
    long_running: IntGauge,
}

#[derive(Debug, Default)]
struct Known {
    series: HashMap<OwnedLabels, Arc<Series>>,
    /// Group, version and resource of what has been answered well.
    resources: HashSet<[Box<str>; 3]>,
}

#[derive(Debug)]
struct Series {
    total: IntCounter,
    duration: Histogram,
}

/// The labels of a request, before `component`, and the code of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Labels<'a> {
    texts: [&'a str; 7],
    code: u16,
}

/// Hashes as [`Labels`] does.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OwnedLabels {
    texts: [Box<str>; 7],
    code: u16,
}

impl Equivalent<OwnedLabels> for Labels<'_> {
    fn equivalent(&self, other: &OwnedLabels) -> bool {
        self.code == other.code && self.texts.iter().zip(&other.texts).all(|(a, b)| *a == &**b)
    }
}

impl<'a> Labels<'a> {
    fn resource(&self) -> [&'a str; 3] {
        let [_, _, group, version, resource, ..] = self.texts;
        [group, version, resource]
    }

    fn without_resource(self) -> Self {
        let [verb, dry_run, .., scope] = self.texts;
        Self { texts: [verb, dry_run, "", "", "", "", scope], ..self }
    }
}

impl RequestMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        let total = Opts::new(
            "apiserver_request_total",
            "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, \
             subresource, scope, component, and HTTP response code.",
        );
        let duration = HistogramOpts::new(
            "apiserver_request_duration_seconds",
            "Response latency distribution in seconds for each verb, dry run value, group, version, resource, \
             subresource, scope and component.",
        );
        let long_running =
            Opts::new("apiserver_longrunning_requests", "Gauge of all active long-running apiserver requests.");
        let mut labels = LABELS.to_vec();
        let duration = HistogramVec::new(duration.buckets(SECONDS.to_vec()), &labels).expect("the names are valid");
        labels.push("code");
        let total = IntCounterVec::new(total, &labels).expect("the names are valid");
        let long_running = IntGauge::with_opts(long_running).expect("the name is valid");
        registry.register(Box::new(total.clone())).expect("names are registered once");
        registry.register(Box::new(duration.clone())).expect("names are registered once");
        registry.register(Box::new(long_running.clone())).expect("names are registered once");
        Self { known: RwLock::default(), total, duration, long_running }
    }

    pub(crate) fn start(self: &Arc<Self>, request: &Request) -> StartedRequest {
        let context = request.context().clone();
        let long_running = context.info().is_long_running();
        if long_running {
            self.long_running.inc();
        }
        let apply = context.info().verb() == "patch"
            && request
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
        let dry_run = !context.info().is_reading() && info::first(request.query(), "dryRun").is_some();
        StartedRequest { metrics: self.clone(), context, apply, dry_run, long_running }
    }

    fn record(&self, labels: Labels<'_>, seconds: f64) {
        // A clone, not the lock, is held while counting.
        let series = self.known.read().series.get(&labels).cloned();
        let series = series.unwrap_or_else(|| self.new_series(labels));
        series.total.inc();
        series.duration.observe(seconds);
    }

    fn new_series(&self, labels: Labels<'_>) -> Arc<Series> {
        let mut known = self.known.write();
        let resource = labels.resource().map(Box::from);
        if labels.code < 400 && known.resources.len() < REQUEST_SERIES_MAX {
            known.resources.insert(resource);
        } else if !known.resources.contains(&resource) {
            return self.series(&mut known, labels.without_resource());
        }
        let full = known.series.len() >= REQUEST_SERIES_MAX;
        self.series(&mut known, if full { labels.without_resource() } else { labels })
    }

    fn series(&self, known: &mut Known, labels: Labels<'_>) -> Arc<Series> {
        if let Some(series) = known.series.get(&labels) {
            return series.clone();
        }
        let code = labels.code.to_string();
        let mut values = [""; 9];
        values[..7].copy_from_slice(&labels.texts);
        values[7] = COMPONENT;
        values[8] = &code;
        let series = Arc::new(Series {
            total: self.total.with_label_values(&values),
            duration: self.duration.with_label_values(&values[..8]),
        });
        let owned = OwnedLabels { texts: labels.texts.map(Into::into), code: labels.code };
        known.series.insert(owned, series.clone());
        series
    }
}

/// A request that has not been answered.
pub(crate) struct StartedRequest {
    metrics: Arc<RequestMetrics>,
    context: Arc<Context>,
    apply: bool,
    dry_run: bool,
    long_running: bool,
}

impl StartedRequest {
    pub(crate) fn answered(self, code: StatusCode) -> Answered {
        Answered { started: self, code }
    }
}

impl Drop for StartedRequest {
    fn drop(&mut self) {
        if self.long_running {
            self.metrics.long_running.dec();
        }
    }
}

/// Counts the request when it is dropped: with the last byte.
pub(crate) struct Answered {
    started: StartedRequest,
    code: StatusCode,
}

impl Drop for Answered {
    fn drop(&mut self) {
        let StartedRequest { metrics, context, apply, dry_run, .. } = &self.started;
        let info = context.info();
        let texts = [
            verb(info, *apply),
            if *dry_run { "All" } else { "" },
            info.api_group(),
            if info.is_resource_request() { info.api_version() } else { "" },
            info.resource(),
            if info.is_resource_request() { info.subresource() } else { native_path(info.path()) },
            scope(info),
        ];
        let labels = Labels { texts, code: self.code.as_u16() };
        metrics.record(labels, Instant::now().duration_since(context.received()).as_secs_f64());
    }
}

/// Upper case, and by method where tools expect that.
fn verb(info: &RequestInfo, apply: bool) -> &'static str {
    match info.verb() {
        "get" => "GET",
        "list" => "LIST",
        "watch" => "WATCH",
        "create" | "post" => "POST",
        "update" | "put" => "PUT",
        "patch" if apply => "APPLY",
        "patch" => "PATCH",
        "delete" => "DELETE",
        "deletecollection" => "DELETECOLLECTION",
        "proxy" => "PROXY",
        "head" => "HEAD",
        _ => "other",
    }
}

fn scope(info: &RequestInfo) -> &'static str {
    if !info.is_resource_request() {
        ""
    } else if !info.name().is_empty() || info.verb() == "create" {
        "resource"
    } else if !info.namespace().is_empty() {
        "namespace"
    } else {
        "cluster"
    }
}

/// Paths of the server itself; all others are one.
fn native_path(path: &str) -> &'static str {
    const PATHS: [&str; 8] = ["/healthz", "/livez", "/readyz", "/metrics", "/version", "/api", "/apis", "/openapi/v3"];
    PATHS.into_iter().find(|native| *native == path).unwrap_or_default()
}
