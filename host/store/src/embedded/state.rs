//! What of the store everybody may see: only what is durable.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError};

use tokio::sync::watch;

use super::first::FirstRead;
use super::index::Index;
use super::log::{Log, View};
use super::record::{Slot, Stored};
use crate::sync::{Mutex, RwLock, RwLockReadGuard};
use crate::{Change, Key, Kv, Limits, Page, RangeQuery, ReadError, WatchItem};

/// Shared by the store's handle, its committer and its watches.
pub(super) struct Shared {
    pub(super) log: Log,
    /// Gone when it has been read to the end, or something is written.
    pub(super) first_read: Mutex<Option<FirstRead>>,
    pub(super) limits: Limits,
    pub(super) published: RwLock<Published>,
    /// Tells watches of each newest revision; closed with the store.
    pub(super) newest: watch::Sender<Newest>,
    /// Why the store takes no more writes.
    pub(super) failed: OnceLock<String>,
    /// The file that the log is in, if it is in one.
    pub(super) file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) revision: u64,
    pub(super) open: bool,
}

/// The state after the last commit. The committer replaces it under the write lock.
pub(super) struct Published {
    pub(super) index: Index,
    pub(super) revision: u64,
    pub(super) compacted: u64,
    pub(super) recent: Recent,
}

/// The last revisions, for watches that keep up.
#[derive(Default)]
pub(super) struct Recent {
    /// Revisions without a gap, up to the newest.
    items: VecDeque<(u64, Arc<[Change]>)>,
    bytes: usize,
}

impl Recent {
    pub(super) fn push(&mut self, revision: u64, changes: Arc<[Change]>, limits: &Limits) {
        self.bytes += size(&changes);
        self.items.push_back((revision, changes));
        while self.items.len() > limits.recent_revisions_max || self.bytes > limits.recent_bytes_max {
            let Some((_, gone)) = self.items.pop_front() else { break };
            self.bytes -= size(&gone);
        }
    }

    /// Everything from a revision on, if it is all here.
    fn from(&self, revision: u64) -> Option<Vec<WatchItem>> {
        let first = self.items.front()?.0;
        let skip = usize::try_from(revision.checked_sub(first)?).ok()?;
        let item = |(revision, changes): &(u64, Arc<[Change]>)| WatchItem::Batch {
            revision: *revision,
            changes: changes.to_vec(),
        };
        Some(self.items.iter().skip(skip).map(item).collect())
    }
}

fn size(changes: &[Change]) -> usize {
    changes.iter().map(|change| if let Change::Put(kv) = change { kv.value.len() } else { 0 }).sum()
}

impl Shared {
    /// What the disk has left, if the log is on one that says so.
    pub(super) fn disk_left(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(self.file.as_deref()?).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Why only deletions are accepted, if so.
    pub(super) fn alarm(&self, stored: u64, disk_left: Option<u64>) -> Option<String> {
        let (max, reserve) = (self.limits.stored_bytes_max, self.limits.disk_reserve_bytes);
        if stored > max {
            return Some(format!("it holds `{stored}` bytes, the most is `{max}`: delete objects, or raise the limit"));
        }
        let left = disk_left.filter(|left| *left < reserve)?;
        Some(format!("its disk has `{left}` bytes left, it wants `{reserve}` in reserve: make room on the disk"))
    }

    pub(super) fn published(&self) -> RwLockReadGuard<'_, Published> {
        // A panic in the committer ends the store; what was published before it stays true.
        self.published.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state at a revision: where to look, and a view in which that is still there. The
    /// view is taken under the lock: compaction publishes its revision before it deletes.
    fn at(&self, at: Option<u64>) -> Result<(RwLockReadGuard<'_, Published>, View, u64), ReadError> {
        let published = self.published();
        let revision = at.unwrap_or(published.revision);
        if revision > published.revision {
            return Err(ReadError::Ahead { newest: published.revision });
        }
        if revision < published.compacted {
            return Err(ReadError::Compacted { oldest: published.compacted });
        }
        let view = self.log.view().map_err(ReadError::Unavailable)?;
        Ok((published, view, revision))
    }

    pub(super) fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        let (published, view, revision) = self.at(at)?;
        let (slot, newest) = (published.index.at(key, revision), published.revision);
        drop(published);
        let found = slot.map(|slot| view.record(slot).map(|record| record.into_kv(slot.revision)));
        Ok((found.transpose().map_err(ReadError::Unavailable)?, newest))
    }

