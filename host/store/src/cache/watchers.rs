//! Who watches what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::event::Change;
use super::watcher::{Mailbox, WatchEnd};

/// The watchers by the prefix or key that they watch, so that a change visits no others.
#[derive(Default)]
pub(super) struct Watchers {
    by_target: HashMap<Box<str>, BTreeMap<u64, Arc<Mailbox>>>,
    count: usize,
    next_id: u64,
}

impl Watchers {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(super) fn add(&mut self, mailbox: Arc<Mailbox>) {
        self.count += 1;
        self.by_target.entry(mailbox.target.clone()).or_default().insert(mailbox.id, mailbox);
    }

    pub(super) fn remove(&mut self, mailbox: &Mailbox) {
        let Some(there) = self.by_target.get_mut(&mailbox.target) else { return };
        if there.remove(&mailbox.id).is_some() {
            self.count -= 1;
        }
        if there.is_empty() {
            self.by_target.remove(&mailbox.target);
        }
    }

    /// Offers a change to all whom it concerns. Those who have to be woken are added to `touched`; `cut` is
    /// told what those watched who are over.
    pub(super) fn offer(&self, change: &Arc<Change>, touched: &mut Vec<Arc<Mailbox>>, cut: impl Fn(&str)) {
        if self.by_target.is_empty() {
            return;
        }
        let key = change.object.key();
        let prefixes = key.bytes().enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| &key[..=at]);
        // A key that ends in `/` is its own longest prefix.
        let whole = (!key.ends_with('/')).then_some(&**key);
        for mailbox in prefixes.chain(whole).filter_map(|target| self.by_target.get(target)).flat_map(BTreeMap::values)
        {
            let offered = mailbox.offer(change);
            if offered.touched {
                touched.push(mailbox.clone());
            }
            if offered.cut {
                cut(&mailbox.target);
            }
        }
    }

    pub(super) fn end(&mut self, end: &WatchEnd) {
        for mailbox in self.by_target.values().flat_map(BTreeMap::values) {
            mailbox.end(end.clone());
        }
    }
}
