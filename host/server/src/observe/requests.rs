//! Requests by verb, resource and code: kube-apiserver's numbers.
//!
//! On the path of a request stand one look-up by borrowed labels and a few additions. What a
//! client makes up in a path never becomes a series: only what was answered well does.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hashbrown::{HashMap, HashSet};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use parking_lot::RwLock;
use prometheus::{Histogram, IntCounter, IntGauge, Registry};

use super::families::Families;
use super::labels::{Labels, OwnedLabels};
use crate::limits::REQUEST_SERIES_MAX;
use crate::request::{Context, Request, info};

#[derive(Debug)]
pub(crate) struct RequestMetrics {
    known: RwLock<Known>,
    families: Families,
}

#[derive(Debug, Default)]
struct Known {
    series: HashMap<OwnedLabels, Arc<Series>>,
    /// Group, version, resource and subresource of what has been answered well.
    resources: HashSet<[Box<str>; 4]>,
}

/// Where requests with the same labels are counted.
#[derive(Debug)]
struct Series {
    total: IntCounter,
    duration: Histogram,
    /// Of requests that are no dry runs.
    sli: Option<Histogram>,
    /// Of requests that read.
    sizes: Option<Histogram>,
    // Most series never have one of these.
    long_running: OnceLock<IntGauge>,
    terminations: OnceLock<IntCounter>,
    aborts: OnceLock<IntCounter>,
}

impl RequestMetrics {
    pub(crate) fn new(registry: &Registry) -> Self {
        Self { known: RwLock::default(), families: Families::new(registry) }
    }

    pub(crate) fn start(self: &Arc<Self>, request: &Request) -> StartedRequest {
        let context = request.context().clone();
        let apply = context.info().verb() == "patch"
            && request
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"application/apply-patch"));
        let dry_run = !context.info().is_reading() && info::first(request.query(), "dryRun").is_some();
        StartedRequest { metrics: self.clone(), context, apply, dry_run }
    }

    /// The series for these labels, and those that it has: the resource may be missing.
    fn series<'a>(&self, labels: Labels<'a>) -> (Labels<'a>, Arc<Series>) {
        // A clone, not the lock, is held while counting.
        let series = self.known.read().series.get(&labels).cloned();
        series.map(|series| (labels, series)).unwrap_or_else(|| self.new_series(labels))
    }

    fn new_series<'a>(&self, labels: Labels<'a>) -> (Labels<'a>, Arc<Series>) {
        let mut known = self.known.write();
        let resource = labels.names().map(Box::from);
        let has_room = known.resources.len() < REQUEST_SERIES_MAX && known.series.len() < REQUEST_SERIES_MAX;
        let may_name_it = match known.resources.contains(&resource) {
            true => known.series.len() < REQUEST_SERIES_MAX,
            false => labels.code < 400 && has_room,
        };
        if may_name_it {
            known.resources.insert(resource);
        }
        let labels = if may_name_it { labels } else { labels.without_resource() };
        let series = known.series.entry(labels.into()).or_insert_with(|| {
            Arc::new(Series {
                total: self.families.total(&labels),
                duration: self.families.duration(&labels),
                sli: labels.dry_run.is_empty().then(|| self.families.sli(&labels)),
                sizes: labels.is_of_reading().then(|| self.families.sizes(&labels)),
                long_running: OnceLock::new(),
                terminations: OnceLock::new(),
                aborts: OnceLock::new(),
            })
        });
        (labels, series.clone())
    }
}

/// A request that has not been answered.
pub(crate) struct StartedRequest {
    metrics: Arc<RequestMetrics>,
    context: Arc<Context>,
    apply: bool,
    dry_run: bool,
}

impl StartedRequest {
    fn labels(&self, code: StatusCode) -> Labels<'_> {
        Labels::new(self.context.info(), self.apply, self.dry_run, code.as_u16())
    }

    /// Its answer has begun.
    pub(crate) fn answered(self, code: StatusCode) -> Answered {
        // Before, nobody knows whether there is such a resource.
        let long_running = (self.context.info().is_long_running() && code.as_u16() < 400).then(|| {
            let (labels, series) = self.metrics.series(self.labels(code));
            let gauge = series.long_running.get_or_init(|| self.metrics.families.long_running(&labels));
            gauge.inc();
            gauge.clone()
        });
        Answered { started: self, code, long_running, bytes: 0, end: End::Unwritten }
    }
}

/// Counts the request when it is dropped: with the last byte.
pub(crate) struct Answered {
    started: StartedRequest,
    code: StatusCode,
    long_running: Option<IntGauge>,
    bytes: u64,
    end: End,
}

/// How far the writing of an answer has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Unwritten,
    Whole,
    Broken,
}

impl Answered {
    pub(crate) fn wrote(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// There is no more of it; `whole` unless that is too early.
    pub(crate) fn ended(&mut self, whole: bool) {
        self.end = if whole { End::Whole } else { End::Broken };
    }

    /// Whether the server has broken off what it began, and not the client.
    fn was_aborted(&self, now: Instant) -> bool {
        match self.end {
            End::Whole => false,
            End::Broken => true,
            End::Unwritten => self.started.context.deadline().is_some_and(|deadline| now >= deadline),
        }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        let StartedRequest { metrics, context, .. } = &self.started;
        let now = Instant::now();
        let (labels, series) = metrics.series(self.started.labels(self.code));
        series.total.inc();
        let seconds = now.duration_since(context.received()).as_secs_f64();
        series.duration.observe(seconds);
        if let Some(sli) = &series.sli {
            sli.observe(seconds);
        }
        if let Some(sizes) = &series.sizes {
            sizes.observe(self.bytes as f64);
        }
        if context.is_terminated() {
            series.terminations.get_or_init(|| metrics.families.terminations(&labels)).inc();
        }
        if self.was_aborted(now) {
            series.aborts.get_or_init(|| metrics.families.aborts(&labels)).inc();
        }
        if let Some(long_running) = &self.long_running {
            long_running.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_that_are_too_many_are_counted_together() {
        let metrics = RequestMetrics::new(&Registry::new());
        let count = |resource: &str| {
            let (_, series) = metrics.series(Labels {
                verb: "GET",
                dry_run: "",
                group: "",
                version: "v1",
                resource,
                subresource: "",
                scope: "cluster",
                code: 200,
            });
            series.total.inc();
            series.total.get()
        };
        for number in 0..REQUEST_SERIES_MAX {
            assert_eq!(count(&number.to_string()), 1);
        }
        assert_eq!((count("0"), count("one-more"), count("and-another")), (2, 1, 2));
        assert_eq!(metrics.known.read().series.len(), REQUEST_SERIES_MAX + 1);
    }
}
