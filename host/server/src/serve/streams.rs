//! Runs the streams of HTTP/2, and resets those whose answers are not read in time.
//!
//! Nothing is polled where a client does not read, so neither the body nor its deadline would
//! ever find out: what is outside of both does. The other streams of the connection go on.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

#[derive(Clone, Copy)]
pub(super) struct StreamExecutor;

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(Bounded { stream, end: None });
    }
}

thread_local! {
    static END: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Resets the stream that is being polled, at `end`, unless it is over by then.
pub(super) fn end_current_stream_at(end: Instant) {
    END.set(Some(end));
}

pin_project! {
    struct Bounded<F> {
        #[pin]
        stream: F,
        // Only those that stream have one: most are over before a timer is of use.
        end: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for Bounded<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let pending = this.stream.poll(context).is_pending();
        if let Some(end) = END.take() {
            *this.end = Some(Box::pin(sleep_until(end.into())));
        }
        // A stream that is dropped before its end is reset.
        match this.end {
            Some(end) if pending => end.as_mut().poll(context),
            None if pending => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}
