//! An ordered map whose copies share what they have in common.
//!
//! A B-tree with its entries in the leaves. A copy is one pointer; a change copies the nodes on
//! its way, unless nobody else has them. Branches know how many entries are below each child, so
//! that counting a range costs no more than finding its ends.

use std::sync::Arc;

use crate::Key;

/// Entries of a leaf and children of a branch. Larger nodes make a change copy more while an
/// older tree is kept, smaller ones make the way longer.
const NODE_MAX: usize = 32;
/// A node with fewer is put together with its neighbour.
const NODE_MIN: usize = NODE_MAX / 4;

#[derive(Debug)]
pub(super) struct Tree<V> {
    root: Arc<Node<V>>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Leaf(Vec<(Key, V)>),
    Branch(Vec<Child<V>>),
}

#[derive(Debug)]
struct Child<V> {
    /// No key below is less, and every key of the child before is. Means nothing in the first.
    low: Key,
    /// Entries below.
    len: usize,
    node: Arc<Node<V>>,
}

impl<V> Clone for Tree<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone(), len: self.len }
    }
}

impl<V> Clone for Child<V> {
    fn clone(&self) -> Self {
        Self { low: self.low.clone(), len: self.len, node: self.node.clone() }
    }
}

impl<V> Default for Tree<V> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), len: 0 }
    }
}

impl<V: Clone> Tree<V> {
    /// Makes a tree of entries whose keys ascend.
    pub(super) fn of_sorted(entries: Vec<(Key, V)>) -> Self {
        debug_assert!(entries.is_sorted_by(|one, other| one.0 < other.0), "the keys do not ascend");
        let mut nodes = pack(entries, Node::Leaf);
        while nodes.len() > 1 {
            nodes = pack(nodes, Node::Branch);
        }
        nodes.pop().map_or_else(Self::default, |root| Self { root: root.node, len: root.len })
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(entries) => return find(entries, key).ok().map(|at| &entries[at].1),
                Node::Branch(children) => node = &children[way(children, key)].node,
            }
        }
    }

    /// Gives what was there before.
    pub(super) fn insert(&mut self, key: Key, value: V) -> Option<V> {
        let (before, split) = insert(&mut self.root, key, value);
        if let Some(right) = split {
            let right_len = right.len;
            let left = Child { low: Key::from(""), len: self.len + 1 - right_len, node: self.root.clone() };
            self.root = Arc::new(Node::Branch(vec![left, right]));
        }
        self.len += usize::from(before.is_none());
        before
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        // A key that is not there must not copy its way.
        self.get(key)?;
        let removed = remove(&mut self.root, key)?;
        self.len -= 1;
        if let Node::Branch(children) = &*self.root
            && let [only] = &children[..]
        {
            self.root = only.node.clone();
        }
        Some(removed)
    }

    /// The entries from `start` on and before `end`, in order; an empty `end` is none.
    pub(super) fn range<'a>(&'a self, start: &str, end: &str) -> Range<'a, V> {
        Range { left: self.count(start, end), ..self.from(start) }
    }

    /// The same entries, to keep; the first `max` of them.
    pub(super) fn span(&self, start: &str, end: &str, max: usize) -> Span<V> {
        let mut span = Span { leaves: Vec::new(), len: 0 };
        span.gather(&self.root, self.rank(start), self.count(start, end).min(max));
        span
    }

    pub(super) fn iter(&self) -> Range<'_, V> {
        self.range("", "")
    }

    /// How many entries [`range`](Self::range) would give.
    pub(super) fn count(&self, start: &str, end: &str) -> usize {
        let end = if end.is_empty() { self.len } else { self.rank(end) };
        end.saturating_sub(self.rank(start))
    }

    /// How many keys are less.
    fn rank(&self, key: &str) -> usize {
        let (mut node, mut before) = (&*self.root, 0);
        loop {
            match node {
                Node::Leaf(entries) => return before + find(entries, key).unwrap_or_else(|at| at),
                Node::Branch(children) => {
                    let at = way(children, key);
                    before += children[..at].iter().map(|child| child.len).sum::<usize>();
                    node = &children[at].node;
                }
            }
        }
    }

    fn from(&self, start: &str) -> Range<'_, V> {
        let (mut node, mut ways) = (&*self.root, Vec::new());
        loop {
            match node {
                Node::Leaf(entries) => {
                    let at = find(entries, start).unwrap_or_else(|at| at);
                    return Range { ways, leaf: entries[at..].iter(), left: 0 };
                }
                Node::Branch(children) => {
                    let at = way(children, start);
                    ways.push(children[at + 1..].iter());
                    node = &children[at].node;
                }
            }
        }
    }
}

