//! How each check went, for service level indicators.

use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};

use super::Endpoint;
use crate::observe::encode;

#[derive(Debug)]
pub(super) struct HealthMetrics {
    registry: Registry,
    last: GaugeVec,
    total: IntCounterVec,
}

impl Default for HealthMetrics {
    fn default() -> Self {
        let registry = Registry::new();
        let last = Opts::new("kubernetes_healthcheck", "This metric records the result of a single healthcheck.");
        let last = GaugeVec::new(last, &["name", "type"]).expect("the names are valid");
        let total = Opts::new("kubernetes_healthchecks_total", "This metric records the results of all healthcheck.");
        let total = IntCounterVec::new(total, &["name", "status", "type"]).expect("the names are valid");
        registry.register(Box::new(last.clone())).expect("names are registered once");
        registry.register(Box::new(total.clone())).expect("names are registered once");
        Self { registry, last, total }
    }
}

impl HealthMetrics {
    pub(super) fn observe(&self, name: &str, endpoint: Endpoint, ok: bool) {
        self.last.with_label_values(&[name, endpoint.name()]).set(if ok { 1.0 } else { 0.0 });
        let status = if ok { "success" } else { "error" };
        self.total.with_label_values(&[name, status, endpoint.name()]).inc();
    }

    pub(super) fn text(&self) -> String {
        encode(&self.registry)
    }
}
