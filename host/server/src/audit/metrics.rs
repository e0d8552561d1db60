//! kube-apiserver's numbers about its audit.

use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use tracing::error;

use super::policy::Level;
use super::sink::Entry;

#[derive(Debug)]
pub(super) struct AuditMetrics {
    events: IntCounter,
    errors: IntCounterVec,
    levels: [IntCounter; 4],
    rejected: IntCounter,
}

impl AuditMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let counters = |name, help, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels).expect("the names are valid");
            registry.register(Box::new(counters.clone())).expect("names are registered once");
            counters
        };
        let counter = |name, help| counters(name, help, &[]).with_label_values::<&str>(&[]);
        let levels = counters(
            "apiserver_audit_level_total",
            "Counter of policy levels for audit events (1 per request).",
            &["level"],
        );
        Self {
            events: counter(
                "apiserver_audit_event_total",
                "Counter of audit events generated and sent to the audit backend.",
            ),
            errors: counters(
                "apiserver_audit_error_total",
                "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by \
                 the error.",
                &["plugin"],
            ),
            levels: ["None", "Metadata", "Request", "RequestResponse"].map(|level| levels.with_label_values(&[level])),
            rejected: counter(
                "apiserver_audit_requests_rejected_total",
                "Counter of apiserver requests rejected due to an error in audit logging backend.",
            ),
        }
    }

    pub(super) fn ruled(&self, level: Level) {
        self.levels[level as usize].inc();
    }

    pub(super) fn written(&self) {
        self.events.inc();
    }

    pub(super) fn rejected(&self) {
        self.rejected.inc();
    }

    #[cfg(test)]
    pub(super) fn lost_by(&self, plugin: &str) -> u64 {
        self.errors.with_label_values(&[plugin]).get()
    }

    /// Events that are lost: counted, and what is left of them logged.
    pub(super) fn lost(&self, plugin: &'static str, reason: impl std::fmt::Display, entries: &[Arc<Entry>]) {
        self.errors.with_label_values(&[plugin]).inc_by(entries.len() as u64);
        for entry in entries {
            error!(plugin, %reason, event = entry.event().summary(), "an audit event is lost");
        }
    }
}
