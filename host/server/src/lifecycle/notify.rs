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

/// The server reads its files again; [`notify_ready`] follows.
pub(super) fn notify_reloading() {
    // systemd wants to know when, so that it does not take an older `READY=1` for the end of it.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => warn!("cannot read the clock that the service manager wants: {error}"),
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!("cannot tell the service manager: {error}");
    }
}