/// Neighbours that stay as they are, whatever becomes of the tree: leaves are kept and not entries, of which
/// there are many more, each far from the last.
#[derive(Debug)]
pub(super) struct Span<V> {
    leaves: Vec<Leaf<V>>,
    len: usize,
}

#[derive(Debug)]
struct Leaf<V> {
    node: Arc<Node<V>>,
    /// The first of its entries that is one of the span's.
    from: usize,
    /// How many of the span's are in the leaves before.
    before: usize,
}

impl<V> Span<V> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The values from the one at an index on.
    pub(super) fn from(&self, index: usize) -> impl Iterator<Item = &V> {
        let first = self.leaves.partition_point(|leaf| leaf.before <= index).saturating_sub(1);
        let skipped = index - self.leaves.get(first).map_or(0, |leaf| leaf.before);
        let values = self.leaves[first..].iter().flat_map(|leaf| &leaf.node.entries()[leaf.from..]);
        values.skip(skipped).take(self.len.saturating_sub(index)).map(|(_, value)| value)
    }

    /// Takes `max` entries below a node more, behind the first `skip` there.
    fn gather(&mut self, node: &Arc<Node<V>>, mut skip: usize, max: usize) {
        let end = self.len + max;
        match &**node {
            Node::Leaf(entries) if max > 0 => {
                self.leaves.push(Leaf { node: node.clone(), from: skip, before: self.len });
                self.len += max.min(entries.len() - skip);
            }
            Node::Leaf(_) => {}
            Node::Branch(children) => {
                for child in children {
                    if self.len == end {
                        break;
                    }
                    let skipped = skip.min(child.len);
                    if skipped < child.len {
                        self.gather(&child.node, skipped, (end - self.len).min(child.len - skipped));
                    }
                    skip -= skipped;
                }
            }
        }
    }
}

/// A walk through the leaves.
pub(super) struct Range<'a, V> {
    /// What is still to come of each branch on the way, the root's first.
    ways: Vec<std::slice::Iter<'a, Child<V>>>,
    leaf: std::slice::Iter<'a, (Key, V)>,
    left: usize,
}

