//! The pause before what ended is started again: longer each time that it did not live.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long to wait before the next start.
pub(super) struct Backoff {
    bounds: Bounds,
    next: Duration,
    /// Since when it lives, if it does.
    begun: Option<Instant>,
}

/// What differs between those that are started again.
pub(super) struct Bounds {
    /// The pause after the first early end; doubled with each further one.
    first: Duration,
    last: Duration,
    /// What ran for as long as this was healthy: the pauses start over.
    healthy_after: Duration,
}

/// Somebody waits for an instance.
pub(super) const INSTANCE: Bounds =
    Bounds { first: Duration::from_millis(50), last: Duration::from_secs(10), healthy_after: Duration::from_secs(30) };

/// A hook that fails has most often asked for something that is not there yet.
pub(super) const HOOK: Bounds =
    Bounds { first: Duration::from_millis(200), last: Duration::from_secs(30), healthy_after: Duration::from_secs(60) };

impl Backoff {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { next: bounds.first, bounds, begun: None }
    }

    /// It lives from now on: what takes long to fail at its start is not healthy.
    pub(super) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// It has shown that it can live: the pauses start over.
    pub(super) fn forgive(&mut self) {
        self.next = self.bounds.first;
    }

    /// Waits for the next start. False if there is to be none, because `stop` is cancelled.
    pub(super) async fn pause(&mut self, stop: &CancellationToken) -> bool {
        if self.begun.take().is_some_and(|begun| begun.elapsed() > self.bounds.healthy_after) {
            self.forgive();
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.bounds.last);
        stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long the next pause is.
    async fn next(backoff: &mut Backoff) -> Duration {
        let before = Instant::now();
        assert!(backoff.pause(&CancellationToken::new()).await);
        before.elapsed()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_the_longest_and_start_over_after_a_healthy_life() {
        let mut backoff = Backoff::new(INSTANCE);
        for expected in [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            backoff.begin();
            assert_eq!(next(&mut backoff).await, ms(expected));
        }
        backoff.begin();
        tokio::time::sleep(INSTANCE.healthy_after).await;
        assert_eq!(next(&mut backoff).await, INSTANCE.last, "the bound itself is not yet healthy");
        backoff.begin();
        tokio::time::sleep(INSTANCE.healthy_after + ms(1)).await;
        assert_eq!(next(&mut backoff).await, INSTANCE.first);
        backoff.begin();
        assert_eq!(next(&mut backoff).await, INSTANCE.first * 2);
        // It has not even begun.
        tokio::time::sleep(INSTANCE.healthy_after * 2).await;
        assert_eq!(next(&mut backoff).await, INSTANCE.first * 4);
        backoff.begin();
        backoff.forgive();
        assert_eq!(next(&mut backoff).await, INSTANCE.first);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_to_stop_does_not_wait() {
        let (mut backoff, stop) = (Backoff::new(HOOK), CancellationToken::new());
        stop.cancel();
        let before = Instant::now();
        assert!(!backoff.pause(&stop).await);
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
