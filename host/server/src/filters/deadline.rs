//! Bounds the time that a request may take.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::audit::refused;
use super::{Around, Handler};
use crate::audit::Auditor;
use crate::options::duration::GoDuration;
use crate::request::{Request, info};
use crate::response::{Failure, Response};

pub(super) struct Deadline {
    longest: Duration,
    auditor: Option<Arc<Auditor>>,
}

impl Deadline {
    pub(super) fn new(longest: Duration, auditor: Option<Arc<Auditor>>) -> Self {
        Self { longest, auditor }
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
            Err(failure) => {
                let response = failure.into();
                refused(self.auditor.as_ref(), &request, &response);
                return response;
            }
        };
        let context = request.context().clone();
        let deadline = context.received() + allotted;
        context.set_deadline(deadline);
        // Who asks for less than what has passed is not answered in time, however fast the rest is.
        if deadline <= Instant::now() {
            context.set_terminated();
            context.cancel();
            let response = Failure::timeout().into();
            refused(self.auditor.as_ref(), &request, &response);
            return response;
        }
        match timeout_at(deadline.into(), next.handle(request)).await {
            Ok(response) => response,
            Err(_) => {
                context.set_terminated();
                context.cancel();
                Failure::timeout().into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get, message, read};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn clients_may_ask_for_less() {
        let cases = [
            ("", Ok(60_000)),
            ("timeout=", Ok(60_000)),
            ("timeout=5s", Ok(5_000)),
            ("timeout=250ms", Ok(250)),
            ("timeout=0s", Ok(60_000)),
            ("timeout=-5s", Ok(60_000)),
            ("timeout=5m", Ok(60_000)),
            ("timeout=abc", Err("invalid timeout specified in the request URL - time: invalid duration \"abc\"")),
            ("timeout=10", Err("invalid timeout specified in the request URL - time: missing unit in duration \"10\"")),
        ];
        for (query, expected) in cases {
            let got =
                Deadline::new(MINUTE, None).allotted(query).map(|d| d.as_millis()).map_err(|failure| failure.message);
            assert_eq!(got, expected.map_err(str::to_owned), "{query}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_ended() {
        let inside = Inside::slow(Duration::from_secs(30));
        let cases = [
            ("/api?timeout=29s", 504),
            ("/api?timeout=31s", 200),
            ("/api?timeout=1ns", 504),
            ("/api/v1/pods?watch=1&timeout=1s", 200),
        ];
        for (uri, expected) in cases {
            let request = get(uri);
            let context = request.context().clone();
            let cancelled = context.cancellation().clone();
            let (code, _, body) = read(Deadline::new(MINUTE, None).around(request, &inside).await).await;
            assert_eq!(code, expected, "{uri}");
            if code == 504 {
                assert_eq!(message(&body), "Timeout: request did not complete within the allotted timeout");
                assert!(body.contains("\"reason\":\"Timeout\",\"details\":{},\"code\":504"));
            }
            assert_eq!((cancelled.is_cancelled(), context.is_cancelled()), (code == 504, code == 504), "{uri}");
        }
    }
}
