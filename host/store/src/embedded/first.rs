//! What opening a store has read, for whoever reads all of it next: a start goes over the disk once,
//! and not a second time for the cache.

use super::record::{Slot, Stored};
use crate::{Key, Kv};

/// The values as of one revision, until they are taken.
pub(super) struct FirstRead {
    at: u64,
    /// In the order of the slots. None for what was taken, or superseded.
    kept: Vec<(Slot, Option<Kv>)>,
    /// How many there are still.
    live: usize,
}

/// Places that are empty before those that are not are moved together.
const EMPTY_MIN: usize = 1024;

impl FirstRead {
    pub(super) fn new(at: u64) -> Self {
        Self { at, kept: Vec::new(), live: 0 }
    }

    /// Keeps a record, which comes behind all others, in the place of the one that was the key's last.
    pub(super) fn keep(&mut self, key: &Key, slot: Slot, record: Stored<'_>, last: Option<Slot>) {
        if slot.revision > self.at {
            return;
        }
        // A long history must not fill the memory.
        drop(last.and_then(|last| self.take(last)));
        if self.kept.len() > 2 * self.live + EMPTY_MIN {
            self.kept.retain(|(_, kv)| kv.is_some());
        }
        if record.version != 0 {
            self.live += 1;
            self.kept.push((slot, Some(record.into_kv(key.clone(), slot.revision))));
        }
    }

    pub(super) fn take(&mut self, slot: Slot) -> Option<Kv> {
        let at = self.kept.binary_search_by_key(&slot, |(slot, _)| *slot).ok()?;
        let kv = self.kept[at].1.take();
        self.live -= usize::from(kv.is_some());
        kv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(revision: u64) -> Slot {
        Slot { revision, sub: 0 }
    }

    fn record(key: &str, version: u64) -> Stored<'_> {
        Stored { key, create_revision: 2, version, lease: None, value: b"1" }
    }

    #[test]
    fn the_last_value_of_each_key_is_kept_as_of_its_revision() {
        let (a, b) = (Key::from("a"), Key::from("b"));
        let mut first = FirstRead::new(5);
        first.keep(&a, slot(2), record("a", 1), None);
        first.keep(&b, slot(3), record("b", 1), None);
        first.keep(&a, slot(4), record("a", 2), Some(slot(2)));
        first.keep(&b, slot(5), record("b", 0), Some(slot(3)));
        first.keep(&a, slot(6), record("a", 3), Some(slot(4)));
        let taken: Vec<_> = (0..8).map(|revision| first.take(slot(revision)).map(|kv| kv.mod_revision)).collect();
        assert_eq!(taken, [None, None, None, None, Some(4), None, None, None]);
        assert_eq!(first.take(slot(4)), None, "it was taken");
    }

    #[test]
    fn what_was_superseded_takes_no_room() {
        let key = Key::from("a");
        let mut first = FirstRead::new(u64::MAX);
        for revision in 2..100_000 {
            let last = (revision > 2).then(|| slot(revision - 1));
            first.keep(&key, slot(revision), record("a", revision), last);
        }
        assert!(first.kept.len() <= EMPTY_MIN + 3, "{} places", first.kept.len());
        assert_eq!(first.take(slot(99_999)).map(|kv| kv.version), Some(99_999));
    }
}
