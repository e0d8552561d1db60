//! Waiting for a revision to arrive, without waking those whose is still to come.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use tokio::sync::oneshot;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// The revision that everything shows, and those who wait for a later one.
pub(super) struct Applied {
    revision: AtomicU64,
    /// None when no further revision will come.
    waiting: Mutex<Option<BTreeMap<u64, Vec<oneshot::Sender<()>>>>>,
}

/// No further revision will come.
#[derive(Debug)]
pub(super) struct Ended;

impl Applied {
    pub(super) fn new(revision: u64) -> Self {
        Self { revision: AtomicU64::new(revision), waiting: Mutex::new(Some(BTreeMap::new())) }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(super) fn advance(&self, revision: u64) {
        self.revision.store(revision, Ordering::Release);
        // Whoever comes to wait after the store sees it; whoever came before is here.
        let reached = match self.waiting().as_mut() {
            Some(waiting) => {
                let later = waiting.split_off(&(revision + 1));
                std::mem::replace(waiting, later)
            }
            None => return,
        };
        for waiter in reached.into_values().flatten() {
            // Whoever waited may be gone.
            let _ = waiter.send(());
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.waiting().is_some()
    }

    pub(super) fn end(&self) {
        self.waiting().take();
    }

    /// Returns when the revision is there.
    pub(super) async fn wait(&self, revision: u64) -> Result<(), Ended> {
        if self.revision() >= revision {
            return Ok(());
        }
        let arrival = {
            let mut waiting = self.waiting();
            let waiting = waiting.as_mut().ok_or(Ended)?;
            if self.revision() >= revision {
                return Ok(());
            }
            let (sender, arrival) = oneshot::channel();
            let waiters = waiting.entry(revision).or_default();
            // Those who gave up leave nothing behind.
            waiters.retain(|waiter| !waiter.is_closed());
            waiters.push(sender);
            arrival
        };
        arrival.await.map_err(|_| Ended)
    }

    fn waiting(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Vec<oneshot::Sender<()>>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn those_whose_revision_came_are_woken_and_no_others() {
        let applied = Applied::new(5);
        let mut context = Context::from_waker(Waker::noop());
        let mut old = pin!(applied.wait(5));
        let mut next = pin!(applied.wait(6));
        let mut late = pin!(applied.wait(9));
        assert!(matches!(old.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
        assert!(next.as_mut().poll(&mut context).is_pending());
        assert!(late.as_mut().poll(&mut context).is_pending());
        applied.advance(8);
        assert!(matches!(next.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
        assert!(late.as_mut().poll(&mut context).is_pending());
        applied.end();
        assert!(matches!(late.as_mut().poll(&mut context), Poll::Ready(Err(Ended))));
        assert!(matches!(pin!(applied.wait(10)).poll(&mut context), Poll::Ready(Err(Ended))));
    }
}
