//! What is in memory of every key: where its writes are, not what they hold.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::record::Slot;
use crate::Key;

/// The keys, and the writes that compaction may delete.
#[derive(Default)]
pub(super) struct Index {
    keys: BTreeMap<Key, Entry>,
    /// Keys that exist now.
    live: u64,
    /// What all writes that were not compacted take.
    bytes: u64,
    /// Superseded writes and deletions, in the order in which compaction may take them.
    garbage: VecDeque<Garbage>,
}

pub(super) struct Entry {
    pub(super) create_revision: u64,
    /// The last write.
    pub(super) slot: Slot,
    /// 0 if that was a deletion.
    pub(super) version: u64,
    bytes: u32,
    /// The writes before, oldest first, until compaction takes them.
    past: Vec<Past>,
}

#[derive(Clone, Copy)]
struct Past {
    slot: Slot,
    bytes: u32,
    deletion: bool,
}

/// A write that nobody needs once everything below `dead_at` is compacted.
#[derive(Clone, Debug)]
pub(super) struct Garbage {
    dead_at: u64,
    pub(super) slot: Slot,
    key: Key,
}

impl Index {
    /// The key as it is now, if it exists.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.keys.get(key).filter(|entry| entry.version != 0)
    }

    /// The key as the index holds it, so that it is in memory once.
    pub(super) fn key(&self, key: &str) -> Option<Key> {
        self.keys.get_key_value(key).map(|(key, _)| key.clone())
    }

    pub(super) fn live(&self) -> u64 {
        self.live
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes note of a write. Writes come in order. Gives the key's last write before.
    pub(super) fn apply(
        &mut self,
        key: &Key,
        slot: Slot,
        create_revision: u64,
        version: u64,
        bytes: u32,
    ) -> Option<Slot> {
        let deletion = version == 0;
        self.bytes += u64::from(bytes);
        let last = match self.keys.get_mut(key) {
            Some(entry) => {
                let was = Past { slot: entry.slot, bytes: entry.bytes, deletion: entry.version == 0 };
                self.live = self.live + u64::from(!deletion) - u64::from(!was.deletion);
                // A deletion became garbage when it happened.
                if !was.deletion {
                    self.garbage.push_back(Garbage { dead_at: slot.revision, slot: was.slot, key: key.clone() });
                }
                entry.past.push(was);
                (entry.create_revision, entry.slot, entry.version, entry.bytes) =
                    (create_revision, slot, version, bytes);
                Some(was.slot)
            }
            None => {
                self.live += u64::from(!deletion);
                self.keys.insert(key.clone(), Entry { create_revision, slot, version, bytes, past: Vec::new() });
                None
            }
        };
        if deletion {
            // A watch may start at the compacted revision itself, and must see a deletion there:
            // it stays until a later one is compacted (etcd#19179).
            self.garbage.push_back(Garbage { dead_at: slot.revision + 1, slot, key: key.clone() });
        }
        last
    }

    /// Where the key's value at a revision is, if it existed.
    pub(super) fn at(&self, key: &str, revision: u64) -> Option<Slot> {
        self.keys.get(key).and_then(|entry| entry.at(revision))
    }

    /// All keys of a range that existed at a revision.
    pub(super) fn range(&self, start: &str, end: &str, revision: u64) -> impl Iterator<Item = (&Key, Slot)> {
        let end = if end.is_empty() { Bound::Unbounded } else { Bound::Excluded(end) };
        // A range that ends before it begins is empty, not a panic.
        let start = match end {
            Bound::Excluded(end) if start > end => end,
            _ => start,
        };
        self.keys
            .range::<str, _>((Bound::Included(start), end))
            .filter_map(move |(key, entry)| entry.at(revision).map(|slot| (key, slot)))
    }

    /// The next writes that can be deleted when everything below `compacted` may go.
    pub(super) fn garbage(&self, compacted: u64, max: usize) -> Vec<Garbage> {
        self.garbage.iter().take(max).take_while(|garbage| garbage.dead_at <= compacted).cloned().collect()
    }

    pub(super) fn has_garbage(&self, compacted: u64) -> bool {
        self.garbage.front().is_some_and(|garbage| garbage.dead_at <= compacted)
    }

    /// Forgets what [`garbage`](Self::garbage) gave, once it is deleted.
    pub(super) fn forget(&mut self, deleted: &[Garbage]) {
        for garbage in deleted {
            self.garbage.pop_front();
            let Some(entry) = self.keys.get_mut(&garbage.key) else { continue };
            if entry.slot == garbage.slot {
                self.bytes -= u64::from(entry.bytes);
                self.keys.remove(&garbage.key);
            } else if let Some(at) = entry.past.iter().position(|past| past.slot == garbage.slot) {
                self.bytes -= u64::from(entry.past.remove(at).bytes);
            }
        }
    }
}

impl Entry {
    fn at(&self, revision: u64) -> Option<Slot> {
        if self.slot.revision <= revision {
            return (self.version != 0).then_some(self.slot);
        }
        self.past
            .iter()
            .rev()
            .find(|past| past.slot.revision <= revision)
            .and_then(|past| (!past.deletion).then_some(past.slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(revision: u64) -> Slot {
        Slot { revision, sub: 0 }
    }

    /// `a` is written at 2 and 4, deleted at 5 and written again at 7; `b` is written at 3.
    fn index() -> Index {
        let (a, b) = (Key::from("a"), Key::from("b"));
        let mut index = Index::default();
        index.apply(&a, slot(2), 2, 1, 100);
        index.apply(&b, slot(3), 3, 1, 100);
        index.apply(&a, slot(4), 2, 2, 100);
        index.apply(&a, slot(5), 0, 0, 100);
        index.apply(&a, slot(7), 7, 1, 100);
        index
    }

    #[test]
    fn a_key_is_found_as_it_was_at_each_revision() {
        let index = index();
        for (revision, found) in
            [(1, None), (2, Some(2)), (3, Some(2)), (4, Some(4)), (5, None), (6, None), (7, Some(7))]
        {
            assert_eq!(index.at("a", revision), found.map(slot), "at {revision}");
        }
        assert_eq!(index.live(), 2);
        assert_eq!(index.range("a", "b", 9).count(), 1);
        assert_eq!(index.range("b", "a", 9).count(), 0);
    }

    #[test]
    fn compaction_takes_what_is_superseded_and_keeps_a_deletion_at_its_own_revision() {
        for (compacted, gone) in [(3, vec![]), (4, vec![2]), (5, vec![2, 4]), (6, vec![2, 4, 5]), (9, vec![2, 4, 5])] {
            let mut index = index();
            let garbage = index.garbage(compacted, 10);
            let revisions: Vec<_> = garbage.iter().map(|garbage| garbage.slot.revision).collect();
            assert_eq!(revisions, gone, "at {compacted}");
            let before: Vec<_> = (compacted..10).map(|revision| index.at("a", revision)).collect();
            index.forget(&garbage);
            let after: Vec<_> = (compacted..10).map(|revision| index.at("a", revision)).collect();
            assert_eq!(before, after, "compaction to {compacted} changed a later state");
            assert!(!index.has_garbage(compacted));
        }
    }

    #[test]
    fn a_deleted_key_is_forgotten_with_its_deletion() {
        let key = Key::from("a");
        let mut index = Index::default();
        index.apply(&key, slot(2), 2, 1, 100);
        index.apply(&key, slot(3), 0, 0, 100);
        let garbage = index.garbage(4, 10);
        index.forget(&garbage);
        assert!(index.keys.is_empty());
        assert_eq!((index.live(), index.bytes()), (0, 0));
    }
}
