//! A store whose watch cannot go on: the cache reads all of it again, and tells the difference.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use common::*;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use host_store::{
    Cache, Caps, Embedded, Freshness, Kv, Limits, Page, RangeQuery, ReadError, Selector, Status, Store, Txn, TxnOut,
    WatchItem, WatchQuery, WatchStart, WriteError,
};
use tokio::sync::Semaphore;

/// An embedded store whose first watch shows revisions up to 3, and is then compacted away.
struct Gappy {
    store: Arc<Embedded>,
    first: AtomicBool,
    /// Opened when the watch may find out.
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Store for Gappy {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        self.store.get(key, at).await
    }
    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        self.store.range(query).await
    }
    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError> {
        self.store.txn(txn).await
    }
    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        let all = self.store.watch(from);
        if !self.first.swap(false, Ordering::SeqCst) {
            return all;
        }
        let gate = self.gate.clone();
        let compacted = stream::once(async move {
            gate.acquire().await.expect("the gate stays").forget();
            WatchItem::Compacted { oldest: 4 }
        });
        all.take(2).chain(compacted).boxed()
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

#[tokio::test]
async fn watchers_are_told_the_difference_over_a_gap() {
    let limits = Limits::default();
    let inner = store(&limits);
    let gate = Arc::new(Semaphore::new(0));
    let gappy = Arc::new(Gappy { store: inner.clone(), first: AtomicBool::new(true), gate: gate.clone() });
    let cache = Cache::start(gappy, limits).await.unwrap();
    let mut watcher = watch(&cache, "/r/", Selector::default(), WatchStart::Now).await;
    write(&cache, put("/r/a", &object("a", &[]))).await;
    write(&cache, put("/r/b", &object("b", &[]))).await;
    assert_eq!(events(&mut watcher, 2).await, ["ADDED a@2", "ADDED b@3"]);

    for op in [put("/r/a", &object("a", &[])), delete("/r/b"), put("/r/c", &object("c", &[])), put("/r/a", "{}")] {
        inner.txn(Txn { ops: vec![op], ..Txn::default() }).await.unwrap();
    }
    assert_eq!(cache.revision(), 3);
    gate.add_permits(1);
    assert_eq!(events(&mut watcher, 3).await, ["ADDED c@6", "MODIFIED /r/a@7", "DELETED b@7"]);
    assert_eq!(watcher.progress(), 7);

    // What happened in the gap is not known: nobody may start there.
    for after in [2, 3, 6] {
        let query = WatchQuery { target: "/r/".into(), selector: Selector::default(), start: WatchStart::After(after) };
        assert_eq!(cache.watch(query).await.err(), Some(ReadError::Compacted { oldest: 7 }), "after {after}");
    }
    write(&cache, delete("/r/a")).await;
    assert_eq!(events(&mut watcher, 1).await, ["DELETED /r/a@8"]);
    assert!(cache.get("/r/c", Freshness::Latest).await.unwrap().is_some());
    assert!(cache.get("/r/b", Freshness::Exact(3)).await.unwrap().is_some(), "the store still knows");
}
