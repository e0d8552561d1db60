//! What filters do with the headers of a request.

use http::{HeaderMap, HeaderName};

/// Removes fields that match. One look at each name, where most requests have none that match.
pub(super) fn remove_matching(headers: &mut HeaderMap, matches: impl Fn(&HeaderName) -> bool) {
    while let Some(name) = headers.keys().find(|name| matches(name)).cloned() {
        headers.remove(name);
    }
}
