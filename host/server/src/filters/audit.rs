//! Records who asks for what, and how it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Filter;
use crate::audit::{Auditor, Record, Stage};
use crate::request::{Context, Request, Step};
use crate::response::{BoxError, Response, internal_error};

/// Without an auditor nothing is done.
pub(super) struct Audit {
    auditor: Option<Arc<Auditor>>,
}

impl Audit {
    pub(super) fn new(auditor: Option<Arc<Auditor>>) -> Self {
        Self { auditor }
    }
}

impl Filter for Audit {
    /// Nothing for requests that are not recorded.
    type Held = Option<Recorded>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        let Some(auditor) = &self.auditor else { return Ok(None) };
        let started = Instant::now();
        let Some(record) = auditor.begin(request) else { return Ok(None) };
        let context = request.context();
        let written = record.write(context, Stage::RequestReceived);
        context.latency().set(Step::Audit, started.elapsed());
        if !written {
            record.count_rejected();
            return Err(internal_error(request.uri(), "failed to store audit event"));
        }
        Ok(Some(Recorded { context: context.clone(), record, answered: false }))
    }

    fn after(&self, recorded: Self::Held, context: &Arc<Context>, response: &mut Response) {
        let Some(mut recorded) = recorded else { return };
        recorded.answered = true;
        let record = recorded.record.clone();
        record.answered(response);
        if context.info().is_long_running() {
            record.write(context, Stage::ResponseStarted);
        }
        if record.wants_response_body(context) {
            match response.body().bytes() {
                Some(bytes) => record.add_response_bytes(bytes),
                None => response.body_mut().wrap_stream(|stream| Copied { stream, record }),
            }
        }
        response.body_mut().hold(recorded);
    }
}

/// Answers that are given before anybody is known are recorded too: once, and of nobody.
pub(super) fn refused(auditor: Option<&Arc<Auditor>>, request: &Request, response: &Response) {
    if let Some(record) = auditor.and_then(|auditor| auditor.begin(request)) {
        record.answered(response);
        record.write(request.context(), Stage::ResponseStarted);
    }
}

/// A request under way. Writes the last event when it is dropped: with the last byte, or when
/// nobody waits for it any more.
pub(super) struct Recorded {
    context: Arc<Context>,
    record: Arc<Record>,
    answered: bool,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        // Whoever contains the panic knows its reason.
        if std::thread::panicking() {
            return;
        }
        if !self.answered {
            self.record.given_up(&self.context);
        }
        self.record.write(&self.context, Stage::ResponseComplete);
    }
}

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A stream whose bytes are kept, too.
struct Copied {
    stream: Stream,
    record: Arc<Record>,
}

impl HttpBody for Copied {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = self.stream.as_mut().poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.record.add_response_bytes(bytes);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}

#[cfg(test)]
mod tests;
