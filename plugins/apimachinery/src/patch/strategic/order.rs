//! The order of merged lists: what the patch says comes first, then the order of the patch
//! itself, then the order that the list had.

use super::lists::{are_maps, merge};
use super::place::Place;
use super::{Failure, PATCH, SET_ORDER, Tree, go, without_directives};
use crate::tree::{Text, Value};

/// Go sorts shorter lists by insertion.
const SORTED_BY_INSERTION_MAX: usize = 20;

/// Merges the lists that have a `$setElementOrder/x` beside them, and takes both out of the
/// patch.
pub(super) fn apply_set_order(place: Place<'_>, original: &mut Tree, patch: &mut Tree) -> Result<(), Failure> {
    let directives: Vec<Text> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            other => return Err(Failure::bad_type("[]interface {}", &other.unwrap_or_default())),
        };
        let name =
            directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/')).ok_or(Failure::SET_ORDER)?;
        let (before, sent) = (items_of(original, name)?, items_of(patch, name)?);
        let member = place.member(name)?;
        let key = member.merge_key();
        check(sent.as_deref().unwrap_or_default(), &order, key)?;

        let merged = match (before.clone(), sent.clone()) {
            (None, None) => continue,
            (Some(before), None) => before,
            (None, Some(sent)) => sent.into_iter().filter_map(without_directives).collect(),
            (Some(before), Some(sent)) => merge(member, before, sent, false)?,
        };
        let (before, sent) = (before.unwrap_or_default(), sent.unwrap_or_default());
        let (ours, others) = partition(merged, &order, key)?;
        let of_maps = are_maps(&[&before, &sent])?;
        let live = key.map_or_else(|| before.clone(), |key| live_order(&before, &sent, key));
        // Of maps upstream wants a key even if there is none.
        let key = of_maps.then(|| key.unwrap_or_default());
        let arranged = arrange(ours, others, &order, &live, key)?;
        original.insert(name, Value::Array(arranged));
        patch.remove(name);
    }
    Ok(())
}

/// The items that are in `sent`, and the others.
pub(super) fn partition(
    merged: Vec<Value>,
    sent: &[Value],
    key: Option<&str>,
) -> Result<(Vec<Value>, Vec<Value>), Failure> {
    let Some(key) = key else { return Ok(merged.into_iter().partition(|item| sent.contains(item))) };
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for item in merged {
        let value = key_of(&item, key)?;
        let sought = sent.iter().position(|other| !other.is_object() || other.get(key) == Some(value));
        match sought {
            Some(at) if !sent[at].is_object() => {
                return Err(Failure::Other(format!("value for key {at} is not a map")));
            }
            Some(_) => ours.push(item),
            None => others.push(item),
        }
    }
    Ok((ours, others))
}

fn key_of<'a>(item: &'a Value, key: &str) -> Result<&'a Value, Failure> {
    if !item.is_object() {
        return Err(Failure::bad_type("map[string]interface {}", item));
    }
    item.get(key).ok_or_else(|| Failure::no_merge_key(item, key))
}

/// `ours`, which are sent, in the order of `sent`, and `others`, in the order of `live`, between
/// them where they were.
pub(super) fn arrange(
    ours: Vec<Value>,
    others: Vec<Value>,
    sent: &[Value],
    live: &[Value],
    key: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    if let Some(key) = key {
        for item in ours.iter().chain(sent).chain(&others).chain(live) {
            key_of(item, key)?;
        }
    }
    let place = |order: &[Value], item: &Value| {
        order.iter().position(|other| identity(other, key) == identity(item, key)).unwrap_or(usize::MAX)
    };
    let mut arranged = Vec::with_capacity(ours.len() + others.len());
    let mut ours = sorted(ours, |item| place(sent, item)).peekable();
    let mut others = sorted(others, |item| place(live, item)).peekable();
    loop {
        let take_other = match (others.peek(), ours.peek()) {
            (None, None) => return Ok(arranged),
            (other, None) => other.is_some(),
            (None, _) => false,
            (Some(other), Some(our)) => {
                let (other, our) = (place(live, other), place(live, our));
                our != usize::MAX && other < our
            }
        };
        arranged.extend(if take_other { others.next() } else { ours.next() });
    }
}

