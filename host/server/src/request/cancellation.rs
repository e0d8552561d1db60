//! The end of a request, as those who work for it see it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use tokio_util::sync::CancellationToken;

/// Fires when nobody waits for the answer any more: the client left, or the deadline passed.
///
/// Most requests are over before anybody asks, so the token is made only for those who wait.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    fired: AtomicBool,
    token: OnceLock<CancellationToken>,
}

impl Cancellation {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.fired.load(Ordering::Acquire)
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.token.get_or_init(CancellationToken::new);
        // Pairs with the fence in `cancel`: one of the two sees what the other has done.
        fence(Ordering::SeqCst);
        if self.is_cancelled() {
            token.cancel();
        }
        token
    }

    pub(crate) fn cancel(&self) {
        self.fired.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }
}
