//! A patched object as it stands in messages. Upstream's library takes apart only what a patch
//! leads to, and writes that with its keys in order; everything else stays as it was sent.

use std::collections::HashMap;

use super::json;
use crate::codec::DEPTH_MAX;
use crate::tree::Value;

/// What a JSON patch made of an object, whose members it has passed before: see [`pass`].
pub fn by_operations(mut patched: Value, patch: &Value) -> String {
    sort_at(&mut patched, patch, &["path"]);
    patched.to_escaped_text()
}

/// What a JSON patch passes of an object is taken apart before it goes elsewhere.
pub fn pass(object: &mut Value, patch: &Value) {
    sort_at(object, patch, &["path", "from"]);
}

fn sort_at(object: &mut Value, patch: &Value, ends: &[&str]) {
    sort(object);
    let tree = Ends::of(patch);
    for (at, parents) in json::parents(patch, ends).enumerate().map(|(at, parents)| (at / ends.len(), parents)) {
        let (mut place, mut here) = (&mut *object, Some(&tree));
        for step in &parents {
            here = here.and_then(|here| here.below.get(step));
            // What comes later takes its place, as it was sent.
            if here.and_then(|here| here.last).is_some_and(|last| last > at) {
                break;
            }
            let next = match place {
                Value::Object(members) => members.get_mut(step),
                Value::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get_mut(at)),
                _ => None,
            };
            let Some(next) = next else { break };
            sort(next);
            place = next;
        }
    }
}

/// Where the operations of a patch end, step by step: an operation looks at each step of its path once, however
/// many others there are.
#[derive(Default)]
struct Ends {
    /// The last operation that ends here.
    last: Option<usize>,
    below: HashMap<String, Ends>,
}

impl Ends {
    fn of(patch: &Value) -> Self {
        let mut root = Self::default();
        // What is deeper leads to nothing that an object holds.
        for (at, path) in json::paths(patch).enumerate().filter(|(_, path)| path.len() <= DEPTH_MAX) {
            let end = path.into_iter().fold(&mut root, |ends, step| ends.below.entry(step).or_default());
            end.last = Some(at);
        }
        root
    }
}

/// What a merge patch made of an object.
pub fn by_merge(mut patched: Value, patch: &Value) -> String {
    sort_along(&mut patched, patch);
    patched.to_escaped_text()
}

/// An object that has no type, whose keys are always written in order.
pub fn untyped(mut object: Value) -> String {
    arrange_untyped(&mut object);
    object.to_escaped_text()
}

/// Brings such an object into that order, before something is made of it.
pub fn arrange_untyped(object: &mut Value) {
    open(object);
    object.sort_all_objects();
}

/// Who owns which fields is a part of it, and no text.
fn open(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(open),
        Value::Array(items) => items.iter_mut().for_each(open),
        other => other.open(),
    }
}

fn sort_along(patched: &mut Value, patch: &Value) {
    sort(patched);
    match (patched, patch) {
        (Value::Object(members), Value::Object(changes)) => {
            for (key, change) in changes {
                if let Some(member) = members.get_mut(key) {
                    sort_along(member, change);
                }
            }
        }
        (Value::Array(items), Value::Array(changes)) => {
            items.iter_mut().zip(changes).for_each(|(item, change)| sort_along(item, change));
        }
        _ => {}
    }
}

fn sort(value: &mut Value) {
    if let Value::Object(members) = value {
        members.sort_keys();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn what_a_patch_leads_to_is_written_in_order() {
        let object = json!({"kind": "K", "b": {"z": 1, "a": {"y": 1, "b": 2}}, "a": {"z": 1, "y": 2}});
        let merge = json!({"b": {"a": {"b": 2}}});
        assert_eq!(by_merge(object.clone(), &merge), r#"{"a":{"z":1,"y":2},"b":{"a":{"b":2,"y":1},"z":1},"kind":"K"}"#);
        let operations = json!([{"op": "add", "path": "/b/z", "value": 1}]);
        let mut moved = json!({"b": {"z": 1, "a": [{"z": 1, "y": 2}]}});
        let operation = json!([{"op": "move", "path": "/b", "from": "/b/a/0"}]);
        pass(&mut moved, &operation);
        let moved = json!({"b": moved["b"]["a"][0]});
        assert_eq!(by_operations(moved, &operation), r#"{"b":{"z":1,"y":2}}"#);
        assert_eq!(
            by_operations(object.clone(), &operations),
            r#"{"a":{"z":1,"y":2},"b":{"a":{"y":1,"b":2},"z":1},"kind":"K"}"#
        );
        // What a later operation puts there is as it was sent.
        let replaced = json!([{"op": "add", "path": "/b/z", "value": 1}, {"op": "add", "path": "/b", "value": {}}]);
        assert_eq!(
            by_operations(object.clone(), &replaced),
            r#"{"a":{"z":1,"y":2},"b":{"z":1,"a":{"y":1,"b":2}},"kind":"K"}"#
        );
        assert_eq!(untyped(object), r#"{"a":{"y":2,"z":1},"b":{"a":{"b":2,"y":1},"z":1},"kind":"K"}"#);
    }
}
