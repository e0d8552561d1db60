//! Counts requests, the time that they take and the bytes that they get.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Filter;
use crate::observe::{Answered, RequestMetrics, StartedRequest};
use crate::request::{Context, Request};
use crate::response::{BoxError, Response};

pub(super) struct Measure {
    metrics: Arc<RequestMetrics>,
}

impl Measure {
    pub(super) fn new(metrics: Arc<RequestMetrics>) -> Self {
        Self { metrics }
    }
}

impl Filter for Measure {
    type Held = StartedRequest;

    async fn before(&self, request: &mut Request) -> Result<StartedRequest, Response> {
        Ok(self.metrics.start(request))
    }

    fn after(&self, started: StartedRequest, _: &Arc<Context>, response: &mut Response) {
        let mut answered = started.answered(response.status());
        let body = response.body_mut();
        if body.is_stream() {
            // A stream's time ends with its last byte, as upstream counts it.
            body.wrap_stream(|stream| Measured { stream, answered });
        } else {
            answered.wrote(body.size_hint().lower());
            answered.ended(true);
            body.hold(answered);
        }
    }
}

/// A stream whose bytes are counted.
struct Measured {
    stream: Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>,
    answered: Answered,
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(self.stream.as_mut().poll_frame(context));
        match &frame {
            None => self.answered.ended(true),
            Some(Err(_)) => self.answered.ended(false),
            Some(Ok(frame)) => self.answered.wrote(frame.data_ref().map_or(0, |data| data.len() as u64)),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.stream.size_hint()
    }
}
