//! A plugin's numbers on `/metrics`: what the host counts of it, and what it counts itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{
    Counter, CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use super::{Fault, PluginLog};
use crate::limits::Limits;

/// What the host counts of all plugins.
pub struct PluginFamilies {
    calls: IntCounterVec,
    plain_reads: IntCounterVec,
    immediate: IntCounterVec,
    busy: CounterVec,
    seconds: HistogramVec,
    traps: IntCounterVec,
    faults: IntCounterVec,
    degraded: IntGaugeVec,
    swaps: IntCounterVec,
    generation: IntGaugeVec,
    registry: Registry,
    /// Families that guests have made, by name.
    guests: Mutex<HashMap<String, Family>>,
    /// The series that guests have made, by plugin: what all of its generations made counts.
    series: Mutex<HashMap<String, Series>>,
}

type Series = Arc<Mutex<HashSet<(String, Vec<String>)>>>;

#[derive(Clone)]
enum Family {
    Counter(Vec<String>, CounterVec),
    Gauge(Vec<String>, GaugeVec),
    Histogram(Vec<String>, HistogramVec),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The numbers of one plugin.
pub struct PluginMetrics {
    plugin: String,
    log: PluginLog,
    limits: Arc<Limits>,
    families: Arc<PluginFamilies>,
    handled: IntCounter,
    failed: IntCounter,
    plain_reads: IntCounter,
    immediate: IntCounter,
    busy: Counter,
    seconds: Histogram,
    traps: IntCounter,
    dropped: IntCounter,
    /// Why updates were dropped: each reason is said once.
    told: Mutex<HashSet<String>>,
    series: Series,
    /// Of this generation: instances that ended because of the guest, and hooks that failed.
    failures: AtomicU64,
}

impl PluginFamilies {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let families = Self {
            calls: counter("host_plugin_calls_total", "Calls into a plugin, by outcome.", &["plugin", "outcome"])?,
            plain_reads: counter(
                "host_plugin_plain_reads_total",
                "Requests that the host answered in a plugin's place, as the plugin has declared.",
                &["plugin"],
            )?,
            immediate: counter(
                "host_plugin_immediate_answers_total",
                "Requests that a plugin answered without waiting for anything; they are calls, too.",
                &["plugin"],
            )?,
            busy: CounterVec::new(
                Opts::new("host_plugin_busy_seconds_total", "Time that threads spent in a plugin's instances."),
                &["plugin"],
            )?,
            seconds: HistogramVec::new(
                HistogramOpts::new("host_plugin_call_duration_seconds", "How long calls into a plugin took.")
                    .buckets(vec![0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0]),
                &["plugin"],
            )?,
            traps: counter("host_plugin_instances_failed_total", "Instances that trapped or were ended.", &["plugin"])?,
            faults: counter("host_plugin_faults_total", "What a plugin did wrong, by kind.", &["plugin", "fault"])?,
            degraded: IntGaugeVec::new(
                Opts::new("host_plugin_degraded", "1 while a plugin keeps failing and calls are held back."),
                &["plugin"],
            )?,
            swaps: counter("host_plugin_swaps_total", "Swaps of a plugin, by result.", &["plugin", "result"])?,
            generation: IntGaugeVec::new(
                Opts::new("host_plugin_generation", "The generation of a plugin that serves."),
                &["plugin"],
            )?,
            registry: registry.clone(),
            guests: Mutex::default(),
            series: Mutex::default(),
        };
        registry.register(Box::new(families.calls.clone()))?;
        registry.register(Box::new(families.plain_reads.clone()))?;
        registry.register(Box::new(families.immediate.clone()))?;
        registry.register(Box::new(families.busy.clone()))?;
        registry.register(Box::new(families.seconds.clone()))?;
        registry.register(Box::new(families.traps.clone()))?;
        registry.register(Box::new(families.faults.clone()))?;
        registry.register(Box::new(families.degraded.clone()))?;
        registry.register(Box::new(families.swaps.clone()))?;
        registry.register(Box::new(families.generation.clone()))?;
        Ok(families)
    }

    /// How often a plugin did this wrong.
    pub(super) fn faults(&self, plugin: &str, fault: Fault) -> IntCounter {
        self.faults.with_label_values(&[plugin, fault.name()])
    }

