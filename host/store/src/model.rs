//! What goes into a store and comes out of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{Limits, WriteError};

/// A key, a printable path such as `/registry/pods/default/web`. Shared by all that hold it.
pub type Key = Arc<str>;

/// A key with its value at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kv {
    pub key: Key,
    pub value: Bytes,
    /// The revision at which the key came to be, since it was last absent.
    pub create_revision: u64,
    /// The revision of the write that this value is of.
    pub mod_revision: u64,
    /// How often the key was written since it was last absent, from 1.
    pub version: u64,
}

/// A condition of a transaction: the key was last written at this revision; 0 for a key that
/// must not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    pub key: Key,
    pub revision: u64,
}

/// One change of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes the key; with `ttl` it is deleted by itself after that time.
    Put { key: Key, value: Bytes, ttl: Option<Duration> },
    /// Deletes the key, which has to exist: else the transaction is refused.
    Delete { key: Key },
}

impl Op {
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Operations that are applied together, at one revision, if all guards hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    pub guards: Vec<Guard>,
    /// Each on another key.
    pub ops: Vec<Op>,
    /// Whether a refusal brings the value of the key whose guard did not hold.
    pub get_on_refusal: bool,
}

impl Txn {
    /// Whether it can be applied at all.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), WriteError> {
        if self.ops.len() > limits.txn_operations_max {
            let (ops, max) = (self.ops.len(), limits.txn_operations_max);
            return Err(WriteError::Invalid(format!(
                "a transaction of `{ops}` operations, at most `{max}` are allowed"
            )));
        }
        for (at, op) in self.ops.iter().enumerate() {
            let key = op.key();
            if key.is_empty() {
                return Err(WriteError::Invalid("a key is empty".to_owned()));
            }
            within("key", key.len(), limits.key_bytes_max)?;
            if let Op::Put { value, .. } = op {
                within("value", value.len(), limits.value_bytes_max)?;
            }
            if self.ops[..at].iter().any(|other| other.key() == key) {
                return Err(WriteError::Invalid(format!("two operations of a transaction are on the key `{key}`")));
            }
        }
        Ok(())
    }
}

fn within(what: &'static str, bytes: usize, max: usize) -> Result<(), WriteError> {
    if bytes <= max { Ok(()) } else { Err(WriteError::TooLarge { what, bytes: bytes as u64, max: max as u64 }) }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnOut {
    /// Durable, at this revision.
    Applied { revision: u64 },
    /// A guard did not hold for `key`, as of `revision`. Nothing was written and no revision
    /// was used.
    Refused { revision: u64, key: Key, current: Option<Kv> },
}

/// Which keys to read.
#[derive(Clone, Debug, Default)]
pub struct RangeQuery {
    /// The first key.
    pub start: String,
    /// The first key that is not wanted any more; empty for no end.
    pub end: String,
    /// At most so many; 0 for all.
    pub limit: usize,
    /// As of this revision; none for the newest.
    pub at: Option<u64>,
    /// Keys and revisions only: the values are left empty.
    pub keys_only: bool,
    /// Whether to count what is behind the limit, which costs time.
    pub counted: bool,
}

impl RangeQuery {
    /// Everything below a prefix.
    pub fn prefix(prefix: &str) -> Self {
        Self { start: prefix.to_owned(), end: range_end(prefix), ..Self::default() }
    }
}

/// The first key behind all that begin with `prefix`; empty if there is none.
pub fn range_end(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Skips the surrogates, which are no characters.
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            end.push(next);
            return end;
        }
    }
    end
}

/// What a range found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub kvs: Vec<Kv>,
    /// There are more keys behind the last one.
    pub more: bool,
    /// How many keys the range holds, whatever the limit. If nobody asked for it, no more than
    /// that there are more.
    pub count: u64,
    /// The revision that this is the state of.
    pub revision: u64,
}

/// What a watch of a store brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchItem {
    /// All that one revision changed, in the order of the transaction. Nothing, if it changed only
    /// what is not of this store.
    Batch { revision: u64, changes: Vec<Change> },
    /// The revision to start from is no longer there. Nothing follows.
    Compacted { oldest: u64 },
}

/// One key that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Put(Kv),
    Delete { key: Key },
}

impl Change {
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(kv) => &kv.key,
            Self::Delete { key } => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::range_end;

    #[test]
    fn the_end_of_a_prefix_is_the_first_key_behind_it() {
        let last = char::MAX.to_string();
        for (prefix, end) in [("/a/", "/a0"), ("", ""), ("a", "b"), (last.as_str(), ""), (&format!("a{last}"), "b")] {
            assert_eq!(range_end(prefix), end, "of `{prefix}`");
        }
        assert_eq!(range_end("\u{d7ff}"), "\u{e000}");
    }
}
