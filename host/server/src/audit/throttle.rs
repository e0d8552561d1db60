//! At most so many a second, and so many at once if there were none for a while.

use std::time::Duration;

use tokio::time::Instant;

pub(super) struct Throttle {
    interval: Duration,
    /// How far ahead of its time somebody may come.
    ahead: Duration,
    /// When the next one would come if they came evenly.
    next: Instant,
}

impl Throttle {
    pub(super) fn new(per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second);
        Self { interval, ahead: interval * burst.saturating_sub(1), next: Instant::now() }
    }

    pub(super) async fn wait(&mut self) {
        let now = Instant::now();
        let next = self.next.max(now);
        tokio::time::sleep(next.saturating_duration_since(now).saturating_sub(self.ahead)).await;
        self.next = next + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_at_a_time() {
        let mut throttle = Throttle::new(10.0, 3);
        let started = Instant::now();
        let mut came = Vec::new();
        for _ in 0..5 {
            throttle.wait().await;
            came.push(started.elapsed().as_millis());
        }
        assert_eq!(came, [0, 0, 0, 100, 200]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let started = Instant::now();
        throttle.wait().await;
        assert_eq!(started.elapsed().as_millis(), 0);
    }
}
