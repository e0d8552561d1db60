//! The order of merged lists: what the patch says comes first, then the order of the patch
//! itself, then the order that the list had.

use super::lists::{are_maps, list, merge};
use super::{Failure, PATCH, SET_ORDER, Tree, go, without_directives};
use crate::schema::{Object, Schema, Shape};
use crate::tree::{Text, Value};
use crate::validation::quoted;

/// Merges the lists that have a `$setElementOrder/x` beside them, and takes both out of the
/// patch.
pub(super) fn apply_set_order(schema: Option<&Schema>, original: &mut Tree, patch: &mut Tree) -> Result<(), Failure> {
    let directives: Vec<Text> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            other => return Err(Failure::bad_type("[]interface {}", &other.unwrap_or_default())),
        };
        let name =
            directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/')).ok_or(Failure::SET_ORDER)?;
        let (before, sent) = (items_of(original, name)?, items_of(patch, name)?);
        let member = schema.and_then(|schema| schema.member(name));
        if let (None, Some(Shape::Object(Object { name: Some(of), .. }))) = (member, schema.map(|schema| &schema.shape))
        {
            let of = of.rsplit('.').next().unwrap_or(of);
            let why = format!("unable to find api field in struct {of} for the json field {}", quoted(name));
            return Err(Failure::Other(why));
        }
        let key = list(member).and_then(|list| list.merge_key.as_deref());
        check(sent.as_deref().unwrap_or_default(), &order, key)?;

        let merged = match (before.clone(), sent.clone()) {
            (None, None) => continue,
            (Some(before), None) => before,
            (None, Some(sent)) => sent.into_iter().filter_map(without_directives).collect(),
            (Some(before), Some(sent)) => merge(member, before, sent, false)?,
        };
        let before = before.unwrap_or_default();
        are_maps(&[&before, sent.as_deref().unwrap_or_default()])?;
        let arranged = arrange(merged, &order, &order, &before, key)?;
        original.insert(name, Value::Array(arranged));
        patch.remove(name);
    }
    Ok(())
}

/// `merged` with the items that are in `sent` in the order of `sent_order`, and the others,
/// in the order of `live`, between them where they were.
pub(super) fn arrange(
    merged: Vec<Value>,
    sent: &[Value],
    sent_order: &[Value],
    live: &[Value],
    key: Option<&str>,
) -> Result<Vec<Value>, Failure> {
    if let Some(key) = key {
        for item in merged.iter().chain(sent).chain(sent_order).chain(live) {
            if !item.is_object() {
                return Err(Failure::bad_type("map[string]interface {}", item));
            }
            if item.get(key).is_none() {
                return Err(Failure::no_merge_key(item, key));
            }
        }
    }
    let place = |order: &[Value], item: &Value| {
        order.iter().position(|other| identity(other, key) == identity(item, key)).unwrap_or(usize::MAX)
    };
    let (mut ours, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| place(sent, item) != usize::MAX);
    ours.sort_by_key(|item| place(sent_order, item));
    others.sort_by_key(|item| place(live, item));

    let mut arranged = Vec::with_capacity(ours.len() + others.len());
    let (mut ours, mut others) = (ours.into_iter().peekable(), others.into_iter().peekable());
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
    let of = |item: &Value| match key {
        Some(_) if !item.is_object() => Err(Failure::bad_type("map[string]interface {}", item)),
        Some(key) => item.get(key).cloned().ok_or_else(|| Failure::no_merge_key(item, key)),
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
