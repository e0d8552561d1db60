//! Every bound of the store and the cache, in one place.

use std::time::Duration;

/// One answer of etcd: a page of the largest lists, with room to spare.
pub(crate) const ETCD_ANSWER_BYTES_MAX: usize = 512 << 20;

/// Prefixes that changes which the history forgot are told apart by.
pub(crate) const FORGOTTEN_PREFIXES_MAX: usize = 10_000;

/// One record of a backup. Beyond the largest that any limits allow: the length in a damaged file is not
/// believed.
pub(crate) const BACKUP_RECORD_BYTES_MAX: usize = 64 << 20;

/// What may grow, and how far. The defaults serve a control plane of some hundred thousand
/// objects; tests make them small.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a key. kube-apiserver's longest are below 800: a group, a resource, a namespace
    /// of 63 and a name of 253. Beyond: [`WriteError::TooLarge`](crate::WriteError::TooLarge).
    pub key_bytes_max: usize,
    /// Bytes of a value. etcd takes requests of 1.5 MiB. Beyond:
    /// [`WriteError::TooLarge`](crate::WriteError::TooLarge).
    pub value_bytes_max: usize,
    /// Operations of one transaction, as in etcd. Beyond:
    /// [`WriteError::Invalid`](crate::WriteError::Invalid).
    pub txn_operations_max: usize,
    /// Transactions that wait for the committer, beside those that it writes. Beyond:
    /// [`WriteError::Overloaded`](crate::WriteError::Overloaded).
    pub queue_transactions_max: usize,
    /// How long a write that could be written waits for others, so that they share a commit.
    pub gathering_max: Duration,
    /// Operations that one commit takes from the queue; larger ones make the first in it wait
    /// for the last.
    pub batch_operations_max: usize,
    /// Bytes of records that one commit takes from the queue.
    pub batch_bytes_max: usize,
    /// Bytes of all records, history included, as in etcd's quota. Beyond:
    /// [`WriteError::NoSpace`](crate::WriteError::NoSpace), until something is deleted and compacted.
    pub stored_bytes_max: u64,
    /// Bytes that the disk must have left, so that there is room to delete and to compact. Below:
    /// [`WriteError::NoSpace`](crate::WriteError::NoSpace).
    pub disk_reserve_bytes: u64,
    /// Superseded records that one commit deletes while compaction is under way: about a
    /// millisecond of work.
    pub batch_compactions_max: usize,
    /// Expired keys that one commit deletes, so that ten thousand of them do not hold up
    /// writers.
    pub batch_expiries_max: usize,
    /// Recent revisions that the store's own watches are served from without reading the disk.
    pub recent_revisions_max: usize,
    /// Bytes of the values in those.
    pub recent_bytes_max: usize,
    /// Memory that the engine uses for pages. Reads are served by the watch cache, so little
    /// is enough.
    pub page_cache_bytes: usize,
    /// Changes that the watch cache remembers: how far back a watch may start and a list may
    /// ask, before it is read from disk or refused.
    pub history_changes_max: usize,
    /// Bytes of the objects in that history.
    pub history_bytes_max: usize,
    /// Changes between two trees that the history keeps. More of them make reads at an exact
    /// revision replay more, fewer cost memory.
    pub history_changes_per_tree: usize,
    /// Revisions that are replayed into the history when the cache starts, so that clients
    /// resume their watches over a restart.
    pub history_replayed_max: u64,
    /// Events that wait in one watcher. A watcher that is read more slowly is closed, and
    /// its client lists again.
    pub watcher_events_max: usize,
    /// Watchers at a time. Beyond: [`ReadError::Limit`](crate::ReadError::Limit).
    pub watchers_max: usize,
    /// Selectable fields of one claim.
    pub selectable_fields_max: usize,
    /// How long a read waits for a revision in the future, as in kube-apiserver. Then:
    /// [`ReadError::Ahead`](crate::ReadError::Ahead).
    pub future_revision_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes_max: 1024,
            value_bytes_max: 1536 * 1024,
            txn_operations_max: 128,
            queue_transactions_max: 4096,
            gathering_max: Duration::from_millis(1),
            batch_operations_max: 512,
            batch_bytes_max: 4 << 20,
            stored_bytes_max: 8 << 30,
            disk_reserve_bytes: 64 << 20,
            batch_compactions_max: 1000,
            batch_expiries_max: 64,
            recent_revisions_max: 1024,
            recent_bytes_max: 8 << 20,
            page_cache_bytes: 16 << 20,
            history_changes_max: 20_000,
            history_bytes_max: 64 << 20,
            history_changes_per_tree: 64,
            history_replayed_max: 2_000,
            watcher_events_max: 2048,
            watchers_max: 100_000,
            selectable_fields_max: 32,
            future_revision_wait: Duration::from_secs(3),
        }
    }
}

impl Limits {
    /// The revision that a cache begins with: what came later is replayed into its history.
    pub(crate) fn replayed_from(&self, newest: u64, compacted: u64) -> u64 {
        newest.saturating_sub(self.history_replayed_max).max(compacted).max(1)
    }

    /// Each bound with its unit in its name, for `host limits`.
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("key_bytes_max", self.key_bytes_max as u64),
            ("value_bytes_max", self.value_bytes_max as u64),
            ("txn_operations_max", self.txn_operations_max as u64),
            ("queue_transactions_max", self.queue_transactions_max as u64),
            ("gathering_max_ms", self.gathering_max.as_millis() as u64),
            ("batch_operations_max", self.batch_operations_max as u64),
            ("batch_bytes_max", self.batch_bytes_max as u64),
            ("stored_bytes_max", self.stored_bytes_max),
            ("disk_reserve_bytes", self.disk_reserve_bytes),
            ("batch_compactions_max", self.batch_compactions_max as u64),
            ("batch_expiries_max", self.batch_expiries_max as u64),
            ("recent_revisions_max", self.recent_revisions_max as u64),
            ("recent_bytes_max", self.recent_bytes_max as u64),
            ("page_cache_bytes", self.page_cache_bytes as u64),
            ("history_changes_max", self.history_changes_max as u64),
            ("history_bytes_max", self.history_bytes_max as u64),
            ("history_changes_per_tree", self.history_changes_per_tree as u64),
            ("history_replayed_max", self.history_replayed_max),
            ("watcher_events_max", self.watcher_events_max as u64),
            ("watchers_max", self.watchers_max as u64),
            ("selectable_fields_max", self.selectable_fields_max as u64),
            ("etcd_answer_bytes_max", ETCD_ANSWER_BYTES_MAX as u64),
            ("forgotten_prefixes_max", FORGOTTEN_PREFIXES_MAX as u64),
            ("backup_record_bytes_max", BACKUP_RECORD_BYTES_MAX as u64),
            ("future_revision_wait_ms", self.future_revision_wait.as_millis() as u64),
        ]
    }
}
