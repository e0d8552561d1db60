//! Counts the time that threads spend in an instance: what its plugin computes, and what the host
//! does for it meanwhile. By the wall clock: a thread's own would be a system call at each end, and
//! most stretches are short.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::chain::Link;

/// The event loop of an instance, whose time is its plugin's.
pub(super) struct Timed {
    event_loop: Pin<Box<dyn Future<Output = ()> + Send>>,
    link: Arc<Link>,
}

impl Timed {
    pub(super) fn new(event_loop: impl Future<Output = ()> + Send + 'static, link: Arc<Link>) -> Self {
        Self { event_loop: Box::pin(event_loop), link }
    }
}

impl Future for Timed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let started = Instant::now();
        let result = self.event_loop.as_mut().poll(context);
        self.link.metrics().computed(started.elapsed());
        result
    }
}
