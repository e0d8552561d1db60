//! Ends watches when the server goes away: cleanly, so that clients go on elsewhere from where
//! they are.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Filter;
use crate::lifecycle::{Signal, Signals};
use crate::limits::ENDING_WATCH_FRAMES_MAX;
use crate::request::{self, Request};
use crate::response::{BoxError, Response};

pub(super) struct EndWatches {
    signals: Arc<Signals>,
}

impl EndWatches {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self { signals }
    }
}

impl Filter for EndWatches {
    type Held = ();

    async fn before(&self, _: &mut Request) -> Result<(), Response> {
        Ok(())
    }

    fn after(&self, _: (), context: &Arc<request::Context>, response: &mut Response) {
        if context.info().is_long_running() {
            let end = self.signals.token(Signal::NotAcceptingNewRequest);
            response.body_mut().wrap_stream(|stream| Ending {
                stream,
                end: Box::pin(end.clone().cancelled_owned()),
                frames_left: None,
            });
        }
    }
}

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A stream that ends between two of its frames when the signal fires.
struct Ending {
    stream: Stream,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Counted once the signal has fired.
    frames_left: Option<usize>,
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.frames_left.is_none() && self.end.as_mut().poll(context).is_ready() {
            self.frames_left = Some(ENDING_WATCH_FRAMES_MAX);
        }
        // What is ready is still sent: it may be the event that somebody waits for.
        let frame = match self.frames_left {
            None => return self.stream.as_mut().poll_frame(context),
            Some(0) => Poll::Pending,
            Some(_) => self.stream.as_mut().poll_frame(context),
        };
        self.frames_left = self.frames_left.map(|left| left.saturating_sub(1));
        match frame {
            Poll::Pending => Poll::Ready(None),
            ready => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::filters::testing::get;
    use crate::response::Body;

    /// Frames as somebody sends them; open until he hangs up.
    struct Events(mpsc::Receiver<&'static str>);

    impl HttpBody for Events {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0
                .poll_recv(context)
                .map(|event| event.map(|event| Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
        }
    }

    /// Always has one more.
    struct Busy;

    impl HttpBody for Busy {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    #[tokio::test]
    async fn a_busy_watch_ends_too() {
        let signals = Arc::new(Signals::default());
        signals.fire(Signal::NotAcceptingNewRequest);
        let mut response = Response::new(Body::stream(Busy));
        EndWatches::new(signals).after((), get("/api/v1/pods?watch=1").context(), &mut response);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), ENDING_WATCH_FRAMES_MAX);
    }

    #[tokio::test]
    async fn a_watch_ends_after_its_last_event_and_a_list_goes_on() {
        for (uri, ends) in [("/api/v1/pods?watch=1", true), ("/api/v1/pods", false)] {
            let signals = Arc::new(Signals::default());
            let (events, receiver) = mpsc::channel(4);
            let mut response = Response::new(Body::stream(Events(receiver)));
            EndWatches::new(signals.clone()).after((), get(uri).context(), &mut response);
            let body = response.body_mut();

            events.send("one").await.unwrap();
            signals.fire(Signal::NotAcceptingNewRequest);
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, "one");
            let next = body.frame().now_or_never();
            assert_eq!(matches!(next, Some(None)), ends, "{uri}");
        }
    }
}
