//! The patches that change an object as it is: JSON patch, JSON merge patch and strategic
//! merge patch. Owns their errors; what follows (decoding the result, defaults, validation)
//! is the engine's. Of values that are kept as text only what a patch leads to is taken apart.
//! Server-side apply is not a patch of this kind: see [`crate::managed`].

pub mod json;
pub mod merge;
pub mod shown;
pub mod strategic;

use crate::codec::{self, Decoded};
use crate::status::ApiError;
use crate::tree::Value;

/// The body of a JSON patch or a merge patch, with numbers as they were written: see
/// [`codec::json::decode_exactly`].
///
/// # Errors
/// `BadRequest` if it is no JSON.
pub fn decode(patch: &[u8]) -> Result<Decoded, ApiError> {
    codec::json::decode_exactly(patch).map_err(|why| ApiError::bad_request(format!("error decoding patch: {why}")))
}

/// Go's complaint about a value of the wrong kind.
fn cannot_unmarshal(value: &Value, target: &str) -> ApiError {
    let kind = codec::json::kind(value);
    ApiError::bad_request(format!("error decoding patch: json: cannot unmarshal {kind} into {target}"))
}

/// The patch is well-formed but cannot be applied to this object. Upstream keeps the reason to
/// itself.
fn unprocessable() -> ApiError {
    let message = "the server rejected our request due to an error in our request";
    let mut error = ApiError::new(422, "Invalid", message);
    error.with_details = true;
    error
}
