//! The committer, the cache and its watchers in thousands of orders: `--features explore`. Who is
//! stuck is found, and a failure says how it is replayed.
#![cfg(feature = "explore")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::*;
use host_store::{Cache, Event, Freshness, ListQuery, Selector, TxnOutcome, WatchEnd, WatchStart};
use host_store::{Limits, Watcher};
use shuttle::future::{block_on, spawn};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

/// Of each kind; a build that is not optimized takes ten times as long for one.
const ORDERS: usize = if cfg!(debug_assertions) { 300 } else { 3_000 };
const WRITERS: usize = 3;
const WRITES: usize = 2;
const PREFIX: &str = "/r/t/";

/// So small that everything overflows that can.
fn limits() -> Limits {
    Limits { recent_revisions_max: 2, history_changes_per_tree: 2, batch_operations_max: 2, ..Limits::default() }
}

fn explore(scenario: impl AsyncFn() + Send + Sync + 'static) {
    let scenario = Arc::new(scenario);
    let again = scenario.clone();
    Runner::new(RandomScheduler::new(ORDERS), config()).run(move || block_on(scenario()));
    // Beside chance: tasks that run for long, and are interrupted in three places.
    Runner::new(PctScheduler::new(3, ORDERS), config()).run(move || block_on(again()));
}

/// The explorer gives each thread 60 KiB of stack, which the engine exceeds where nothing is optimized.
fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    config
}

/// Writes one key again and again, each time on what was read before. Gives its revisions.
async fn writer(cache: Cache, id: usize) -> Vec<u64> {
    let (own, shared) = (format!("{PREFIX}own-{id}"), format!("{PREFIX}shared"));
    let mut revisions = Vec::new();
    for _ in 0..WRITES {
        let written = write(&cache, put(&own, &object("own", &[]))).await;
        // What was written is read, whatever is asked for.
        for freshness in [Freshness::Any, Freshness::Latest] {
            let read = cache.get(&own, freshness).await.unwrap().expect("it was written");
            assert_eq!(read.revision(), written.revision());
        }
        revisions.push(written.revision());
        let before = cache.get(&shared, Freshness::Any).await.unwrap().map_or(0, |object| object.revision());
        match cache.txn(vec![guard(&shared, before)], vec![put(&shared, &object("shared", &[]))]).await.unwrap() {
            TxnOutcome::Applied(objects) => revisions.push(objects[0].revision()),
            TxnOutcome::Refused { current, .. } => assert!(current.expect("others wrote it").revision() > before),
        }
    }
    revisions
}

/// Every revision after the one that it began after, up to one that says it is the last.
async fn told(mut watcher: Watcher, mut newest: u64) -> Vec<u64> {
    let mut told = Vec::new();
    while let Some(events) = watcher.next().await {
        for event in events {
            let Event::Object(event) = event else { panic!("{event:?}") };
            assert!(event.object.revision() > newest, "out of order");
            newest = event.object.revision();
            told.push(newest);
            if event.object.key().ends_with("last") {
                return told;
            }
        }
        assert!(watcher.progress() >= newest);
    }
    panic!("the watch has ended: {:?}", watcher.end())
}

/// Lists are of one moment, which never goes back.
async fn reader(cache: Cache) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut newest = 0;
    for freshness in [Freshness::Any, Freshness::Latest, Freshness::Any] {
        let query =
            ListQuery { prefix: PREFIX.into(), start: None, selector: Selector::default(), freshness, limit: 0 };
        let listing = cache.list(query).await.unwrap();
        assert!(listing.revision >= newest, "back in time");
        newest = listing.revision;
        for object in listing.objects.iter() {
            assert!(object.revision() <= newest, "of the future");
            let before = seen.insert(object.key().to_string(), object.revision());
            assert!(before.is_none_or(|before| before <= object.revision()), "older than before");
        }
    }
}

#[test]
fn writers_read_what_they_wrote_and_each_watcher_is_told_everything_once_and_in_order() {
    explore(async || {
        let limits = limits();
        let store = store(&limits);
        let cache = cache(&store, &limits).await;
        let began = cache.revision();
        let early = watch(&cache, PREFIX, Selector::default(), WatchStart::After(began)).await;
        let early = spawn(told(early, began));
        let late = spawn({
            let cache = cache.clone();
            async move {
                let watcher = watch(&cache, PREFIX, Selector::default(), WatchStart::After(began)).await;
                told(watcher, began).await
            }
        });
        let reader = spawn(reader(cache.clone()));
        let writers: Vec<_> = (0..WRITERS).map(|id| spawn(writer(cache.clone(), id))).collect();
        let mut revisions = Vec::new();
        for writer in writers {
            revisions.extend(writer.await.unwrap());
        }
        revisions.push(write(&cache, put(&format!("{PREFIX}last"), &object("last", &[]))).await.revision());
        revisions.sort_unstable();
        assert_eq!(early.await.unwrap(), revisions);
        assert_eq!(late.await.unwrap(), revisions);
        reader.await.unwrap();
    });
}

#[test]
fn everybody_who_waits_is_told_when_the_store_is_closed() {
    explore(async || {
        let limits = limits();
        let store = store(&limits);
        let cache = cache(&store, &limits).await;
        let mut watcher = watch(&cache, PREFIX, Selector::default(), WatchStart::Tail).await;
        let watcher = spawn(async move {
            while watcher.next().await.is_some() {}
            watcher.end()
        });
        let future = spawn({
            let cache = cache.clone();
            async move { cache.get("/r/t/a", Freshness::NotOlder(1_000)).await.is_err() }
        });
        let writer = spawn({
            let cache = cache.clone();
            async move { cache.txn(vec![], vec![put("/r/t/a", &object("a", &[]))]).await.is_ok() }
        });
        host_store::Store::close(&*store).await;
        assert_eq!(watcher.await.unwrap(), Some(WatchEnd::Stopped));
        assert!(future.await.unwrap(), "a revision that never came was read");
        // Either way, but it is told.
        writer.await.unwrap();
    });
}
