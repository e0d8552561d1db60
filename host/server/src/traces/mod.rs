//! Spans of requests, for a collector that speaks OTLP (`--tracing-config-file`).
//!
//! One span for each sampled request, as kube-apiserver has it; what a link does for the request
//! may hang its own below it, since the headers go on to it.

mod export;
mod otlp;
mod parent;
mod span;

use std::sync::Arc;

use http::HeaderMap;
use parking_lot::Mutex;
use prometheus::{IntCounter, Registry};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use span::Span;

use crate::authn::PRIVILEGED;
use crate::limits::TRACE_SPANS_QUEUED_MAX;
use crate::options::Tracing;
use crate::request::Context;
use parent::Parent;

/// Whose word it counts that a request is to be traced, beside the privileged.
const MONITORING: &str = "system:monitoring";

/// Decides who is traced, and hands the spans to the exporter.
#[derive(Debug)]
pub(crate) struct Tracer {
    sampled_per_million: u32,
    queue: Mutex<Option<mpsc::Sender<Span>>>,
    dropped: IntCounter,
    exporter: Mutex<Option<JoinHandle<()>>>,
}

impl Tracer {
    /// Starts the exporter.
    pub(crate) fn start(config: &Tracing, registry: &Registry) -> Arc<Self> {
        let (queue, spans) = mpsc::channel(TRACE_SPANS_QUEUED_MAX);
        let help = "Spans of requests that the collector did not get: it is slow, or cannot be reached.";
        let dropped = IntCounter::new("host_trace_spans_dropped_total", help).expect("the name is valid");
        registry.register(Box::new(dropped.clone())).expect("names are registered once");
        let exporter = tokio::spawn(export::run(config.endpoint.clone(), spans, dropped.clone()));
        Arc::new(Self {
            sampled_per_million: config.sampled_per_million,
            queue: Mutex::new(Some(queue)),
            dropped,
            exporter: Mutex::new(Some(exporter)),
        })
    }

    /// The span of a request that is sampled: because a caller whose word counts says so, or by
    /// chance. Strangers must not be able to make work for others.
    pub(crate) fn sample(&self, context: &Context, headers: &HeaderMap, name: impl FnOnce() -> String) -> Option<Span> {
        let parent = Parent::of(headers);
        let user = context.user();
        if user.is_in(PRIVILEGED) || user.is_in(MONITORING) {
            return match parent {
                Some(parent) => parent.sampled.then(|| Span::below(&parent, context, name())),
                None => self.by_chance().then(|| Span::root(None, context, name())),
            };
        }
        self.by_chance().then(|| Span::root(parent.as_ref(), context, name()))
    }

    fn by_chance(&self) -> bool {
        self.sampled_per_million > 0 && fastrand::u32(..1_000_000) < self.sampled_per_million
    }

    /// Never waits: a collector that is slow loses spans, and holds nobody up.
    pub(crate) fn send(&self, span: Span) {
        let sent = self.queue.lock().as_ref().is_some_and(|queue| queue.try_send(span).is_ok());
        if !sent {
            self.dropped.inc();
        }
    }

    /// Sends what is left, if the collector takes it in the time of one call.
    pub(crate) async fn close(&self) {
        drop(self.queue.lock().take());
        let exporter = self.exporter.lock().take();
        if let Some(exporter) = exporter {
            let _ = timeout(export::CALL_TIMEOUT, exporter).await;
        }
    }
}
