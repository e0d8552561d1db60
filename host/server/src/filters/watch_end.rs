//! Ends watches when the server goes away: cleanly, so that clients go on elsewhere from where
//! they are.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::Filter;
use super::retry_after::is_exempt;
use crate::alarm::Alarm;
use crate::lifecycle::{Signal, Signals};
use crate::limits::ENDING_WATCH_FRAMES_MAX;
use crate::request::{self, Request};
use crate::response::{BoxError, Failure, Response};
use crate::serve::{InFlightRequest, Watches};

pub(super) struct EndWatches {
    signals: Arc<Signals>,
    watches: Arc<Watches>,
}

impl EndWatches {
    pub(super) fn new(signals: Arc<Signals>, watches: Arc<Watches>) -> Self {
        Self { signals, watches }
    }
}

impl Filter for EndWatches {
    /// Nothing for those who are not watches.
    type Held = Option<InFlightRequest>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        if !request.info().is_long_running() {
            return Ok(None);
        }
        let guard = self.watches.enter();
        if self.signals.has_fired(Signal::NotAcceptingNewRequest) && !is_exempt(request) {
            return Err(Failure::unavailable("apiserver is shutting down", 1).into());
        }
        Ok(Some(guard))
    }

    fn after(&self, guard: Self::Held, _: &Arc<request::Context>, response: &mut Response) {
        let Some(guard) = guard else { return };
        let told = Box::pin(self.signals.token(Signal::NotAcceptingNewRequest).clone().cancelled_owned());
        response.body_mut().wrap_stream(|stream| Ending {
            stream,
            watches: self.watches.clone(),
            moment: Moment::Open(Alarm::new(told)),
            frames_left: ENDING_WATCH_FRAMES_MAX,
            _guard: guard,
        });
    }
}

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A stream that ends between two of its frames, some time after the signal.
struct Ending {
    stream: Stream,
    watches: Arc<Watches>,
    moment: Moment,
    /// Counted once its turn has come.
    frames_left: usize,
    _guard: InFlightRequest,
}

enum Moment {
    /// Nobody has said that it ends.
    Open(Alarm<Pin<Box<WaitForCancellationFutureOwned>>>),
    /// It waits for its turn.
    Told(Pin<Box<Sleep>>),
    /// It ends with what is ready.
    Now,
}

impl Ending {
    /// Whether its turn has come.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.moment {
                Moment::Open(told) => {
                    ready!(told.poll_unpin(context));
                    let end = self.watches.next_end();
                    // A timer is late where there is nothing to wait for.
                    self.moment =
                        if end <= Instant::now() { Moment::Now } else { Moment::Told(Box::pin(sleep_until(end))) };
                }
                Moment::Told(turn) => {
                    ready!(turn.as_mut().poll(context));
                    self.moment = Moment::Now;
                }
                Moment::Now => return Poll::Ready(()),
            }
        }
    }
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.poll_turn(context).is_pending() {
            return self.stream.as_mut().poll_frame(context);
        }
        // What is ready is still sent: it may be the event that somebody waits for.
        let Some(left) = self.frames_left.checked_sub(1) else { return Poll::Ready(None) };
        self.frames_left = left;
        match self.stream.as_mut().poll_frame(context) {
            Poll::Pending => Poll::Ready(None),
            ready => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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

    /// What the filter makes of an answer.
    async fn through(signals: &Arc<Signals>, uri: &str, body: Body) -> Body {
        let filter = EndWatches::new(signals.clone(), Arc::new(Watches::new(Duration::ZERO)));
        let mut request = get(uri);
        let held = filter.before(&mut request).await.ok().unwrap();
        let mut response = Response::new(body);
        filter.after(held, request.context(), &mut response);
        response.into_body()
    }

    #[tokio::test]
    async fn a_busy_watch_ends_too() {
        let signals = Arc::new(Signals::default());
        let body = through(&signals, "/api/v1/pods?watch=1", Body::stream(Busy)).await;
        signals.fire(Signal::NotAcceptingNewRequest);
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), ENDING_WATCH_FRAMES_MAX);
    }

    #[tokio::test]
    async fn a_watch_ends_after_its_last_event_and_a_list_goes_on() {
        for (uri, ends) in [("/api/v1/pods?watch=1", true), ("/api/v1/pods", false)] {
            let signals = Arc::new(Signals::default());
            let (events, receiver) = mpsc::channel(4);
            let mut body = through(&signals, uri, Body::stream(Events(receiver))).await;

            events.send("one").await.unwrap();
            signals.fire(Signal::NotAcceptingNewRequest);
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, "one");
            let next = body.frame().now_or_never();
            assert_eq!(matches!(next, Some(None)), ends, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_watch_that_comes_too_late_is_sent_elsewhere() {
        let signals = Arc::new(Signals::default());
        signals.fire(Signal::NotAcceptingNewRequest);
        let filter = EndWatches::new(signals, Arc::new(Watches::new(Duration::ZERO)));
        for (uri, expected) in [("/api/v1/pods?watch=1", 503), ("/api/v1/pods", 200)] {
            let answer = filter.before(&mut get(uri)).await;
            assert_eq!(answer.err().map_or(200, |response| response.status().as_u16()), expected, "{uri}");
        }
    }
}
