//! The recent past: what changed, and what there was.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::claims::Claims;
use super::event::Change;
use super::object::Object;
use super::tree;
use crate::Limits;
use crate::limits::FORGOTTEN_PREFIXES_MAX;

/// All objects at one revision. Copies share what they have in common.
pub(super) type Tree = tree::Tree<Arc<Object>>;

/// Changes without a gap, and now and then the tree that was there.
pub(super) struct History {
    spans: VecDeque<Span>,
    changes: usize,
    bytes: usize,
    /// Nothing before is known of any key.
    began: u64,
    /// By prefix, the last change that was forgotten. What is written seldom can so be watched from
    /// long ago, however much is written beside it.
    forgotten: HashMap<Box<str>, u64>,
}

/// A tree, and the changes after it up to the next span.
struct Span {
    revision: u64,
    tree: Tree,
    changes: Vec<Arc<Change>>,
}

impl History {
    pub(super) fn new(revision: u64, tree: Tree) -> Self {
        let spans = [Span { revision, tree, changes: Vec::new() }].into();
        Self { spans, changes: 0, bytes: 0, began: revision, forgotten: HashMap::new() }
    }

    /// Takes what one batch changed, with the tree after it.
    pub(super) fn push(
        &mut self,
        changes: Vec<Arc<Change>>,
        revision: u64,
        tree: &Tree,
        claims: &Claims,
        limits: &Limits,
    ) {
        self.changes += changes.len();
        self.bytes += changes.iter().map(|change| change.object.stored_bytes()).sum::<usize>();
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
            for change in gone.changes {
                let key = change.object.key();
                self.bytes -= change.object.stored_bytes();
                let prefix = claims.prefix_of(key);
                match self.forgotten.get_mut(prefix) {
                    Some(last) => *last = change.revision(),
                    None => drop(self.forgotten.insert(prefix.into(), change.revision())),
                }
            }
        }
        if self.forgotten.len() > FORGOTTEN_PREFIXES_MAX {
            self.began = self.oldest();
            self.forgotten.clear();
        }
    }

    /// The oldest revision after which every change of `target`, a prefix or a key, is known.
    pub(super) fn oldest_of(&self, target: &str) -> u64 {
        let concerns = |prefix: &str| target.starts_with(prefix) || prefix.starts_with(target);
        let forgotten = self.forgotten.iter().filter(|(prefix, _)| concerns(prefix)).map(|(_, revision)| *revision);
        forgotten.max().unwrap_or(0).max(self.began)
    }

    /// The oldest revision whose tree is known, and after which every change is.
    pub(super) fn oldest(&self) -> u64 {
        self.spans.front().map_or(0, |span| span.revision)
    }

    /// All changes after a revision that are known.
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::claims::Claim;
    use super::*;

    /// A history of writes to these keys, from revision 2 on.
    fn history(keys: &[&str], limits: &Limits) -> History {
        let mut claims = Claims::new();
        claims.set("/busy/", Some(Claim::default()));
        claims.set("/quiet/", Some(Claim::default()));
        let mut tree = Tree::default();
        let mut history = History::new(1, tree.clone());
        for (at, key) in keys.iter().enumerate() {
            let revision = at as u64 + 2;
            let object = Arc::new(Object::new((*key).into(), Bytes::from_static(b"{}"), revision, claims.of(key)));
            let previous = tree.insert(object.key().clone(), object.clone());
            let change = Arc::new(Change::new(object, previous, false));
            history.push(vec![change], revision, &tree, &claims, limits);
        }
        history
    }

    fn limits(changes: usize, per_tree: usize) -> Limits {
        Limits { history_changes_max: changes, history_changes_per_tree: per_tree, ..Limits::default() }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_without_a_gap() {
        let keys = vec!["/busy/a"; 100];
        for (changes, per_tree, oldest) in [(1000, 10, 1), (20, 1, 81), (20, 10, 81), (25, 10, 81), (5, 10, 101)] {
            let history = history(&keys, &limits(changes, per_tree));
            assert_eq!(history.oldest(), oldest, "of {changes} by {per_tree}");
            assert_eq!(history.oldest_of("/busy/a"), oldest);
            for after in oldest..102 {
                let revisions: Vec<_> = history.after(after).map(|change| change.revision()).collect();
                assert_eq!(revisions, (after + 1..102).collect::<Vec<_>>(), "after {after} of {changes} by {per_tree}");
                let found = history.at(after).expect("it is remembered").get("/busy/a").map(|object| object.revision());
                assert_eq!(found, (after > 1).then_some(after));
            }
            assert!(oldest == 1 || history.at(oldest - 1).is_none());
        }
    }

    #[test]
    fn what_is_written_seldom_can_be_watched_from_long_ago() {
        let mut keys = vec!["/busy/a"; 100];
        (keys[3], keys[4]) = ("/quiet/a", "/none/a");
        let history = history(&keys, &limits(20, 1));
        for (target, oldest) in [
            ("/busy/", 81),
            ("/busy/b", 81),
            ("/quiet/", 6),
            ("/quiet/d/", 6),
            // Nobody has claimed it: it could be anywhere.
            ("/none/", 6),
            ("/other/", 6),
            ("/", 81),
        ] {
            assert_eq!(history.oldest_of(target), oldest, "of `{target}`");
        }
        assert_eq!(history.after(6).count(), 20);
    }
}
