//! Who owns which field: `metadata.managedFields`, kept on every write.
//!
//! An entry says which fields a manager set last (operation `Update`) or wants to have
//! (`Apply`). What is one field follows from the schema's list and map types. The semantics
//! are those of structured-merge-diff, which upstream uses.

mod apply;
mod check;
mod collect;
mod compare;
mod conflict;
mod element;
mod entries;
mod last_applied;
mod merge;
mod reconcile;
mod remove;
mod scale;
mod set;
mod types;
mod versions;

pub use apply::apply;
pub use element::PathElement;
pub use scale::{from_scale, to_scale};
pub use set::Set;
pub use versions::Versions;

use std::sync::LazyLock;

use crate::schema::{Schema, Shape};
use crate::tree::{Map, Value, json};
use crate::validation::is_printable;
use entries::{Entry, Operation, Owner, cap, decode, encode};
use versions::Changes;

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// See [`manager_name`].
    pub name: String,
    /// `status`, or empty for the main resource.
    pub subresource: String,
    /// The version that the client uses.
    pub api_version: String,
    /// Now, RFC 3339 in UTC with seconds.
    pub time: String,
}

/// Bytes of a manager's name.
const NAME_BYTES_MAX: usize = 128;

/// Fields that nobody owns: what identifies an object and what the server sets.
static NEVER_OWNED: LazyLock<Set> = LazyLock::new(|| {
    Set::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

/// The name of whoever sends a request: `fieldManager`, or else what its user agent begins with.
pub fn manager_name(field_manager: &str, user_agent: &str) -> String {
    if !field_manager.is_empty() {
        return field_manager.to_string();
    }
    let mut name = String::new();
    for character in user_agent.split('/').next().unwrap_or_default().chars().filter(|c| is_printable(*c)) {
        if name.len() + character.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        name.push(character);
    }
    name
}

/// Sets `metadata.managedFields` of `new`, which a create (`old` is nothing), update or patch
/// makes of `old`.
///
/// To be called with the object as decoded, defaulted and with what is written when unset,
/// before the strategy prepares it: what the server itself sets is owned by nobody. Fields in
/// `ignored` and all below them are what this request cannot change (`status` in an update of
/// the main resource), and so are not owned through it.
pub fn update(versions: Versions<'_>, old: Option<&Value>, new: &mut Value, manager: &Manager, ignored: &Set) {
    let entries = entries_before(old, new, manager);
    set_managed_fields(new, None);
    // An object that has lost or never had its entries starts to have them with an apply.
    if entries.is_empty() && old.is_some() {
        return;
    }
    // Without an identity for the items of a list nothing can be said, nor of versions that do not know
    // each other's fields; upstream drops it all.
    if let Ok(entries) = updated(versions, old, new, entries, manager, ignored) {
        set_managed_fields(new, encode(entries));
    }
}

/// Where nothing but times in `metadata.managedFields` differs, `new` is made equal to `old`,
/// so that a write that changes nothing is none.
pub fn keep_times(old: &Value, new: &mut Value) {
    let (Some(before), Some(after)) = (managed_fields(old), managed_fields(new)) else { return };
    let (Some(before_list), Some(after_list)) = (before.as_array(), after.as_array()) else { return };
    if before == after
        || before_list.len() != after_list.len()
        || !before_list.iter().zip(after_list).all(|(a, b)| equal_without_time(a, b))
    {
        return;
    }
    if equal_without_entries(old, new) {
        set_managed_fields(new, Some(before.clone()));
    }
}

fn equal_without_time(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let others = |entry: &Map| entry.len() - usize::from(entry.contains_key("time"));
    others(a) == others(b) && a.iter().all(|(name, value)| name == "time" || b.get(name) == Some(value))
}

fn equal_without_entries(a: &Value, b: &Value) -> bool {
    fn equal_but(a: &Value, b: &Value, name: &str, compare: impl Fn(&Value, &Value) -> bool) -> bool {
        let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
        let same = |key: &str, a: &Value, b: &Value| if key == name { compare(a, b) } else { a == b };
        a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(key, a, b)))
    }
    equal_but(a, b, "metadata", |a, b| equal_but(a, b, "managedFields", |_, _| true))
}

/// What is owned before this write. A client may send entries, or clear them with `[{}]`, but
/// not through a subresource.
fn entries_before(old: Option<&Value>, new: &Value, manager: &Manager) -> Vec<Entry> {
    let live = || old.and_then(managed_fields).map(|fields| decode(fields).unwrap_or_default()).unwrap_or_default();
    if !manager.subresource.is_empty() {
        return live();
    }
    let sent = managed_fields(new).unwrap_or(&Value::Null);
    let cleared = match sent.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => only.as_object().is_some_and(Map::is_empty),
        _ => false,
    };
    if cleared {
        return Vec::new();
    }
    match decode(sent) {
        Ok(entries) if !entries.is_empty() => entries,
        _ => live(),
    }
}

fn updated(
    versions: Versions<'_>,
    old: Option<&Value>,
    new: &Value,
    mut entries: Vec<Entry>,
    manager: &Manager,
    ignored: &Set,
) -> Result<Vec<Entry>, String> {
    let empty;
    let old = match old {
        Some(old) => old,
        None => {
            empty = empty_object(versions.schema, new);
            &empty
        }
    };
    let own = &*manager.api_version;
    let live = reconcile::reconcile(versions, own, old, &mut entries)?;
    let changes = Changes::between(versions, own, &live, new, ignored, &manager.subresource)?;
    changes.disown(&mut entries);

    let mine = changes.into_own().difference(&NEVER_OWNED);
    if !mine.is_empty() {
        let name = if manager.name.is_empty() { "unknown" } else { &manager.name };
        let owner =
            Owner { manager: name.to_string(), operation: Operation::Update, subresource: manager.subresource.clone() };
        // Upstream does not carry it over from a scale to its object.
        let time = (manager.subresource != "scale").then(|| manager.time.clone());
        match entries.iter_mut().find(|entry| entry.belongs_to(&owner, &manager.api_version)) {
            Some(entry) => {
                entry.set = std::mem::take(&mut entry.set).union(mine);
                entry.time = time;
            }
            None => entries.push(Entry { owner, api_version: manager.api_version.clone(), time, set: mine }),
        }
    }
    cap(&mut entries);
    Ok(entries)
}

/// What an object is before its creation: for a built-in type what is written of it when
/// nothing is set, so that structs which are always there are owned by nobody.
fn empty_object(schema: &Schema, new: &Value) -> Value {
    match unset(schema) {
        Some(empty) => empty,
        None => json!({"apiVersion": new["apiVersion"], "kind": new["kind"]}),
    }
}

fn unset(schema: &Schema) -> Option<Value> {
    let Shape::Object(object) = &schema.shape else { return None };
    object.name?;
    let fields = object.fields.iter().filter_map(|field| {
        let written = field.when_unset.as_ref()?;
        let value = if written.is_object() { unset(&field.schema) } else { None };
        Some((field.name.to_string(), value.unwrap_or_else(|| written.clone())))
    });
    Some(Value::Object(fields.collect()))
}

fn managed_fields(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

fn set_managed_fields(object: &mut Value, fields: Option<Value>) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    match fields {
        Some(fields) => {
            metadata.insert("managedFields", fields);
        }
        // The order of the other fields stays.
        None => {
            metadata.remove("managedFields");
        }
    }
}

#[cfg(test)]
mod tests;
