//! What is looked up when somebody reads `/metrics`: how much there is, and who holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use host_store::Store;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

use super::{RESOURCE, ResourceNames};
use crate::chain::Services;

/// Gauges that are set when they are read.
pub struct Scraped {
    services: Weak<Services>,
    store: Arc<dyn Store>,
    names: Arc<ResourceNames>,
    /// One at a time: each sets the same gauges.
    reading: parking_lot::Mutex<()>,
    objects: IntGaugeVec,
    objects_by_resource: IntGaugeVec,
    cached_revision: IntGaugeVec,
    size: IntGaugeVec,
    revision: IntGauge,
    compacted: IntGauge,
    alarm: IntGauge,
    watchers: IntGauge,
    memory: IntGaugeVec,
    instances: IntGaugeVec,
}

impl Scraped {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn register(
        registry: &Registry,
        services: &Arc<Services>,
        store: Arc<dyn Store>,
        names: Arc<ResourceNames>,
    ) -> prometheus::Result<()> {
        let vec = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        registry.register(Box::new(Self {
            services: Arc::downgrade(services),
            store,
            names,
            reading: parking_lot::Mutex::new(()),
            objects: vec("apiserver_resource_objects", "Number of stored objects, by resource.", &RESOURCE)?,
            objects_by_resource: vec(
                "apiserver_storage_objects",
                "[DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects, by resource.",
                &["resource"],
            )?,
            cached_revision: vec(
                "apiserver_watch_cache_resource_version",
                "Revision that the watch cache shows. It is the same for all resources: there is one cache.",
                &RESOURCE,
            )?,
            size: vec(
                "apiserver_storage_size_bytes",
                "Size of the storage database file physically allocated in bytes.",
                &["storage_cluster_id"],
            )?,
            revision: IntGauge::new("host_store_revision", "The newest revision.")?,
            compacted: IntGauge::new("host_store_compacted_revision", "The oldest revision that can be read.")?,
            alarm: IntGauge::new("host_store_alarm", "1 while the store takes nothing but deletions.")?,
            watchers: IntGauge::new("host_store_watchers", "Watches that are open, of clients and of plugins.")?,
            memory: vec(
                "host_plugin_memory_bytes",
                "Linear memory of the instances that serve, by plugin.",
                &["plugin"],
            )?,
            instances: vec("host_plugin_instances", "Instances that serve, by plugin.", &["plugin"])?,
        }))
    }

    fn families(&self) -> [&dyn Collector; 10] {
        [
            &self.objects,
            &self.objects_by_resource,
            &self.cached_revision,
            &self.size,
            &self.revision,
            &self.compacted,
            &self.alarm,
            &self.watchers,
            &self.memory,
            &self.instances,
        ]
    }

    fn look(&self, services: &Services) {
        self.look_at_resources(services);
        let status = self.store.status();
        self.size.with_label_values(&["store-0"]).set(status.disk_bytes.cast_signed());
        self.revision.set(status.revision.cast_signed());
        self.compacted.set(status.compacted.cast_signed());
        self.alarm.set(status.alarm.is_some().into());
        self.watchers.set(services.cache.watchers() as i64);
        self.memory.reset();
        self.instances.reset();
        for entry in services.chain.load().entries() {
            let memory_bytes = entry.link.pool().memory_bytes();
            self.instances.with_label_values(&[entry.link.name()]).set(memory_bytes.len() as i64);
            self.memory.with_label_values(&[entry.link.name()]).set(memory_bytes.iter().sum::<usize>() as i64);
        }
    }

    /// A resource that was there once stays at 0 while it is claimed.
    fn look_at_resources(&self, services: &Services) {
        let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
        let mut qualified: BTreeMap<String, i64> = BTreeMap::new();
        for prefix in services.claims.prefixes() {
            let count = services.cache.count(&prefix).cast_signed();
            let name = match services.cache.first(&prefix) {
                Some(first) => self.names.of_object(first.key(), first.json()),
                None => self.names.of(&prefix),
            };
            *counts.entry((name.group.clone(), name.resource.clone())).or_default() += count;
            *qualified.entry(name.qualified()).or_default() += count;
        }
        let revision = services.cache.revision().cast_signed();
        self.objects.reset();
        self.objects_by_resource.reset();
        self.cached_revision.reset();
        for ((group, resource), count) in counts {
            self.objects.with_label_values(&[&group, &resource]).set(count);
            self.cached_revision.with_label_values(&[&group, &resource]).set(revision);
        }
        for (resource, count) in qualified {
            self.objects_by_resource.with_label_values(&[&resource]).set(count);
        }
    }
}

impl Collector for Scraped {
    fn desc(&self) -> Vec<&Desc> {
        self.families().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _reading = self.reading.lock();
        // The server goes away.
        let Some(services) = self.services.upgrade() else { return Vec::new() };
        self.look(&services);
        self.families().into_iter().flat_map(Collector::collect).collect()
    }
}
