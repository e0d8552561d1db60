//! A plugin's numbers on `/metrics`: what the host counts of it, and what it counts itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
};

use crate::limits::Limits;

/// What the host counts of all plugins.
pub struct PluginFamilies {
    calls: IntCounterVec,
    seconds: HistogramVec,
    traps: IntCounterVec,
    dropped: IntCounterVec,
    registry: Registry,
    /// Families that guests have made, by name.
    guests: Mutex<HashMap<String, Family>>,
}

#[derive(Clone)]
enum Family {
    Counter(Vec<String>, CounterVec),
    Gauge(Vec<String>, GaugeVec),
    Histogram(Vec<String>, HistogramVec),
}

/// The numbers of one plugin.
pub struct PluginMetrics {
    plugin: String,
    series_max: usize,
    families: Arc<PluginFamilies>,
    handled: IntCounter,
    failed: IntCounter,
    seconds: Histogram,
    traps: IntCounter,
    dropped: IntCounter,
    /// The series that the guest has made.
    series: Mutex<std::collections::HashSet<(String, Vec<String>)>>,
}

impl PluginFamilies {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let families = Self {
            calls: counter("host_plugin_calls_total", "Calls into a plugin, by outcome.", &["plugin", "outcome"])?,
            seconds: HistogramVec::new(
                HistogramOpts::new("host_plugin_call_duration_seconds", "How long calls into a plugin took.")
                    .buckets(vec![0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0]),
                &["plugin"],
            )?,
            traps: counter("host_plugin_instances_failed_total", "Instances that trapped or were ended.", &["plugin"])?,
            dropped: counter(
                "host_plugin_metric_updates_dropped_total",
                "Updates of a plugin's own metrics that were not valid or above `metric_series_max`.",
                &["plugin"],
            )?,
            registry: registry.clone(),
            guests: Mutex::default(),
        };
        registry.register(Box::new(families.calls.clone()))?;
        registry.register(Box::new(families.seconds.clone()))?;
        registry.register(Box::new(families.traps.clone()))?;
        registry.register(Box::new(families.dropped.clone()))?;
        Ok(families)
    }

    /// The guests' family of this name, made on first use; nothing if the name is taken by
    /// another kind or other labels.
    fn family(
        &self,
        name: &str,
        labels: &[String],
        make: fn(&str, &[&str]) -> prometheus::Result<Family>,
    ) -> Option<Family> {
        let mut guests = self.guests.lock();
        if let Some(family) = guests.get(name) {
            return Some(family.clone()).filter(|family| family.labels() == labels);
        }
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        let family = make(name, &names).ok()?;
        let registered = match &family {
            Family::Counter(_, vec) => self.registry.register(Box::new(vec.clone())),
            Family::Gauge(_, vec) => self.registry.register(Box::new(vec.clone())),
            Family::Histogram(_, vec) => self.registry.register(Box::new(vec.clone())),
        };
        registered.ok()?;
        guests.insert(name.to_string(), family.clone());
        Some(family)
    }
}

impl Family {
    fn labels(&self) -> &[String] {
        match self {
            Self::Counter(labels, _) | Self::Gauge(labels, _) | Self::Histogram(labels, _) => labels,
        }
    }

    fn counter(name: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Ok(Self::Counter(owned(labels), CounterVec::new(Opts::new(name, "Counted by plugins."), labels)?))
    }

    fn gauge(name: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Ok(Self::Gauge(owned(labels), GaugeVec::new(Opts::new(name, "Set by plugins."), labels)?))
    }

    fn histogram(name: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Ok(Self::Histogram(owned(labels), HistogramVec::new(HistogramOpts::new(name, "Observed by plugins."), labels)?))
    }
}

fn owned(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| label.to_string()).collect()
}

