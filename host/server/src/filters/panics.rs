//! Answers a panic.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::StatusCode;
use tracing::error;

use super::{Around, Handler};
use crate::request::{Context, Request};
use crate::response::{Response, text};

pub(super) struct ContainPanics;

impl ContainPanics {
    pub(super) fn answer(context: &Arc<Context>, panic: &(dyn Any + Send)) -> Response {
        let reason = panic.downcast_ref::<&str>().copied();
        let reason = reason.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
        let path = context.info().path();
        error!(audit_id = context.audit_id(), path, reason, "a request made the server panic");
        if let Some(record) = context.audit() {
            record.panicked(context, reason);
        }
        text(StatusCode::INTERNAL_SERVER_ERROR, "This request caused apiserver to panic. Look in the logs for details.")
    }
}

impl Around for ContainPanics {
    async fn around<N: Handler>(&self, request: Request, next: &N) -> Response {
        let context = request.context().clone();
        // The only things that a panic can leave half done are the request's own.
        match AssertUnwindSafe(next.handle(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => Self::answer(&context, &*panic),
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