/// Items by their places. One without a place goes before the one that it stands behind, and so
/// does the one behind it: this is how Go's sort, by insertion, takes it.
fn sorted(items: Vec<Value>, place: impl Fn(&Value) -> usize) -> impl Iterator<Item = Value> {
    let mut placed: Vec<(usize, Value)> = items.into_iter().map(|item| (place(&item), item)).collect();
    if placed.len() > SORTED_BY_INSERTION_MAX || placed.iter().all(|(place, _)| *place != usize::MAX) {
        placed.sort_by_key(|(place, _)| *place);
    } else {
        for end in 1..placed.len() {
            for at in (1..=end).rev() {
                let (before, own) = (placed[at - 1].0, placed[at].0);
                if before <= own && own != usize::MAX {
                    break;
                }
                placed.swap(at - 1, at);
            }
        }
    }
    placed.into_iter().map(|(_, item)| item)
}

/// The list as it was, as far as upstream remembers it: it takes items out of it in place and
/// adds others where there is room from those.
fn live_order(before: &[Value], sent: &[Value], key: &str) -> Vec<Value> {
    let directed = |item: &&Value, directive: &str| item.get(PATCH).is_some_and(|found| found == directive);
    let deleted: Vec<_> = sent.iter().filter(|item| directed(item, "delete")).map(|item| &item[key]).collect();
    let kept = before.iter().filter(|item| !deleted.contains(&&item[key]));
    let mut live: Vec<Value> = kept.cloned().collect();
    if !sent.iter().any(|item| directed(&item, "replace")) {
        for item in sent.iter().filter(|item| item.get(PATCH).is_none()) {
            if live.len() < before.len() && live.iter().all(|other| other[key] != item[key]) {
                live.push(item.clone());
            }
        }
    }
    live
}

/// What tells items apart: the key of maps, the value of anything else.
pub(super) fn identity<'a>(item: &'a Value, key: Option<&str>) -> Option<&'a Value> {
    match key {
        Some(key) => item.get(key),
        None => Some(item),
    }
}

/// The items that are sent must be in the order, and in this order.
fn check(sent: &[Value], order: &[Value], key: Option<&str>) -> Result<(), Failure> {
    if sent.is_empty() || order.is_empty() {
        return Ok(());
    }
    let no_map = |item: &&Value| key.is_some() && !item.is_object();
    if let Some(item) = sent.iter().find(no_map) {
        return Err(Failure::bad_type("map[string]interface {}", item));
    }
    let of = |item: &Value| match key {
        Some(key) => key_of(item, key).cloned(),
        None => Ok(item.clone()),
    };
    let mut places = order.iter();
    let mut items = sent.iter().filter(|item| item.get(PATCH).is_none_or(|directive| directive != "delete")).peekable();
    while let Some(item) = items.peek() {
        if item.get(PATCH).is_none() {
            let Some(place) = places.next() else { break };
            if of(item)? != of(place)? {
                continue;
            }
        } else if places.len() == 0 {
            // Upstream does not look at what stands behind the last place.
            break;
        }
        items.next();
    }
    if items.peek().is_none() {
        return Ok(());
    }
    let (sent, order) = (go::print(&Value::from(sent.to_vec())), go::print(&Value::from(order.to_vec())));
    Err(Failure::Other(format!("The order in patch list:\n{sent}\n doesn't match {SET_ORDER} list:\n{order}\n")))
}

fn items_of(tree: &Tree, name: &str) -> Result<Option<Vec<Value>>, Failure> {
    match tree.get(name) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(Failure::bad_type("[]interface {}", other)),
    }
}
