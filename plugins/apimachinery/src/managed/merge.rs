//! What an object becomes when a part of it is applied.

use std::collections::BTreeMap;

use super::element::PathElement;
use super::types::{AssociativeList, Atom, Members, Type};
use crate::tree::{Map, Value};

/// `live` with everything that `applied` says. Nothing goes. Lists keep their order as far as
/// `applied` has no other.
pub(super) fn merge(of: Type<'_>, live: &Value, applied: &Value) -> Result<Value, String> {
    Ok(walk(of, Some(live), Some(applied))?.unwrap_or_default())
}

fn walk(of: Type<'_>, live: Option<&Value>, applied: Option<&Value>) -> Result<Option<Value>, String> {
    // Null takes the shape of what it stands beside.
    let shape = applied.filter(|applied| !applied.is_null()).or(live).or(applied);
    match of.atom(shape) {
        Atom::Scalar(_) | Atom::Leaf => Ok(applied.or(live).cloned()),
        Atom::List(list) => {
            let (live_items, applied_items) = (items(live), items(applied));
            if live_items.is_empty() && applied_items.is_empty() {
                return Ok(applied.or(live).cloned());
            }
            let merged = merge_lists(list, live_items, applied_items)?;
            Ok((!merged.is_empty()).then_some(Value::Array(merged)))
        }
        Atom::Map(map) => {
            let none = Map::new();
            let (live_members, applied_members) = (members(live, &none), members(applied, &none));
            if live_members.is_empty() && applied_members.is_empty() {
                return Ok(applied.or(live).cloned());
            }
            let merged = merge_maps(map, live_members, applied_members)?;
            Ok((!merged.is_empty()).then_some(Value::Object(merged)))
        }
    }
}

fn merge_maps(map: Members<'_>, live: &Map, applied: &Map) -> Result<Map, String> {
    let mut merged = Map::new();
    let added = applied.keys().filter(|name| !live.contains_key(name));
    for name in live.keys().chain(added) {
        let of = map.get(name).unwrap_or(Type::Deduced);
        if let Some(value) = walk(of, live.get(name), applied.get(name))? {
            merged.insert(name.clone(), value);
        }
    }
    Ok(merged)
}

fn merge_lists(list: AssociativeList<'_>, live: &[Value], applied: &[Value]) -> Result<Vec<Value>, String> {
    let elements = |items: &[Value]| items.iter().map(|item| list.element(item)).collect::<Result<Vec<_>, _>>();
    let (live_elements, applied_elements) = (elements(live)?, elements(applied)?);

    // Duplicates are not merged with: what is applied replaces them.
    let mut live_by_element: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (element, item) in live_elements.iter().zip(live) {
        live_by_element.entry(element).and_modify(|item| *item = None).or_insert(Some(item));
    }
    let applied_set: BTreeMap<&PathElement, &Value> = applied_elements.iter().zip(applied).collect();
    let mut shared = applied_elements.iter().filter(|element| live_by_element.contains_key(element));
    let mut next_shared = shared.next();

    let mut taken: Vec<&PathElement> = Vec::new();
    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let (mut at, mut applied_at) = (0, 0);
    while at < live.len() || applied_at < applied.len() {
        if let (Some(element), Some(applied_element)) = (live_elements.get(at), applied_elements.get(applied_at)) {
            let is_shared = applied_set.contains_key(element);
            if element != applied_element && is_shared && next_shared.is_some_and(|next| next != element) {
                // It comes later, where it was applied.
                at += 1;
                continue;
            }
        }
        if let Some(element) = live_elements.get(at)
            && applied_elements.get(applied_at) != Some(element)
        {
            if !applied_set.contains_key(element) {
                merged.extend(walk(list.items, Some(&live[at]), None)?);
                at += 1;
                continue;
            }
            if taken.contains(&element) {
                at += 1;
            }
        }
        if let Some(element) = applied_elements.get(applied_at) {
            taken.push(element);
            let live_item = live_by_element.get(element).copied().flatten();
            merged.extend(walk(list.items, live_item, Some(&applied[applied_at]))?);
            at += usize::from(live_elements.get(at) == Some(element));
            applied_at += 1;
            if next_shared == Some(element) {
                next_shared = shared.next();
            }
        }
    }
    Ok(merged)
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn members<'a>(value: Option<&'a Value>, none: &'a Map) -> &'a Map {
    value.and_then(Value::as_object).unwrap_or(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn keyed_lists_merge_in_order() {
        let pod = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"spec": {"containers": containers}})
        };
        for (live, applied, expected) in [
            (vec!["a", "b"], vec!["c"], vec!["a", "b", "c"]),
            (vec!["a", "b", "c"], vec!["c", "a"], vec!["b", "c", "a"]),
            (vec!["a", "b"], vec!["b", "x"], vec!["a", "b", "x"]),
            (vec!["a", "b"], vec!["x", "b"], vec!["a", "x", "b"]),
            (vec!["a", "a", "b"], vec!["b"], vec!["a", "a", "b"]),
            (vec!["a", "b", "a"], vec!["a"], vec!["a", "b"]),
            (vec![], vec!["a"], vec!["a"]),
        ] {
            let schema = Type::Root(builtin::schema("io.k8s.api.core.v1.Pod"));
            assert_eq!(merge(schema, &pod(&live), &pod(&applied)), Ok(pod(&expected)), "{live:?} {applied:?}");
        }
    }

    #[test]
    fn maps_merge_and_leaves_are_replaced() {
        let schema = Type::Root(builtin::schema("io.k8s.api.apps.v1.Deployment"));
        let live = json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"a": "1"}}, "template": {"metadata": {"labels": {"a": "1"}}}}});
        let applied = json!({"spec": {"selector": {"matchLabels": {"b": "2"}}, "template": {"metadata": {"labels": {"b": "2"}}}}});
        let merged = json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"b": "2"}}, "template": {"metadata": {"labels": {"a": "1", "b": "2"}}}}});
        assert_eq!(merge(schema, &live, &applied), Ok(merged));
    }
}
