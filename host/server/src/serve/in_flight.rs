//! The requests that a shutdown waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct InFlightRequests {
    count: AtomicU32,
    changed: Notify,
}

impl InFlightRequests {
    pub(crate) fn enter(this: &Arc<Self>) -> InFlightRequest {
        // Ordered against the life cycle signal that is asked next, see the wait group filter.
        this.count.fetch_add(1, Ordering::SeqCst);
        InFlightRequest(this.clone())
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) async fn drained(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            changed.await;
        }
    }
}

/// One request under way.
pub(crate) struct InFlightRequest(Arc<InFlightRequests>);

impl Drop for InFlightRequest {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}
