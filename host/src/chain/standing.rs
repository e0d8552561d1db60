//! Whether a plugin is trusted with calls: one that keeps failing is degraded, and tried again
//! after pauses that grow.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause of a plugin that is degraded; doubled with each try that fails.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// What a plugin's calls have come to lately. Failures count up and successes down, so that
/// one bad path among good ones degrades nobody.
pub(super) struct Standing {
    failures_max: u32,
    pause_last: Duration,
    failures: u32,
    degraded: Option<Degraded>,
}

struct Degraded {
    pause: Duration,
    /// The next try.
    retry_at: Instant,
    /// A try is under way; nobody else is let in.
    trying: bool,
}

/// What a change of standing means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// From now on calls are refused for this long.
    Degraded(Duration),
    /// The plugin works again.
    Recovered,
}

impl Standing {
    pub(super) fn new(failures_max: u32, pause_last: Duration) -> Self {
        Self { failures_max, pause_last, failures: 0, degraded: None }
    }

    pub(super) fn is_degraded(&self) -> bool {
        self.degraded.is_some()
    }

    /// Nothing to forgive: a success changes nothing.
    pub(super) fn is_spotless(&self) -> bool {
        self.failures == 0 && self.degraded.is_none()
    }

    /// Whether a call may go in, and whether it is the try by which a degraded plugin is judged.
    /// An error says how long to stay away.
    pub(super) fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
        let Some(degraded) = &mut self.degraded else { return Ok(false) };
        if degraded.trying {
            return Err(PAUSE_FIRST);
        }
        if now < degraded.retry_at {
            return Err(degraded.retry_at - now);
        }
        degraded.trying = true;
        Ok(true)
    }

    pub(super) fn succeeded(&mut self, is_try: bool) -> Option<Turn> {
        self.failures = self.failures.saturating_sub(1);
        if !is_try || self.degraded.take().is_none() {
            return None;
        }
        self.failures = 0;
        Some(Turn::Recovered)
    }

    pub(super) fn failed(&mut self, is_try: bool, now: Instant) -> Option<Turn> {
        match &mut self.degraded {
            // Those that were let in before.
            Some(_) if !is_try => None,
            Some(degraded) => {
                degraded.pause = (degraded.pause * 2).min(self.pause_last);
                degraded.retry_at = now + degraded.pause;
                degraded.trying = false;
                None
            }
            None => {
                self.failures += 1;
                if self.failures < self.failures_max {
                    return None;
                }
                let pause = PAUSE_FIRST.min(self.pause_last);
                self.degraded = Some(Degraded { pause, retry_at: now + pause, trying: false });
                Some(Turn::Degraded(pause))
            }
        }
    }

    /// A call that came to nothing, neither good nor bad: another one may try.
    pub(super) fn abandoned(&mut self, is_try: bool) {
        if let (true, Some(degraded)) = (is_try, &mut self.degraded) {
            degraded.trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn standing() -> (Standing, Instant) {
        (Standing::new(3, SECOND * 4), Instant::now())
    }

    fn degraded() -> (Standing, Instant) {
        let (mut standing, now) = standing();
        let turns: Vec<_> = (0..3).map(|_| standing.failed(false, now)).collect();
        assert_eq!(turns, [None, None, Some(Turn::Degraded(SECOND))]);
        (standing, now)
    }

    #[test]
    fn failures_among_as_many_successes_degrade_nobody() {
        let (mut standing, now) = standing();
        for _ in 0..100 {
            assert_eq!(standing.failed(false, now), None);
            assert_eq!(standing.succeeded(false), None);
        }
        assert_eq!(standing.admit(now), Ok(false));
    }

    #[test]
    fn a_degraded_plugin_is_tried_by_one_call_after_pauses_that_grow_to_a_bound() {
        let (mut standing, mut now) = degraded();
        for pause in [1, 2, 4, 4] {
            assert_eq!(standing.admit(now), Err(SECOND * pause));
            now += SECOND * pause;
            assert_eq!(standing.admit(now), Ok(true));
            assert_eq!(standing.admit(now), Err(PAUSE_FIRST), "a second one beside the try");
            // What was let in before does not count.
            assert_eq!((standing.failed(false, now), standing.succeeded(false)), (None, None));
            assert_eq!(standing.failed(true, now), None);
            assert!(standing.is_degraded());
        }
    }

    #[test]
    fn a_try_that_succeeds_ends_it_and_one_that_comes_to_nothing_is_made_again() {
        let (mut standing, now) = degraded();
        let later = now + SECOND;
        assert_eq!(standing.admit(later), Ok(true));
        standing.abandoned(true);
        assert_eq!(standing.admit(later), Ok(true));
        assert_eq!(standing.succeeded(true), Some(Turn::Recovered));
        assert!(standing.is_spotless());
        assert_eq!(standing.admit(later), Ok(false));
    }
}
