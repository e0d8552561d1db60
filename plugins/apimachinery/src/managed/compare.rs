//! What changed between two states of an object, field by field.

use std::collections::BTreeMap;

use super::element::PathElement;
use super::set::{Entry, Set};
use super::types::{AssociativeList, Atom, Members, Type};
use crate::tree::{Map, Value};

/// No field is in more than one of the three.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) added: Set,
    pub(super) modified: Set,
    pub(super) removed: Set,
}

impl Comparison {
    /// Without the fields of `ignored` and all that is below them.
    pub(super) fn ignoring(self, ignored: &Set) -> Self {
        if ignored.is_empty() {
            return self;
        }
        Self {
            added: self.added.without_subtrees(ignored),
            modified: self.modified.without_subtrees(ignored),
            removed: self.removed.without_subtrees(ignored),
        }
    }
}

/// # Errors
/// If something in a keyed list has nothing to identify it by.
pub(super) fn compare(of: Type<'_>, old: &Value, new: &Value) -> Result<Comparison, String> {
    Ok(walk(of, Some(old), Some(new))?.below)
}

/// What happened at a place and below it.
#[derive(Default)]
struct Change {
    itself: Option<Kind>,
    below: Comparison,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Modified,
    Removed,
}

fn walk(of: Type<'_>, old: Option<&Value>, new: Option<&Value>) -> Result<Change, String> {
    match (old, new) {
        // Nearly all of an object that is created.
        (None, Some(new)) => {
            let below = Comparison { added: everything(of, new)?, ..Comparison::default() };
            Ok(Change { itself: Some(Kind::Added), below })
        }
        (Some(old), Some(new)) => {
            // Null takes the shape of what it stands beside.
            let (shape, other) = (of.atom(Some(new).filter(|new| !new.is_null()).or(Some(old))), of.atom(Some(old)));
            if old.is_null() || std::mem::discriminant(&shape) == std::mem::discriminant(&other) {
                return walk_as(shape, Some(old), Some(new));
            }
            let mut change = walk_as(other, Some(old), Some(new))?;
            change.absorb(walk_as(shape, Some(old), Some(new))?);
            Ok(change)
        }
        (old, new) => walk_as(of.atom(old.or(new)), old, new),
    }
}

fn walk_as(atom: Atom<'_>, old: Option<&Value>, new: Option<&Value>) -> Result<Change, String> {
    match atom {
        Atom::Scalar(_) | Atom::Leaf => Ok(leaf(old, new)),
        Atom::List(list) => {
            let (old_items, new_items) = (items(old), items(new));
            // Empty and null are told apart, as leaves.
            if old_items.is_empty() && new_items.is_empty() {
                return Ok(leaf(old, new));
            }
            Ok(Change { itself: presence(old, new), below: walk_list(list, old_items, new_items)? })
        }
        Atom::Map(map) => {
            let none = Map::new();
            let (old_members, new_members) = (members(old, &none), members(new, &none));
            if old_members.is_empty() && new_members.is_empty() {
                return Ok(leaf(old, new));
            }
            Ok(Change { itself: presence(old, new), below: walk_map(map, old_members, new_members)? })
        }
    }
}

/// What is added below a value where nothing was: as the walk finds it, in one set.
fn everything(of: Type<'_>, value: &Value) -> Result<Set, String> {
    let mut set = Set::default();
    match (of.atom(Some(value)), value) {
        (Atom::List(list), Value::Array(items)) => {
            let elements = items.iter().map(|item| list.element(item).map(|element| (element, item)));
            let mut elements = elements.collect::<Result<Vec<_>, String>>()?;
            elements.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut elements = elements.into_iter().peekable();
            while let Some((element, item)) = elements.next() {
                let mut is_alone = true;
                while elements.next_if(|(other, _)| *other == element).is_some() {
                    is_alone = false;
                }
                // Duplicates are owned as one.
                let children = if is_alone { everything(list.items, item)? } else { Set::default() };
                set.push(Entry { element, member: true, children });
            }
        }
        (Atom::Map(map), Value::Object(members)) => {
            set.reserve(members.len());
            for (name, value) in members {
                let children = everything(map.get(name).unwrap_or(Type::Deduced), value)?;
                set.push(Entry { element: PathElement::Field(name.clone()), member: true, children });
            }
            set.sort();
        }
        _ => {}
    }
    Ok(set)
}

