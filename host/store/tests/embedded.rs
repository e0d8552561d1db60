//! The embedded store by itself: what is kept, what is refused, what goes by itself.

mod common;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::*;
use futures_util::StreamExt as _;
use host_store::{
    Change, Embedded, Freshness, Limits, Op, OpenError, Options, RangeQuery, ReadError, Store, Txn, TxnOut, WatchItem,
    WriteError,
};
use redb::backends::InMemoryBackend;

fn open(directory: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(directory, options(&Limits::default()))
}

async fn apply(store: &Embedded, ops: Vec<Op>) -> u64 {
    match store.txn(Txn { ops, ..Txn::default() }).await.expect("a write succeeds") {
        TxnOut::Applied { revision } => revision,
        TxnOut::Refused { key, .. } => panic!("a write to `{key}` was refused"),
    }
}

/// All keys with their values and revisions, as of a revision.
async fn state(store: &Embedded, at: Option<u64>) -> Result<Vec<String>, ReadError> {
    let page = store.range(RangeQuery { at, ..RangeQuery::default() }).await?;
    Ok(page.kvs.iter().map(|kv| format!("{}={}@{}", kv.key, text(&kv.value), kv.mod_revision)).collect())
}

/// The next `count` items of a watch, as `revision: changes`.
async fn watched(store: &Embedded, from: u64, count: usize) -> Vec<String> {
    let describe = |item: WatchItem| match item {
        WatchItem::Compacted { oldest } => format!("compacted to {oldest}"),
        WatchItem::Batch { revision, changes } => {
            let change = |change: &Change| match change {
                Change::Put(kv) => format!("{}={}", kv.key, text(&kv.value)),
                Change::Delete { key } => format!("-{key}"),
            };
            format!("{revision}: {}", changes.iter().map(change).collect::<Vec<_>>().join(" "))
        }
    };
    store.watch(from).take(count).map(describe).collect().await
}

#[tokio::test]
async fn what_was_acknowledged_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let before = {
        let store = open(directory.path()).unwrap();
        assert_eq!(store.status().revision, 1);
        assert_eq!(apply(&store, vec![put("/a", "1"), put("/b", "1")]).await, 2);
        assert_eq!(apply(&store, vec![put("/a", "2")]).await, 3);
        assert_eq!(apply(&store, vec![delete("/b")]).await, 4);
        state(&store, None).await.unwrap()
    };
    assert_eq!(before, ["/a=2@3"]);
    let store = open(directory.path()).unwrap();
    assert_eq!(store.status().revision, 4, "a deletion as the last write counts");
    assert_eq!(state(&store, None).await.unwrap(), before);
    assert_eq!(state(&store, Some(2)).await.unwrap(), ["/a=1@2", "/b=1@2"]);
    let (kv, _) = store.get("/a", None).await.unwrap();
    let kv = kv.unwrap();
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (2, 3, 2));
    assert_eq!(watched(&store, 0, 3).await, ["2: /a=1 /b=1", "3: /a=2", "4: -/b"]);
    assert_eq!(apply(&store, vec![put("/b", "3")]).await, 5);
}

#[tokio::test]
async fn a_directory_in_use_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let error = open(directory.path()).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "the data directory `{}` is in use by another process (`{}`): stop it, or use another directory",
            directory.path().display(),
            std::process::id()
        )
    );
    drop(store);
    open(directory.path()).unwrap();
}

