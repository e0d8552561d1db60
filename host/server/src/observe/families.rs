//! The metrics of requests, with kube-apiserver's names, labels and buckets.

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use prometheus::{Registry, core::Collector};

use super::labels::Labels;

const COMPONENT: &str = "apiserver";

/// Upstream's, by which its service level objectives are measured.
const SECONDS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];
/// Where what objectives are about begins.
const SLI_SECONDS: &[f64] = SECONDS.split_at(2).1;
const BYTES: [f64; 7] = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

#[derive(Debug)]
pub(super) struct Families {
    total: IntCounterVec,
    duration: HistogramVec,
    sli: HistogramVec,
    sizes: HistogramVec,
    long_running: IntGaugeVec,
    terminations: IntCounterVec,
    aborts: IntCounterVec,
}

impl Families {
    pub(super) fn new(registry: &Registry) -> Self {
        let total = Opts::new(
            "apiserver_request_total",
            "Requests by verb, dry run, group, version, resource, subresource, scope, component and code.",
        );
        let duration = HistogramOpts::new(
            "apiserver_request_duration_seconds",
            "Seconds from a request's head to the last byte of its answer, by the same without the code.",
        );
        let sli = HistogramOpts::new(
            "apiserver_request_sli_duration_seconds",
            "The same without what others are to blame for, and without dry runs: for service level indicators.",
        );
        let sizes = HistogramOpts::new("apiserver_response_sizes", "Bytes of the answers to requests that read.");
        let long_running = Opts::new(
            "apiserver_longrunning_requests",
            "Watches, and other requests that may go on for long, that are being answered.",
        );
        let terminations =
            Opts::new("apiserver_request_terminations_total", "Requests that were refused or ended in self-defence.");
        let aborts = Opts::new("apiserver_request_aborts_total", "Answers that were broken off by the server.");
        const TOTAL: [&str; 9] =
            ["verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component", "code"];
        const PLAIN: [&str; 7] = ["verb", "group", "version", "resource", "subresource", "scope", "component"];
        const CODED: [&str; 8] = ["verb", "group", "version", "resource", "subresource", "scope", "component", "code"];
        Self {
            total: registered(registry, IntCounterVec::new(total, &TOTAL)),
            duration: registered(registry, HistogramVec::new(duration.buckets(SECONDS.to_vec()), &TOTAL[..8])),
            sli: registered(registry, HistogramVec::new(sli.buckets(SLI_SECONDS.to_vec()), &PLAIN)),
            sizes: registered(registry, HistogramVec::new(sizes.buckets(BYTES.to_vec()), &PLAIN)),
            long_running: registered(registry, IntGaugeVec::new(long_running, &PLAIN)),
            terminations: registered(registry, IntCounterVec::new(terminations, &CODED)),
            aborts: registered(registry, IntCounterVec::new(aborts, &PLAIN[..6])),
        }
    }

    pub(super) fn total(&self, labels: &Labels<'_>) -> IntCounter {
        let Labels { verb, dry_run, group, version, resource, subresource, scope, code } = *labels;
        let code = code.to_string();
        let values = [verb, dry_run, group, version, resource, subresource, scope, COMPONENT, &code];
        self.total.with_label_values(&values)
    }

    pub(super) fn duration(&self, labels: &Labels<'_>) -> Histogram {
        let Labels { verb, dry_run, group, version, resource, subresource, scope, .. } = *labels;
        let values = [verb, dry_run, group, version, resource, subresource, scope, COMPONENT];
        self.duration.with_label_values(&values)
    }

    pub(super) fn sli(&self, labels: &Labels<'_>) -> Histogram {
        self.sli.with_label_values(&plain(labels))
    }

    pub(super) fn sizes(&self, labels: &Labels<'_>) -> Histogram {
        self.sizes.with_label_values(&plain(labels))
    }

    pub(super) fn long_running(&self, labels: &Labels<'_>) -> IntGauge {
        self.long_running.with_label_values(&plain(labels))
    }

    pub(super) fn terminations(&self, labels: &Labels<'_>) -> IntCounter {
        let [verb, group, version, resource, subresource, scope, component] = plain(labels);
        let code = labels.code.to_string();
        let values = [verb, group, version, resource, subresource, scope, component, &code];
        self.terminations.with_label_values(&values)
    }

    pub(super) fn aborts(&self, labels: &Labels<'_>) -> IntCounter {
        self.aborts.with_label_values(&plain(labels)[..6])
    }
}

fn plain<'a>(labels: &Labels<'a>) -> [&'a str; 7] {
    let Labels { verb, group, version, resource, subresource, scope, .. } = *labels;
    [verb, group, version, resource, subresource, scope, COMPONENT]
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, family: prometheus::Result<C>) -> C {
    let family = family.expect("the names are valid");
    registry.register(Box::new(family.clone())).expect("names are registered once");
    family
}
