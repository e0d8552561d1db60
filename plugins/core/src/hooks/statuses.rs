//! Conditions that the server's own controllers keep, written as they write them: applied to
//! the status, so that what others have in it stays.

use apimachinery::definition::Definition;
use apimachinery::rest;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::tree::{Value, json};
use plugin_sdk::{Store, log};

use crate::tree::items;

/// The condition of this type, or null.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    items(&object["status"], "conditions").find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// Applies the condition that `wanted` makes of the object as it is; nothing if it has it.
/// An object that is gone needs none, and one that cannot be written is tried again at the next
/// look: it is no reason to end a hook, and the server with it.
pub(super) async fn apply(
    definition: &Definition,
    store: &Store,
    manager: &str,
    object: &Value,
    wanted: &dyn Fn(&Value) -> Option<Value>,
) {
    let groups = ["system:masters".to_string()];
    let registry =
        Registry { manager, subresource: "status", applied: true, ..Registry::for_server(definition, store, &groups) };
    let (namespace, name) = (meta(object, "namespace"), meta(object, "name"));
    let result = registry
        .update(namespace, name, &Change::default(), &mut |old| {
            let old = old.cloned().unwrap_or_default();
            let Some(condition) = wanted(&old) else { return Ok(old) };
            let patch = json!({
                "apiVersion": definition.api_version(),
                "kind": definition.kind,
                "metadata": {"name": name},
                "status": {"conditions": [condition]},
            });
            rest::typed(definition, registry.apply(Some(&old), &patch, true)?.0)
        })
        .await;
    match result {
        Err(error) if error.code != 404 => {
            log::warn!("the status of {} `{name}` cannot be written: {}", definition.kind, error.message);
        }
        _ => {}
    }
}