    pub(super) fn degraded(&self, plugin: &str) -> IntGauge {
        self.degraded.with_label_values(&[plugin])
    }

    /// A swap, and how it ended: `swapped`, `refused` or `reverted`.
    pub fn swap(&self, plugin: &str, result: &str) {
        self.swaps.with_label_values(&[plugin, result]).inc();
    }

    /// The generation that serves.
    pub fn set_generation(&self, plugin: &str, generation: u64) {
        self.generation.with_label_values(&[plugin]).set(generation.cast_signed());
    }

    /// The plugin is not part of the chain any more.
    pub fn remove_generation(&self, plugin: &str) {
        // It fails where the plugin has none.
        let _ = self.generation.remove_label_values(&[plugin]);
    }

    /// The guests' family of this name, made on first use; nothing if the name is taken by
    /// another kind or other labels.
    fn family(&self, kind: Kind, name: &str, labels: &[String]) -> Option<Family> {
        let mut guests = self.guests.lock();
        if let Some(family) = guests.get(name) {
            return Some(family.clone()).filter(|family| family.kind() == kind && family.labels() == labels);
        }
        let family = Family::new(kind, name, labels).ok()?;
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
    fn new(kind: Kind, name: &str, labels: &[String]) -> prometheus::Result<Self> {
        let names: Vec<&str> = labels.iter().map(String::as_str).collect();
        let labels = labels.to_vec();
        Ok(match kind {
            Kind::Counter => Self::Counter(labels, CounterVec::new(Opts::new(name, "Counted by plugins."), &names)?),
            Kind::Gauge => Self::Gauge(labels, GaugeVec::new(Opts::new(name, "Set by plugins."), &names)?),
            Kind::Histogram => {
                let options = HistogramOpts::new(name, "Observed by plugins.");
                Self::Histogram(labels, HistogramVec::new(options, &names)?)
            }
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Counter(..) => Kind::Counter,
            Self::Gauge(..) => Kind::Gauge,
            Self::Histogram(..) => Kind::Histogram,
        }
    }

    fn labels(&self) -> &[String] {
        match self {
            Self::Counter(labels, _) | Self::Gauge(labels, _) | Self::Histogram(labels, _) => labels,
        }
    }
}

impl PluginMetrics {
    pub fn new(plugin: &str, limits: &Arc<Limits>, log: PluginLog, families: &Arc<PluginFamilies>) -> Self {
        Self {
            plugin: plugin.to_string(),
            log,
            limits: limits.clone(),
            handled: families.calls.with_label_values(&[plugin, "ok"]),
            failed: families.calls.with_label_values(&[plugin, "failed"]),
            plain_reads: families.plain_reads.with_label_values(&[plugin]),
            immediate: families.immediate.with_label_values(&[plugin]),
            busy: families.busy.with_label_values(&[plugin]),
            seconds: families.seconds.with_label_values(&[plugin]),
            traps: families.traps.with_label_values(&[plugin]),
            dropped: families.faults(plugin, Fault::Metrics),
            told: Mutex::default(),
            families: families.clone(),
            series: families.series.lock().entry(plugin.to_string()).or_default().clone(),
            failures: AtomicU64::new(0),
        }
    }

    /// One call of `handle`, or of `immediate.answer` that made it needless, and how it went.
    pub fn call(&self, duration: Duration, ok: bool) {
        if ok { &self.handled } else { &self.failed }.inc();
        self.seconds.observe(duration.as_secs_f64());
    }

    /// The host has answered in its place.
    pub fn plain_read(&self) {
        self.plain_reads.inc();
    }

    /// One call that was an immediate answer, and how long it took.
    pub fn immediate_answer(&self, duration: Duration) {
        self.immediate.inc();
        self.call(duration, true);
    }

    /// A thread was in one of its instances for so long.
    pub fn computed(&self, time: Duration) {
        self.busy.inc_by(time.as_secs_f64());
    }

    /// An instance ended because of the guest.
    pub fn trap(&self) {
        self.traps.inc();
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A hook failed, and is tried again.
    pub fn hook_failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How often this generation's instances and hooks have failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Calls of `handle` that the plugin answered, and that it did not, since the start.
    pub fn calls(&self) -> (u64, u64) {
        (self.handled.get(), self.failed.get())
    }

    pub fn add(&self, name: &str, labels: Vec<(String, String)>, value: u64) {
        if let Some((Family::Counter(_, family), values)) = self.series(Kind::Counter, name, labels) {
            family.with_label_values(&values).inc_by(value as f64);
        }
    }

    pub fn set(&self, name: &str, labels: Vec<(String, String)>, value: f64) {
        if let Some((Family::Gauge(_, family), values)) = self.series(Kind::Gauge, name, labels) {
            family.with_label_values(&values).set(value);
        }
    }

    pub fn observe(&self, name: &str, labels: Vec<(String, String)>, seconds: f64) {
        if let Some((Family::Histogram(_, family), values)) = self.series(Kind::Histogram, name, labels) {
            family.with_label_values(&values).observe(seconds);
        }
    }

    /// The family of a metric and the label values of this plugin's series in it; nothing if the
    /// update is dropped, which is counted.
    fn series(&self, kind: Kind, name: &str, labels: Vec<(String, String)>) -> Option<(Family, Vec<String>)> {
        match self.find(kind, name, labels) {
            Ok(found) => Some(found),
            Err(reason) => {
                self.dropped.inc();
                if self.told.lock().insert(reason.clone()) {
                    self.log.host(tracing::Level::WARN, &format!("updates of its metrics are dropped: {reason}"));
                }
                None
            }
        }
    }

    fn find(&self, kind: Kind, name: &str, mut labels: Vec<(String, String)>) -> Result<(Family, Vec<String>), String> {
        let Limits { metric_series_max, metric_series_bytes_max, .. } = *self.limits;
        let bytes = name.len() + labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        if bytes > metric_series_bytes_max {
            return Err(format!(
                "a name with its labels is larger than `metric_series_bytes_max` ({metric_series_bytes_max})"
            ));
        }
        labels.push(("plugin".to_string(), self.plugin.clone()));
        labels.sort();
        let (names, values): (Vec<String>, Vec<String>) = labels.into_iter().unzip();
        let mut series = self.series.lock();
        let key = (name.to_string(), values.clone());
        if !series.contains(&key) {
            if series.len() >= metric_series_max {
                return Err(format!("there are more series than `metric_series_max` ({metric_series_max})"));
            }
            series.insert(key);
        }
        let family = self.families.family(kind, &format!("plugin_{name}"), &names);
        // The name is one of at most `metric_series_max`.
        family.map(|family| (family, values)).ok_or_else(|| format!("`{name}` is no name, or is of another kind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(plugin: &str, limits: Limits, families: &Arc<PluginFamilies>) -> PluginMetrics {
        let log = PluginLog::new(plugin, 1, &limits, families.faults(plugin, Fault::LogLines));
        PluginMetrics::new(plugin, &Arc::new(limits), log, families)
    }

    #[test]
    fn a_plugin_cannot_make_more_series_than_its_bound() {
        let registry = Registry::new();
        let families = Arc::new(PluginFamilies::new(&registry).expect("a fresh registry"));
        let limits = Limits { metric_series_max: 3, metric_series_bytes_max: 100, ..Limits::default() };
        let metrics = metrics("noisy", limits, &families);
        metrics.add("seen", vec![("n".into(), "x".repeat(200))], 1);
        for n in 0..9 {
            metrics.add("seen", vec![("n".into(), n.to_string())], 1);
        }
        let gathered = registry.gather();
        let family = |name: &str| gathered.iter().find(|family| family.name() == name).expect("the family");
        assert_eq!(family("plugin_seen").get_metric().len(), 3);
        assert_eq!(metrics.dropped.get(), 7);
    }

    #[test]
    fn a_metric_of_another_kind_is_dropped_not_mixed_in() {
        let registry = Registry::new();
        let families = Arc::new(PluginFamilies::new(&registry).expect("a fresh registry"));
        let metrics = metrics("odd", Limits::default(), &families);
        metrics.add("things", vec![], 2);
        metrics.set("things", vec![], 5.0);
        let gathered = registry.gather();
        let things = gathered.iter().find(|family| family.name() == "plugin_things").expect("the family");
        assert_eq!(things.get_metric()[0].get_counter().get_value(), 2.0);
        assert_eq!(metrics.dropped.get(), 1);
    }
}
