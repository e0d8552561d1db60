//! The store on this machine's disk.
//!
//! The layout is etcd's: the disk holds every write under its revision, appended in order; an
//! index of the keys is in memory and is made anew from the disk when the store is opened.
//!
//! A write goes [`Embedded::txn`] → queue → [`commit`] (decide, write, fsync, publish, answer).
//! Nothing that is not durable is ever visible. An error while writing stops the store: the
//! process should end, and start again from what the disk holds.

mod backup;
mod commit;
mod directory;
mod expiry;
mod first;
mod index;
mod load;
mod log;
mod online;
mod pace;
mod queue;
mod record;
mod state;
mod transfer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use redb::{Builder, StorageBackend};
use tokio::sync::{oneshot, watch};

use self::commit::{Command, Committer, Schedule};
use self::directory::Directory;
use self::log::Log;
use self::online::Online;
use self::queue::{Queue, Refused};
use self::state::{Newest, Published, Recent, Shared};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Mutex, RwLock, blocking};
use crate::{Caps, Kv, Limits, Page, RangeQuery, ReadError, Status, Store, Txn, TxnOut, WatchItem, WriteError};

pub use self::backup::Summary;
pub use self::transfer::{BackupError, backup, restore};

/// How to open an [`Embedded`] store.
pub struct Options {
    pub limits: Limits,
    /// History is given up after one to two of these; none keeps it until asked.
    pub compaction_interval: Option<Duration>,
    /// Called once, from the committer's thread, when the store has failed and takes no more
    /// writes. The process should end.
    pub on_failure: Box<dyn Fn(&str) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            compaction_interval: Some(Duration::from_secs(300)),
            on_failure: Box::new(|_| {}),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the data directory `{}` is in use by another process{}: stop it, or use another directory",
        directory.display(), process.map(|id| format!(" (`{id}`)")).unwrap_or_default()
    )]
    InUse { directory: PathBuf, process: Option<u32> },
    #[error("cannot {what} `{}`: {error}", path.display())]
    Io { what: &'static str, path: PathBuf, error: std::io::Error },
    #[error("the store `{}` cannot be opened: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
}

impl OpenError {
    fn io(what: &'static str, path: &Path, error: std::io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), error }
    }

    fn engine(path: &Path, error: redb::DatabaseError) -> Self {
        Self::Damaged { path: path.to_owned(), what: error.to_string() }
    }
}

/// A store in a directory of its own.
pub struct Embedded {
    shared: Arc<Shared>,
    /// Closed with the store.
    queue: Arc<Queue<Command>>,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// None if the store is in no directory.
    online: Mutex<Option<Online>>,
}

impl Embedded {
    /// Opens the store in a directory, and makes it if there is none. Reads all of it once.
    pub fn open(directory: &Path, options: Options) -> Result<Self, OpenError> {
        let directory = Directory::lock(directory)?;
        let damaged = |what| OpenError::Damaged { path: directory.file(), what };
        let database = undisturbed(|| directory.open(&builder(&options.limits)))
            .unwrap_or_else(|| Err(damaged(BEYOND_REPAIR.to_owned())))?;
        let file = directory.file();
        undisturbed(|| Self::start(database, Some(directory), options))
            .unwrap_or_else(|| Err(BEYOND_REPAIR.to_owned()))
            .map_err(|what| OpenError::Damaged { path: file, what })
    }

    /// Opens the store on a disk that is given: memory, or one that fails in tests.
    pub fn open_on(disk: impl StorageBackend, options: Options) -> Result<Self, OpenError> {
        let damaged = |what| OpenError::Damaged { path: PathBuf::from("(given)"), what };
        let database =
            builder(&options.limits).create_with_backend(disk).map_err(|error| damaged(error.to_string()))?;
        Self::start(database, None, options).map_err(damaged)
    }

    fn start(database: redb::Database, directory: Option<Directory>, options: Options) -> Result<Self, String> {
        let path = directory.as_ref().map(|directory| directory.path().to_owned());
        let file = directory.as_ref().map(Directory::file);
        let log = Log::new(database, directory)?;
        let load::Loaded { index, revision, compacted, expiries, first_read } = load::load(&log, &options.limits)?;
        let published = Published { index, revision, compacted, recent: Recent::default() };
        let shared = Arc::new(Shared {
            log,
            first_read: Mutex::new(Some(first_read)),
            published: RwLock::new(published),
            newest: watch::Sender::new(Newest { revision, open: true }),
            failed: OnceLock::new(),
            limits: options.limits,
            file,
        });
        let queue = Arc::new(Queue::new(shared.limits.queue_transactions_max));
        let schedule = Schedule::new(options.compaction_interval, revision);
        let committer = Committer::new(shared.clone(), queue.clone(), expiries, schedule, options.on_failure);
        let committer = thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn(|| committer.run())
            .map_err(|error| format!("its committer cannot be started: {error}"))?;
        let online = path.and_then(|path| match Online::start(&path, shared.clone()) {
            Ok(online) => Some(online),
            Err(error) => {
                tracing::warn!(%error, "the store cannot be backed up while it is in use");
                None
            }
        });
        Ok(Self { shared, queue, committer: Mutex::new(Some(committer)), online: Mutex::new(online) })
    }

