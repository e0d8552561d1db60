//! The store, with a clock at what it is asked.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use host_store::{
    Caps, Change, Kv, Op, Page, RangeQuery, ReadError, Status, Store, Txn, TxnOut, WatchItem, WriteError,
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Registry};

use super::names::Name;
use super::{RESOURCE, ResourceNames, counter, registered};

/// A store that counts and times its requests.
pub struct Metered {
    store: Arc<dyn Store>,
    numbers: Arc<Numbers>,
}

struct Numbers {
    names: Arc<ResourceNames>,
    seconds: HistogramVec,
    requests: IntCounterVec,
    errors: IntCounterVec,
    events: IntCounterVec,
}

/// kube-apiserver's.
const BUCKETS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];

impl Metered {
    /// # Errors
    /// If the registry has one of the families already.
    pub fn new(store: Arc<dyn Store>, names: Arc<ResourceNames>, registry: &Registry) -> prometheus::Result<Self> {
        let labels = ["operation", "group", "resource"];
        let seconds = HistogramOpts::new(
            "etcd_request_duration_seconds",
            "Latency of requests to the store in seconds, for each operation and resource.",
        );
        let numbers = Numbers {
            names,
            seconds: registered(registry, HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &labels)?)?,
            requests: counter(
                registry,
                "etcd_requests_total",
                "Requests to the store, for each operation and resource.",
                &labels,
            )?,
            errors: counter(
                registry,
                "etcd_request_errors_total",
                "Failed requests to the store, for each operation and resource.",
                &labels,
            )?,
            events: counter(
                registry,
                "apiserver_storage_events_received_total",
                "Changes that the watch cache got from the store, by resource.",
                &RESOURCE,
            )?,
        };
        Ok(Self { store, numbers: Arc::new(numbers) })
    }
}

impl Numbers {
    async fn time<T, E>(
        &self,
        operation: &str,
        name: Arc<Name>,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = Instant::now();
        let result = request.await;
        let labels = [operation, &name.group, &name.resource];
        self.seconds.with_label_values(&labels).observe(started.elapsed().as_secs_f64());
        self.requests.with_label_values(&labels).inc();
        if result.is_err() {
            self.errors.with_label_values(&labels).inc();
        }
        result
    }

    /// What a transaction is for, and of which resource, by its first operation.
    fn describe(&self, txn: &Txn) -> (&'static str, Arc<Name>) {
        match txn.ops.first() {
            Some(Op::Put { key, value, .. }) => {
                let is_new = txn.guards.iter().any(|guard| guard.key == *key && guard.revision == 0);
                (if is_new { "create" } else { "update" }, self.names.of_object(key, value))
            }
            Some(Op::Delete { key }) => ("delete", self.names.of(key)),
            None => ("get", txn.guards.first().map(|guard| self.names.of(&guard.key)).unwrap_or_default()),
        }
    }

    fn count_events(&self, item: &WatchItem) {
        let WatchItem::Batch { changes, .. } = item else { return };
        for change in changes {
            let name = match change {
                Change::Put(kv) => self.names.of_object(&kv.key, &kv.value),
                Change::Delete { key } => self.names.of(key),
            };
            self.events.with_label_values(&[&name.group, &name.resource]).inc();
        }
    }
}

#[async_trait]
impl Store for Metered {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        self.numbers.time("get", self.numbers.names.of(key), self.store.get(key, at)).await
    }

    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        self.numbers.time("list", self.numbers.names.of(&query.start), self.store.range(query)).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError> {
        let (operation, name) = self.numbers.describe(&txn);
        self.numbers.time(operation, name, self.store.txn(txn)).await
    }

    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        let numbers = self.numbers.clone();
        self.store.watch(from).inspect(move |item| numbers.count_events(item)).boxed()
    }

    async fn read_barrier(&self) -> Result<u64, ReadError> {
        self.store.read_barrier().await
    }

    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        self.store.compact(revision).await
    }

    fn compacted(&self) -> u64 {
        self.store.compacted()
    }

    async fn close(&self) {
        self.store.close().await;
    }

    fn status(&self) -> Status {
        self.store.status()
    }

    fn caps(&self) -> Caps {
        self.store.caps()
    }
}
