//! What the watch cache answers.

use std::sync::Arc;

use prometheus::{IntCounterVec, Registry};

use super::{RESOURCE, ResourceNames, counter};

/// Lists that the watch cache has answered.
pub struct Reads {
    names: Arc<ResourceNames>,
    lists: IntCounterVec,
    returned: IntCounterVec,
    consistent: IntCounterVec,
}

impl Reads {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn new(names: Arc<ResourceNames>, registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            names,
            lists: counter(
                registry,
                "apiserver_cache_list_total",
                "Number of LIST requests served from watch cache",
                &["group", "resource", "index"],
            )?,
            returned: counter(
                registry,
                "apiserver_cache_list_returned_objects_total",
                "Number of objects returned for a LIST request from watch cache",
                &RESOURCE,
            )?,
            consistent: counter(
                registry,
                "apiserver_watch_cache_consistent_read_total",
                "Counter for consistent reads from cache.",
                &["group", "resource", "success", "fallback"],
            )?,
        })
    }

    /// A list below a prefix: how many objects it found, unless it failed.
    pub fn listed(&self, prefix: &str, consistent: bool, found: Option<usize>) {
        let name = self.names.of(prefix);
        let (group, resource) = (name.group.as_str(), name.resource.as_str());
        if let Some(found) = found {
            self.lists.with_label_values(&[group, resource, ""]).inc();
            self.returned.with_label_values(&[group, resource]).inc_by(found as u64);
        }
        if consistent {
            let success = if found.is_some() { "true" } else { "false" };
            self.consistent.with_label_values(&[group, resource, success, "false"]).inc();
        }
    }
}