#[tokio::test]
async fn a_closed_store_leaves_its_directory_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()).unwrap());
    let cache = cache(&store, &Limits::default()).await;
    let mut watcher = watch(&cache, "/", host_store::Selector::default(), host_store::WatchStart::Tail).await;
    write(&cache, put("/a", "1")).await;
    let accepted = store.txn(Txn { ops: vec![put("/a", "2")], ..Txn::default() });
    // Accepted is what was polled once.
    let (accepted, ()) = futures_util::future::join(accepted, store.close()).await;
    assert_eq!(accepted, Ok(TxnOut::Applied { revision: 3 }));
    let closed = Err(WriteError::Unavailable("it is closed".to_owned()));
    assert_eq!(store.txn(Txn { ops: vec![put("/a", "3")], ..Txn::default() }).await, closed);
    assert_eq!(state(&store, None).await, Err(ReadError::Unavailable("it is closed".to_owned())));
    let mut told = Vec::new();
    while let Some(events) = watcher.next().await {
        told.extend(events.iter().map(describe));
    }
    assert_eq!(told, ["ADDED /a@2", "MODIFIED /a@3"]);
    assert_eq!(cache.get("/a", host_store::Freshness::Any).await.unwrap().unwrap().revision(), 3);

    let mut engine = redb::Database::builder();
    engine.set_repair_callback(|_| panic!("the file was not closed"));
    drop(engine.open(directory.path().join("store.redb")).unwrap());
    assert_eq!(state(&open(directory.path()).unwrap(), None).await.unwrap(), ["/a=2@3"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_made_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let _store = open(&path).unwrap();
    for (path, mode) in [(path.clone(), 0o700), (path.join("store.redb"), 0o600), (path.join("lock"), 0o600)] {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
}

#[tokio::test]
async fn guards_are_decided_one_after_another() {
    let store = store(&Limits::default());
    let txn = |revision, get_on_refusal| Txn {
        guards: vec![guard("/a", revision)],
        ops: vec![put("/a", "x")],
        get_on_refusal,
    };
    // All in the queue before the first is answered.
    let all = (0..20).map(|_| store.txn(txn(0, true)));
    let outcomes = futures_util::future::join_all(all).await;
    let applied = outcomes.iter().filter(|outcome| matches!(outcome, Ok(TxnOut::Applied { revision: 2 }))).count();
    let refused = outcomes.iter().filter(
        |outcome| matches!(outcome, Ok(TxnOut::Refused { current: Some(kv), revision: 2, .. }) if kv.mod_revision == 2),
    );
    assert_eq!((applied, refused.count()), (1, 19));
    assert_eq!(store.status().revision, 2, "a refused transaction used a revision");
    assert!(matches!(store.txn(txn(7, false)).await, Ok(TxnOut::Refused { current: None, .. })));
    assert!(matches!(store.txn(Txn { ops: vec![delete("/b")], ..Txn::default() }).await, Ok(TxnOut::Refused { .. })));
    assert!(matches!(store.txn(Txn::default()).await, Ok(TxnOut::Applied { revision: 2 })));
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused() {
    let limits = Limits { key_bytes_max: 4, value_bytes_max: 4, txn_operations_max: 2, ..Limits::default() };
    let store = store(&limits);
    let too_large = |what| WriteError::TooLarge { what, bytes: 5, max: 4 };
    for (ops, error) in [
        (vec![put("/1234", "x")], too_large("key")),
        (vec![put("/123", "12345")], too_large("value")),
        (vec![put("", "x")], WriteError::Invalid("a key is empty".to_owned())),
        (
            vec![put("/1", ""), put("/1", "")],
            WriteError::Invalid("two operations of a transaction are on the key `/1`".to_owned()),
        ),
        (
            vec![put("/1", ""), put("/2", ""), put("/3", "")],
            WriteError::Invalid("a transaction of `3` operations, at most `2` are allowed".to_owned()),
        ),
    ] {
        assert_eq!(store.txn(Txn { ops, ..Txn::default() }).await, Err(error));
    }
    assert_eq!(apply(&store, vec![put("/123", "1234"), put("/2", "")]).await, 2);
}

#[tokio::test]
async fn a_full_store_takes_deletions_until_there_is_room() {
    let store = store(&Limits { stored_bytes_max: 4_000, ..Limits::default() });
    let value = "x".repeat(1_000);
    let mut keys = 0;
    let error = loop {
        match store.txn(Txn { ops: vec![put(&format!("/{keys}"), &value)], ..Txn::default() }).await {
            Ok(_) => keys += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(keys, 4);
    assert!(matches!(error, WriteError::NoSpace(_)), "{error}");
    assert!(store.status().alarm.is_some_and(|why| why.contains("the most is `4000`")));
    let revision = apply(&store, vec![delete("/0"), delete("/1")]).await;
    let refused = store.txn(Txn { ops: vec![put("/9", "x")], ..Txn::default() }).await;
    assert!(matches!(refused, Err(WriteError::NoSpace(_))), "history takes room too");
    store.compact(revision).await.unwrap();
    // The space is freed by the commits that follow.
    while store.status().stored_bytes > 4_000 {
        tokio::task::yield_now().await;
    }
    apply(&store, vec![put("/9", "x")]).await;
    assert_eq!(store.status().alarm, None);
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_deletions() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    apply(&store, vec![put("/a", "1")]).await;
    assert_eq!(store.status().alarm, None);
    drop(store);
    // No disk has so much left.
    let limits = Limits { disk_reserve_bytes: u64::MAX, ..Limits::default() };
    let store = Embedded::open(directory.path(), options(&limits)).unwrap();
    let refused = store.txn(Txn { ops: vec![put("/b", "x")], ..Txn::default() }).await;
    assert!(matches!(&refused, Err(WriteError::NoSpace(why)) if why.contains("in reserve")), "{refused:?}");
    assert!(store.status().alarm.is_some_and(|why| why.contains("in reserve")));
    assert_eq!(apply(&store, vec![delete("/a")]).await, 3);
}

/// `/a` is written at 2 and 4 and deleted at 5, `/b` is written at 3 and 6.
async fn history(store: &Embedded) {
    for op in [put("/a", "2"), put("/b", "3"), put("/a", "4"), delete("/a"), put("/b", "6")] {
        apply(store, vec![op]).await;
    }
}

#[tokio::test]
async fn compaction_keeps_every_state_from_its_revision_on() {
    let all = ["2: /a=2", "3: /b=3", "4: /a=4", "5: -/a", "6: /b=6"];
    for compacted in 1..=6 {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path()).unwrap();
        history(&store).await;
        let mut before = Vec::new();
        for revision in compacted..=6 {
            before.push(state(&store, Some(revision)).await.unwrap());
        }
        store.compact(compacted).await.unwrap();
        // Once as it is, and once as it is read from the disk.
        for reopened in [false, true] {
            if reopened {
                drop(store);
                store = open(directory.path()).unwrap();
            }
            let at = format!("compacted to {compacted}, reopened: {reopened}");
            assert_eq!((store.compacted(), store.status().revision), (compacted, 6), "{at}");
            for revision in 1..=6_u64 {
                let expected = match revision.checked_sub(compacted) {
                    Some(at) => Ok(before[at as usize].clone()),
                    None => Err(ReadError::Compacted { oldest: compacted }),
                };
                assert_eq!(state(&store, Some(revision)).await, expected, "{at}, at {revision}");
                // A watch may begin at the very revision (etcd#18089, etcd#19179).
                if revision >= compacted.max(2) {
                    let expected = &all[revision as usize - 2..];
                    assert_eq!(watched(&store, revision, expected.len()).await, expected, "{at}, from {revision}");
                }
            }
            if reopened && compacted > 2 {
                assert_eq!(watched(&store, compacted - 1, 9).await, [format!("compacted to {compacted}")]);
            }
        }
        assert_eq!(
            store.compact(7).await,
            Err(WriteError::Invalid("revision `7` cannot be compacted, the newest is `6`".into()))
        );
    }
}

#[tokio::test]
async fn compaction_frees_what_nobody_can_read_any_more() {
    let store = store(&Limits { batch_compactions_max: 3, ..Limits::default() });
    let one = {
        apply(&store, vec![put("/a", "value")]).await;
        store.status().stored_bytes
    };
    for _ in 0..20 {
        apply(&store, vec![put("/a", "value")]).await;
    }
    apply(&store, vec![put("/b", "value")]).await;
    let newest = apply(&store, vec![delete("/b")]).await;
    let last = apply(&store, vec![put("/a", "value")]).await;
    assert_eq!((store.status().keys, last), (1, newest + 1));
    store.compact(last).await.unwrap();
    while store.status().stored_bytes > one {
        tokio::task::yield_now().await;
    }
    assert_eq!(state(&store, None).await.unwrap(), [format!("/a=value@{last}")]);
}

#[tokio::test]
async fn history_is_given_up_after_one_to_two_intervals() {
    let interval = Duration::from_millis(50);
    let options = Options { compaction_interval: Some(interval), ..Options::default() };
    let store = Embedded::open_on(redb::backends::InMemoryBackend::new(), options).unwrap();
    let opened = Instant::now();
    apply(&store, vec![put("/a", "1")]).await;
    apply(&store, vec![put("/a", "2")]).await;
    while store.compacted() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(opened.elapsed() >= 2 * interval, "what was written in the first interval went with its end");
    assert_eq!(state(&store, Some(2)).await, Err(ReadError::Compacted { oldest: 3 }));
}

#[tokio::test]
async fn a_watch_that_is_far_behind_is_served_from_the_disk() {
    let store = store(&Limits { recent_revisions_max: 3, ..Limits::default() });
    for at in 0..20 {
        apply(&store, vec![put("/a", &at.to_string()), put("/b", "x")]).await;
    }
    let all: Vec<_> = (0..20).map(|at| format!("{}: /a={at} /b=x", at + 2)).collect();
    for from in [0, 1, 2, 5, 18, 19, 20, 21] {
        let expected = &all[(from as usize).saturating_sub(2)..];
        assert_eq!(watched(&store, from, expected.len()).await, expected, "from {from}");
    }
}

#[tokio::test]
async fn a_watch_ends_with_its_store() {
    let store = store(&Limits::default());
    apply(&store, vec![put("/a", "1")]).await;
    let watch = store.watch(1);
    drop(store);
    assert_eq!(watch.count().await, 1);
}

fn leased(key: &str, ttl: Duration) -> Op {
    Op::Put { key: key.into(), value: Bytes::from_static(b"x"), ttl: Some(ttl) }
}

#[tokio::test]
async fn a_key_expires_after_its_time_as_an_ordinary_deletion() {
    let store = store(&Limits { batch_expiries_max: 2, ..Limits::default() });
    let (short, long, began) = (Duration::from_millis(60), Duration::from_secs(1_000), Instant::now());
    let leases = ["/a", "/b", "/c", "/d"].map(|key| leased(key, short)).to_vec();
    // Written again: the time begins anew, or never ends. All in the queue at once, so that nothing
    // expires in between.
    let all = [leases, vec![leased("/long", long)], vec![put("/c", "kept")], vec![leased("/d", long)]];
    futures_util::future::join_all(all.map(|ops| apply(&store, ops))).await;
    assert_eq!(watched(&store, 6, 2).await, ["6: -/a", "7: -/b"]);
    assert!(began.elapsed() >= short, "too early");
    assert_eq!(state(&store, None).await.unwrap(), ["/c=kept@4", "/d=x@5", "/long=x@3"]);
}

#[tokio::test]
async fn a_key_does_not_expire_early_because_of_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let (ttl, began) = (Duration::from_millis(120), Instant::now());
    for reopened in 0..3 {
        let store = open(directory.path()).unwrap();
        if reopened == 0 {
            apply(&store, vec![leased("/a", ttl), leased("/b", Duration::from_secs(1_000))]).await;
        }
    }
    let store = open(directory.path()).unwrap();
    assert_eq!(watched(&store, 3, 1).await, ["3: -/a"]);
    assert!(began.elapsed() >= ttl, "too early");
}

/// Changes bytes of the file where a value lies.
fn damage(directory: &Path, value: &[u8]) {
    let path = directory.join("store.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<usize> = (0..bytes.len() - value.len()).filter(|at| bytes[*at..].starts_with(value)).collect();
    assert!(!places.is_empty(), "the value is not in the file");
    for at in places {
        bytes[at] ^= 1;
    }
    std::fs::write(&path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_record_is_noticed_when_the_store_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    apply(&store, vec![put("/a", "first"), put("/b", "the value that is damaged")]).await;
    drop(store);
    damage(directory.path(), b"the value that is damaged");
    let error = open(directory.path()).err().unwrap().to_string();
    let file = directory.path().join("store.redb");
    let record = "the record of revision `2`, operation `1`, is damaged: its checksum does not match";
    assert_eq!(error, format!("the store `{}` cannot be opened: {record}", file.display()));
}

#[tokio::test]
async fn a_file_that_is_no_store_or_is_cut_off_is_refused() {
    let whole = tempfile::tempdir().unwrap();
    let store = open(whole.path()).unwrap();
    for at in 0..50 {
        apply(&store, vec![put(&format!("/{at}"), &"x".repeat(10_000))]).await;
    }
    drop(store);
    let bytes = std::fs::read(whole.path().join("store.redb")).unwrap();
    for (name, bytes) in [("other", b"something else entirely".to_vec()), ("half", bytes[..bytes.len() / 2].to_vec())] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("store.redb"), bytes).unwrap();
        let error = open(directory.path()).err();
        assert!(matches!(error, Some(OpenError::Damaged { .. })), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_being_made_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("store.redb.new"), b"half of it").unwrap();
    let store = open(directory.path()).unwrap();
    assert_eq!(apply(&store, vec![put("/a", "1")]).await, 2);
}

/// A disk in memory that can be told to fail.
#[derive(Debug)]
struct Failing {
    memory: redb::backends::InMemoryBackend,
    syncs_left: Arc<AtomicU32>,
}

impl redb::StorageBackend for Failing {
    fn len(&self) -> std::io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.memory.read(offset, out)
    }
    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.memory.set_len(len)
    }
    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.memory.write(offset, data)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        let left = self.syncs_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() { self.memory.sync_data() } else { Err(std::io::Error::other("the disk is gone")) }
    }
}

#[tokio::test]
async fn an_error_of_the_disk_stops_the_store() {
    let syncs_left = Arc::new(AtomicU32::new(u32::MAX));
    let disk = Failing { memory: redb::backends::InMemoryBackend::new(), syncs_left: syncs_left.clone() };
    let (tell, told) = std::sync::mpsc::channel();
    let on_failure = Box::new(move |error: &str| tell.send(error.to_owned()).unwrap());
    let store = Arc::new(Embedded::open_on(disk, Options { on_failure, ..Options::default() }).unwrap());
    let cache = cache(&store, &Limits::default()).await;
    let mut watcher = watch(&cache, "/", host_store::Selector::default(), host_store::WatchStart::Tail).await;
    apply(&store, vec![put("/a", "1")]).await;
    syncs_left.store(0, Ordering::SeqCst);

    let failed = cache.txn(vec![], vec![put("/a", "2")]).await;
    assert!(matches!(failed, Err(WriteError::Unknown(_))), "{failed:?}");
    let after = cache.txn(vec![], vec![put("/a", "3")]).await;
    assert!(matches!(after, Err(WriteError::Unavailable(_) | WriteError::Unknown(_))), "{after:?}");
    assert!(told.recv().unwrap().contains("the disk is gone"));
    assert!(store.status().failed.unwrap().contains("the disk is gone"));

    assert_eq!(events(&mut watcher, 1).await, ["ADDED /a@2"], "what was not durable was shown");
    assert!(watcher.next().await.is_none());
    assert_eq!(watcher.end(), Some(host_store::WatchEnd::Stopped));
    assert_eq!(state(&store, None).await.unwrap(), ["/a=1@2"]);
}

/// A disk in memory that counts what is read from it.
#[derive(Clone, Debug)]
struct Counted {
    memory: Arc<InMemoryBackend>,
    read: Arc<AtomicU64>,
}

impl redb::StorageBackend for Counted {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(out.len() as u64, Ordering::SeqCst);
        self.memory.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.memory.set_len(len)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.memory.write(offset, data)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.memory.sync_data()
    }
}