fn walk_map(map: Members<'_>, old: &Map, new: &Map) -> Result<Comparison, String> {
    let mut below = Comparison::default();
    let removed = old.iter().filter(|(name, _)| new.get(name).is_none()).map(|(name, value)| (name, Some(value), None));
    let kept = new.iter().map(|(name, value)| (name, old.get(name), Some(value)));
    for (name, old, new) in removed.chain(kept) {
        let of = map.get(name).unwrap_or(Type::Deduced);
        below.push(PathElement::Field(name.clone()), walk(of, old, new)?);
    }
    below.sort();
    Ok(below)
}

fn walk_list(list: AssociativeList<'_>, old: &[Value], new: &[Value]) -> Result<Comparison, String> {
    // Lists that should have no duplicates may have them: each element has all its items.
    let mut elements: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for item in old {
        elements.entry(list.element(item)?).or_default().0.push(item);
    }
    for item in new {
        elements.entry(list.element(item)?).or_default().1.push(item);
    }

    let mut below = Comparison::default();
    for (element, (old, new)) in elements {
        let (old, new) = (old.as_slice(), new.as_slice());
        let change = match (old.len() > 1, new.len() > 1) {
            (false, false) => walk_any(list.items, old.first(), new.first())?,
            // Duplicates are owned as one; what is unique, piece by piece.
            (true, true) if old == new => Change::default(),
            (true, true) => Change::of(Kind::Modified),
            (true, false) => {
                below.push(element.clone(), Change::of(Kind::Removed));
                walk_any(list.items, None, new.first())?
            }
            (false, true) => {
                below.push(element.clone(), Change::of(Kind::Added));
                walk_any(list.items, old.first(), None)?
            }
        };
        below.push(element, change);
    }
    below.sort();
    Ok(below)
}

fn walk_any(of: Type<'_>, old: Option<&&Value>, new: Option<&&Value>) -> Result<Change, String> {
    match (old, new) {
        (None, None) => Ok(Change::default()),
        (old, new) => walk(of, old.copied(), new.copied()),
    }
}

fn leaf(old: Option<&Value>, new: Option<&Value>) -> Change {
    let modified = matches!((old, new), (Some(old), Some(new)) if !equal(old, new));
    let itself = presence(old, new).or(modified.then_some(Kind::Modified));
    Change { itself, below: Comparison::default() }
}

/// Added or removed as such.
fn presence(old: Option<&Value>, new: Option<&Value>) -> Option<Kind> {
    match (old, new) {
        (None, Some(_)) => Some(Kind::Added),
        (Some(_), None) => Some(Kind::Removed),
        _ => None,
    }
}

/// Equal as values: the order of keys and the form of numbers do not count.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn members<'a>(value: Option<&'a Value>, none: &'a Map) -> &'a Map {
    value.and_then(Value::as_object).unwrap_or(none)
}

impl Change {
    fn of(kind: Kind) -> Self {
        Self { itself: Some(kind), below: Comparison::default() }
    }

    fn absorb(&mut self, other: Self) {
        self.itself = self.itself.or(other.itself);
        for (own, other) in [
            (&mut self.below.added, other.below.added),
            (&mut self.below.modified, other.below.modified),
            (&mut self.below.removed, other.below.removed),
        ] {
            *own = std::mem::take(own).union(other);
        }
    }
}

impl Comparison {
    fn push(&mut self, element: PathElement, change: Change) {
        let Change { itself, below } = change;
        let mut pieces = [
            (&mut self.added, Kind::Added, below.added),
            (&mut self.modified, Kind::Modified, below.modified),
            (&mut self.removed, Kind::Removed, below.removed),
        ]
        .into_iter()
        .map(|(set, kind, children)| (set, itself == Some(kind), children))
        .filter(|(_, member, children)| *member || !children.is_empty())
        .peekable();
        // Nearly always one of the three: the element is copied for the others only.
        let mut element = Some(element);
        while let Some((set, member, children)) = pieces.next() {
            let own = if pieces.peek().is_some() { element.clone() } else { element.take() };
            if let Some(element) = own {
                set.push(Entry { element, member, children });
            }
        }
    }

    fn sort(&mut self) {
        for set in [&mut self.added, &mut self.modified, &mut self.removed] {
            set.sort();
        }
    }
}
