//! A real etcd for the tests, and a way to see it as if it were empty.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use host_store::{
    Caps, Change, Etcd, EtcdOptions, Guard, Kv, Limits, Page, RangeQuery, ReadError, Status, Store, Txn, TxnOut,
    WatchItem, WriteError,
};

use super::network::Network;

/// The binary that `scripts/etcd` builds. None, and a line that says so, if there is none: an error
/// where it has to be there.
pub fn binary() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/etcd/etcd");
    let binary = std::env::var_os("ETCD").map_or(built, PathBuf::from);
    if binary.exists() {
        return Some(binary);
    }
    assert!(std::env::var_os("CI").is_none(), "there is no etcd at `{}`: run scripts/etcd", binary.display());
    eprintln!("NOT TESTED with etcd: there is none at `{}`; run scripts/etcd", binary.display());
    None
}

/// How long members may take to find each other, on a busy machine with a slow disk.
const START_MAX: Duration = Duration::from_secs(120);

/// A member that runs, until it is dropped.
pub struct Member {
    child: Child,
    arguments: Vec<String>,
    binary: PathBuf,
    directory: tempfile::TempDir,
    pub url: String,
}

/// Starts a cluster.
pub fn cluster(binary: &Path, members: usize) -> Vec<Member> {
    let urls = free_urls(2 * members);
    let (clients, peers) = urls.split_at(members);
    start(binary, clients, peers, peers)
}

/// Starts a cluster whose members reach each other through a network that can be cut.
pub async fn distant_cluster(binary: &Path, members: usize) -> (Vec<Member>, Network) {
    let urls = free_urls(2 * members);
    let (clients, peers) = urls.split_at(members);
    let network = Network::between(peers).await;
    (start(binary, clients, peers, &network.urls), network)
}

fn free_urls(count: usize) -> Vec<String> {
    (0..count).map(|_| format!("http://127.0.0.1:{}", ports::free_port())).collect()
}

/// `known` is where the others look for a member, `peers` where it listens for them.
fn start(binary: &Path, clients: &[String], peers: &[String], known: &[String]) -> Vec<Member> {
    let all: Vec<String> = known.iter().enumerate().map(|(at, peer)| format!("m{at}={peer}")).collect();
    let start = |at: usize| {
        let directory = tempfile::tempdir().unwrap();
        let arguments = [
            ("--name", format!("m{at}")),
            ("--data-dir", directory.path().display().to_string()),
            ("--listen-client-urls", clients[at].clone()),
            ("--advertise-client-urls", clients[at].clone()),
            ("--listen-peer-urls", peers[at].clone()),
            ("--initial-advertise-peer-urls", known[at].clone()),
            ("--initial-cluster", all.join(",")),
            ("--log-level", "error".to_owned()),
        ];
        let arguments: Vec<String> = arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let child = spawn(binary, &arguments).unwrap();
        Member { child, arguments, binary: binary.to_owned(), directory, url: clients[at].clone() }
    };
    (0..clients.len()).map(start).collect()
}

fn spawn(binary: &Path, arguments: &[String]) -> io::Result<Child> {
    Command::new(binary).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

impl Member {
    /// As a power cut would end it, and starts it again on what it left.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        assert!(self.directory.path().exists());
        self.child = spawn(&self.binary, &self.arguments).unwrap();
    }

    /// Stops it where it is, or lets it go on as if nothing had been.
    pub fn pause(&self, paused: bool) {
        let signal = if paused { "-STOP" } else { "-CONT" };
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A store on a cluster, below a prefix. Waits until somebody answers.
pub async fn connect(urls: Vec<String>, prefix: &str, limits: &Limits) -> Etcd {
    let options = EtcdOptions {
        servers: urls,
        ca: None,
        identity: None,
        prefix: prefix.to_owned(),
        compaction_interval: None,
        limits: limits.clone(),
    };
    let begun = Instant::now();
    while begun.elapsed() < START_MAX {
        match Etcd::connect(options.clone()).await {
            Ok(etcd) => return etcd,
            Err(error) => eprintln!("etcd is not there yet: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("etcd does not come up")
}

/// A part of an etcd that looks like a store nobody has written to.
pub async fn empty(url: &str, limits: &Limits) -> Empty {
    static PREFIXES: AtomicU64 = AtomicU64::new(0);
    let prefix = format!("/p{}", PREFIXES.fetch_add(1, Ordering::Relaxed));
    let store = connect(vec![url.to_owned()], &prefix, limits).await;
    let base = store.read_barrier().await.unwrap();
    Empty { store, base }
}

/// Revisions begin at 1, whatever was written before.
pub struct Empty {
    store: Etcd,
    base: u64,
}

fn seen_from(base: u64, revision: u64) -> u64 {
    (revision + 1).saturating_sub(base)
}

impl Empty {
    fn inside(&self, revision: u64) -> u64 {
        seen_from(self.base, revision)
    }

    fn outside(&self, revision: u64) -> u64 {
        if revision == 0 { 0 } else { revision + self.base - 1 }
    }

    fn read_error(&self, error: ReadError) -> ReadError {
        match error {
            ReadError::Compacted { oldest } => ReadError::Compacted { oldest: self.inside(oldest) },
            ReadError::Ahead { newest } => ReadError::Ahead { newest: self.inside(newest) },
            error => error,
        }
    }
}

fn shown(base: u64, kv: Kv) -> Kv {
    let (create_revision, mod_revision) = (seen_from(base, kv.create_revision), seen_from(base, kv.mod_revision));
    Kv { create_revision, mod_revision, ..kv }
}

#[async_trait]
impl Store for Empty {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        let found = self.store.get(key, at.map(|at| self.outside(at))).await;
        let (kv, newest) = found.map_err(|error| self.read_error(error))?;
        Ok((kv.map(|kv| shown(self.base, kv)), self.inside(newest)))
    }
    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        let at = query.at.map(|at| self.outside(at));
        let page = self.store.range(RangeQuery { at, ..query }).await.map_err(|error| self.read_error(error))?;
        let kvs = page.kvs.into_iter().map(|kv| shown(self.base, kv)).collect();
        Ok(Page { kvs, revision: self.inside(page.revision), ..page })
    }
    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError> {
        let guards = txn.guards.into_iter().map(|guard| Guard { revision: self.outside(guard.revision), ..guard });
        Ok(match self.store.txn(Txn { guards: guards.collect(), ..txn }).await? {
            TxnOut::Applied { revision } => TxnOut::Applied { revision: self.inside(revision) },
            TxnOut::Refused { revision, key, current } => TxnOut::Refused {
                revision: self.inside(revision),
                key,
                current: current.map(|kv| shown(self.base, kv)),
            },
        })
    }
    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        let base = self.base;
        let shown = move |item| match item {
            WatchItem::Compacted { oldest } => WatchItem::Compacted { oldest: seen_from(base, oldest) },
            WatchItem::Batch { revision, changes } => {
                let shown = |change| match change {
                    Change::Put(kv) => Change::Put(shown(base, kv)),
                    deletion => deletion,
                };
                let changes = changes.into_iter().map(shown).collect();
                WatchItem::Batch { revision: seen_from(base, revision), changes }
            }
        };
        self.store.watch(self.outside(from.max(2))).map(shown).boxed()
    }
    async fn read_barrier(&self) -> Result<u64, ReadError> {
        Ok(self.inside(self.store.read_barrier().await?))
    }
    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        self.store.compact(self.outside(revision)).await
    }
    fn compacted(&self) -> u64 {
        self.inside(self.store.compacted())
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
