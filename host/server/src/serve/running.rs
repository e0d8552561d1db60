//! A server that serves, what may be asked of it, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::in_flight::InFlightRequests;
use super::watches::Watches;
use crate::director::Director;
use crate::lifecycle::shutdown::Stages;
use crate::lifecycle::{Signal, Signals};

/// A server that serves.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    done: JoinHandle<()>,
}

impl Running {
    pub(super) fn new(address: SocketAddr, handle: ServerHandle, done: JoinHandle<()>) -> Self {
        Self { address, handle, done }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Resolves when the shutdown is over: nobody is served any more.
    pub async fn finished(self) {
        if let Err(error) = self.done.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Asks a server for something, from anywhere.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    signals: Arc<Signals>,
    reload: mpsc::Sender<oneshot::Sender<()>>,
}

impl ServerHandle {
    pub(super) fn new(signals: Arc<Signals>, reload: mpsc::Sender<oneshot::Sender<()>>) -> Self {
        Self { signals, reload }
    }

    /// Reads certificates and keys again, now. Returns when new connections get them.
    pub async fn reload(&self) {
        let (done, is_done) = oneshot::channel();
        // A server that has ended reads nothing.
        if self.reload.send(done).await.is_ok() {
            let _ = is_done.await;
        }
    }

    pub fn shutdown(&self) {
        self.signals.fire(Signal::ShutdownInitiated);
    }
}

/// The stages of a shutdown.
pub(super) struct Sequence<D> {
    pub(super) director: Arc<D>,
    pub(super) in_flight: Arc<InFlightRequests>,
    pub(super) watches: Arc<Watches>,
    pub(super) stop: CancellationToken,
    pub(super) closing: CancellationToken,
    pub(super) connections: TaskTracker,
    pub(super) accepting: Mutex<Option<JoinHandle<()>>>,
}

impl<D: Director> Stages for Sequence<D> {
    async fn pre_shutdown_hooks(&self) {
        self.director.pre_shutdown().await;
    }

    async fn stop_listening(&self) {
        self.stop.cancel();
        if let Some(accepting) = self.accepting.lock().await.take() {
            // The listener is closed when the task has ended, however it did.
            let _ = accepting.await;
        }
        self.closing.cancel();
    }

    async fn requests_drained(&self) {
        self.in_flight.drained().await;
    }

    async fn watches_ended(&self) {
        self.watches.ended().await;
    }

    async fn connections_closed(&self) {
        self.connections.close();
        self.connections.wait().await;
    }
}
