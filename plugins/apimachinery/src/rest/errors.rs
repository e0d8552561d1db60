//! What the store says, in the words of the API.

use plugin_sdk::bindings::host::chain::storage;

use crate::status::{ApiError, Cause};

/// The error of a read, or of a write that surely did not happen.
pub fn from_store(error: storage::Error) -> ApiError {
    match error {
        storage::Error::Compacted(_) => {
            ApiError::new(410, "Expired", "The resourceVersion for the provided list is too old.")
        }
        storage::Error::TooLarge(limit) => entity_too_large(limit),
        storage::Error::Unavailable(why) => {
            let mut error = ApiError::new(503, "ServiceUnavailable", format!("the store is not available: {why}"));
            error.retry_after_seconds = 1;
            error
        }
        storage::Error::Unknown(why) => {
            ApiError::new(504, "Timeout", format!("it is not known whether the write happened: {why}"))
        }
        storage::Error::Cancelled => {
            ApiError::new(504, "Timeout", "request did not complete within the allotted timeout")
        }
        storage::Error::Ahead(current) => too_large_version(0, current),
        storage::Error::NotGranted(key) => ApiError::internal(format!("`{key}` is below no claim of this server")),
        storage::Error::Invalid(why) => ApiError::internal(why),
    }
}

/// As [`from_store`], for a read that asked for a certain revision.
pub(super) fn from_store_at(revision: u64, error: storage::Error) -> ApiError {
    match error {
        storage::Error::Ahead(current) => too_large_version(revision, current),
        other => from_store(other),
    }
}

/// 413 for a body or object above `limit` bytes.
pub(super) fn entity_too_large(limit: u64) -> ApiError {
    ApiError::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
}

/// The client has seen more than there is, for instance from before a restore.
fn too_large_version(wanted: u64, current: u64) -> ApiError {
    let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
    let mut error = ApiError::new(504, "Timeout", message);
    error.retry_after_seconds = 1;
    error.causes.push(Cause {
        reason: "ResourceVersionTooLarge".to_string(),
        message: "Too large resource version".to_string(),
        field: String::new(),
    });
    error
}
