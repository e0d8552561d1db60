//! The checks that every server has.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Check, Endpoint};
use crate::lifecycle::{RoutesComplete, Signal, Signals};

/// Somebody answers.
pub(super) fn ping() -> Check {
    Check::new("ping", Endpoint::ALL, || async { Ok(()) })
}

/// Log lines can be written: who reads them may have stopped doing so.
pub(super) fn log() -> Check {
    Check::new("log", Endpoint::ALL, || async {
        // Blocks, behind the lock of whoever writes, if the pipe is full.
        let flushed = tokio::task::spawn_blocking(|| std::io::stderr().flush()).await;
        match flushed {
            Ok(Ok(())) => Ok(()),
            _ => Err("logging blocked".to_owned()),
        }
    })
}

/// Whoever announced routes has read what they depend on.
pub(super) fn informer_sync(routes: Arc<RoutesComplete>) -> Check {
    Check::new("informer-sync", [Endpoint::Readyz], move || {
        let missing = routes.missing();
        let (count, names) = (missing.len(), missing.join(" "));
        async move { if count == 0 { Ok(()) } else { Err(format!("{count} informers not started yet: [{names}]")) } }
    })
}

/// The server is not going away.
pub(super) fn shutdown(signals: Arc<Signals>) -> Check {
    Check::new("shutdown", [Endpoint::Readyz], move || {
        let ending = signals.has_fired(Signal::ShutdownInitiated);
        async move { if ending { Err("process is shutting down".to_owned()) } else { Ok(()) } }
    })
}

/// The check of a post-start hook.
pub(super) fn boot(hook: &str) -> (Check, Boot) {
    let done = Arc::new(AtomicBool::new(false));
    let boot = Boot { done: done.clone() };
    let check = Check::new(format!("poststarthook/{hook}"), Endpoint::ALL, move || {
        let done = done.load(Ordering::Acquire);
        async move { if done { Ok(()) } else { Err("not finished".to_owned()) } }
    });
    (Check { boot: true, ..check }, boot)
}

/// Tells how far a post-start hook is.
#[derive(Debug, Clone)]
pub struct Boot {
    done: Arc<AtomicBool>,
}

impl Boot {
    /// The hook has done what others wait for.
    pub fn finished(&self) {
        self.done.store(true, Ordering::Release);
    }

    pub fn is_finished(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// The hook has failed, and is started again.
    pub fn restarted(&self) {
        self.done.store(false, Ordering::Release);
    }
}
