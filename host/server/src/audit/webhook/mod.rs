//! Events as lists that are posted: `--audit-webhook-config-file`.

mod client;
mod kubeconfig;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::event::API_VERSION;
use super::metrics::AuditMetrics;
use super::sink::Entry;
use crate::limits::AUDIT_SEND_ATTEMPTS_MAX;
use crate::options::AuditWebhook;
use client::Client;
pub(crate) use kubeconfig::Destination;
pub use kubeconfig::WebhookError;

pub(super) struct Webhook {
    client: Client,
    /// Before the second attempt.
    initial_backoff: Duration,
    metrics: Arc<AuditMetrics>,
}

impl Webhook {
    pub(super) fn new(options: &AuditWebhook, metrics: Arc<AuditMetrics>) -> Result<Self, WebhookError> {
        let client = Client::new(&options.destination)?;
        Ok(Self { client, initial_backoff: options.initial_backoff, metrics })
    }

    /// Posts a batch, and tries again. What is not accepted after all attempts, or when it is time
    /// to give up, is lost.
    pub(super) async fn send(&self, batch: &[Arc<Entry>], give_up: &CancellationToken) {
        let body = list(batch);
        let mut backoff = self.initial_backoff;
        for attempt in 1.. {
            let Some(result) = give_up.run_until_cancelled(self.client.post(body.clone())).await else {
                return self.metrics.lost("webhook", "the server ends, and it was not accepted yet", batch);
            };
            let Err(error) = result else { return };
            if attempt == AUDIT_SEND_ATTEMPTS_MAX {
                return self.metrics.lost("webhook", error, batch);
            }
            debug!(attempt, events = batch.len(), "the audit webhook has not accepted a batch: {error}");
            // Else all batches that failed together would come back together.
            let jittered = backoff.mul_f64(1.0 + 0.2 * f64::from(attempt_noise(batch)));
            if give_up.run_until_cancelled(tokio::time::sleep(jittered)).await.is_none() {
                return self.metrics.lost("webhook", error, batch);
            }
            backoff = backoff.mul_f64(1.5);
        }
    }
}

/// `EventList`.
fn list(batch: &[Arc<Entry>]) -> Bytes {
    let mut text = format!("{{\"kind\":\"EventList\",\"apiVersion\":\"{API_VERSION}\",\"metadata\":{{}},\"items\":[");
    for (index, entry) in batch.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(entry.json());
    }
    text.push_str("]}\n");
    text.into()
}

/// A number from 0 to 1 that differs from batch to batch.
fn attempt_noise(batch: &[Arc<Entry>]) -> f32 {
    let nanos = batch.first().map_or(0, |entry| entry.event().stage_timestamp.nanosecond());
    (nanos / 1000 % 1000) as f32 / 1000.0
}

#[cfg(test)]
mod tests;
