//! Making objects that have to be there.

use std::collections::BTreeMap;

use apimachinery::definition::Definition;
use apimachinery::rest::from_store;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::rest::{self};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use futures_util::future::join_all;
use plugin_sdk::Store;

use crate::small;

/// How many objects are made side by side.
const BATCH: usize = 64;

/// Who is written down as the manager of most of what the server makes.
pub(super) const MANAGER: &str = "kube-apiserver";

/// Changes an object that is there to have what it should; false if it has.
pub(super) type Reconcile = fn(&mut Value, &Value) -> bool;

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

/// Makes those objects of one kind that are not there, and reconciles the others.
pub(super) async fn all(
    definition: &Definition,
    store: &Store,
    manager: &str,
    objects: Vec<Value>,
    reconcile: Reconcile,
) -> Result<(), ApiError> {
    let groups = ["system:masters".to_string()];
    let registry = Registry { manager, ..Registry::for_server(definition, store, &groups) };
    let found = small::values(store, &definition.storage_prefix).await?;
    let found: BTreeMap<(&str, &str), &Value> =
        found.iter().map(|value| ((meta(value, "namespace"), meta(value, "name")), value)).collect();
    let (mut missing, mut present) = (Vec::new(), Vec::new());
    for mut object in objects {
        object["kind"] = json!(definition.kind);
        object["apiVersion"] = definition.api_version().into();
        let object = rest::typed(definition, object)?;
        match found.get(&(meta(&object, "namespace"), meta(&object, "name"))) {
            Some(own) => present.push(((*own).clone(), object)),
            None => missing.push(object),
        }
    }
    for batch in missing.chunks(BATCH) {
        make(&registry, batch).await?;
    }
    for (mut own, wanted) in present {
        if reconcile(&mut own, &wanted) {
            update(&registry, &wanted, reconcile).await?;
        }
    }
    Ok(())
}

/// Side by side, since each transaction waits for the disk, and the store takes those that wait
/// to it together. Not in one transaction: objects of one revision look alike to a watch that
/// is resumed between them.
async fn make(registry: &Registry<'_>, objects: &[Value]) -> Result<(), ApiError> {
    let writes = objects.iter().map(|object| registry.planned(object.clone())).collect::<Result<Vec<_>, _>>()?;
    let results = join_all(writes.into_iter().map(|(guard, write)| registry.store.txn(vec![guard], vec![write]))).await;
    // Refused: it is there now, which is all that was wanted.
    results.into_iter().try_for_each(|result| result.map(drop).map_err(from_store))
}

async fn update(registry: &Registry<'_>, wanted: &Value, reconcile: Reconcile) -> Result<(), ApiError> {
    let (namespace, name) = (meta(wanted, "namespace"), meta(wanted, "name"));
    let result = registry
        .update(namespace, name, &Change::default(), &mut |old| {
            let mut object = old.cloned().unwrap_or_default();
            reconcile(&mut object, wanted);
            Ok(object)
        })
        .await;
    match result {
        // Somebody took it away; the next look makes it again.
        Err(error) if error.code == 404 => Ok(()),
        other => other.map(drop),
    }
}

/// Makes one object, with all that belongs to it, unless there is one of its name.
pub(super) async fn one(definition: &Definition, store: &Store, object: Value) -> Result<(), ApiError> {
    kept(definition, store, object, |_, _| false).await
}

/// Makes one object, or reconciles the one of its name.
pub(super) async fn kept(
    definition: &Definition,
    store: &Store,
    mut object: Value,
    reconcile: Reconcile,
) -> Result<(), ApiError> {
    object["kind"] = json!(definition.kind);
    object["apiVersion"] = definition.api_version().into();
    let groups = ["system:masters".to_string()];
    let registry = Registry::for_server(definition, store, &groups);
    let wanted = rest::typed(definition, object)?;
    let namespace = meta(&wanted, "namespace").to_string();
    if let Some(mut own) = registry.find(&namespace, meta(&wanted, "name")).await? {
        return match reconcile(&mut own.value, &wanted) {
            true => update(&registry, &wanted, reconcile).await,
            false => Ok(()),
        };
    }
    match registry.create(&namespace, wanted).await {
        // Another host was faster.
        Err(error) if error.reason == "AlreadyExists" => Ok(()),
        other => other.map(drop),
    }
}
