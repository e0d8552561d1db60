//! The etcd backend on a real etcd: that it keeps its contract while members come and go.
#![cfg(feature = "etcd")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::etcd::{binary, cluster, connect, empty};
use common::relay::Relay;
use common::*;
use futures_util::StreamExt as _;
use host_store::{
    Cache, Change, Etcd, EtcdOptions, Freshness, Guard, Key, Limits, Op, RangeQuery, ReadError, Store, Txn, TxnOut,
    WatchItem, WriteError,
};

async fn apply(store: &dyn Store, ops: Vec<Op>) -> u64 {
    match store.txn(Txn { ops, ..Txn::default() }).await.expect("a write succeeds") {
        TxnOut::Applied { revision } => revision,
        TxnOut::Refused { key, .. } => panic!("a write to `{key}` was refused"),
    }
}

fn shown(item: WatchItem) -> String {
    match item {
        WatchItem::Compacted { oldest } => format!("compacted to {oldest}"),
        WatchItem::Batch { revision, changes } => {
            let change = |change: &Change| match change {
                Change::Put(kv) => format!(" {}={}", kv.key, text(&kv.value)),
                Change::Delete { key } => format!(" -{key}"),
            };
            format!("{revision}:{}", changes.iter().map(change).collect::<String>())
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_the_contract_of_a_store() {
    let Some(binary) = binary() else { return };
    let member = cluster(&binary, 1);
    let limits = Limits { value_bytes_max: 4, ..Limits::default() };
    let store = empty(&member[0].url, &limits).await;
    let (a, b) = ("/registry/t/a", "/registry/t/b");
    assert_eq!(store.read_barrier().await.unwrap(), 1);
    assert_eq!(apply(&store, vec![put(a, "1"), put(b, "1")]).await, 2);
    assert_eq!(apply(&store, vec![put(a, "2")]).await, 3);

    // Refusals say which key, and bring what is there.
    let refused = |guards: Vec<Guard>, ops| {
        let txn = Txn { guards, ops, get_on_refusal: true };
        async {
            match store.txn(txn).await.unwrap() {
                TxnOut::Refused { revision, key, current } => {
                    (revision, key.to_string(), current.map(|kv| (kv.mod_revision, kv.create_revision, kv.version)))
                }
                TxnOut::Applied { revision } => panic!("applied at `{revision}`"),
            }
        }
    };
    let (at_3, none) = (Some((3, 2, 2)), "/registry/t/none");
    assert_eq!(refused(vec![guard(b, 2), guard(a, 2)], vec![put(b, "x")]).await, (3, a.to_owned(), at_3));
    assert_eq!(refused(vec![guard(a, 0)], vec![put(a, "x")]).await, (3, a.to_owned(), at_3));
    assert_eq!(refused(vec![guard(none, 1)], vec![]).await, (3, none.to_owned(), None));
    assert_eq!(refused(vec![], vec![delete(a), delete(none)]).await, (3, none.to_owned(), None));
    let too_large = store.txn(Txn { ops: vec![put(a, "12345")], ..Txn::default() }).await;
    assert_eq!(too_large, Err(WriteError::TooLarge { what: "value", bytes: 5, max: 4 }));

    assert_eq!(apply(&store, vec![delete(b), put(none, "3")]).await, 4);
    let page = |query: RangeQuery| async {
        let page = store.range(query).await.unwrap();
        let kvs: Vec<_> = page.kvs.iter().map(|kv| format!("{}={}", kv.key, text(&kv.value))).collect();
        (kvs.join(" "), page.more, page.count, page.revision)
    };
    let all = RangeQuery { counted: true, ..RangeQuery::prefix("/registry/t/") };
    assert_eq!(page(all.clone()).await, (format!("{a}=2 {none}=3"), false, 2, 4));
    let first = RangeQuery { limit: 1, ..all.clone() };
    assert_eq!(page(first).await, (format!("{a}=2"), true, 2, 4));
    assert_eq!(page(RangeQuery { at: Some(2), ..all.clone() }).await, (format!("{a}=1 {b}=1"), false, 2, 2));
    assert_eq!(page(RangeQuery { at: Some(3), keys_only: true, ..all }).await, (format!("{a}= {b}="), false, 2, 3));
    assert_eq!(page(RangeQuery::default()).await.0, format!("{a}=2 {none}=3"));

    let ahead = store.get(a, Some(9)).await;
    assert!(matches!(ahead, Err(ReadError::Ahead { newest: 4 })), "{ahead:?}");
    assert_eq!(store.get(b, Some(3)).await.unwrap().0.unwrap().mod_revision, 2);
    let told: Vec<_> = store.watch(0).take(3).map(shown).collect().await;
    assert_eq!(told, [format!("2: {a}=1 {b}=1"), format!("3: {a}=2"), format!("4: -{b} {none}=3")]);

    store.compact(4).await.unwrap();
    assert_eq!(store.compacted(), 4);
    assert_eq!(store.get(a, Some(3)).await, Err(ReadError::Compacted { oldest: 4 }));
    assert_eq!(store.get(a, Some(4)).await.unwrap().0.unwrap().mod_revision, 3);
    let told: Vec<_> = store.watch(3).map(shown).collect().await;
    assert_eq!(told, ["compacted to 4"]);
    assert_eq!(store.watch(4).map(shown).next().await, Some(format!("4: -{b} {none}=3")));
    assert!(matches!(store.compact(99).await, Err(WriteError::Invalid(_))));

    // It goes by itself, as a deletion.
    let leased = Op::Put { key: a.into(), value: Bytes::from_static(b"x"), ttl: Some(Duration::from_secs(1)) };
    assert_eq!(apply(&store, vec![leased]).await, 5);
    let told: Vec<_> = store.watch(5).take(2).map(shown).collect().await;
    assert_eq!(told, [format!("5: {a}=x"), format!("6: -{a}")]);
}

#[tokio::test]
async fn nobody_who_answers_and_wrong_options_are_errors_that_say_so() {
    let options = |servers: &[&str]| EtcdOptions {
        servers: servers.iter().map(|server| (*server).to_owned()).collect(),
        ca: None,
        identity: None,
        prefix: "/registry".to_owned(),
        compaction_interval: None,
        limits: Limits::default(),
    };
    for (servers, what) in [
        (&[][..], "there is no etcd server"),
        (&["localhost:2379"], "`localhost:2379` is no etcd server"),
        (&["http://127.0.0.1:1"], "etcd says"),
    ] {
        let error = Etcd::connect(options(servers)).await.err().expect("nobody is there").to_string();
        assert!(error.contains(what), "`{error}` does not say `{what}`");
    }
}

const KEYS: usize = 4;

fn key(at: usize) -> Key {
    format!("/registry/t/{at}").into()
}

/// What a writer was told of one of its writes, each of which writes something else.
struct Write {
    key: usize,
    value: String,
    /// None if it was told nothing.
    revision: Option<u64>,
}

/// What a reader was shown, and what had been acknowledged before it asked.
struct Read {
    key: usize,
    acknowledged: u64,
    found: Option<(u64, String)>,
    revision: u64,
}

/// Guarded writes, each on what was read before.
async fn writer(store: Arc<Etcd>, id: usize, newest: Arc<AtomicU64>, over: Arc<AtomicBool>) -> Vec<Write> {
    let mut writes = Vec::new();
    for round in 0.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let at = (id + round) % KEYS;
        let Ok((found, _)) = store.get(&key(at), None).await else { continue };
        let guards = vec![Guard { key: key(at), revision: found.map_or(0, |kv| kv.mod_revision) }];
        let value = format!("{id}.{round}");
        let revision = match store.txn(Txn { guards, ops: vec![put(&key(at), &value)], get_on_refusal: false }).await {
            Ok(TxnOut::Applied { revision }) => Some(revision),
            Ok(TxnOut::Refused { .. }) | Err(WriteError::Unavailable(_) | WriteError::Overloaded) => continue,
            Err(WriteError::Unknown(_)) => None,
            Err(error) => panic!("{error}"),
        };
        newest.fetch_max(revision.unwrap_or(0), Ordering::SeqCst);
        writes.push(Write { key: at, value, revision });
    }
    writes
}

async fn reader(store: Arc<Etcd>, newest: Arc<AtomicU64>, over: Arc<AtomicBool>) -> Vec<Read> {
    let mut reads = Vec::new();
    for round in 0.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let acknowledged = newest.load(Ordering::SeqCst);
        if let Ok((found, revision)) = store.get(&key(round % KEYS), None).await {
            let found = found.map(|kv| (kv.mod_revision, text(&kv.value).to_owned()));
            reads.push(Read { key: round % KEYS, acknowledged, found, revision });
        }
    }
    reads
}

/// How long members come and go: a short time, unless somebody has more.
fn trouble() -> Duration {
    let seconds = std::env::var("ETCD_TROUBLE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

/// Every answer carries a revision, which says what came before what: all of them have to agree
/// with the one history that a watch tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_is_lost_and_no_read_is_stale_while_members_are_killed_paused_and_cut_off() {
    let Some(binary) = binary() else { return };
    let mut members = cluster(&binary, 3);
    let urls: Vec<String> = members.iter().map(|member| member.url.clone()).collect();
    let limits = Limits { future_revision_wait: Duration::from_secs(30), ..Limits::default() };
    let first = Arc::new(connect(urls.clone(), "/registry", &limits).await);
    // One of two hosts is cut off from members that the other reaches.
    let mut relays = Vec::new();
    for url in &urls {
        relays.push(Relay::to(url).await);
    }
    let second = relays.iter().map(|relay| relay.url.clone()).collect();
    let second = Arc::new(connect(second, "/registry", &limits).await);
    let cache = Cache::start(second.clone(), limits.clone()).await.unwrap();
    let began = first.read_barrier().await.unwrap();
    let (newest, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let watch = first.watch(began + 1);
    let writers: Vec<_> = (0..6)
        .map(|id| {
            let store = if id % 2 == 0 { &first } else { &second };
            tokio::spawn(writer(store.clone(), id, newest.clone(), over.clone()))
        })
        .collect();
    let readers: Vec<_> =
        [&first, &second].map(|store| tokio::spawn(reader(store.clone(), newest.clone(), over.clone()))).into();

    let until = std::time::Instant::now() + trouble();
    for round in 0.. {
        if std::time::Instant::now() > until {
            break;
        }
        // Each member in turn, and each in each of the ways.
        let at = (round + round / 3) % members.len();
        match round % 3 {
            0 => members[at].kill_and_restart(),
            1 => {
                members[at].pause(true);
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                members[at].pause(false);
            }
            _ => {
                relays[at].cut(true);
                // With more time: longer than a silent member is waited for.
                let long = trouble() > Duration::from_secs(60);
                tokio::time::sleep(Duration::from_millis(if long { 8_000 } else { 1_500 })).await;
                relays[at].cut(false);
            }
        }
        // Long enough to elect another leader, and to write something.
        let before = newest.load(Ordering::SeqCst);
        let some = async {
            while newest.load(Ordering::SeqCst) < before + 20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), some).await.expect("two of three members are enough");
    }
    over.store(true, Ordering::SeqCst);
    let mut writes = Vec::new();
    for writer in writers {
        writes.extend(writer.await.unwrap());
    }
    let mut reads = Vec::new();
    for reader in readers {
        reads.extend(reader.await.unwrap());
    }

    // The history: one write for each revision, without a gap.
    let last = first.read_barrier().await.unwrap();
    let mut history: BTreeMap<u64, (Key, String)> = BTreeMap::new();
    let mut watch = watch;
    while history.last_key_value().map_or(began, |(revision, _)| *revision) < last {
        let item = watch.next().await.expect("a watch goes on");
        let WatchItem::Batch { revision, changes } = item else { panic!("{item:?}") };
        let [Change::Put(kv)] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(history.last_key_value().map_or(began, |(revision, _)| *revision) + 1, revision, "out of order");
        history.insert(revision, (kv.key.clone(), text(&kv.value).to_owned()));
    }
    let mut unknown = 0;
    for write in &writes {
        let at: Vec<u64> =
            history.iter().filter(|(_, (_, value))| *value == write.value).map(|(revision, _)| *revision).collect();
        match write.revision {
            Some(revision) => {
                assert_eq!(at, [revision], "`{}` was acknowledged", write.value);
                assert_eq!(history[&revision].0, key(write.key));
            }
            None => {
                unknown += 1;
                assert!(at.len() <= 1, "`{}` was written twice", write.value);
            }
        }
    }
    for read in &reads {
        assert!(read.revision >= read.acknowledged, "a read is of `{}`, after `{}`", read.revision, read.acknowledged);
        let state = history.range(..=read.revision).rev().find(|(_, (key, _))| *key == self::key(read.key));
        let state = state.map(|(revision, (_, value))| (*revision, value.clone()));
        assert_eq!(read.found, state, "of key `{}` at `{}`", read.key, read.revision);
    }
    for at in 0..KEYS {
        let cached = cache.get(&key(at), Freshness::Latest).await.unwrap().map(|object| object.revision());
        let state = history.iter().rev().find(|(_, (key, _))| *key == self::key(at)).map(|(revision, _)| *revision);
        assert_eq!(cached, state, "the other host's cache");
    }
    assert!(writes.len() > 50 && reads.len() > 50, "{} writes, {} reads: too few", writes.len(), reads.len());
    eprintln!("{} writes, {unknown} of them of unknown outcome, {} reads", writes.len(), reads.len());
}
