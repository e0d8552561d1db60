//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, reason = "a module of each test, which uses a part of it")]

#[cfg(feature = "etcd")]
pub mod etcd;
#[cfg(feature = "etcd")]
pub mod network;
#[cfg(feature = "etcd")]
pub mod relay;
#[cfg(feature = "etcd")]
pub mod witness;

use std::sync::Arc;

use bytes::Bytes;
use host_store::{
    Cache, Embedded, Event, Guard, Limits, Object, Op, Options, Selector, Store, TxnOutcome, WatchQuery, WatchStart,
    Watcher,
};
use redb::backends::InMemoryBackend;

/// A store in memory that never gives up history by itself.
pub fn store(limits: &Limits) -> Arc<Embedded> {
    Arc::new(Embedded::open_on(InMemoryBackend::new(), options(limits)).expect("an empty disk can be opened"))
}

pub fn options(limits: &Limits) -> Options {
    Options { limits: limits.clone(), compaction_interval: None, ..Options::default() }
}

pub async fn cache<S: Store>(store: &Arc<S>, limits: &Limits) -> Cache {
    Cache::start(store.clone() as Arc<dyn Store>, limits.clone()).await.expect("a cache starts")
}

pub fn put(key: &str, value: &str) -> Op {
    Op::Put { key: key.into(), value: Bytes::copy_from_slice(value.as_bytes()), ttl: None }
}

pub fn delete(key: &str) -> Op {
    Op::Delete { key: key.into() }
}

pub fn guard(key: &str, revision: u64) -> Guard {
    Guard { key: key.into(), revision }
}

/// An object of kind `T` with labels, as a guest writes it.
pub fn object(name: &str, labels: &[(&str, &str)]) -> String {
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key:?}:{value:?}")).collect();
    let labels = labels.join(",");
    format!(r#"{{"kind":"T","apiVersion":"v1","metadata":{{"name":{name:?},"namespace":"d","labels":{{{labels}}}}}}}"#)
}

/// Writes without a guard, and gives what was written.
pub async fn write(cache: &Cache, op: Op) -> Arc<Object> {
    match cache.txn(vec![], vec![op]).await.expect("a write succeeds") {
        TxnOutcome::Applied(objects) => objects.into_iter().next().expect("one object for one operation"),
        TxnOutcome::Refused { .. } => panic!("a write without a guard was refused"),
    }
}

pub async fn watch(cache: &Cache, target: &str, selector: Selector, start: WatchStart) -> Watcher {
    cache.watch(WatchQuery { target: target.to_owned(), selector, start }).await.expect("a watch starts")
}

/// The next `count` events, as `KIND name@revision`.
pub async fn events(watcher: &mut Watcher, count: usize) -> Vec<String> {
    let mut told = Vec::new();
    while told.len() < count {
        let events = watcher.next().await.expect("the watch goes on");
        told.extend(events.iter().map(describe));
    }
    assert_eq!(told.len(), count, "more than was waited for: {told:?}");
    told
}

pub fn describe(event: &Event) -> String {
    match event {
        Event::Object(event) => {
            let object = &event.object;
            format!("{} {}@{}", event.kind.name(), object.name().unwrap_or(object.key()), object.revision())
        }
        Event::InitialEventsEnd { revision } => format!("END @{revision}"),
    }
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is UTF-8")
}