    pub(super) fn range(&self, query: &RangeQuery) -> Result<Page, ReadError> {
        let (published, view, revision) = self.at(query.at)?;
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut range = published.index.range(&query.start, &query.end, revision);
        let slots: Vec<_> = range.by_ref().take(limit).map(|(key, slot)| (key.clone(), slot)).collect();
        let behind = if query.counted { range.by_ref().count() } else { usize::from(range.next().is_some()) } as u64;
        drop(range);
        drop(published);
        let (more, count) = (behind > 0, slots.len() as u64 + behind);
        let mut kvs = self.read_before(&slots, query.keys_only);
        let is_end = !more && query.end.is_empty();
        if is_end {
            self.forget_first_read();
        }
        // Reads in the order of the disk, not of the keys: a whole keyspace is one pass over the file.
        let mut order: Vec<usize> = (0..slots.len()).filter(|&at| kvs[at].is_none()).collect();
        order.sort_unstable_by_key(|&at| slots[at].1);
        let mut next = order.iter();
        let take = |record: Stored<'_>| {
            if let Some(&at) = next.next() {
                let (key, slot) = &slots[at];
                let value = if query.keys_only { &[] } else { record.value };
                kvs[at] = Some(Stored { value, ..record }.into_kv(key.clone(), slot.revision));
            }
        };
        view.records(order.iter().map(|&at| slots[at].1), take).map_err(ReadError::Unavailable)?;
        Ok(Page { more, kvs: kvs.into_iter().flatten().collect(), count, revision })
    }

    /// What is in memory still of these records.
    fn read_before(&self, slots: &[(Key, Slot)], keys_only: bool) -> Vec<Option<Kv>> {
        let mut first_read = self.first_read.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *first_read {
            Some(first_read) if !keys_only => slots.iter().map(|(_, slot)| first_read.take(*slot)).collect(),
            _ => vec![None; slots.len()],
        }
    }

    pub(super) fn forget_first_read(&self) {
        self.first_read.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The next items of a watch that has seen everything before `from`, if they are at hand.
    /// None of them if there is nothing new.
    pub(super) fn recent(&self, from: u64) -> Option<Vec<WatchItem>> {
        let published = self.published();
        if from > published.revision { Some(Vec::new()) } else { published.recent.from(from) }
    }

    /// The next items of a watch that has fallen behind what is at hand, from the disk.
    pub(super) fn replay(&self, from: u64) -> Result<Vec<WatchItem>, ReadError> {
        let (published, view, newest) = match self.at(None) {
            Ok((published, _, _)) if from < published.compacted => {
                return Ok(vec![WatchItem::Compacted { oldest: published.compacted }]);
            }
            at => at?,
        };
        drop(published);
        let (mut items, mut bytes) = (Vec::new(), 0);
        let mut last: Option<(u64, Vec<Change>)> = None;
        let take = |slot: Slot, record: Stored<'_>| {
            if last.as_ref().is_some_and(|(revision, _)| *revision != slot.revision) {
                items.extend(last.take().map(|(revision, changes)| WatchItem::Batch { revision, changes }));
            }
            // The disk may be ahead of what is published.
            // Between two revisions only: all of one is told, or nothing.
            let is_full = items.len() == self.limits.recent_revisions_max || bytes > self.limits.recent_bytes_max;
            let full = last.is_none() && is_full;
            if slot.revision > newest || full {
                return ControlFlow::Break(());
            }
            bytes += record.value.len();
            let (key, deletion) = (Key::from(record.key), record.version == 0);
            let change =
                if deletion { Change::Delete { key } } else { Change::Put(record.into_kv(key, slot.revision)) };
            last.get_or_insert_with(|| (slot.revision, Vec::new())).1.push(change);
            ControlFlow::Continue(())
        };
        view.from(Slot { revision: from, sub: 0 }, take).map_err(ReadError::Unavailable)?;
        items.extend(last.map(|(revision, changes)| WatchItem::Batch { revision, changes }));
        Ok(items)
    }
}
