//! The registry behind `/metrics`, in the text format that kube-apiserver writes.

use std::sync::Arc;

use prometheus::{Encoder, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use super::{AccessMetrics, RequestMetrics};
use crate::filters::InFlightLimits;
use crate::lifecycle::{Signal, Signals};
use crate::version::build_labels;

/// All numbers of the server. Others register their own in [`Metrics::registry`].
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Arc<RequestMetrics>,
    access: Arc<AccessMetrics>,
    in_flight: IntGaugeVec,
    limits: Arc<InFlightLimits>,
    lifecycle: IntGaugeVec,
    tls_handshake_errors: IntCounter,
    signals: Arc<Signals>,
}

impl Metrics {
    pub(crate) fn new(limits: Arc<InFlightLimits>, signals: Arc<Signals>) -> Self {
        let registry = Registry::new();
        let gauge = |name, help, labels: &[&str]| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels).expect("the names are valid");
            registry.register(Box::new(gauge.clone())).expect("names are registered once");
            gauge
        };
        let in_flight = gauge(
            "apiserver_current_inflight_requests",
            "Maximal number of requests under way at once since the last scrape, by kind.",
            &["request_kind"],
        );
        let lifecycle = gauge("host_lifecycle_signal", "1 if the life cycle signal has fired.", &["signal"]);
        let tls_handshake_errors = IntCounter::new(
            "apiserver_tls_handshake_errors_total",
            "Number of requests dropped with 'TLS handshake error from' error",
        )
        .expect("the name is valid");
        registry.register(Box::new(tls_handshake_errors.clone())).expect("names are registered once");
        let requests = Arc::new(RequestMetrics::new(&registry));
        registry.register(Box::new(build_info())).expect("names are registered once");
        let access = Arc::new(AccessMetrics::new(&registry));
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("names are registered once");
        Self { registry, requests, access, in_flight, limits, lifecycle, tls_handshake_errors, signals }
    }

    /// Where the store and the plugins put their numbers.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn requests(&self) -> &Arc<RequestMetrics> {
        &self.requests
    }

    pub(crate) fn access(&self) -> &Arc<AccessMetrics> {
        &self.access
    }

    pub(crate) fn tls_handshake_errors(&self) -> &IntCounter {
        &self.tls_handshake_errors
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        for (kind, limit) in [("readOnly", &self.limits.reading), ("mutating", &self.limits.mutating)] {
            self.in_flight.with_label_values(&[kind]).set(limit.take_peak() as i64);
        }
        for signal in Signal::all() {
            self.lifecycle.with_label_values(&[signal.name()]).set(self.signals.has_fired(signal).into());
        }
        encode(&self.registry)
    }
}

/// Always 1: what counts are its labels.
fn build_info() -> IntGauge {
    let help = "1, labelled by the release whose API is served, and by how this server was built.";
    let labels = build_labels().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let info = IntGauge::with_opts(Opts::new("kubernetes_build_info", help).const_labels(labels));
    let info = info.expect("the names are valid");
    info.set(1);
    info
}

pub(crate) fn encode(registry: &Registry) -> String {
    let mut text = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&registry.gather(), &mut text) {
        tracing::error!("cannot write metrics: {error}");
    }
    String::from_utf8_lossy(&text).into_owned()
}