impl<'a, V> Iterator for Range<'a, V> {
    type Item = (&'a Key, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        loop {
            if let Some((key, value)) = self.leaf.next() {
                return Some((key, value));
            }
            let mut node = loop {
                match self.ways.last_mut()?.next() {
                    Some(child) => break &*child.node,
                    None => drop(self.ways.pop()),
                }
            };
            loop {
                match node {
                    Node::Leaf(entries) => break self.leaf = entries.iter(),
                    Node::Branch(children) => {
                        let mut children = children.iter();
                        let Some(first) = children.next() else { break };
                        node = &first.node;
                        self.ways.push(children);
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<V> ExactSizeIterator for Range<'_, V> {}

impl<V> Node<V> {
    /// None of a branch's.
    fn entries(&self) -> &[(Key, V)] {
        match self {
            Self::Leaf(entries) => entries,
            Self::Branch(_) => &[],
        }
    }

    /// Entries or children.
    fn width(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(children) => children.iter().map(|child| child.len).sum(),
        }
    }

    fn low(&self) -> Option<&Key> {
        match self {
            Self::Leaf(entries) => entries.first().map(|(key, _)| key),
            Self::Branch(children) => children.first().map(|child| &child.low),
        }
    }

    /// Takes the upper half away, if there is too much.
    fn split(&mut self) -> Option<Child<V>> {
        if self.width() <= NODE_MAX {
            return None;
        }
        child(match self {
            Self::Leaf(entries) => Self::Leaf(entries.split_off(entries.len() / 2)),
            Self::Branch(children) => Self::Branch(children.split_off(children.len() / 2)),
        })
    }
}

/// Makes nodes of about the same width. Room is left, so that the first insertions split nothing.
fn pack<T, V>(parts: Vec<T>, node: impl Fn(Vec<T>) -> Node<V>) -> Vec<Child<V>> {
    let (len, nodes) = (parts.len(), parts.len().div_ceil(NODE_MAX * 3 / 4));
    let mut parts = parts.into_iter();
    let take = |at| node(parts.by_ref().take(len * (at + 1) / nodes - len * at / nodes).collect());
    (0..nodes).map(take).filter_map(child).collect()
}

/// A node with what its parent knows of it; none if it is empty.
fn child<V>(node: Node<V>) -> Option<Child<V>> {
    let low = node.low()?.clone();
    Some(Child { low, len: node.len(), node: Arc::new(node) })
}

fn find<V>(entries: &[(Key, V)], key: &str) -> Result<usize, usize> {
    entries.binary_search_by(|(there, _)| (**there).cmp(key))
}

/// Below which child a key is, if it is anywhere.
fn way<V>(children: &[Child<V>], key: &str) -> usize {
    children.partition_point(|child| *child.low <= *key).saturating_sub(1)
}

/// Gives what was there before, and what was split off because there is too much now.
fn insert<V: Clone>(node: &mut Arc<Node<V>>, key: Key, value: V) -> (Option<V>, Option<Child<V>>) {
    let node = Arc::make_mut(node);
    let before = match node {
        Node::Leaf(entries) => match find(entries, &key) {
            Ok(at) => Some(std::mem::replace(&mut entries[at], (key, value)).1),
            Err(at) => {
                entries.insert(at, (key, value));
                None
            }
        },
        Node::Branch(children) => {
            let at = way(children, &key);
            let below = &mut children[at];
            if at == 0 && key < below.low {
                below.low = key.clone();
            }
            let (before, split) = insert(&mut below.node, key, value);
            below.len += usize::from(before.is_none());
            if let Some(right) = split {
                below.len -= right.len;
                children.insert(at + 1, right);
            }
            before
        }
    };
    let split = node.split();
    (before, split)
}

fn remove<V: Clone>(node: &mut Arc<Node<V>>, key: &str) -> Option<V> {
    match Arc::make_mut(node) {
        Node::Leaf(entries) => find(entries, key).ok().map(|at| entries.remove(at).1),
        Node::Branch(children) => {
            let at = way(children, key);
            let removed = remove(&mut children[at].node, key)?;
            children[at].len -= 1;
            if children[at].node.width() < NODE_MIN && children.len() > 1 {
                join(children, at.min(children.len() - 2));
            }
            Some(removed)
        }
    }
}

/// Puts a child together with the next one.
fn join<V: Clone>(children: &mut Vec<Child<V>>, at: usize) {
    let right = children.remove(at + 1);
    let left = &mut children[at];
    let node = Arc::make_mut(&mut left.node);
    match (&mut *node, Arc::unwrap_or_clone(right.node)) {
        (Node::Leaf(entries), Node::Leaf(more)) => entries.extend(more),
        (Node::Branch(below), Node::Branch(mut more)) => {
            // The first one's bound may mean nothing yet.
            if let Some(first) = more.first_mut() {
                first.low = right.low;
            }
            below.extend(more);
        }
        _ => unreachable!("all leaves are equally deep"),
    }
    left.len += right.len;
    if let Some(split) = node.split() {
        left.len -= split.len;
        children.insert(at + 1, split);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn key(at: u32) -> Key {
        format!("/{at:04}").into()
    }

    fn check<V>(node: &Node<V>, low: Option<&str>, root: bool) -> usize {
        assert!(node.width() <= NODE_MAX && (root || node.width() >= NODE_MIN), "`{}` wide", node.width());
        match node {
            Node::Leaf(entries) => {
                assert!(entries.is_sorted_by(|one, other| one.0 < other.0));
                assert!(low.is_none_or(|low| entries.iter().all(|(key, _)| **key >= *low)));
                0
            }
            Node::Branch(children) => {
                let mut depths = children.iter().enumerate().map(|(at, child)| {
                    assert_eq!(child.len, child.node.len());
                    check(&child.node, if at == 0 { low } else { Some(&child.low) }, false)
                });
                let depth = depths.next().expect("a branch has children");
                assert!(depths.all(|other| other == depth), "the leaves are not equally deep");
                depth + 1
            }
        }
    }

    fn same(tree: &Tree<u32>, model: &BTreeMap<Key, u32>) {
        check(&tree.root, None, true);
        assert_eq!(tree.iter().len(), model.len());
        assert!(tree.iter().eq(model.iter()));
    }

    #[test]
    fn a_tree_of_sorted_entries_holds_them() {
        for len in [0, 1, 24, 25, 576, 577, 3_000] {
            let model: BTreeMap<Key, u32> = (0..len).map(|at| (key(at), at)).collect();
            same(&Tree::of_sorted(model.clone().into_iter().collect()), &model);
        }
    }

    #[test]
    fn a_copy_does_not_change_with_the_original() {
        let mut tree = Tree::of_sorted((0..1_000).map(|at| (key(at), at)).collect());
        let copy = tree.clone();
        for at in 0..1_000 {
            tree.remove(&key(at));
        }
        assert_eq!((tree.iter().len(), tree.iter().count()), (0, 0));
        assert!(copy.iter().map(|(_, value)| *value).eq(0..1_000));
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_empty() {
        let tree = Tree::of_sorted((0..100).map(|at| (key(at), at)).collect());
        assert_eq!((tree.count("/0050", "/0040"), tree.range("/0050", "/0040").count()), (0, 0));
        assert_eq!(tree.range("/0098", "").len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn a_tree_is_what_the_standard_map_is(
            start in 0..300_u32,
            steps in prop::collection::vec((0..700_u32, any::<bool>()), 0..900),
            ranges in prop::collection::vec((0..700_u32, 0..700_u32), 8),
        ) {
            let mut model: BTreeMap<Key, u32> = (0..start).map(|at| (key(at * 2), at)).collect();
            let mut tree = Tree::of_sorted(model.clone().into_iter().collect());
            let (mut kept, mut kept_model) = (tree.clone(), model.clone());
            for (at, (number, insert)) in steps.into_iter().enumerate() {
                let (key, value) = (key(number), at as u32);
                if insert {
                    prop_assert_eq!(tree.insert(key.clone(), value), model.insert(key, value));
                } else {
                    prop_assert_eq!(tree.remove(&key), model.remove(&key));
                }
                if at % 100 == 0 {
                    same(&kept, &kept_model);
                    (kept, kept_model) = (tree.clone(), model.clone());
                }
            }
            same(&tree, &model);
            for (start, end) in ranges {
                let (start, end) = (key(start), key(end.max(start)));
                let wanted: Vec<_> = model.range(start.clone()..end.clone()).collect();
                prop_assert_eq!(tree.count(&start, &end), wanted.len());
                for max in [usize::MAX, wanted.len(), wanted.len() / 2, 1, 0] {
                    let span = tree.span(&start, &end, max);
                    let values: Vec<_> = wanted.iter().map(|(_, value)| *value).take(max).collect();
                    prop_assert_eq!(span.len(), values.len());
                    for from in [0, 1, values.len() / 3, values.len(), values.len() + 1] {
                        let wanted = values.get(from..).unwrap_or_default();
                        prop_assert_eq!(span.from(from).collect::<Vec<_>>(), wanted);
                    }
                }
                prop_assert_eq!(tree.range(&start, &end).collect::<Vec<_>>(), wanted);
            }
            for number in 0..700 {
                prop_assert_eq!(tree.get(&key(number)), model.get(&key(number)));
            }
        }
    }
}
