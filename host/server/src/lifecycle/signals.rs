//! The eight moments in the life of a server that others wait for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use tracing::info;

/// A moment. The first six are in the order in which they come at shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Somebody asked the server to end: readiness fails from here on.
    ShutdownInitiated,
    /// Load balancers have had the time to notice.
    AfterShutdownDelayDuration,
    PreShutdownHooksStopped,
    /// Both of the above: from here on requests are refused.
    NotAcceptingNewRequest,
    /// The last request that counts has been answered.
    InFlightRequestsDrained,
    HttpServerStoppedListening,
    /// `/readyz` has passed for the first time.
    HasBeenReady,
    /// All routes are there: what nobody serves is 404 now, and was 503 before.
    MuxAndDiscoveryComplete,
}

/// kube-apiserver's names, as its logs have them.
const SIGNALS: [(Signal, &str); 8] = [
    (Signal::ShutdownInitiated, "ShutdownInitiated"),
    (Signal::AfterShutdownDelayDuration, "AfterShutdownDelayDuration"),
    (Signal::PreShutdownHooksStopped, "PreShutdownHooksStopped"),
    (Signal::NotAcceptingNewRequest, "NotAcceptingNewRequest"),
    (Signal::InFlightRequestsDrained, "InFlightRequestsDrained"),
    (Signal::HttpServerStoppedListening, "HTTPServerStoppedListening"),
    (Signal::HasBeenReady, "HasBeenReady"),
    (Signal::MuxAndDiscoveryComplete, "MuxAndDiscoveryComplete"),
];

impl Signal {
    pub fn name(self) -> &'static str {
        SIGNALS[self as usize].1
    }

    pub fn all() -> impl Iterator<Item = Signal> {
        SIGNALS.iter().map(|(signal, _)| *signal)
    }
}

/// Which signals have fired. Each fires once; who waits for one that has fired does not wait.
#[derive(Debug)]
pub struct Signals {
    started: Instant,
    /// What `has_fired` reads, which each request asks: a token would take a lock.
    fired: [AtomicBool; SIGNALS.len()],
    tokens: [CancellationToken; SIGNALS.len()],
}

impl Default for Signals {
    fn default() -> Self {
        Self { started: Instant::now(), fired: Default::default(), tokens: Default::default() }
    }
}

impl Signals {
    /// Fires a signal, and says so in the log the first time.
    pub fn fire(&self, signal: Signal) {
        if !self.fired[signal as usize].swap(true, Ordering::SeqCst) {
            self.tokens[signal as usize].cancel();
            info!(signal = signal.name(), after_ms = self.started.elapsed().as_millis() as u64, "life cycle signal");
        }
    }

    pub fn has_fired(&self, signal: Signal) -> bool {
        self.fired[signal as usize].load(Ordering::SeqCst)
    }

    pub async fn wait(&self, signal: Signal) {
        self.tokens[signal as usize].cancelled().await;
    }

    /// The signal as a token, for those who keep it.
    pub fn token(&self, signal: Signal) -> &CancellationToken {
        &self.tokens[signal as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_fires_once_and_for_all() {
        let signals = Signals::default();
        assert!(Signal::all().all(|signal| !signals.has_fired(signal)));
        signals.fire(Signal::HasBeenReady);
        signals.fire(Signal::HasBeenReady);
        signals.wait(Signal::HasBeenReady).await;
        let fired: Vec<_> = Signal::all().filter(|signal| signals.has_fired(*signal)).collect();
        assert_eq!(fired, [Signal::HasBeenReady]);
    }

    #[test]
    fn the_table_is_in_the_order_of_the_type() {
        for (index, (signal, _)) in SIGNALS.iter().enumerate() {
            assert_eq!(*signal as usize, index);
        }
    }
}
