//! All fields that an object sets.

use std::collections::BTreeMap;

use super::element::PathElement;
use super::set::{Entry, Set};
use super::types::{AssociativeList, Atom, Members, Type};
use crate::tree::{Map, Value};

/// Every leaf, every item of a list, every key of a map. Items without an identity are left
/// out: what is applied has been checked for them.
pub(super) fn collect(of: Type<'_>, value: &Value) -> Set {
    walk(of, value).below
}

/// What is set at a place.
struct Fields {
    /// It is a leaf.
    itself: bool,
    below: Set,
}

fn walk(of: Type<'_>, value: &Value) -> Fields {
    let below = match (of.atom(Some(value)), value) {
        (Atom::Scalar(_) | Atom::Leaf, _) => return Fields { itself: true, below: Set::default() },
        (Atom::List(list), Value::Array(items)) => of_list(list, items),
        (Atom::Map(map), Value::Object(members)) => of_map(map, members),
        _ => Set::default(),
    };
    Fields { itself: false, below }
}

fn of_list(list: AssociativeList<'_>, items: &[Value]) -> Set {
    let mut elements: BTreeMap<PathElement, Vec<&Value>> = BTreeMap::new();
    for item in items {
        if let Ok(element) = list.element(item) {
            elements.entry(element).or_default().push(item);
        }
    }
    let mut set = Set::default();
    for (element, items) in elements {
        // Duplicates are owned as one.
        let children = if let [only] = items.as_slice() { walk(list.items, only).below } else { Set::default() };
        set.push(Entry { element, member: true, children });
    }
    set.sort();
    set
}

fn of_map(map: Members<'_>, members: &Map) -> Set {
    let mut set = Set::default();
    for (name, value) in members {
        let Fields { itself, below } = walk(map.get(name).unwrap_or(Type::Deduced), value);
        let is_empty = value.is_null() || value.as_object().is_some_and(|map| map.is_empty());
        let member = itself || is_empty || !map.is_field(name);
        set.push(Entry { element: PathElement::field(name), member, children: below });
    }
    set.sort();
    set
}

/// The set with the named fields that lead to its members: structs are not owned by
/// themselves, but what is to be removed or kept has to name them.
pub(super) fn with_named_fields(set: &Set, of: Type<'_>) -> Set {
    let mut out = Set::default();
    for Entry { element, member, children } in set.entries() {
        let (below, is_field) = match (of.atom(None), element) {
            (Atom::Map(map), PathElement::Field(name)) => (map.get(name), map.is_field(name)),
            (Atom::List(list), _) => (Some(list.items), false),
            _ => (None, false),
        };
        let children = with_named_fields(children, below.unwrap_or(Type::Deduced));
        let member = *member || is_field && !children.is_empty();
        out.push(Entry { element: element.clone(), member, children });
    }
    out
}
