//! Strategic merge patch: a merge patch that knows from the schema which lists are merged by
//! a key or as sets, and that can say by directives what a merge alone cannot.
//!
//! `$patch: delete|replace` in a map or in an item of a merged list,
//! `$deleteFromPrimitiveList/x`, `$setElementOrder/x` and `$retainKeys` beside what they are
//! about.

mod go;
mod left;
mod lists;
mod order;
mod place;

pub(crate) use go::print;
pub use left::left;

use super::unprocessable;
use crate::codec;
use crate::schema::Schema;
use crate::status::ApiError;
use crate::tree::{Map, Value};
use place::Place;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// `object` with the document merged into it. What is null or unknown afterwards is for decoding
/// to find.
///
/// # Errors
/// As upstream has them: `BadRequest` for a directive of the wrong form, 422 for lists of
/// lists, and 500 with its reason for most others.
pub fn apply(schema: &Schema, object: &Value, document: &Value) -> Result<Value, ApiError> {
    let nothing = Map::new();
    let patch = match document {
        Value::Object(patch) => Some(patch),
        Value::Null => Some(&nothing),
        _ => None,
    };
    let Some(patch) = patch else {
        let kind = codec::json::kind(document);
        let target = "Go value of type map[string]interface {}";
        return Err(ApiError::bad_request(format!("json: cannot unmarshal {kind} into {target}")));
    };
    let object = object.as_object().cloned().unwrap_or_default();
    let merged = merge_map(Place::root(schema), object, patch.clone()).map_err(Failure::into_error)?;
    Ok(Value::Object(merged))
}

/// Why a patch cannot be applied.
#[derive(Debug, PartialEq)]
enum Failure {
    /// A directive has the wrong form.
    Form(&'static str),
    ListOfLists,
    /// Upstream gives these no status of their own.
    Other(String),
}

impl Failure {
    const RETAIN_KEYS: Self = Self::Form("invalid patch format of retainKeys");
    const SET_ORDER: Self = Self::Form("invalid patch format of setElementOrder list");
    const DELETE_FROM: Self = Self::Form("invalid patch format of primitive list");

    fn no_merge_key(item: &Value, key: &str) -> Self {
        Self::Other(format!("map: {} does not contain declared merge key: {key}", go::print(item)))
    }

    fn bad_type(expected: &str, actual: &Value) -> Self {
        Self::Other(format!("expected a {expected}, but received a {}", go::type_name(actual)))
    }

    fn unknown_patch_type(directive: &Value, patch: &Value) -> Self {
        Self::Other(format!("unknown patch type: {} in map: {}", go::text(directive), go::print(patch)))
    }

    fn into_error(self) -> ApiError {
        match self {
            Self::Form(message) => ApiError::bad_request(message),
            Self::ListOfLists => unprocessable(),
            Self::Other(message) => ApiError::new(500, "", message),
        }
    }
}

type Tree = Map;

fn merge_map(place: Place<'_>, mut original: Tree, mut patch: Tree) -> Result<Tree, Failure> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Tree::new()),
            _ => Err(Failure::unknown_patch_type(&directive.clone(), &Value::Object(patch))),
        };
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        retain_keys(&mut original, &patch, &keys)?;
    }
    order::apply_set_order(place, &mut original, &mut patch)?;

    for (key, value) in patch {
        let (key, deletes) = match key.strip_prefix(DELETE_FROM) {
            Some(rest) => (rest.strip_prefix('/').ok_or(Failure::DELETE_FROM)?.into(), true),
            None => (key, false),
        };
        if value.is_null() {
            original.remove(&key);
            continue;
        }
        let merged = match (original.get_mut(&key).map(Value::take), value) {
            (None, _) if deletes => continue,
            (Some(Value::Object(old)), Value::Object(new)) => {
                let member = place.member(&key)?;
                Some(Value::Object(if member.is_replaced() { new } else { merge_map(member, old, new)? }))
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                Some(Value::Array(lists::merge(place.member(&key)?, old, new, deletes)?))
            }
            (Some(old), _) if deletes => Some(old),
            (_, new) => without_directives(without_nulls(new)),
        };
        match merged {
            Some(merged) => {
                original.insert(key, merged);
            }
            None => {
                original.remove(&key);
            }
        }
    }
    Ok(original)
}

/// Drops what the directive does not name; everything the patch sets must be named.
fn retain_keys(original: &mut Tree, patch: &Tree, keys: &Value) -> Result<(), Failure> {
    let keys = keys.as_array().ok_or(Failure::RETAIN_KEYS)?;
    let retained = |key: &str| keys.iter().any(|retained| retained == key);
    let is_directive = |key: &str| key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !is_directive(key) && !retained(key)) {
        return Err(Failure::RETAIN_KEYS);
    }
    original.retain(|key, _| retained(key));
    Ok(())
}

/// Values that are set for the first time have nothing to remove from.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// The value without the maps that carry a `$patch`; nothing if it is one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?))).collect(),
        )),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests;
