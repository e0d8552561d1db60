//! An instance's event loop, polled by whoever brings it work.
//!
//! A call that the guest answers without waiting for anything then runs on its caller's thread
//! from beginning to end: no task is woken, and no thread parks. What has to wait is polled on by
//! a task of the loop's own. The loop is never dropped by whoever polls it, so a caller that goes
//! away in the middle harms nothing.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::task::AtomicWaker;
use parking_lot::Mutex;

/// A future without result that several threads may poll, one at a time.
pub(super) struct EventLoop {
    /// Nothing once it has ended. The lock is held by whoever has moved `state` away from
    /// `IDLE`, and so never waited for.
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    state: AtomicU8,
    /// The task that polls when nobody else does.
    task: AtomicWaker,
}

/// Nobody polls.
const IDLE: u8 = 0;
const POLLING: u8 = 1;
/// Somebody polls, and something has happened since that he may have missed.
const WOKEN: u8 = 2;

/// How often a caller polls again for what happened meanwhile, before he leaves the rest to the
/// loop's task. Each poll of a guest that computes ends with the epoch's next tick.
const TURNS_MAX: usize = 2;

impl EventLoop {
    /// Starts to run the future on the current runtime.
    pub(super) fn start(future: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let this = Arc::new(Self {
            future: Mutex::new(Some(Box::pin(future))),
            state: AtomicU8::new(IDLE),
            task: AtomicWaker::new(),
        });
        tokio::spawn(Background { this: this.clone() });
        this
    }

    /// Lets the future see what has been brought to it: at once, on this thread, if nobody polls
    /// it already.
    pub(super) fn turn(self: &Arc<Self>) {
        // A store's event loop cannot run inside another's (wasmtime#14302).
        if INSIDE.get() {
            self.wake_by_ref();
        } else if !self.poll() {
            self.task.wake();
        }
    }

    /// Polls until there is nothing to do, or [`TURNS_MAX`] times. Returns whether whatever is
    /// left will wake us, or is seen by another thread.
    fn poll(self: &Arc<Self>) -> bool {
        if self.state.compare_exchange(IDLE, POLLING, Ordering::AcqRel, Ordering::Acquire).is_err() {
            // Between the look and this store the other thread may have become idle.
            return self.state.swap(WOKEN, Ordering::AcqRel) != IDLE || self.resume();
        }
        self.resume()
    }

    /// As [`EventLoop::poll`], for who has moved `state` away from `IDLE`.
    fn resume(self: &Arc<Self>) -> bool {
        let waker = Waker::from(self.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..TURNS_MAX {
            self.state.store(POLLING, Ordering::Release);
            let over = self.poll_future(&mut context);
            if self.state.compare_exchange(POLLING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                // The task ends with the loop.
                return !over;
            }
        }
        self.state.store(IDLE, Ordering::Release);
        false
    }

    /// Returns whether the future has ended.
    fn poll_future(&self, context: &mut Context<'_>) -> bool {
        let mut future = self.future.lock();
        if let Some(pending) = &mut *future {
            let _inside = Inside::enter();
            if pending.as_mut().poll(context).is_ready() {
                *future = None;
            }
        }
        future.is_none()
    }

    fn is_over(&self) -> bool {
        self.future.try_lock().is_some_and(|future| future.is_none())
    }
}

impl Wake for EventLoop {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Whoever polls sees it; from `IDLE` it is the task's turn.
        if self.state.compare_exchange(POLLING, WOKEN, Ordering::AcqRel, Ordering::Acquire) == Err(IDLE) {
            self.task.wake();
        }
    }
}

thread_local! {
    /// Whether this thread is polling a loop.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Sets [`INSIDE`] while it lives.
struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.set(true);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Polls the loop when it is woken and nobody is at it; ends with it.
struct Background {
    this: Arc<EventLoop>,
}

impl Future for Background {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Registered first: what happens after the look wakes us.
        self.this.task.register(context.waker());
        self.this.turn();
        if self.this.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }
}