    async fn ask<T>(&self, command: impl FnOnce(commit::Reply<T>) -> Command) -> Result<T, WriteError> {
        let (reply, answer) = oneshot::channel();
        match self.queue.push(command(reply)) {
            Ok(()) => {}
            Err(Refused::Full) => return Err(WriteError::Overloaded),
            Err(Refused::Closed) => return Err(WriteError::Unavailable(self.why_closed())),
        }
        answer.await.unwrap_or_else(|_| Err(WriteError::Unknown(self.why_closed())))
    }

    /// Takes no more writes. What is given back waits for those that were accepted, and gives up
    /// the disk.
    fn stop(&self) -> impl FnOnce() + Send + 'static {
        self.queue.close();
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let online = self.online.lock().unwrap_or_else(PoisonError::into_inner).take();
        let shared = self.shared.clone();
        move || {
            if let Some(online) = online {
                online.stop();
            }
            if let Some(committer) = committer {
                // It catches its own panics.
                let _ = committer.join();
                shared.log.close();
            }
        }
    }

    fn why_closed(&self) -> String {
        self.shared.failed.get().cloned().unwrap_or_else(|| "it is closed".to_owned())
    }

    /// Runs what reads the disk where it may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let shared = self.shared.clone();
        let read = blocking(move || read(&shared)).await;
        read.unwrap_or_else(|error| Err(ReadError::Unavailable(format!("reading failed: {error}"))))
    }
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(limits.page_cache_bytes);
    builder
}

/// Runs what the engine may panic in when its file is damaged.
fn undisturbed<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

const BEYOND_REPAIR: &str = "the engine found damage that it cannot repair";

impl Drop for Embedded {
    /// Waits for the last commit, so that the directory is free when this returns.
    fn drop(&mut self) {
        self.stop()();
    }
}

#[async_trait]
impl Store for Embedded {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        let key = key.to_owned();
        self.read(move |shared| shared.get(&key, at)).await
    }

    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        self.read(move |shared| shared.range(&query)).await
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError> {
        txn.check(&self.shared.limits)?;
        self.ask(|reply| Command::Txn(txn, reply)).await
    }

    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        // Revision 1 is the empty store: nothing was written at it.
        let state = (self.shared.clone(), self.shared.newest.subscribe(), from.max(2));
        let batches = stream::unfold(Some(state), |state| async move {
            let (shared, mut newest, mut from) = state?;
            let items = loop {
                let seen = *newest.borrow_and_update();
                match shared.recent(from) {
                    Some(items) if !items.is_empty() => break items,
                    Some(_) if seen.open => newest.changed().await.ok()?,
                    Some(_) => return None,
                    None => {
                        let reader = shared.clone();
                        let replay = blocking(move || reader.replay(from)).await.ok()?;
                        match replay {
                            // A restored store leaves out revisions.
                            Ok(items) if items.is_empty() => from = from.max(seen.revision + 1),
                            Ok(items) => break items,
                            Err(error) => {
                                tracing::error!(%error, "a watch of the store ends");
                                return None;
                            }
                        }
                    }
                }
            };
            let next = match items.last()? {
                WatchItem::Batch { revision, .. } => Some((shared, newest, revision + 1)),
                WatchItem::Compacted { .. } => None,
            };
            Some((items, next))
        });
        batches.flat_map(stream::iter).boxed()
    }

    async fn read_barrier(&self) -> Result<u64, ReadError> {
        Ok(self.shared.published().revision)
    }

    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        self.ask(|reply| Command::Compact(revision, reply)).await
    }

    fn compacted(&self) -> u64 {
        self.shared.published().compacted
    }

    fn status(&self) -> Status {
        let published = self.shared.published();
        Status {
            revision: published.revision,
            compacted: published.compacted,
            keys: published.index.live(),
            stored_bytes: published.index.bytes(),
            disk_bytes: self.shared.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |file| file.len()),
            alarm: self.shared.alarm(published.index.bytes(), self.shared.disk_left()),
            failed: self.shared.failed.get().cloned(),
        }
    }

    async fn close(&self) {
        // Its own thread panics where this one would.
        let _ = blocking(self.stop()).await;
    }

    fn caps(&self) -> Caps {
        Caps {
            value_bytes_max: self.shared.limits.value_bytes_max,
            txn_operations_max: self.shared.limits.txn_operations_max,
            shared: false,
        }
    }
}
