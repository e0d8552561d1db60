//! The recent past: what changed, and what there was.

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::OrdMap;

use super::event::Change;
use super::object::Object;
use crate::{Key, Limits};

/// All objects at one revision. Copies share what they have in common.
pub(super) type Tree = OrdMap<Key, Arc<Object>>;

/// Changes without a gap, and now and then the tree that was there.
pub(super) struct History {
    spans: VecDeque<Span>,
    changes: usize,
    bytes: usize,
}

/// A tree, and the changes after it up to the next span.
struct Span {
    revision: u64,
    tree: Tree,
    changes: Vec<Arc<Change>>,
}

impl History {
    pub(super) fn new(revision: u64, tree: Tree) -> Self {
        Self { spans: [Span { revision, tree, changes: Vec::new() }].into(), changes: 0, bytes: 0 }
    }

    /// Takes what one batch changed, with the tree after it.
    pub(super) fn push(&mut self, changes: Vec<Arc<Change>>, revision: u64, tree: &Tree, limits: &Limits) {
        self.changes += changes.len();
        self.bytes += changes.iter().map(|change| change.object.json().len()).sum::<usize>();
        let Some(span) = self.spans.back_mut() else { return };
        span.changes.extend(changes);
        if span.changes.len() >= limits.history_changes_per_tree {
            self.spans.push_back(Span { revision, tree: tree.clone(), changes: Vec::new() });
        }
        while (self.changes > limits.history_changes_max || self.bytes > limits.history_bytes_max)
            && self.spans.len() > 1
        {
            let Some(gone) = self.spans.pop_front() else { break };
            self.changes -= gone.changes.len();
            self.bytes -= gone.changes.iter().map(|change| change.object.json().len()).sum::<usize>();
        }
    }

    /// The oldest revision whose tree is known, and after which every change is.
    pub(super) fn oldest(&self) -> u64 {
        self.spans.front().map_or(0, |span| span.revision)
    }

    /// All changes after a revision, which is not older than [`oldest`](Self::oldest).
    pub(super) fn after(&self, revision: u64) -> impl Iterator<Item = &Arc<Change>> {
        let first = self.spans.partition_point(|span| span.revision <= revision).saturating_sub(1);
        self.spans.range(first..).flat_map(move |span| {
            let seen = span.changes.partition_point(|change| change.revision() <= revision);
            &span.changes[seen..]
        })
    }

    /// The objects as they were at a revision, if that is still known.
    pub(super) fn at(&self, revision: u64) -> Option<Tree> {
        let next = self.spans.partition_point(|span| span.revision <= revision);
        let span = self.spans.get(next.checked_sub(1)?)?;
        let mut tree = span.tree.clone();
        for change in span.changes.iter().take_while(|change| change.revision() <= revision) {
            if change.deleted {
                tree.remove(change.object.key());
            } else {
                tree.insert(change.object.key().clone(), change.object.clone());
            }
        }
        Some(tree)
    }
}
