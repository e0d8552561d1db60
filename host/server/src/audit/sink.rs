//! The way of an event to where it is written.

use std::sync::{Arc, OnceLock};

use super::batch::{Batches, Delegate};
use super::event::Event;
use super::log::Log;
use super::metrics::AuditMetrics;
use super::truncate::Truncate;
use super::webhook::Webhook;
use crate::options::{AuditLog, AuditMode, AuditWebhook};

/// An event, and its JSON once somebody has asked for it.
pub(super) struct Entry {
    event: Event,
    json: OnceLock<String>,
}

impl Entry {
    pub(super) fn new(event: Event) -> Self {
        Self { event, json: OnceLock::new() }
    }

    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    pub(super) fn json(&self) -> &str {
        self.json.get_or_init(|| serde_json::to_string(&self.event).expect("an event's keys are texts"))
    }
}

/// One of the places where events go.
pub(super) struct Sink {
    truncate: Option<Truncate>,
    way: Way,
    metrics: Arc<AuditMetrics>,
}

enum Way {
    /// While the request waits. `strict` refuses those whose event cannot be written.
    Now {
        log: Arc<Log>,
        strict: bool,
    },
    Later(Batches),
}

impl Sink {
    pub(super) fn log(log: Log, options: &AuditLog, metrics: Arc<AuditMetrics>) -> Self {
        let log = Arc::new(log);
        let way = match &options.mode {
            AuditMode::Blocking => Way::Now { log, strict: false },
            AuditMode::BlockingStrict => Way::Now { log, strict: true },
            AuditMode::Batch(batch) => Way::Later(Batches::start(Delegate::Log(log), batch, metrics.clone())),
        };
        Self { truncate: options.truncate.map(Truncate::new), way, metrics }
    }

    pub(super) fn webhook(webhook: Webhook, options: &AuditWebhook, metrics: Arc<AuditMetrics>) -> Self {
        let delegate = Delegate::Webhook { webhook: Arc::new(webhook), most_bytes: options.truncate };
        let way = Way::Later(Batches::start(delegate, &options.batch, metrics.clone()));
        Self { truncate: options.truncate.map(Truncate::new), way, metrics }
    }

    pub(super) fn write(&self, entry: &Arc<Entry>) -> bool {
        let entry = match &self.truncate {
            None => entry.clone(),
            Some(truncate) => match truncate.fit(entry) {
                Some(entry) => entry,
                None => {
                    self.metrics.lost(
                        "truncate",
                        "the event is too large even without its objects",
                        std::slice::from_ref(entry),
                    );
                    return true;
                }
            },
        };
        match &self.way {
            Way::Now { log, strict } => log.write(std::slice::from_ref(&entry)) || !strict,
            Way::Later(batches) => {
                batches.add(entry);
                true
            }
        }
    }

    pub(super) async fn close(&self) {
        match &self.way {
            Way::Now { .. } => {}
            Way::Later(batches) => batches.close().await,
        }
    }
}
