//! Backup and restore: what comes back is what was there, and nothing half done gets a name.

mod common;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use common::*;
use futures_util::StreamExt as _;
use host_store::{
    BackupError, Cache, Embedded, Freshness, Limits, Op, RangeQuery, Store, Txn, TxnOut, WatchItem, backup, restore,
};

fn open(directory: &Path) -> Arc<Embedded> {
    Arc::new(Embedded::open(directory, options(&Limits::default())).expect("the store can be opened"))
}

async fn apply(store: &Embedded, ops: Vec<Op>) -> u64 {
    match store.txn(Txn { ops, ..Txn::default() }).await.expect("a write succeeds") {
        TxnOut::Applied { revision } => revision,
        TxnOut::Refused { key, .. } => panic!("a write to `{key}` was refused"),
    }
}

/// Everything that can be read of a store at a revision, and how each key came to be so.
async fn state(store: &Embedded, at: Option<u64>) -> Vec<String> {
    let page = store.range(RangeQuery { at, ..RangeQuery::default() }).await.expect("the revision is there");
    let kv = |kv: &host_store::Kv| {
        format!("{}={}@{}/{}#{}", kv.key, text(&kv.value), kv.mod_revision, kv.create_revision, kv.version)
    };
    page.kvs.iter().map(kv).collect()
}

/// A store at revision 6, compacted to 3.
async fn fill(store: &Embedded) {
    apply(store, vec![put("/a", "2"), put("/b", "2")]).await;
    apply(store, vec![put("/a", "3")]).await;
    apply(store, vec![delete("/b")]).await;
    apply(store, vec![put("/c", &"large".repeat(50_000))]).await;
    let leased = Op::Put { key: "/d".into(), value: Bytes::new(), ttl: Some(std::time::Duration::from_secs(1_000)) };
    apply(store, vec![leased]).await;
    store.compact(3).await.expect("it can be compacted");
}

#[tokio::test]
async fn a_store_comes_back_with_its_history() {
    for in_use in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let (from, file, to) = (root.path().join("from"), root.path().join("file"), root.path().join("to"));
        let store = open(&from);
        fill(&store).await;
        let before = [state(&store, Some(3)).await, state(&store, Some(4)).await, state(&store, None).await];
        if !in_use {
            store.close().await;
        }
        let summary = backup(&from, &file).unwrap();
        assert_eq!((summary.revision, summary.compacted), (6, 3), "in use: {in_use}");
        assert_eq!(restore(&file, &to, 0).unwrap(), summary);

        let restored = open(&to);
        assert_eq!((restored.status().revision, restored.compacted()), (6, 3));
        let after = [state(&restored, Some(3)).await, state(&restored, Some(4)).await, state(&restored, None).await];
        assert_eq!(after, before);
        assert_eq!(apply(&restored, vec![put("/e", "x")]).await, 7);
    }
}

#[tokio::test]
async fn a_restored_store_goes_on_beyond_what_its_clients_know() {
    let root = tempfile::tempdir().unwrap();
    let (from, file, to) = (root.path().join("from"), root.path().join("file"), root.path().join("to"));
    let store = open(&from);
    fill(&store).await;
    backup(&from, &file).unwrap();
    let known = apply(&store, vec![put("/lost", "x")]).await;
    restore(&file, &to, 1_000).unwrap();

    for reopened in [false, true] {
        let restored = open(&to);
        let newest = if reopened { 1_007 } else { 1_006 };
        assert_eq!((restored.status().revision, restored.compacted()), (newest, 1_006), "reopened: {reopened}");
        // A client that goes on where it was learns that it has to list.
        let told = restored.watch(known + 1).next().await;
        assert_eq!(told, Some(WatchItem::Compacted { oldest: 1_006 }));
        let mut next = restored.watch(1_006);
        let cache = Cache::start(restored.clone() as Arc<dyn Store>, Limits::default()).await.unwrap();
        assert_eq!(cache.get("/a", Freshness::Latest).await.unwrap().unwrap().revision(), 3);
        assert!(cache.get("/lost", Freshness::Latest).await.unwrap().is_none());
        if !reopened {
            assert_eq!(write(&cache, put("/a", "new")).await.revision(), 1_007);
            assert!(matches!(next.next().await, Some(WatchItem::Batch { revision: 1_007, .. })));
            write(&cache, put("/a", "3")).await;
            restored.close().await;
            // As it was, for the next round.
            std::fs::remove_dir_all(&to).unwrap();
            restore(&file, &to, 1_000).unwrap();
            apply(&open(&to), vec![put("/e", "x")]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_moment() {
    let root = tempfile::tempdir().unwrap();
    let from = root.path().join("from");
    let store = open(&from);
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for at in 0..300 {
                let value = format!("{at}{}", "x".repeat(2_000));
                // Always the same in both, and each revision writes both.
                apply(&store, vec![put("/a", &value), put("/b", &value)]).await;
                if at % 50 == 49 {
                    store.compact(store.status().revision - 10).await.unwrap();
                }
            }
        })
    };
    for round in 0..5 {
        let (from, file, to) =
            (from.clone(), root.path().join(format!("{round}")), root.path().join(format!("s{round}")));
        let summary = tokio::task::spawn_blocking({
            let (file, to) = (file.clone(), to.clone());
            move || backup(&from, &file).and_then(|_| restore(&file, &to, 0))
        });
        let summary = summary.await.unwrap().unwrap();
        let page = open(&to).range(RangeQuery::default()).await.unwrap();
        assert_eq!(page.revision, summary.revision);
        if let [a, b] = &page.kvs[..] {
            assert_eq!((&a.value, a.mod_revision), (&b.value, summary.revision), "a transaction was torn");
        } else {
            assert_eq!((page.kvs.len(), page.revision), (0, 1));
        }
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn what_would_be_overwritten_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (from, file) = (root.path().join("from"), root.path().join("file"));
    assert!(matches!(backup(&from, &file), Err(BackupError::NoStore(_))));
    assert!(!from.exists(), "a backup made a directory");
    let store = open(&from);
    fill(&store).await;
    backup(&from, &file).unwrap();
    assert!(matches!(backup(&from, &file), Err(BackupError::Exists(_))));
    assert!(matches!(restore(&file, &from, 0), Err(BackupError::Exists(_))));
    assert!(matches!(restore(&root.path().join("none"), &from, 0), Err(BackupError::Io { what: "open", .. })));
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let root = tempfile::tempdir().unwrap();
    let (from, file, to) = (root.path().join("from"), root.path().join("file"), root.path().join("to"));
    let store = open(&from);
    apply(&store, vec![put("/a", "value"), put("/b", "value")]).await;
    apply(&store, vec![delete("/b")]).await;
    backup(&from, &file).unwrap();
    let good = std::fs::read(&file).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        damaged.push(bad);
    }
    for (at, bad) in damaged.iter().enumerate() {
        std::fs::write(&file, bad).unwrap();
        let refused = restore(&file, &to, 0);
        assert!(matches!(refused, Err(BackupError::Damaged { .. })), "damage `{at}`: {refused:?}");
        assert!(!to.exists(), "something was restored");
    }
    std::fs::write(&file, &good).unwrap();
    restore(&file, &to, 0).unwrap();
}
