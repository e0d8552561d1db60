//! Where the state of the API lives.
//!
//! Two rooms. A [`Store`] keeps revisioned keys as etcd does: one counter, ranges at a
//! revision, guarded transactions, a watch from a revision, keys that expire, compaction.
//! [`Embedded`] is the store on this machine's disk, `Etcd` (with the feature `etcd`) one in a cluster. The [`Cache`] in front of it holds every
//! object once, as the bytes that clients get, and answers all reads: gets, lists at any
//! recent revision, watches. It is fed by the store's watch and by nothing else, so what it
//! shows is what is durable.
//!
//! This crate knows of JSON what it needs to put `metadata.resourceVersion` in and to select
//! by labels and fields. It knows nothing of HTTP or of plugins.

mod cache;
mod embedded;
mod encryption;
mod error;
#[cfg(feature = "etcd")]
mod etcd;
mod leader;
mod limits;
mod model;
mod store;
mod sync;

pub use cache::{
    Cache, Event, EventKind, FieldRequirement, Freshness, LabelRequirement, ListQuery, Listing, Object, ObjectEvent,
    Objects, Observer, Operator, SelectableField, Selector, TxnOutcome, WatchEnd, WatchQuery, WatchStart, Watcher,
};
pub use embedded::{BackupError, Embedded, OpenError, Options, Summary, backup, restore};
pub use encryption::{ConfigError, Encrypted, EncryptionConfig, follow_encryption_config};
pub use error::{ReadError, WriteError};
#[cfg(feature = "etcd")]
pub use etcd::{Etcd, EtcdOptions};
pub use leader::{Candidate, HOST_KEYS, Term};
pub use limits::Limits;
pub use model::{Change, Guard, Key, Kv, Op, Page, RangeQuery, Txn, TxnOut, WatchItem, range_end};
pub use store::{Caps, Status, Store};
