//! Merging of lists.

use super::order::{self, identity};
use super::place::Place;
use super::{Failure, PATCH, go, merge_map};
use crate::schema::{List, Shape};
use crate::tree::Value;

/// `original` with `patch` merged into it, if the schema says that the list is merged; or
/// without what is in `patch`, if it `deletes`.
pub(super) fn merge(
    place: Place<'_>,
    original: Vec<Value>,
    patch: Vec<Value>,
    deletes: bool,
) -> Result<Vec<Value>, Failure> {
    let list = place.list();
    if !deletes && !list.is_some_and(|list| list.patch_merge) {
        return Ok(patch);
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    let of_maps = are_maps(&[&original, &patch])?;
    let Some(key) = place.merge_key().filter(|_| of_maps) else {
        if of_maps {
            return Err(Failure::Other(format!("cannot merge lists without merge key for {}", kind(list))));
        }
        if deletes {
            return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let merged = unique(original.iter().chain(&patch).cloned().collect());
        let (ours, others) = order::partition(merged, &patch, None)?;
        return order::arrange(ours, others, &patch, &original, None);
    };

    let (original, patch) = apply_directives(original, patch, key)?;
    let merged = merge_items(place.item(), original.clone(), &patch, key)?;
    let (ours, others) = order::partition(merged, &patch, Some(key))?;
    order::arrange(ours, others, &patch, &original, Some(key))
}

/// Whether the items are maps; all must be of one type.
pub(super) fn are_maps(lists: &[&[Value]]) -> Result<bool, Failure> {
    let mut items = lists.iter().copied().flatten();
    let Some(first) = items.next() else {
        return Err(Failure::Other("no elements in any of the given slices".into()));
    };
    if first.is_array() {
        return Err(Failure::ListOfLists);
    }
    if items.any(|item| go::type_name(item) != go::type_name(first)) {
        let lists: Vec<Value> = lists.iter().map(|list| Value::from(list.to_vec())).collect();
        return Err(Failure::Other(format!(
            "list element types are not identical: {}",
            go::print(&Value::from(lists))
        )));
    }
    Ok(first.is_object())
}

/// Carries out the `$patch` of items, and takes those items out of the patch.
fn apply_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Failure> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut replaces = false;
    for item in patch {
        let Some(directive) = item.get(PATCH) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = item.get(key).ok_or_else(|| Failure::no_merge_key(&item, key))?;
                original.retain(|old| old.get(key) != Some(value));
            }
            Some("replace") => replaces = true,
            Some("merge") => return Err(Failure::Other("merging lists cannot yet be specified in the patch".into())),
            _ => return Err(Failure::unknown_patch_type(directive, &item)),
        }
    }
    if replaces { Ok((plain, Vec::new())) } else { Ok((original, plain)) }
}

fn merge_items(place: Place<'_>, mut original: Vec<Value>, patch: &[Value], key: &str) -> Result<Vec<Value>, Failure> {
    for item in patch {
        let value = item.get(key).ok_or_else(|| Failure::no_merge_key(item, key))?;
        match original.iter_mut().find(|old| old.get(key) == Some(value)) {
            Some(old) => {
                if let (Value::Object(before), Value::Object(item)) = (old.take(), item) {
                    *old = Value::Object(merge_map(place, before, item.clone())?);
                }
            }
            None => original.push(item.clone()),
        }
    }
    Ok(original)
}

/// The places of duplicates are filled from the end, as upstream does.
fn unique(mut items: Vec<Value>) -> Vec<Value> {
    let mut at = 0;
    while at < items.len() {
        let mut later = at + 1;
        while later < items.len() {
            if identity(&items[at], None) == identity(&items[later], None) {
                items.swap_remove(later);
            } else {
                later += 1;
            }
        }
        at += 1;
    }
    items
}

/// The Go kind of the items.
fn kind(list: Option<&List>) -> &'static str {
    match list.map(|list| &list.items.shape) {
        Some(Shape::Object(object)) if object.values.is_none() => "struct",
        Some(Shape::Object(_)) => "map",
        _ => "interface",
    }
}
