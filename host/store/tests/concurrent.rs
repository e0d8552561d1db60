//! Many writers at once. Every acknowledged write carries a revision, which says in which order
//! everything happened: reads, guards and watches have to agree with it.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::*;
use host_store::{Cache, Event, EventKind, Freshness, Limits, Object, Selector, TxnOutcome, WatchStart, Watcher};

const WRITERS: usize = 16;
const INCREMENTS: usize = 30;
const KEYS: usize = 3;

fn counter(object: &Object) -> u64 {
    object.label("count").and_then(|count| count.parse().ok()).expect("a counter has a count")
}

fn key(at: usize) -> String {
    format!("/r/t/d/{at}")
}

/// Increments counters, each time guarded by what was read.
async fn writer(cache: Cache, id: usize, newest: Arc<[AtomicU64; KEYS]>) -> Vec<u64> {
    let mut revisions = Vec::new();
    for round in 0..INCREMENTS {
        let at = (id + round) % KEYS;
        loop {
            let acknowledged = newest[at].load(Ordering::SeqCst);
            let read = cache.get(&key(at), Freshness::Latest).await.unwrap();
            let (count, revision) = read.map_or((0, 0), |object| (counter(&object), object.revision()));
            assert!(
                revision >= acknowledged,
                "a read shows `{revision}`, but `{acknowledged}` was acknowledged before"
            );
            let value = object(&at.to_string(), &[("count", &(count + 1).to_string())]);
            match cache.txn(vec![guard(&key(at), revision)], vec![put(&key(at), &value)]).await.unwrap() {
                TxnOutcome::Applied(objects) => {
                    assert_eq!(counter(&objects[0]), count + 1);
                    assert!(objects[0].revision() > acknowledged);
                    newest[at].fetch_max(objects[0].revision(), Ordering::SeqCst);
                    revisions.push(objects[0].revision());
                    break;
                }
                TxnOutcome::Refused { current, .. } => {
                    assert!(current.is_some_and(|current| current.revision() > revision), "refused for nothing");
                }
            }
        }
    }
    revisions
}

/// Everything that a watch tells up to a revision, as it is told.
async fn told(mut watcher: Watcher, last: u64) -> Vec<Vec<(EventKind, Arc<Object>)>> {
    let mut told = Vec::new();
    while watcher.progress() < last {
        let events = watcher.next().await.expect("the watch goes on");
        let object = |event| match event {
            Event::Object(event) => (event.kind, event.object),
            Event::InitialEventsEnd { .. } => panic!("nobody asked for it"),
        };
        told.push(events.into_iter().map(object).collect());
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_and_every_watch_sees_each_once() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let newest: Arc<[AtomicU64; KEYS]> = Arc::default();
    let last = 1 + (WRITERS * INCREMENTS) as u64;
    let mut watches =
        vec![(1, tokio::spawn(told(watch(&cache, "/r/", Selector::default(), WatchStart::After(1)).await, last)))];
    let writers: Vec<_> = (0..WRITERS).map(|id| tokio::spawn(writer(cache.clone(), id, newest.clone()))).collect();
    let mut revisions = Vec::new();
    for (at, writer) in writers.into_iter().enumerate() {
        revisions.extend(writer.await.unwrap());
        // More of them while it goes on.
        let after = cache.revision().min(1 + 20 * at as u64);
        let watcher = watch(&cache, "/r/t/", Selector::default(), WatchStart::After(after)).await;
        watches.push((after, tokio::spawn(told(watcher, last))));
    }
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=last).collect::<Vec<_>>(), "each revision is one write");

    for (after, watch) in watches {
        let batches = watch.await.unwrap();
        let objects: Vec<_> = batches.into_iter().flatten().map(|(_, object)| object).collect();
        let seen: Vec<_> = objects.iter().map(|object| object.revision()).collect();
        assert_eq!(seen, (after + 1..=last).collect::<Vec<_>>(), "a watch after {after}");
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for object in &objects {
            let before = counts.insert(object.key(), counter(object));
            assert!(
                before.is_none_or(|before| before + 1 == counter(object)),
                "an increment of `{}` is missing",
                object.key()
            );
        }
    }
    let mut total = 0;
    for at in 0..KEYS {
        total += counter(&cache.get(&key(at), Freshness::Latest).await.unwrap().unwrap());
    }
    assert_eq!(total, (WRITERS * INCREMENTS) as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_events_of_one_revision_come_together() {
    let limits = Limits::default();
    let cache = cache(&store(&limits), &limits).await;
    let watcher = watch(&cache, "/r/", Selector::default(), WatchStart::After(1)).await;
    let told = tokio::spawn(told(watcher, 201));
    let writers = (0..8).map(|id| {
        let cache = cache.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                let ops = (0..5).map(|at| put(&format!("/r/{id}/{at}"), &object("n", &[]))).collect();
                cache.txn(vec![], ops).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    for batch in told.await.unwrap() {
        for events in batch.chunk_by(|one, other| one.1.revision() == other.1.revision()) {
            assert_eq!(events.len(), 5, "a revision was torn");
        }
    }
}
