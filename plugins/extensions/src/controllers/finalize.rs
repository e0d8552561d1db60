//! A definition goes when its objects are gone.

use apimachinery::rest::clock;
use apimachinery::rest::from_store;
use apimachinery::rest::options::DeleteOptions;
use apimachinery::rest::registry::Registry;
use apimachinery::status::ApiError;
use apimachinery::tree::Value;
use plugin_sdk::storage::{Freshness, ListQuery, Selector};
use plugin_sdk::{HookContext, log};

use super::follow::write_status;
use crate::conditions::{self, Status};
use crate::crd::{self, Crd, ESTABLISHED, FINALIZER, TERMINATING};
use crate::custom;

/// How long a look for remaining objects waits for the next one, at first and at most.
const LOOK_MS: (u64, u64) = (50, 5_000);
/// After this time the condition says what it waits for.
const PATIENCE_MS: u64 = 60_000;
const RETRY_MS: (u64, u64) = (200, 30_000);
const PAGE: u64 = 500;

/// Works until the definition has lost our finalizer, or the hook ends.
pub(super) async fn run(context: &HookContext, name: &str) {
    let mut wait = RETRY_MS.0;
    while !context.is_cancelled() {
        match finalize(context, name).await {
            Ok(()) => return,
            Err(error) => log::warn!("`{name}` is not finalized yet: {}", error.message),
        }
        context.sleep(wait).await;
        wait = (wait * 2).min(RETRY_MS.1);
    }
}

async fn finalize(context: &HookContext, name: &str) -> Result<(), ApiError> {
    let definition = crd::definition();
    let begin = |object: &mut Value| {
        let message = "CustomResource deletion is in progress";
        terminating(object, Status::True, "InstanceDeletionInProgress", message);
    };
    let Some(object) = write_status(context, &definition, name, &begin).await? else { return Ok(()) };
    let stored = object.value();
    let crd = Crd::parse(&stored).map_err(ApiError::internal)?;
    if !crd.is_deleting() || !crd.metadata.finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(());
    }
    let (reason, message) = match crd.is_true(ESTABLISHED) {
        _ if crd.overlaps_builtin() => {
            ("OverlappingBuiltInResource", "instances overlap with built-in resources in storage")
        }
        false => ("NeverEstablished", "resource was never established"),
        true => match remove_objects(context, &crd, &stored).await {
            Ok(()) => ("InstanceDeletionCompleted", "removed all instances"),
            Err((reason, message)) => {
                let note = |object: &mut Value| terminating(object, Status::True, reason, &message);
                write_status(context, &definition, name, &note).await?;
                return Err(ApiError::internal(message));
            }
        },
    };
    let end = |object: &mut Value| {
        terminating(object, Status::False, reason, message);
        if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
            finalizers.retain(|finalizer| finalizer != FINALIZER);
            if finalizers.is_empty()
                && let Some(metadata) = object["metadata"].as_object_mut()
            {
                metadata.remove("finalizers");
            }
        }
    };
    write_status(context, &definition, name, &end).await.map(|_| ())
}

fn terminating(object: &mut Value, status: Status, reason: &str, message: &str) {
    conditions::set(object, TERMINATING, status, reason, message, &clock::now());
}

/// Asks all objects to go and waits until they have. Errors are a condition's reason and
/// message.
async fn remove_objects(context: &HookContext, crd: &Crd, stored: &[u8]) -> Result<(), (&'static str, String)> {
    let prefix = custom::storage_prefix(crd);
    let failed = |what: &str, error: ApiError| ("InstanceDeletionFailed", format!("{what}: {}", error.message));
    delete_all(context, crd, stored).await.map_err(|error| failed("could not issue all deletes", error))?;
    let (mut wait, mut waited) = (LOOK_MS.0, 0);
    loop {
        let left = context.store().count(&prefix).map_err(|e| failed("could not list instances", from_store(e)))?;
        if left == 0 {
            return Ok(());
        }
        if waited >= PATIENCE_MS || context.is_cancelled() {
            let message = "could not confirm zero CustomResources remaining: timed out waiting for the condition";
            return Err(("InstanceDeletionCheck", message.to_string()));
        }
        context.sleep(wait).await;
        waited += wait;
        wait = (wait * 2).min(LOOK_MS.1);
    }
}

async fn delete_all(context: &HookContext, crd: &Crd, stored: &[u8]) -> Result<(), ApiError> {
    let definition = custom::stored_definition(stored).map_err(ApiError::internal)?;
    let (store, groups) = (context.store(), ["system:masters".to_string()]);
    let registry = Registry::for_server(&definition, &store, &groups);
    let mut query = ListQuery {
        prefix: custom::storage_prefix(crd),
        start: None,
        selector: Selector { labels: Vec::new(), fields: Vec::new() },
        freshness: Freshness::Latest,
        limit: PAGE,
    };
    loop {
        let page = store.list(query.clone()).await.map_err(from_store)?;
        for object in page.read(0, PAGE as u32) {
            let key = object.key();
            let place = key.strip_prefix(&query.prefix).unwrap_or_default();
            let (namespace, name) = place.split_once('/').unwrap_or(("", place));
            match registry.delete(namespace, name, &DeleteOptions::default()).await {
                Err(error) if error.code != 404 => return Err(error),
                _ => {}
            }
        }
        match page.next() {
            Some(next) => query.start = Some(next),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn the_condition_says_how_far_it_is() {
        let mut object = json!({});
        terminating(&mut object, Status::True, "InstanceDeletionInProgress", "CustomResource deletion is in progress");
        let condition = &object["status"]["conditions"][0];
        assert_eq!((&condition["type"], &condition["status"]), (&json!("Terminating"), &json!("True")));
    }
}
