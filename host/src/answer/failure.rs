//! What a client is told when a plugin fails: whose fault it is, and whether to try again.

use host_server::{Failure, Response};
use http::StatusCode;

use crate::chain::Link;
use crate::guest::CallError;

/// The response for a call without a result. The reason stays in the log.
pub fn failure(link: &Link, error: &CallError) -> Response {
    link.log().host(tracing::Level::ERROR, &error.to_string());
    let name = link.name();
    match error {
        CallError::Failed { .. } => {
            Failure::internal(format!("plugin `{name}` failed while it had the request")).into()
        }
        CallError::Refused { .. } => Failure::internal(format!("plugin `{name}` could not write the answer")).into(),
        CallError::Lost { .. } => {
            Failure::unavailable(format!("plugin `{name}` was restarted while it had the request"), 1).into()
        }
        CallError::Unavailable { .. } => {
            Failure::unavailable(format!("plugin `{name}` has no instance that could take the request"), 1).into()
        }
        CallError::TimedOut { .. } => {
            let mut failure = Failure::timeout();
            failure.code = StatusCode::GATEWAY_TIMEOUT;
            failure.into()
        }
    }
}
