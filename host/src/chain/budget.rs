//! What a plugin may compute: CPU time, as a share of the time that passes on all cores.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// An account that fills as time passes and empties as a guest computes.
pub(super) struct CpuBudget {
    /// CPU seconds that each second brings.
    rate: f64,
    /// CPU seconds that it holds at most: work comes in bursts.
    full: f64,
    account: Mutex<Account>,
    /// Whether the account is in use at all: most never are, and asking must cost nothing then.
    touched: AtomicBool,
}

struct Account {
    left: f64,
    at: Instant,
    /// It ran out, and has not recovered enough to let calls in again.
    exhausted: bool,
}

/// How full the account is before calls are let in again: else each call would be one too many.
const RECOVERED: f64 = 0.1;

impl CpuBudget {
    /// `percent` of `cores` together, saved up for as long as `saved`.
    pub(super) fn new(percent: u64, cores: usize, saved: Duration) -> Self {
        let rate = percent as f64 / 100.0 * cores as f64;
        let full = rate * saved.as_secs_f64();
        let account = Account { left: full, at: Instant::now(), exhausted: false };
        Self { rate, full, account: Mutex::new(account), touched: AtomicBool::new(false) }
    }

    /// The guest has computed for so long.
    pub(super) fn charge(&self, spent: Duration, now: Instant) {
        self.touched.store(true, Ordering::Relaxed);
        let mut account = self.account.lock();
        self.refill(&mut account, now);
        account.left -= spent.as_secs_f64();
        account.exhausted |= account.left < 0.0;
    }

    /// How long a guest has to pause for what it has overdrawn.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let mut account = self.touched()?;
        self.refill(&mut account, now);
        self.wait(&account, 0.0)
    }

    /// How long it takes until calls are let in again, if they are not now.
    pub(super) fn closed(&self) -> Option<Duration> {
        self.closed_at(Instant::now)
    }

    fn closed_at(&self, now: impl FnOnce() -> Instant) -> Option<Duration> {
        let mut account = self.touched()?;
        let now = now();
        self.refill(&mut account, now);
        if !account.exhausted {
            return None;
        }
        let wait = self.wait(&account, self.full * RECOVERED);
        account.exhausted = wait.is_some();
        wait
    }

    fn touched(&self) -> Option<parking_lot::MutexGuard<'_, Account>> {
        self.touched.load(Ordering::Relaxed).then(|| self.account.lock())
    }

    fn refill(&self, account: &mut Account, now: Instant) {
        let passed = now.saturating_duration_since(account.at);
        account.left = (account.left + passed.as_secs_f64() * self.rate).min(self.full);
        account.at = now.max(account.at);
    }

    fn wait(&self, account: &Account, wanted: f64) -> Option<Duration> {
        let missing = wanted - account.left;
        (missing > 0.0).then(|| Duration::from_secs_f64(missing / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const SAVED: Duration = Duration::from_secs(5);

    /// Half of two cores: a CPU second each second, five of them saved up.
    fn budget() -> (CpuBudget, Instant) {
        (CpuBudget::new(50, 2, SAVED), Instant::now())
    }

    #[test]
    fn a_plugin_that_computes_little_is_never_held_up() {
        let (budget, start) = budget();
        for second in 0..100 {
            let now = start + SECOND * second;
            budget.charge(SECOND * 9 / 10, now);
            assert_eq!((budget.pause(now), budget.closed_at(|| now)), (None, None), "after {second} s");
        }
    }

    #[test]
    fn a_plugin_that_computes_for_ever_gets_its_share() {
        let (budget, start) = budget();
        let (mut now, mut computed) = (start, Duration::ZERO);
        let tick = Duration::from_millis(1);
        // Two cores that do nothing else but this, unless they pause.
        while now < start + SECOND * 60 {
            budget.charge(2 * tick, now);
            computed += 2 * tick;
            now += tick + budget.pause(now).unwrap_or_default();
        }
        let most = SECOND * 60 + SAVED + SECOND / 10;
        assert!(computed > SECOND * 60 && computed < most, "{computed:?} in a minute");
    }

    #[test]
    fn calls_are_closed_out_until_a_tenth_is_saved_up_again() {
        let (budget, start) = budget();
        budget.charge(SECOND * 7, start);
        assert_eq!(budget.pause(start), Some(SECOND * 2));
        let soon = |now| budget.closed_at(|| now).map(|wait| wait.as_millis());
        assert_eq!(soon(start), Some(2_500));
        assert_eq!(soon(start + SECOND * 2), Some(500));
        assert_eq!(budget.pause(start + SECOND * 2), None, "who is at work goes on");
        assert_eq!(soon(start + SECOND * 3), None);
    }
}
