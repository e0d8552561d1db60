//! Answers a panic.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use http::StatusCode;
use tracing::error;

use super::{Around, Handler};
use crate::request::Request;
use crate::response::{Response, text};

pub(super) struct ContainPanics;

impl Around for ContainPanics {
    async fn around<N: Handler>(&self, request: Request, next: &N) -> Response {
        let context = request.context().clone();
        // The only things that a panic can leave half done are the request's own.
        match AssertUnwindSafe(next.handle(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => {
                let reason = panic.downcast_ref::<&str>().copied();
                let reason = reason.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                error!(
                    audit_id = context.audit_id(),
                    path = context.info().path(),
                    reason = reason.unwrap_or("unknown"),
                    "a request made the server panic"
                );
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This request caused apiserver to panic. Look in the logs for details.",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{get, read};

    struct Panics;

    impl Handler for Panics {
        async fn handle(&self, request: Request) -> Response {
            panic!("cannot stand {}", request.info().path());
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let (code, _, body) = read(ContainPanics.around(get("/x"), &Panics).await).await;
        let expected = "This request caused apiserver to panic. Look in the logs for details.\n";
        assert_eq!((code, body.as_str()), (500, expected));
    }
}
