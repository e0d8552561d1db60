//! Objects live in namespaces that exist, and nothing new appears in one that is going
//! (upstream's `NamespaceLifecycle`).

use std::cell::RefCell;
use std::collections::HashMap;

use plugin_sdk::Store;
use plugin_sdk::storage::{self, Freshness};

use super::Registry;
use crate::rest::errors::from_store;
use crate::rest::object::is_deleting;
use crate::status::{ApiError, Cause};
use crate::tree::Value;

impl Registry<'_> {
    /// Whether an object may be created in the namespace.
    pub(in crate::rest) async fn check_namespace(&self, namespace: &str, name: &str) -> Result<(), ApiError> {
        // What is in no namespace for want of a name is refused by what it has to say of itself.
        if !self.definition.namespaced || namespace.is_empty() {
            return Ok(());
        }
        match find(self.store, namespace).await? {
            Namespace::Active => Ok(()),
            Namespace::Missing => {
                let mut error = ApiError::new(
                    404,
                    "NotFound",
                    format!("namespaces {} not found", crate::validation::quoted(namespace)),
                );
                error.kind = "namespaces".to_string();
                error.name = namespace.to_string();
                Err(error)
            }
            Namespace::Terminating => {
                let why =
                    format!("unable to create new content in namespace {namespace} because it is being terminated");
                let name = if name.is_empty() { "Unknown" } else { name };
                let mut error = ApiError::forbidden(self.definition, name, why);
                error.causes.push(Cause {
                    reason: "NamespaceTerminating".to_string(),
                    message: format!("namespace {namespace} is being terminated"),
                    field: "metadata.namespace".to_string(),
                });
                Err(error)
            }
        }
    }
}

/// How many namespaces an instance remembers.
const ACTIVE_MAX: usize = 64;

thread_local! {
    /// Revisions of namespaces that were found to be active: one that goes has another.
    static ACTIVE: RefCell<HashMap<String, u64>> = RefCell::default();
}

enum Namespace {
    Active,
    Terminating,
    Missing,
}

async fn find(store: &Store, name: &str) -> Result<Namespace, ApiError> {
    let key = format!("/registry/namespaces/{name}");
    match store.get(key, Freshness::Latest).await {
        Ok(None) => Ok(Namespace::Missing),
        Ok(Some(object)) => {
            let revision = object.revision();
            if ACTIVE.with_borrow(|active| active.get(name) == Some(&revision)) {
                return Ok(Namespace::Active);
            }
            let value = Value::read_bytes(&object.value()).unwrap_or_default();
            if is_deleting(&value) || value["status"]["phase"] == "Terminating" {
                return Ok(Namespace::Terminating);
            }
            ACTIVE.with_borrow_mut(|active| {
                if active.len() >= ACTIVE_MAX {
                    active.clear();
                }
                active.insert(name.to_string(), revision);
            });
            Ok(Namespace::Active)
        }
        // A chain without the server that keeps namespaces has none to respect.
        Err(storage::Error::NotGranted(_)) => Ok(Namespace::Active),
        Err(error) => Err(from_store(error)),
    }
}
