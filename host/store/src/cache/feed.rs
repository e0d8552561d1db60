//! From the store's watch into the cache: the only way in.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;

use super::claims::Claims;
use super::event::Change as Told;
use super::history::History;
use super::object::Object;
use super::watcher::{Mailbox, WatchEnd};
use super::{Inner, Snapshot, load};
use crate::{Change, Key, ReadError, WatchItem};

/// Revisions that are made visible in one step.
const REVISIONS_MAX: usize = 512;

/// Applies what the store's watch brings, until it ends.
pub(super) async fn run(cache: Arc<Inner>) {
    loop {
        let watch = cache.store.watch(cache.applied.revision() + 1);
        if let Some(oldest) = cache.follow(watch).await {
            tracing::warn!(oldest, "the cache has fallen behind the store's compaction, and reads all of it again");
            match cache.reread().await {
                Ok(()) => continue,
                Err(error) => tracing::error!(%error, "the cache cannot be read again"),
            }
        }
        return cache.stop();
    }
}

impl Inner {
    /// Follows a watch to its end; gives the oldest revision there is, if what should have come
    /// next was compacted.
    async fn follow(&self, watch: BoxStream<'static, WatchItem>) -> Option<u64> {
        let mut ready = watch.ready_chunks(REVISIONS_MAX);
        while let Some(items) = ready.next().await {
            let claims = self.claims.load_full();
            let watched = self.core().watchers.len() > 0;
            let mut changed = Vec::with_capacity(items.len());
            let (mut newest, mut compacted) = (None, None);
            for item in items {
                match item {
                    WatchItem::Compacted { oldest } => compacted = Some(oldest),
                    WatchItem::Batch { revision, changes } => {
                        if let Some(error) = changes.iter().find_map(unreadable) {
                            tracing::error!(%error, "the cache ends");
                            return None;
                        }
                        newest = Some(revision);
                        changed.extend(
                            changes.into_iter().map(|change| (revision, self.prepare(change, &claims, watched))),
                        );
                    }
                }
            }
            if let Some(newest) = newest {
                self.publish(changed, newest, Course::Complete);
            }
            if compacted.is_some() {
                return compacted;
            }
        }
        None
    }

    /// Goes on from the newest state of the store. Those who watch are told the difference.
    async fn reread(&self) -> Result<(), ReadError> {
        let claims = self.claims.load_full();
        let (newest, objects) = load::all(&*self.store, None, &claims).await?;
        let old = self.now.load_full();
        let gone = {
            let there: HashSet<&Key> = objects.iter().map(|object| object.key()).collect();
            let gone = old.tree.iter().map(|(key, _)| key).filter(|key| !there.contains(key));
            gone.cloned().map(|key| (newest, Prepared::Delete(key))).collect::<Vec<_>>()
        };
        let is_new =
            |object: &Arc<Object>| old.tree.get(object.key()).is_none_or(|old| old.revision() != object.revision());
        let written = objects.into_iter().filter(is_new);
        let mut changed: Vec<_> = written.map(|object| (object.revision(), Prepared::Put(object))).collect();
        changed.sort_by_key(|(revision, _)| *revision);
        changed.extend(gone);
        self.publish(changed, newest, Course::Gap);
        Ok(())
    }

    /// Makes some revisions visible, at once and to everybody.
    fn publish(&self, changed: Vec<(u64, Prepared)>, newest: u64, course: Course) {
        for mailbox in self.show(changed, newest, course) {
            mailbox.wake();
        }
    }

    /// Gives those who have to be woken.
    fn show(&self, changed: Vec<(u64, Prepared)>, newest: u64, course: Course) -> Vec<Arc<Mailbox>> {
        let cut = |target: &str| self.observer.get().into_iter().for_each(|observer| observer.watch_cut(target));
        let mut core = self.core();
        let mut touched = Vec::new();
        let mut tree = self.now.load().tree.clone();
        let mut changes = Vec::with_capacity(changed.len());
        for (revision, change) in changed {
            let change = match change {
                Prepared::Put(object) => {
                    let previous = tree.insert(object.key().clone(), object.clone());
                    Told::new(object, previous, false)
                }
                Prepared::Delete(key) => {
                    // A key that the cache never had: nobody has seen it.
                    let Some(previous) = tree.remove(&key) else { continue };
                    Told::new(Arc::new(previous.at(revision)), Some(previous), true)
                }
            };
            let change = Arc::new(change);
            core.watchers.offer(&change, &mut touched, cut);
            changes.push(change);
        }
        match course {
            Course::Complete => core.history.push(changes, newest, &tree, &self.claims.load(), &self.limits),
            // Nobody may start in between.
            Course::Gap => core.history = History::new(newest, tree.clone()),
        }
        self.now.store(Arc::new(Snapshot { revision: newest, tree }));
        self.applied.advance(newest);
        touched
    }

    fn prepare(&self, change: Change, claims: &Claims, watched: bool) -> Prepared {
        let kv = match change {
            Change::Delete { key } => return Prepared::Delete(key),
            Change::Put(kv) => kv,
        };
        let claim = claims.of(&kv.key);
        let (key, value, revision) = (kv.key, kv.value, kv.mod_revision);
        let object = match self.checked.take(&value, claim) {
            Some(read) => Object::known(key, value, read, revision, claim),
            None => Object::new(key, value, revision, claim),
        };
        if watched {
            // Before anybody has to wait for it. Else it is for who looks first: a start
            // replays much that nobody looks at.
            object.show();
        }
        Prepared::Put(Arc::new(object))
    }

    pub(super) fn stop(&self) {
        self.applied.end();
        self.core().watchers.end(&WatchEnd::Stopped);
    }
}

enum Prepared {
    Put(Arc<Object>),
    Delete(Key),
}

/// Whether some changes are all that there were since the last ones.
enum Course {
    Complete,
    Gap,
}

fn unreadable(change: &Change) -> Option<String> {
    match change {
        Change::Put(kv) => load::readable(kv).err(),
        Change::Delete { .. } => None,
    }
}
