//! Whether a store keeps its promises while its cluster is in trouble.
//!
//! Every answer carries a revision, which says what came before what: all that writers and readers
//! were told has to agree with the one history that a watch tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use host_store::{Cache, Change, Etcd, Freshness, Guard, Key, Limits, Store, Txn, TxnOut, WatchItem, WriteError};
use tokio::task::JoinHandle;

use super::{put, text};

const KEYS: usize = 4;
/// Half of them on each host.
const WRITERS: usize = 6;
/// How long it may take until something is written again: on a disk that others keep busy an election can fail again
/// and again.
const PATIENCE: Duration = Duration::from_secs(180);

/// Two hosts' writers and readers, and what they are told.
pub struct Witness {
    store: Arc<Etcd>,
    /// The second host's.
    cache: Cache,
    began: u64,
    watch: BoxStream<'static, WatchItem>,
    seen: Arc<Seen>,
    writers: Vec<JoinHandle<Vec<Write>>>,
    readers: Vec<JoinHandle<Vec<Read>>>,
}

#[derive(Default)]
struct Seen {
    /// The newest revision that was acknowledged to anybody.
    newest: AtomicU64,
    over: AtomicBool,
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

impl Witness {
    pub async fn start(first: &Arc<Etcd>, second: &Arc<Etcd>, limits: &Limits) -> Self {
        let cache = Cache::start(second.clone(), limits.clone()).await.unwrap();
        let began = first.read_barrier().await.unwrap();
        let seen = Arc::new(Seen::default());
        let writer = |id: usize| {
            let store = if id.is_multiple_of(2) { first } else { second };
            tokio::spawn(writer(store.clone(), id, seen.clone()))
        };
        Self {
            store: first.clone(),
            cache,
            began,
            watch: first.watch(began + 1),
            writers: (0..WRITERS).map(writer).collect(),
            readers: [first, second].map(|store| tokio::spawn(reader(store.clone(), seen.clone()))).into(),
            seen,
        }
    }

    /// Waits until so many more revisions are acknowledged.
    pub async fn sees_writes(&self, more: u64) {
        let enough = self.seen.newest.load(Ordering::SeqCst) + more;
        let written = async {
            while self.seen.newest.load(Ordering::SeqCst) < enough {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("two of three members are enough");
    }

    /// Ends it, and compares what everybody was told.
    pub async fn verify(self) {
        self.seen.over.store(true, Ordering::SeqCst);
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        for writer in self.writers {
            writes.extend(writer.await.unwrap());
        }
        for reader in self.readers {
            reads.extend(reader.await.unwrap());
        }
        let last = self.store.read_barrier().await.unwrap();
        let history = history(self.watch, self.began, last).await;
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
        for Read { key: at, acknowledged, found, revision } in &reads {
            assert!(revision >= acknowledged, "a read is of `{revision}`, after `{acknowledged}`");
            let state = history.range(..=revision).rev().find(|(_, (written, _))| *written == key(*at));
            let state = state.map(|(revision, (_, value))| (*revision, value.clone()));
            assert_eq!(*found, state, "of key `{at}` at `{revision}`");
        }
        for at in (0..KEYS).map(key) {
            let cached = self.cache.get(&at, Freshness::Latest).await.unwrap().map(|object| object.revision());
            let state = history.iter().rev().find(|(_, (written, _))| *written == at).map(|(revision, _)| *revision);
            assert_eq!(cached, state, "the other host's cache");
        }
        assert!(writes.len() > 50 && reads.len() > 50, "{} writes, {} reads: too few", writes.len(), reads.len());
        eprintln!("{} writes, {unknown} of them of unknown outcome, {} reads", writes.len(), reads.len());
    }
}

fn key(at: usize) -> Key {
    format!("/registry/t/{at}").into()
}

/// One write for each revision, without a gap.
async fn history(mut watch: BoxStream<'static, WatchItem>, began: u64, last: u64) -> BTreeMap<u64, (Key, String)> {
    let mut history: BTreeMap<u64, (Key, String)> = BTreeMap::new();
    let mut newest = began;
    while newest < last {
        let item = tokio::time::timeout(PATIENCE, watch.next()).await.expect("a watch goes on");
        let Some(WatchItem::Batch { revision, changes }) = item else { panic!("{item:?}") };
        let [Change::Put(kv)] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(newest + 1, revision, "out of order");
        newest = revision;
        history.insert(revision, (kv.key.clone(), text(&kv.value).to_owned()));
    }
    history
}

/// Guarded writes, each on what was read before.
async fn writer(store: Arc<Etcd>, id: usize, seen: Arc<Seen>) -> Vec<Write> {
    let mut writes = Vec::new();
    for round in 0.. {
        if seen.over.load(Ordering::SeqCst) {
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
        seen.newest.fetch_max(revision.unwrap_or(0), Ordering::SeqCst);
        writes.push(Write { key: at, value, revision });
    }
    writes
}

async fn reader(store: Arc<Etcd>, seen: Arc<Seen>) -> Vec<Read> {
    let mut reads = Vec::new();
    for round in 0.. {
        if seen.over.load(Ordering::SeqCst) {
            break;
        }
        let acknowledged = seen.newest.load(Ordering::SeqCst);
        if let Ok((found, revision)) = store.get(&key(round % KEYS), None).await {
            let found = found.map(|kv| (kv.mod_revision, text(&kv.value).to_owned()));
            reads.push(Read { key: round % KEYS, acknowledged, found, revision });
        }
    }
    reads
}
