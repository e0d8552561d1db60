//! What a client is told when a plugin fails: whose fault it is, and whether to try again.

use host_server::Failure;

use crate::chain::Link;
use crate::guest::CallError;

/// The failure for a call without a result. The reason stays in the log. `is_safe` says that the
/// request had no effects: clients repeat whatever is answered with `Retry-After`, so a write that
/// may have happened is a timeout without one.
pub fn failure(link: &Link, error: &CallError, is_safe: bool) -> Failure {
    // What closes a plugin is said once, not for each call that it costs.
    if !matches!(error, CallError::Closed { .. }) {
        link.log().host(tracing::Level::ERROR, &error.to_string());
    }
    let name = link.name();
    match error {
        CallError::Failed { .. } => Failure::internal(format!("plugin `{name}` failed while it had the request")),
        CallError::Refused { .. } => Failure::internal(format!("plugin `{name}` could not write the answer")),
        CallError::Lost { .. } if is_safe => {
            Failure::unavailable(format!("plugin `{name}` was restarted while it had the request"), 1)
        }
        CallError::Lost { .. } => Failure {
            message: format!(
                "Timeout: plugin `{name}` was restarted while it had the request, which may have happened"
            ),
            ..Failure::timeout()
        },
        CallError::Unavailable { .. } => {
            Failure::unavailable(format!("plugin `{name}` has no instance that could take the request"), 1)
        }
        CallError::Closed { reason, wait, .. } => {
            let seconds = wait.as_secs_f64().ceil().max(1.0) as u32;
            Failure::unavailable(format!("plugin `{name}` takes no requests now: {reason}"), seconds)
        }
        CallError::TimedOut { .. } => Failure::timeout(),
    }
}
