//! Events that wait for others: requests do not wait for them.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::log::Log;
use super::metrics::AuditMetrics;
use super::sink::Entry;
use super::throttle::Throttle;
use super::truncate::split;
use super::webhook::Webhook;
use crate::limits::{AUDIT_CLOSE_TIMEOUT, AUDIT_SENDS_MAX};
use crate::options::{AuditBatch, AuditTruncate};

/// Where batches go.
pub(super) enum Delegate {
    Log(Arc<Log>),
    Webhook { webhook: Arc<Webhook>, most_bytes: Option<AuditTruncate> },
}

/// A bounded queue, and the task that empties it.
pub(super) struct Batches {
    queue: mpsc::Sender<Arc<Entry>>,
    closing: CancellationToken,
    worker: Mutex<Option<JoinHandle<()>>>,
    metrics: Arc<AuditMetrics>,
}

impl Batches {
    pub(super) fn start(delegate: Delegate, options: &AuditBatch, metrics: Arc<AuditMetrics>) -> Self {
        let (queue, events) = mpsc::channel(options.buffer_size);
        let closing = CancellationToken::new();
        let worker = Worker {
            events,
            delegate,
            batch_size: options.batch_size,
            max_wait: options.max_wait,
            throttle: options.throttle.map(|(per_second, burst)| Throttle::new(per_second, burst)),
            closing: closing.clone(),
            sending: TaskTracker::new(),
            places: Arc::new(Semaphore::new(AUDIT_SENDS_MAX)),
        };
        Self { queue, closing, worker: Mutex::new(Some(tokio::spawn(worker.run()))), metrics }
    }

    pub(super) fn add(&self, entry: Arc<Entry>) {
        use mpsc::error::TrySendError::{Closed, Full};
        match self.queue.try_send(entry) {
            Ok(()) => {}
            Err(Full(entry)) => self.metrics.lost("buffered", "audit buffer queue blocked", &[entry]),
            Err(Closed(entry)) => self.metrics.lost("buffered", "audit backend shut down", &[entry]),
        }
    }

    /// Sends what is there. What cannot be sent in time is lost, and counted.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let worker = self.worker.lock().take();
        if let Some(worker) = worker {
            // Ends by itself: whoever sends is told to give up.
            let _ = worker.await;
        }
    }
}

struct Worker {
    events: mpsc::Receiver<Arc<Entry>>,
    delegate: Delegate,
    batch_size: usize,
    max_wait: std::time::Duration,
    throttle: Option<Throttle>,
    closing: CancellationToken,
    sending: TaskTracker,
    places: Arc<Semaphore>,
}

impl Worker {
    async fn run(mut self) {
        let give_up = CancellationToken::new();
        let bound = tokio::spawn({
            let (closing, give_up) = (self.closing.clone(), give_up.clone());
            async move {
                closing.cancelled().await;
                tokio::time::sleep(AUDIT_CLOSE_TIMEOUT).await;
                give_up.cancel();
            }
        });
        while let Some(batch) = self.collect().await {
            if let Some(throttle) = &mut self.throttle {
                // Nobody is spared by waiting once the server goes away.
                self.closing.run_until_cancelled(throttle.wait()).await;
            }
            self.send(batch, &give_up).await;
        }
        self.sending.close();
        self.sending.wait().await;
        bound.abort();
    }

    /// The next batch: a full one, or what has come until the first of it has waited enough.
    /// Nothing when the queue is closed and empty.
    async fn collect(&mut self) -> Option<Vec<Arc<Entry>>> {
        let mut batch = vec![self.next().await?];
        let end = Instant::now() + self.max_wait;
        while batch.len() < self.batch_size {
            match timeout_at(end, self.next()).await {
                Ok(Some(entry)) => batch.push(entry),
                Ok(None) | Err(_) => break,
            }
        }
        Some(batch)
    }

    async fn next(&mut self) -> Option<Arc<Entry>> {
        tokio::select! {
            biased;
            () = self.closing.cancelled(), if !self.events.is_closed() => self.events.close(),
            entry = self.events.recv() => return entry,
        }
        self.events.recv().await
    }

    async fn send(&self, batch: Vec<Arc<Entry>>, give_up: &CancellationToken) {
        match &self.delegate {
            Delegate::Log(log) => {
                let log = log.clone();
                // The disk may be slow.
                let _ = tokio::task::spawn_blocking(move || log.write(&batch)).await;
            }
            Delegate::Webhook { webhook, most_bytes } => {
                for batch in split(batch, most_bytes.map(|most| most.batch_bytes_max)) {
                    let place = self.places.clone().acquire_owned().await.expect("nobody closes it");
                    let (webhook, give_up) = (webhook.clone(), give_up.clone());
                    self.sending.spawn(async move {
                        webhook.send(&batch, &give_up).await;
                        drop(place);
                    });
                }
            }
        }
    }
}
