//! What data cannot say of a resource: small hooks in Rust, named after upstream's
//! strategies. Each has a default that does nothing.

use serde_json::Value;

use crate::status::{ApiError, FieldError};

/// What a hook may know of the request.
pub struct Operation<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    /// `status`, or empty for the main resource.
    pub subresource: &'a str,
    pub user: &'a str,
    pub dry_run: bool,
}

/// How long an object stays after it was asked to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grace {
    /// Removed at once.
    #[default]
    None,
    /// Marked, and removed by whoever runs it (pods): seconds.
    Seconds(i64),
}

/// The rules of one resource in code. Objects are trees as decoded, with all keys that the
/// schema knows; each hook may change `object` in place.
pub trait Strategy: Sync {
    /// Fills in what upstream's defaulting code sets, on every write.
    fn default(&self, _object: &mut Value) {}

    /// Resets what a client may not set on create (status, for most).
    fn prepare_for_create(&self, _operation: &Operation<'_>, _object: &mut Value) {}

    /// Carries over what this update may not change.
    fn prepare_for_update(&self, _operation: &Operation<'_>, _object: &mut Value, _old: &Value) {}

    /// All findings, in upstream's order. Metadata is validated by the engine.
    fn validate(&self, _operation: &Operation<'_>, _object: &Value, _errors: &mut Vec<FieldError>) {}

    fn validate_update(
        &self,
        _operation: &Operation<'_>,
        _object: &Value,
        _old: &Value,
        _errors: &mut Vec<FieldError>,
    ) {
    }

    /// Texts for `Warning` headers.
    fn warnings(&self, _object: &Value) -> Vec<String> {
        Vec::new()
    }

    /// The shape that the object's name must have; subdomain for most.
    fn validate_name(&self, name: &str) -> Vec<String> {
        crate::validation::names::dns1123_subdomain(name)
    }

    /// Whether a PUT of something that does not exist creates it.
    fn create_on_update(&self) -> bool {
        false
    }

    /// Whether an update without a resource version is unconditional.
    fn unconditional_update(&self) -> bool {
        true
    }

    /// Whether `metadata.generation` counts changes of the desired state.
    fn generation(&self) -> bool {
        false
    }

    /// Whether a delete is graceful, given what the client asked for.
    fn grace(&self, _object: &Value, _asked: Option<i64>) -> Grace {
        Grace::None
    }

    /// Refuses a delete, or changes the object in place of removing it (namespaces).
    fn before_delete(&self, _operation: &Operation<'_>, _object: &Value) -> Result<(), ApiError> {
        Ok(())
    }
}

/// No rules beside the schema's.
pub struct Plain;

impl Strategy for Plain {}
