//! Who leads, where several share a store: one at a time, and no writes of one who was deposed.

mod common;

use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use futures_util::FutureExt as _;
use host_store::{Cache, Candidate, Embedded, Limits, Term, TxnOutcome, WatchStart};

/// Longer than a test.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(300);

async fn candidate(store: &Arc<Embedded>, holder: &str, lease: Duration) -> (Cache, Candidate) {
    let cache = cache(store, &Limits::default()).await;
    (cache.clone(), Candidate::new(cache, "hook", holder.to_owned(), lease))
}

/// Leads, however long that takes.
async fn leads(candidate: &Candidate, waits: impl Fn()) -> Term {
    candidate.lead(waits, pending()).await.expect("nothing ends it")
}

/// Whether the leader of this term may still write.
async fn may_write(cache: &Cache, term: &Term) -> bool {
    let written = cache.txn(vec![term.fence().clone()], vec![put("/r/t/d/a", &object("a", &[]))]).await;
    matches!(written.unwrap(), TxnOutcome::Applied(_))
}

#[tokio::test]
async fn who_waits_leads_at_once_when_the_leader_leaves() {
    let store = store(&Limits::default());
    let (cache, first) = candidate(&store, "first", LONG).await;
    let (_, second) = candidate(&store, "second", LONG).await;
    let term = leads(&first, || panic!("nobody else leads")).await;
    assert!(may_write(&cache, &term).await);

    let (told, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let mut waiting = pin!(leads(&second, || told.send(()).unwrap()));
    tokio::select! {
        _ = &mut waiting => panic!("two lead"),
        _ = waits.recv() => {}
    }
    let fence = term.fence().clone();
    term.leave().await;
    let next = waiting.await;
    assert!(next.fence().revision > fence.revision);
}

#[tokio::test]
async fn a_leader_who_falls_silent_is_deposed_and_writes_nothing_more() {
    let store = store(&Limits::default());
    let (cache, first) = candidate(&store, "first", SHORT).await;
    let (other, second) = candidate(&store, "second", SHORT).await;
    let deposed = leads(&first, || {}).await;
    // It gives no sign of life.
    let term = leads(&second, || {}).await;
    assert!(!may_write(&cache, &deposed).await, "of a term that is over");
    assert!(may_write(&other, &term).await);
    // It learns of it with its first sign of life, and takes nothing from the other when it leaves.
    deposed.keep().await;
    deposed.leave().await;
    assert!(may_write(&other, &term).await);
}

#[tokio::test]
async fn signs_of_life_of_another_name_are_not_the_leaders() {
    let store = store(&Limits::default());
    let cache = cache(&store, &Limits::default()).await;
    let named = |name, holder: &str, lease| Candidate::new(cache.clone(), name, holder.to_owned(), lease);
    // Neither in their keys nor to who waits: they are below, beside and in the midst of the silent one's.
    let others = ["sync/gc", "sync%2Fgc", "sync/sign"].map(|name| named(name, "other", Duration::from_secs(3)));
    let mut signs = tokio::task::JoinSet::new();
    for other in others {
        let term = leads(&other, || panic!("its name is its own")).await;
        signs.spawn(async move { term.keep().await });
    }
    let silent = leads(&named("sync", "first", SHORT), || {}).await;
    let stray = async {
        loop {
            write(&cache, put("/registry/_host/leaders/sync/stray", &object("stray", &[]))).await;
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let waiting = named("sync", "second", SHORT);
    tokio::select! {
        term = leads(&waiting, || {}) => assert!(term.fence().revision > silent.fence().revision),
        () = stray => unreachable!("it never ends"),
        () = tokio::time::sleep(SHORT * 50) => panic!("the silent leader is never replaced"),
    }
}

#[tokio::test]
async fn who_waits_does_so_for_the_lease_of_the_leader() {
    let store = store(&Limits::default());
    let (_, first) = candidate(&store, "first", SHORT).await;
    let (_, second) = candidate(&store, "second", LONG).await;
    leads(&first, || {}).await;
    let second = leads(&second, || {});
    tokio::time::timeout(SHORT * 50, second).await.expect("its own lease is longer than the test");
}

#[tokio::test]
async fn who_has_ended_does_not_lead() {
    let store = store(&Limits::default());
    let (_, first) = candidate(&store, "first", LONG).await;
    assert!(first.lead(|| {}, ready(())).await.is_none());
    let (_, second) = candidate(&store, "second", LONG).await;
    leads(&second, || panic!("the first has taken the term")).await;
}

#[tokio::test]
async fn a_leader_who_gives_signs_of_life_goes_on_leading() {
    // Long enough for a busy machine: a seventh of it passes between two signs.
    let lease = Duration::from_secs(3);
    let store = store(&Limits::default());
    let (cache, first) = candidate(&store, "first", lease).await;
    let (_, second) = candidate(&store, "second", lease).await;
    let term = leads(&first, || {}).await;
    let mut signs = watch(&cache, "/registry/_host/leaders/hook/sign", Default::default(), WatchStart::Tail).await;
    let mut waiting = pin!(leads(&second, || {}));
    let lived = async {
        for _ in 0..3 {
            signs.next().await.expect("the watch goes on");
        }
    };
    tokio::select! {
        _ = &mut waiting => panic!("two lead"),
        () = term.keep() => panic!("it was deposed"),
        () = lived => {}
    }
    assert!(may_write(&cache, &term).await);
    assert!(waiting.now_or_never().is_none(), "two lead");
}

#[tokio::test]
async fn of_many_who_wait_one_leads() {
    let store = store(&Limits::default());
    let (_, first) = candidate(&store, "first", LONG).await;
    let term = leads(&first, || {}).await;
    let mut waiting = tokio::task::JoinSet::new();
    let (told, mut waits) = tokio::sync::mpsc::unbounded_channel();
    for at in 0..5 {
        let (_, candidate) = candidate(&store, &format!("other-{at}"), LONG).await;
        let told = told.clone();
        waiting.spawn(async move { leads(&candidate, || told.send(()).unwrap()).await });
    }
    for _ in 0..5 {
        waits.recv().await;
    }
    term.leave().await;
    // One after the other, each when the one before has left.
    while let Some(term) = waiting.join_next().await {
        assert!(waiting.try_join_next().is_none(), "two lead");
        term.unwrap().leave().await;
    }
}
