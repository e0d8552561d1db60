//! How a watch begins.

use std::sync::Arc;

use super::Cache;
use super::event::ObjectEvent;
use super::selector::{Matcher, Selector};
use super::watcher::{Initial, Mailbox, WatchEnd, Watcher};
use crate::ReadError;

/// What to watch.
#[derive(Clone, Debug)]
pub struct WatchQuery {
    /// A prefix ending in `/`, or one whole key.
    pub target: String,
    pub selector: Selector,
    pub start: WatchStart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchStart {
    /// Added events for what is there now, then changes.
    Now,
    /// Changes after this revision.
    After(u64),
    /// Changes from now on.
    Tail,
    /// As `Now`, once the state has reached this revision; between the two an
    /// [`Event::InitialEventsEnd`](crate::Event::InitialEventsEnd).
    InitialEvents(u64),
}

impl Cache {
    pub async fn watch(&self, query: WatchQuery) -> Result<Watcher, ReadError> {
        let matcher = Matcher::new(query.selector, self.inner.claims.load().of(&query.target))?;
        if let WatchStart::InitialEvents(revision) = query.start {
            self.inner.reach(&query.target, revision).await?;
        }
        let limits = &self.inner.limits;
        let mut core = self.inner.core();
        if core.watchers.len() >= limits.watchers_max {
            return Err(ReadError::Limit(format!(
                "there are `{}` watches already, the most allowed",
                limits.watchers_max
            )));
        }
        let now = self.inner.now.load();
        let initial = |announce_end| Initial::state(now.tree.clone(), now.revision, announce_end);
        let (initial, after) = match query.start {
            WatchStart::Now => (Some(initial(false)), 0),
            WatchStart::InitialEvents(_) => (Some(initial(true)), 0),
            WatchStart::Tail => (None, now.revision),
            // A revision that has not come yet: upstream opens the watch and tells what is behind it.
            WatchStart::After(revision) if revision > now.revision => (None, revision),
            WatchStart::After(revision) => {
                let oldest = core.history.oldest_of(&query.target);
                if revision < oldest {
                    return Err(ReadError::Compacted { oldest });
                }
                let changes = core.history.after(revision).filter(|change| covers(&query.target, change.object.key()));
                let events: Vec<ObjectEvent> = changes.filter_map(|change| change.seen_by(&matcher)).collect();
                match events.is_empty() {
                    true => (None, now.revision),
                    false => (Some(Initial::changes(events, now.revision)), revision),
                }
            }
        };
        let mailbox =
            Arc::new(Mailbox::new(core.watchers.next_id(), &query.target, matcher, after, limits.watcher_events_max));
        core.watchers.add(mailbox.clone());
        drop(core);
        if !self.inner.applied.is_open() {
            mailbox.end(WatchEnd::Stopped);
        }
        Ok(Watcher::new(self.inner.clone(), mailbox, initial, after))
    }
}

/// Whether a watch of `target`, a prefix ending in `/` or a whole key, is told of `key`.
pub(super) fn covers(target: &str, key: &str) -> bool {
    if target.ends_with('/') { key.starts_with(target) } else { key == target }
}
