//! The order in which a server goes away without dropping anybody: kube-apiserver's.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::{Signal, Signals, notify_stopping};

/// What happens in the order of the sequence, done by those who can.
pub(crate) trait Stages {
    /// Runs the pre-shutdown hooks, to their ends or to the bounds of their own.
    fn pre_shutdown_hooks(&self) -> impl Future<Output = ()> + Send;
    /// Takes no more connections, and asks those that are there to end after what they are at.
    fn stop_listening(&self) -> impl Future<Output = ()> + Send;
    /// Resolves when the requests that count have been answered.
    fn requests_drained(&self) -> impl Future<Output = ()> + Send;
    /// Resolves when the watches have ended, or have had the time for it.
    fn watches_ended(&self) -> impl Future<Output = ()> + Send;
    /// Resolves when all connections are closed.
    fn connections_closed(&self) -> impl Future<Output = ()> + Send;
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    /// Refuse politely on an open port until the drain is over.
    pub(crate) send_retry_after: bool,
    /// Bounds the drain: no request may take longer, and no client may hold its connection longer.
    pub(crate) request_timeout: Duration,
}

/// After the drain hardly more than idle connections are left: they get this long at least.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

/// Waits for [`Signal::ShutdownInitiated`], and carries the sequence out.
pub(crate) async fn run(plan: Plan, signals: Arc<Signals>, stages: impl Stages) {
    signals.wait(Signal::ShutdownInitiated).await;
    notify_stopping();

    // Neither waits for the other: the hooks run while the delay passes.
    tokio::join!(
        async {
            tokio::time::sleep(plan.delay).await;
            signals.fire(Signal::AfterShutdownDelayDuration);
        },
        async {
            stages.pre_shutdown_hooks().await;
            signals.fire(Signal::PreShutdownHooksStopped);
        },
    );
    signals.fire(Signal::NotAcceptingNewRequest);
    let end = Instant::now() + plan.request_timeout;

    if !plan.send_retry_after {
        stages.stop_listening().await;
        signals.fire(Signal::HttpServerStoppedListening);
    }
    tokio::join!(
        async {
            if timeout_at(end, stages.requests_drained()).await.is_err() {
                warn!(after = ?plan.request_timeout, "requests are still under way: not waiting any longer");
            }
        },
        stages.watches_ended(),
    );
    signals.fire(Signal::InFlightRequestsDrained);

    // Here, and no sooner, may end what only requests need: whatever they had to say is said.
    let last = Instant::now() + LAST_CONNECTIONS;
    let end = if plan.send_retry_after {
        stages.stop_listening().await;
        signals.fire(Signal::HttpServerStoppedListening);
        last
    } else {
        // Answers may still be on their way to slow readers.
        end.max(last)
    };
    if timeout_at(end, stages.connections_closed()).await.is_err() {
        info!("closing connections that their clients keep open");
    }
}
