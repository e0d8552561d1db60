//! Runs the streams of an HTTP/2 connection: requests as tasks of their own, watches together with
//! their connection.
//!
//! A request may compute, and its neighbours must not wait for it. A watch does next to nothing, again
//! and again: a change that a hundred of them are told would wake a hundred tasks, each of which wakes
//! the connection. So a stream that turns out to be a watch moves to its connection.
//!
//! Resets those whose answers are not read in time, too. Nothing is polled where a client does not
//! read, so neither the body nor its deadline would ever find out: what is outside of both does. The
//! other streams of the connection go on.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::CatchUnwind;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep_until};

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The streams of a connection that run with it.
pub(super) struct Streams {
    came: mpsc::UnboundedReceiver<Stream>,
    running: FuturesUnordered<CatchUnwind<AssertUnwindSafe<Stream>>>,
}

/// Starts the streams of a connection.
#[derive(Clone)]
pub(super) struct StreamExecutor {
    shared: mpsc::UnboundedSender<Stream>,
}

pub(super) fn streams() -> (StreamExecutor, Streams) {
    // Bounded by the streams of a connection.
    let (shared, came) = mpsc::unbounded_channel();
    (StreamExecutor { shared }, Streams { came, running: FuturesUnordered::new() })
}

impl Streams {
    /// Lets all go on that can.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(stream)) = self.came.poll_recv(context) {
            // What breaks one must not end the connection, as it would not if it were a task.
            self.running.push(AssertUnwindSafe(stream).catch_unwind());
        }
        // A hundred streams have more to do in a turn than one task ought to.
        let all = poll_fn(|context| {
            while let Poll::Ready(Some(_)) = self.running.poll_next_unpin(context) {}
            Poll::Ready(())
        });
        let _ = pin!(unconstrained(all)).poll(context);
    }
}

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let stream: Stream = Box::pin(stream.map(drop));
        tokio::spawn(Alone { stream: Some(stream), end: None, shared: self.shared.clone() });
    }
}

thread_local! {
    static END: Cell<Option<Instant>> = const { Cell::new(None) };
    static SHARES: Cell<bool> = const { Cell::new(false) };
}

/// Resets the stream that is being polled, at `end`, unless it is over by then.
pub(super) fn end_current_stream_at(end: Instant) {
    END.set(Some(end));
}

/// Lets the stream that is being polled run with its connection from now on.
pub(super) fn share_current_stream() {
    SHARES.set(true);
}

/// A stream in a task of its own.
struct Alone {
    /// None once it is the connection's.
    stream: Option<Stream>,
    /// Only those that stream have one: most are over before a timer is of use.
    end: Option<Pin<Box<Sleep>>>,
    shared: mpsc::UnboundedSender<Stream>,
}

impl Future for Alone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else { return Poll::Ready(()) };
        let pending = stream.as_mut().poll(context).is_pending();
        if let Some(end) = END.take() {
            this.end = Some(Box::pin(sleep_until(end.into())));
        }
        if SHARES.take()
            && pending
            && let Some(stream) = this.stream.take()
        {
            // Without a connection it is over.
            let _ = this.shared.send(stream);
            return Poll::Ready(());
        }
        // A stream that is dropped before its end is reset.
        match &mut this.end {
            Some(end) if pending => end.as_mut().poll(context),
            None if pending => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}
