//! What the filters take that may ask others, with kube-apiserver's name, label and buckets.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::tally::Tally;
use crate::request::Step;

/// In the order of [`Step`].
const NAMES: [&str; Step::COUNT] = ["authentication", "audit", "constrainedimpersonation", "authorization"];
const FAMILY: &str = "apiserver_request_filter_duration_seconds";
const HELP: &str = "Seconds that a request takes to pass a filter, by filter.";

/// A tenth of a millisecond to half a minute, in nanoseconds.
const NANOSECONDS: [u64; 13] = [
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    300_000_000,
    1_000_000_000,
    5_000_000_000,
    10_000_000_000,
    15_000_000_000,
    30_000_000_000,
];

#[derive(Debug, Clone)]
pub(super) struct Passes(Arc<Times>);

#[derive(Debug)]
struct Times {
    description: Desc,
    times: [Tally<13>; NAMES.len()],
}

impl Passes {
    pub(super) fn new() -> Self {
        let labels = vec!["filter".to_owned()];
        let description = Desc::new(FAMILY.to_owned(), HELP.to_owned(), labels, Default::default());
        let description = description.expect("the names are valid");
        Self(Arc::new(Times { description, times: NAMES.map(|_| Tally::new(&NANOSECONDS)) }))
    }

    pub(super) fn count(&self, step: Step, time: Duration) {
        self.0.times[step as usize].add(time.as_nanos() as u64);
    }
}

impl Collector for Passes {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = NAMES.iter().zip(&self.0.times).filter(|(_, times)| times.count() > 0).map(|(name, times)| {
            let mut label = LabelPair::default();
            label.set_name("filter".to_owned());
            label.set_value((*name).to_owned());
            let mut metric = Metric::from_label(vec![label]);
            metric.set_histogram(times.shown(1e9));
            metric
        });
        let metrics: Vec<_> = metrics.collect();
        // The registry takes a family without any for a fault.
        if metrics.is_empty() {
            return Vec::new();
        }
        let mut family = MetricFamily::default();
        family.set_name(FAMILY.to_owned());
        family.set_help(HELP.to_owned());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(metrics);
        vec![family]
    }
}
