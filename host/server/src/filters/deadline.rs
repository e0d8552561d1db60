//! Bounds the time that a request may take.

use std::time::Duration;

use tokio::time::timeout_at;

use super::{Around, Handler};
use crate::options::duration::GoDuration;
use crate::request::{Request, info};
use crate::response::{Failure, Response};

pub(super) struct Deadline {
    longest: Duration,
}

impl Deadline {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest }
    }

    /// What the client asks for, if that is less.
    fn allotted(&self, query: &str) -> Result<Duration, Failure> {
        let asked = info::first(query, "timeout").filter(|text| !text.is_empty());
        let Some(asked) = asked else { return Ok(self.longest) };
        let asked = GoDuration::parse(&asked)
            .map_err(|error| Failure::bad_request(format!("invalid timeout specified in the request URL - {error}")))?;
        let usable = !asked.negative && !asked.length.is_zero() && asked.length < self.longest;
        Ok(if usable { asked.length } else { self.longest })
    }
}

impl Around for Deadline {
    async fn around<N: Handler>(&self, request: Request, next: &N) -> Response {
        if request.info().is_long_running() {
            return next.handle(request).await;
        }
        let allotted = match self.allotted(request.query()) {
            Ok(allotted) => allotted,
            Err(failure) => return failure.into(),
        };
        let context = request.context().clone();
        let deadline = context.received() + allotted;
        context.set_deadline(deadline);
        match timeout_at(deadline.into(), next.handle(request)).await {
            Ok(response) => response,
            Err(_) => {
                context.cancel();
                Failure::timeout().into()
            }
        }
    }
}
