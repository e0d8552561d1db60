//! What is no object in the store, or changes one in a way of its own.

use apimachinery::definition::Definition;
use plugin_sdk::{Answer, Context, RequestInfo};

/// The answer, if this is one of those.
pub(crate) async fn handle(
    _definition: &Definition,
    _info: &RequestInfo,
    _context: &Context,
    _definitions: &[Definition],
) -> Option<Answer> {
    None
}
