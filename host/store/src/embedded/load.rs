//! From the disk to the index, when a store is opened.

use std::ops::ControlFlow;

use super::expiry::Expiries;
use super::first::FirstRead;
use super::index::Index;
use super::log::{Log, Snapshot};
use super::record::Slot;
use crate::Limits;

pub(super) struct Loaded {
    pub(super) index: Index,
    pub(super) revision: u64,
    pub(super) compacted: u64,
    pub(super) expiries: Expiries,
    pub(super) first_read: FirstRead,
}

/// Reads every record once, and checks each. Keeps the values that a cache starts with.
pub(super) fn load(log: &Log, limits: &Limits) -> Result<Loaded, String> {
    let Snapshot { compacted, revision, records } = log.snapshot()?;
    let mut first_read = FirstRead::new(limits.replayed_from(revision, compacted));
    let mut index = Index::default();
    let mut leases = Vec::new();
    records.from(Slot::FIRST, |slot, record| {
        let key = index.key(record.key).unwrap_or_else(|| record.key.into());
        let last = index.apply(&key, slot, record.create_revision, record.version, record.bytes());
        leases.extend(record.lease.map(|lease| (key.clone(), slot, lease)));
        first_read.keep(&key, slot, record, last);
        ControlFlow::Continue(())
    })?;
    if compacted > revision {
        return Err(format!(
            "it was compacted at revision `{compacted}`, but ends at `{revision}`: its end is missing"
        ));
    }
    let mut expiries = Expiries::default();
    for (key, slot, lease) in leases {
        if index.get(&key).is_some_and(|entry| entry.slot == slot) {
            expiries.resume(key, slot.revision, lease);
        }
    }
    Ok(Loaded { index, revision, compacted, expiries, first_read })
}
