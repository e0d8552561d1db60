//! Futures that seldom have anything to say, beside something that is polled all the time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::{ArcWake, AtomicWaker, waker_ref};

/// A future that is polled when it has been woken, and not each time its owner is: a timer and the wait
/// for a signal cost a watch more than the event that it was woken for.
pub struct Alarm<F> {
    future: F,
    bell: Arc<Bell>,
}

struct Bell {
    /// The future has something to say, or was never asked.
    rung: AtomicBool,
    /// Who owns the future.
    owner: AtomicWaker,
}

impl<F: Future + Unpin> Alarm<F> {
    pub fn new(future: F) -> Self {
        Self { future, bell: Arc::new(Bell { rung: AtomicBool::new(true), owner: AtomicWaker::new() }) }
    }

    /// The future, to change what it waits for: it is polled with the next poll.
    pub fn get_mut(&mut self) -> &mut F {
        self.bell.rung.store(true, Ordering::Release);
        &mut self.future
    }
}

impl<F: Future + Unpin> Future for Alarm<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        // First, so that whoever rings from now on wakes this owner.
        this.bell.owner.register(context.waker());
        if !this.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&waker_ref(&this.bell)))
    }
}

impl ArcWake for Bell {
    fn wake_by_ref(bell: &Arc<Self>) {
        bell.rung.store(true, Ordering::Release);
        bell.owner.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_not_before() {
        let (ring, mut rung) = oneshot::channel();
        let mut polls = 0;
        let counted = std::future::poll_fn(|context| {
            polls += 1;
            rung.poll_unpin(context)
        });
        let mut alarm = Alarm::new(counted);
        for _ in 0..3 {
            assert!(alarm.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        ring.send(7).unwrap();
        assert_eq!(alarm.await, Ok(7));
        assert_eq!(polls, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_wakes_whoever_asked_last() {
        let (ring, rung) = oneshot::channel::<()>();
        let mut alarm = Alarm::new(rung);
        assert!(alarm.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        let waiting = tokio::spawn(alarm);
        tokio::task::yield_now().await;
        ring.send(()).unwrap();
        // Bounded: an alarm that wakes nobody is what this looks for.
        let woken = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        assert_eq!(woken.expect("nobody was woken").unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn what_was_changed_is_asked_again() {
        let mut alarm = Alarm::new(std::future::pending().boxed());
        assert!(alarm.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending());
        *alarm.get_mut() = std::future::ready(1).boxed();
        assert_eq!(alarm.await, 1);
    }
}