impl PluginMetrics {
    pub fn new(plugin: &str, limits: &Limits, families: &Arc<PluginFamilies>) -> Self {
        Self {
            plugin: plugin.to_string(),
            series_max: limits.metric_series_max,
            handled: families.calls.with_label_values(&[plugin, "ok"]),
            failed: families.calls.with_label_values(&[plugin, "failed"]),
            seconds: families.seconds.with_label_values(&[plugin]),
            traps: families.traps.with_label_values(&[plugin]),
            dropped: families.dropped.with_label_values(&[plugin]),
            families: families.clone(),
            series: Mutex::default(),
        }
    }

    /// One call of `handle` and how it went.
    pub fn call(&self, duration: Duration, ok: bool) {
        if ok { &self.handled } else { &self.failed }.inc();
        self.seconds.observe(duration.as_secs_f64());
    }

    /// An instance ended because of the guest.
    pub fn trap(&self) {
        self.traps.inc();
    }

    pub fn add(&self, name: &str, labels: Vec<(String, String)>, value: u64) {
        match self.series(name, labels, Family::counter) {
            Some((Family::Counter(_, family), values)) => family.with_label_values(&values).inc_by(value as f64),
            _ => self.dropped.inc(),
        }
    }

    pub fn set(&self, name: &str, labels: Vec<(String, String)>, value: f64) {
        match self.series(name, labels, Family::gauge) {
            Some((Family::Gauge(_, family), values)) => family.with_label_values(&values).set(value),
            _ => self.dropped.inc(),
        }
    }

    pub fn observe(&self, name: &str, labels: Vec<(String, String)>, seconds: f64) {
        match self.series(name, labels, Family::histogram) {
            Some((Family::Histogram(_, family), values)) => family.with_label_values(&values).observe(seconds),
            _ => self.dropped.inc(),
        }
    }

    /// The family `plugin_NAME` and the label values of this plugin's series in it; nothing if
    /// the plugin has too many.
    fn series(
        &self,
        name: &str,
        mut labels: Vec<(String, String)>,
        make: fn(&str, &[&str]) -> prometheus::Result<Family>,
    ) -> Option<(Family, Vec<String>)> {
        labels.push(("plugin".to_string(), self.plugin.clone()));
        labels.sort();
        let (names, values): (Vec<String>, Vec<String>) = labels.into_iter().unzip();
        let mut series = self.series.lock();
        let key = (name.to_string(), values.clone());
        if !series.contains(&key) {
            if series.len() >= self.series_max {
                return None;
            }
            series.insert(key);
        }
        Some((self.families.family(&format!("plugin_{name}"), &names, make)?, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_cannot_make_more_series_than_its_bound() {
        let registry = Registry::new();
        let families = Arc::new(PluginFamilies::new(&registry).expect("a fresh registry"));
        let limits = Limits { metric_series_max: 3, ..Limits::default() };
        let metrics = PluginMetrics::new("noisy", &limits, &families);
        for n in 0..10 {
            metrics.add("seen", vec![("n".into(), n.to_string())], 1);
        }
        let gathered = registry.gather();
        let family = |name: &str| gathered.iter().find(|family| family.name() == name).expect("the family");
        assert_eq!(family("plugin_seen").get_metric().len(), 3);
        let dropped = family("host_plugin_metric_updates_dropped_total");
        assert_eq!(dropped.get_metric()[0].get_counter().get_value(), 7.0);
    }

    #[test]
    fn a_metric_of_another_kind_is_dropped_not_mixed_in() {
        let registry = Registry::new();
        let families = Arc::new(PluginFamilies::new(&registry).expect("a fresh registry"));
        let metrics = PluginMetrics::new("odd", &Limits::default(), &families);
        metrics.add("things", vec![], 2);
        metrics.set("things", vec![], 5.0);
        let gathered = registry.gather();
        let things = gathered.iter().find(|family| family.name() == "plugin_things").expect("the family");
        assert_eq!(things.get_metric()[0].get_counter().get_value(), 2.0);
        assert_eq!(metrics.dropped.get(), 1);
    }
}
