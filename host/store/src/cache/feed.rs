//! From the store's watch into the cache: the only way in.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::event::Change;
use super::object::Object;
use super::watcher::{Mailbox, WatchEnd};
use super::{Inner, Snapshot};
use crate::{Change as Stored, WatchItem};

/// Revisions that are made visible in one step.
const REVISIONS_MAX: usize = 512;

/// Applies what the store's watch brings, until it ends.
pub(super) async fn run(cache: Arc<Inner>, watch: BoxStream<'static, WatchItem>) {
    let mut ready = watch.ready_chunks(REVISIONS_MAX);
    while let Some(items) = ready.next().await {
        if !cache.apply(items) {
            break;
        }
    }
    cache.stop();
}

impl Inner {
    /// Makes a few revisions visible, at once and to everybody. Says whether more can follow.
    fn apply(&self, items: Vec<WatchItem>) -> bool {
        let mut changed: Vec<(u64, Stored)> = Vec::new();
        let mut complete = true;
        for item in items {
            match item {
                WatchItem::Batch { revision, changes } => {
                    changed.extend(changes.into_iter().map(|change| (revision, change)));
                }
                WatchItem::Compacted { oldest } => {
                    tracing::error!(oldest, "the cache has fallen behind the store's compaction");
                    complete = false;
                }
            }
        }
        // What costs time is done before anybody has to wait for it.
        let claims = self.claims.load_full();
        let changed: Vec<(u64, Prepared)> = changed
            .into_iter()
            .map(|(revision, change)| match change {
                Stored::Delete { key } => (revision, Prepared::Delete(key)),
                Stored::Put(kv) => {
                    let claim = claims.of(&kv.key);
                    (revision, Prepared::Put(Arc::new(Object::new(kv.key, kv.value, kv.mod_revision, claim))))
                }
            })
            .collect();
        if let Some(&(newest, _)) = changed.last() {
            let touched = self.publish(changed, newest);
            for mailbox in touched {
                mailbox.wake();
            }
        }
        complete
    }

    fn publish(&self, changed: Vec<(u64, Prepared)>, newest: u64) -> Vec<Arc<Mailbox>> {
        let mut core = self.core();
        let mut touched = Vec::new();
        let mut tree = self.now.load().tree.clone();
        let mut changes = Vec::with_capacity(changed.len());
        for (revision, change) in changed {
            let change = match change {
                Prepared::Put(object) => {
                    let previous = tree.insert(object.key().clone(), object.clone());
                    Change::new(object, previous, false)
                }
                Prepared::Delete(key) => {
                    // A key that the cache never had: nobody has seen it.
                    let Some(previous) = tree.remove(&*key) else { continue };
                    Change::new(Arc::new(previous.at(revision)), Some(previous), true)
                }
            };
            let change = Arc::new(change);
            core.watchers.offer(&change, &mut touched);
            changes.push(change);
        }
        core.history.push(changes, newest, &tree, &self.limits);
        self.now.store(Arc::new(Snapshot { revision: newest, tree }));
        self.applied.advance(newest);
        touched
    }

    pub(super) fn stop(&self) {
        self.applied.end();
        self.core().watchers.end(&WatchEnd::Stopped);
    }
}

enum Prepared {
    Put(Arc<Object>),
    Delete(crate::Key),
}
