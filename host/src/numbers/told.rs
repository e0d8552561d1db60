//! Events that watches tell, and their sizes, with kube-apiserver's names, labels and buckets.

use std::collections::HashMap;
use std::sync::Arc;

use host_server::Tally;
use parking_lot::RwLock;
use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, LabelPair, Metric, MetricFamily, MetricType};

use crate::limits::Limits;

const EVENTS: &str = "apiserver_watch_events_total";
const EVENTS_HELP: &str = "Events that were sent to those who watch.";
const SIZES: &str = "apiserver_watch_events_sizes";
const SIZES_HELP: &str = "Bytes of the events that were sent to those who watch.";
/// In the order in which they are shown.
const LABELS: [&str; 3] = ["group", "resource", "version"];
/// 1 to 128 KiB.
const BYTES: [u64; 8] = [1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17];

/// What all watches of one resource have told: a change is told to many, so each counts with two additions.
pub type Told = Tally<8>;

/// The values of [`LABELS`].
type Labels = [Box<str>; LABELS.len()];

/// What was told of each resource, of no more than [`Limits::RESOURCES_NAMED_MAX`]; of others without their names.
#[derive(Clone)]
pub struct ToldEvents(Arc<Families>);

struct Families {
    descriptions: [Desc; 2],
    told: RwLock<HashMap<Labels, Arc<Told>>>,
    named_max: usize,
}

impl ToldEvents {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let description = |name: &str, help: &str| {
            Desc::new(name.to_owned(), help.to_owned(), LABELS.map(str::to_owned).to_vec(), HashMap::new())
        };
        let descriptions = [description(EVENTS, EVENTS_HELP)?, description(SIZES, SIZES_HELP)?];
        let families = Families { descriptions, told: RwLock::default(), named_max: Limits::RESOURCES_NAMED_MAX };
        let told = Self(Arc::new(families));
        registry.register(Box::new(told.clone()))?;
        Ok(told)
    }

    /// Where a watch of this resource counts.
    pub fn of(&self, group: &str, version: &str, resource: &str) -> Arc<Told> {
        let labels: Labels = [group.into(), resource.into(), version.into()];
        if let Some(told) = self.0.told.read().get(&labels) {
            return told.clone();
        }
        let mut told = self.0.told.write();
        let has_room = told.len() < self.0.named_max || told.contains_key(&labels);
        let labels = if has_room { labels } else { Labels::default() };
        told.entry(labels).or_insert_with(|| Arc::new(Told::new(&BYTES))).clone()
    }
}

impl Collector for ToldEvents {
    fn desc(&self) -> Vec<&Desc> {
        self.0.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (mut events, mut sizes) = (Vec::new(), Vec::new());
        for (labels, told) in &*self.0.told.read() {
            let labels = LABELS.iter().zip(labels).map(|(name, value)| {
                let mut label = LabelPair::default();
                label.set_name((*name).to_owned());
                label.set_value(value.to_string());
                label
            });
            let labels: Vec<_> = labels.collect();
            let mut counter = Counter::default();
            counter.set_value(told.count() as f64);
            let mut metric = Metric::from_label(labels.clone());
            metric.set_counter(counter);
            events.push(metric);
            let mut metric = Metric::from_label(labels);
            metric.set_histogram(told.shown(1.0));
            sizes.push(metric);
        }
        // The registry takes a family without any for a fault.
        if events.is_empty() {
            return Vec::new();
        }
        let family = |name: &str, help: &str, kind, metrics| {
            let mut family = MetricFamily::default();
            family.set_name(name.to_owned());
            family.set_help(help.to_owned());
            family.set_field_type(kind);
            family.set_metric(metrics);
            family
        };
        vec![
            family(EVENTS, EVENTS_HELP, MetricType::COUNTER, events),
            family(SIZES, SIZES_HELP, MetricType::HISTOGRAM, sizes),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_beyond_resources_named_max_have_no_name() {
        let told = ToldEvents::register(&Registry::new()).expect("the names are new");
        for number in 0..Limits::RESOURCES_NAMED_MAX {
            told.of("example.com", "v1", &number.to_string()).add(1);
        }
        for _ in 0..2 {
            told.of("example.com", "v1", "one-more").add(1);
            told.of("example.com", "v1", "0").add(1);
        }
        assert_eq!(told.of("", "", "").count(), 2);
        assert_eq!(told.of("example.com", "v1", "0").count(), 3);
        assert_eq!(told.0.told.read().len(), Limits::RESOURCES_NAMED_MAX + 1);
    }
}
