//! What the service manager is told, if there is one (`NOTIFY_SOCKET`).

use sd_notify::NotifyState;
use tracing::warn;

/// The server serves, and its hooks have been started.
pub fn notify_ready() {
    notify(&[NotifyState::Ready]);
}

/// The server is going away.
pub fn notify_stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("cannot tell the service manager: {error}");
    }
}
