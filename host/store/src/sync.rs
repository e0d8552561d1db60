//! What threads and tasks meet by: the usual primitives or, with the feature `explore`, those of a
//! schedule explorer, which decides itself who goes on, and tries thousands of orders.

#[cfg(not(feature = "explore"))]
mod usual {
    use std::sync::PoisonError;
    use std::time::Duration;

    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};
    pub(crate) use std::thread;
    pub(crate) use tokio::task::AbortHandle;

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        tokio::spawn(task).abort_handle()
    }

    /// Runs what may block where it blocks nobody. An error if it panics.
    pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
    }

    /// Waits for the condition, and says whether it was too late for it.
    pub(crate) fn wait_at_most<'a, T>(
        _: &'a Mutex<T>,
        condition: &Condvar,
        held: MutexGuard<'a, T>,
        time: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (held, waited) = condition.wait_timeout(held, time).unwrap_or_else(PoisonError::into_inner);
        (held, waited.timed_out())
    }

    /// None if it takes longer.
    pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(time, work).await.ok()
    }
}

/// No time passes: whoever waits for something that does not come is found to be stuck.
#[cfg(feature = "explore")]
mod explored {
    use std::sync::PoisonError;
    use std::time::Duration;

    pub(crate) use shuttle::future::AbortHandle;
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic};
    pub(crate) use shuttle::thread;

    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        shuttle::future::spawn(task).abort_handle()
    }

    pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        shuttle::future::yield_now().await;
        Ok(work())
    }

    /// It is too late whenever the explorer goes on here: that others wake it is for other tests.
    pub(crate) fn wait_at_most<'a, T>(
        mutex: &'a Mutex<T>,
        _: &Condvar,
        held: MutexGuard<'a, T>,
        _: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        drop(held);
        thread::yield_now();
        (mutex.lock().unwrap_or_else(PoisonError::into_inner), true)
    }

    pub(crate) async fn within<T>(_: Duration, work: impl Future<Output = T>) -> Option<T> {
        Some(work.await)
    }
}

#[cfg(feature = "explore")]
pub(crate) use explored::*;
#[cfg(not(feature = "explore"))]
pub(crate) use usual::*;