#[tokio::test]
async fn a_start_reads_the_disk_once() {
    // Nearly nothing that was read stays in the engine's memory.
    let limits = Limits { page_cache_bytes: 64 << 10, history_replayed_max: 5, ..Limits::default() };
    let disk = Counted { memory: Arc::new(InMemoryBackend::new()), read: Arc::default() };
    let open = || Arc::new(Embedded::open_on(disk.clone(), options(&limits)).unwrap());
    let written = {
        let store = open();
        for turn in 0..2 {
            for at in 0..500 {
                apply(&store, vec![put(&format!("/registry/t/{at}"), &format!("{turn}{}", "x".repeat(4_000)))]).await;
            }
        }
        apply(&store, vec![delete("/registry/t/7")]).await;
        apply(&store, vec![put("/registry/t/8", "new")]).await;
        state(&store, None).await.unwrap()
    };
    let before = disk.read.load(Ordering::SeqCst);
    let store = open();
    let opened = disk.read.load(Ordering::SeqCst);
    let cache = cache(&store, &limits).await;
    let started = disk.read.load(Ordering::SeqCst);
    assert!(opened - before > 2 * 500 * 4_000, "opening it reads all of it");
    assert!(started - opened < (opened - before) / 20, "{} bytes were read again", started - opened);
    assert_eq!(cache.count("/registry/t/"), 499);
    // And what it has read is what there is.
    assert_eq!(state(&store, None).await.unwrap(), written);
    let newest = cache.get("/registry/t/8", Freshness::Latest).await.unwrap().unwrap();
    assert_eq!(newest.json(), "new");
}
