//! Signals of the operating system.

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::notify::notify_reloading;
use super::notify_ready;
use crate::serve::ServerHandle;

/// Shuts the server down at the first SIGTERM or SIGINT. A second one ends the process at once
/// with exit code 1: whoever sends it does not want to wait. SIGHUP makes the server read its
/// files again.
pub fn obey_signals(handle: ServerHandle) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let server = handle.clone();
    tokio::spawn(async move {
        let name = next().await;
        info!(signal = name, "shutting down");
        server.shutdown();
        let name = next().await;
        error!(signal = name, "ending at once: this is the second signal");
        std::process::exit(1);
    });
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            notify_reloading();
            handle.reload().await;
            notify_ready();
        }
    });
    Ok(())
}
