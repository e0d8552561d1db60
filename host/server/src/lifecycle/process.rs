//! Signals of the operating system.

use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::serve::ServerHandle;

/// Shuts the server down at the first SIGTERM or SIGINT. A second one ends the process at once
/// with exit code 1: whoever sends it does not want to wait.
pub fn end_on_signals(handle: ServerHandle) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    tokio::spawn(async move {
        let name = next().await;
        info!(signal = name, "shutting down");
        handle.shutdown();
        let name = next().await;
        error!(signal = name, "ending at once: this is the second signal");
        std::process::exit(1);
    });
    Ok(())
}
