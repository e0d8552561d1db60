//! The contract that every backend keeps.

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use crate::{Kv, Page, RangeQuery, ReadError, Txn, TxnOut, WatchItem, WriteError};

/// Revisioned keys.
///
/// One counter for all keys. It begins at 1, each transaction that changes something takes
/// the next number, and it never goes back. Values come as they are stored: what has to be
/// encrypted is encrypted already.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// One key, now or at a revision, and the revision that the answer is of. Linearizable.
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError>;

    /// A range of keys in their order. Linearizable when not at a revision.
    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError>;

    /// Applies a transaction. When this returns it is durable and published to watches.
    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError>;

    /// Everything that changed from this revision on, the revision included: in order, each
    /// once, no gaps, one item for each revision. Ends when the store is closed or fails.
    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem>;

    /// The newest revision, which includes every write acknowledged before the call.
    async fn read_barrier(&self) -> Result<u64, ReadError>;

    /// Gives up all that was superseded up to this revision. Returns when older revisions are
    /// refused; the space is freed later.
    async fn compact(&self, revision: u64) -> Result<(), WriteError>;

    /// The oldest revision that can be read at, or watched from.
    fn compacted(&self) -> u64;

    /// Finishes what was accepted and gives up the disk: the next process starts sooner for it.
    /// What is asked for later is not available.
    async fn close(&self);

    fn status(&self) -> Status;

    fn caps(&self) -> Caps;
}

/// How a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub revision: u64,
    pub compacted: u64,
    /// Keys that exist now.
    pub keys: u64,
    /// Bytes of all records, those of history included.
    pub stored_bytes: u64,
    /// Bytes that the store takes on its disk.
    pub disk_bytes: u64,
    /// Why the store takes nothing but deletions, if it does not.
    pub alarm: Option<String>,
    /// Why the store takes no more writes, if it does not.
    pub failed: Option<String>,
}

/// What a store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    pub value_bytes_max: usize,
    pub txn_operations_max: usize,
    /// Others write to it too.
    pub shared: bool,
}
