//! Making objects that have to be there.

use apimachinery::definition::Definition;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::Registry;
use apimachinery::rest::{self};
use apimachinery::status::ApiError;
use plugin_sdk::Store;
use serde_json::{Value, json};

/// The definition of a built-in resource.
pub(super) fn definition<'a>(
    definitions: &'a [Definition],
    group: &str,
    resource: &str,
) -> Result<&'a Definition, String> {
    definitions
        .iter()
        .find(|own| &*own.group == group && &*own.resource == resource)
        .ok_or_else(|| format!("`{resource}` is not served here"))
}

/// Makes an object, unless there is one of its name.
pub(super) async fn exists(definition: &Definition, store: &Store, mut object: Value) -> Result<(), ApiError> {
    object["kind"] = json!(definition.kind);
    object["apiVersion"] = definition.api_version().into();
    let groups = ["system:masters".to_string()];
    let registry = Registry::for_server(definition, store, &groups);
    let namespace = meta(&object, "namespace").to_string();
    if registry.find(&namespace, meta(&object, "name")).await?.is_some() {
        return Ok(());
    }
    match registry.create(&namespace, rest::typed(definition, object)?).await {
        // Another host was faster.
        Err(error) if error.reason == "AlreadyExists" => Ok(()),
        other => other.map(drop),
    }
}
