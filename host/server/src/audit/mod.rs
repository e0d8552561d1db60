//! What was asked for and by whom, written down: upstream's audit events.
//!
//! ```text
//! filters/audit.rs   asks the policy, and begins a Record
//!   Record           gathers annotations and bodies while the request is served
//!     Event          one stage of it, as it is written
//!       Sink         cuts it where it is too large; writes at once, or hands it to a batch
//!         Log        lines in a file that is rotated, or on standard output
//!         Webhook    lists of events, posted and tried again
//! ```
//!
//! Without a policy and something to write to there is no [`Auditor`], and requests pay nothing.
//! An event that cannot be written is counted, and its summary goes to the host's own log.

mod batch;
mod decoder;
mod event;
mod log;
mod metrics;
pub(crate) mod policy;
mod record;
mod rotate;
mod sink;
mod throttle;
mod truncate;
pub(crate) mod webhook;

#[cfg(test)]
mod testing;

use std::sync::{Arc, OnceLock};

use tokio_util::task::TaskTracker;

pub use decoder::Decoder;
pub(crate) use policy::Stage;
pub(crate) use record::Record;
pub use webhook::WebhookError;

use crate::authz::Attributes;
use crate::options;
use crate::request::Request;
use event::Event;
use log::Log;
use metrics::AuditMetrics;
use policy::Policy;
use sink::{Entry, Sink};
use webhook::Webhook;

/// Why events could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("--audit-log-path cannot be written: `{path}`: {source}")]
    Log { path: String, source: std::io::Error },
    #[error("--audit-webhook-config-file cannot be used: {0}")]
    Webhook(#[from] webhook::WebhookError),
}

/// Knows what is recorded, and where it goes.
pub(crate) struct Auditor {
    policy: Policy,
    sinks: Vec<Sink>,
    metrics: Arc<AuditMetrics>,
    decoder: OnceLock<Arc<dyn Decoder>>,
    /// Events whose bodies are being decoded.
    decoding: TaskTracker,
}

impl Auditor {
    /// Opens what is written to; its tasks run from here on. Nothing if there is nothing to do.
    pub(crate) fn start(options: &options::Audit, registry: &prometheus::Registry) -> Result<Option<Self>, AuditError> {
        let options::Audit { policy, log, webhook } = options;
        let Some(policy) = policy.clone().filter(|_| log.is_some() || webhook.is_some()) else { return Ok(None) };
        let metrics = Arc::new(AuditMetrics::new(registry));
        let mut sinks = Vec::new();
        if let Some(options) = log {
            let log = Log::open(options, metrics.clone())
                .map_err(|source| AuditError::Log { path: options.target.to_string(), source })?;
            sinks.push(Sink::log(log, options, metrics.clone()));
        }
        if let Some(options) = webhook {
            sinks.push(Sink::webhook(Webhook::new(options, metrics.clone())?, options, metrics.clone()));
        }
        Ok(Some(Self { policy, sinks, metrics, decoder: OnceLock::new(), decoding: TaskTracker::new() }))
    }

    /// Who reads bodies that are not JSON. The first one stays.
    pub(crate) fn set_decoder(&self, decoder: Arc<dyn Decoder>) {
        let _ = self.decoder.set(decoder);
    }

    /// Asks the policy, and begins the record of a request; nothing if it is not to be recorded.
    pub(crate) fn begin(self: &Arc<Self>, request: &Request) -> Option<Arc<Record>> {
        let context = request.context();
        let user = context.authenticated_user().unwrap_or(context.user());
        let rulings = self.policy.rule(&Attributes::new(user, context.info()));
        self.metrics.ruled(rulings.level);
        if rulings.level == policy::Level::None {
            return None;
        }
        let record = Arc::new(Record::new(self.clone(), rulings, request, user));
        context.set_audit(record.clone());
        Some(record)
    }

    /// Writes an event. False if it was not written, and whoever asked has to know.
    fn write(&self, event: Event) -> bool {
        self.metrics.written();
        let entry = Arc::new(Entry::new(event));
        let mut good = true;
        for sink in &self.sinks {
            // All of them, whatever one says.
            good &= sink.write(&entry);
        }
        good
    }

    /// Writes what is still held back. Nobody makes events any more.
    pub(crate) async fn close(&self) {
        self.decoding.close();
        self.decoding.wait().await;
        for sink in &self.sinks {
            sink.close().await;
        }
    }
}
