//! What happens in the watch cache by itself.

use std::sync::Arc;
use std::time::Duration;

use host_store::Observer;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Registry};

use super::{RESOURCE, ResourceNames, counter, registered};

/// Watches that were cut, and reads that had to wait.
pub struct Observed {
    names: Arc<ResourceNames>,
    cut: IntCounterVec,
    waits: HistogramVec,
}

/// kube-apiserver's.
const BUCKETS: [f64; 13] = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0];

impl Observed {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn new(names: Arc<ResourceNames>, registry: &Registry) -> prometheus::Result<Self> {
        let waits = HistogramOpts::new(
            "apiserver_watch_cache_read_wait_seconds",
            "Histogram of time spent waiting for a watch cache to become fresh.",
        );
        Ok(Self {
            names,
            cut: counter(
                registry,
                "apiserver_terminated_watchers_total",
                "Counter of watchers closed due to unresponsiveness broken by resource type.",
                &RESOURCE,
            )?,
            waits: registered(registry, HistogramVec::new(waits.buckets(BUCKETS.to_vec()), &RESOURCE)?)?,
        })
    }
}

impl Observer for Observed {
    fn watch_cut(&self, target: &str) {
        let name = self.names.of(target);
        self.cut.with_label_values(&[&name.group, &name.resource]).inc();
    }

    fn read_waited(&self, target: &str, waited: Duration) {
        let name = self.names.of(target);
        self.waits.with_label_values(&[&name.group, &name.resource]).observe(waited.as_secs_f64());
    }
}
