//! The watches that are open, and the pace at which a shutdown ends them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::in_flight::{InFlightRequest, InFlightRequests};
use crate::limits::ENDING_WATCHES_PER_SECOND_MIN;

/// All watches. When the server goes away they end one after the other, spread over the grace
/// period: each of their clients opens a new one somewhere, and all at once would be a flood.
#[derive(Debug)]
pub(crate) struct Watches {
    open: Arc<InFlightRequests>,
    /// Nobody waits for the watches if it is zero: then they all end at once.
    grace: Duration,
    pace: OnceLock<Pace>,
    ended: AtomicU32,
}

#[derive(Debug)]
struct Pace {
    since: Instant,
    between: Duration,
}

impl Watches {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { open: Arc::default(), grace, pace: OnceLock::new(), ended: AtomicU32::new(0) }
    }

    pub(crate) fn enter(&self) -> InFlightRequest {
        InFlightRequests::enter(&self.open)
    }

    /// When the next watch ends: the first who asks sets the pace for all.
    pub(crate) fn next_end(&self) -> Instant {
        let pace = self.pace.get_or_init(|| Pace {
            since: Instant::now(),
            between: (self.grace / self.open.count().max(1))
                .min(Duration::from_secs(1) / ENDING_WATCHES_PER_SECOND_MIN),
        });
        pace.since + (pace.between * self.ended.fetch_add(1, Ordering::Relaxed)).min(self.grace)
    }

    /// Resolves when all have ended, or have had the time for it.
    pub(crate) async fn ended(&self) {
        if !self.grace.is_zero() && timeout(self.grace, self.open.drained()).await.is_err() {
            tracing::info!(open = self.open.count(), "watches are still open: not waiting any longer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds from the start to the end of the last watch.
    async fn last_end(watches: u32, grace: Duration) -> u128 {
        let started = Instant::now();
        let group = Watches::new(grace);
        let _open: Vec<_> = (0..watches).map(|_| group.enter()).collect();
        let ends: Vec<_> = (0..watches).map(|_| group.next_end()).collect();
        assert!(ends.is_sorted());
        ends.last().unwrap().duration_since(started).as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn watches_end_over_the_grace_period_and_not_slower_than_they_must() {
        let seconds = Duration::from_secs;
        let cases = [
            ("no grace: all at once", 1000, seconds(0), 0),
            ("few, faster than the grace period would have it", 101, seconds(60), 500),
            ("many, spread over it", 20_001, seconds(10), 10_000),
        ];
        for (what, watches, grace, expected) in cases {
            let last = last_end(watches, grace).await;
            assert!(last.abs_diff(expected) <= expected / 100, "{what}: {last} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_grace_period() {
        for (grace, expected) in [(0, 0), (5, 5)] {
            let watches = Watches::new(Duration::from_secs(grace));
            let _open = watches.enter();
            let started = Instant::now();
            watches.ended().await;
            assert_eq!(started.elapsed().as_secs(), expected);
        }
    }
}
