//! Keys that go by themselves.
//!
//! While the store is open the monotonic clock decides, so a wall clock that jumps ends
//! nothing early. Over a restart only the wall clock is left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::record::Lease;
use crate::Key;

/// When which key goes, if it was not written again since.
#[derive(Default)]
pub(super) struct Expiries(BinaryHeap<Reverse<(Instant, Key, u64)>>);

impl Expiries {
    /// A key that was just written.
    pub(super) fn add(&mut self, key: Key, revision: u64, lease: Lease) {
        self.add_in(key, revision, Duration::from_millis(lease.ttl_ms));
    }

    /// A key that was found when the store was opened.
    pub(super) fn resume(&mut self, key: Key, revision: u64, lease: Lease) {
        self.add_in(key, revision, left(lease, wall_ms()));
    }

    fn add_in(&mut self, key: Key, revision: u64, left: Duration) {
        // A time beyond what the clock can say never comes.
        if let Some(at) = Instant::now().checked_add(left) {
            self.0.push(Reverse((at, key, revision)));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes at most `max` keys whose time has come, with the revision that they were to expire at.
    pub(super) fn due(&mut self, now: Instant, max: usize) -> Vec<(Key, u64)> {
        let mut due = Vec::new();
        while due.len() < max && self.next().is_some_and(|at| at <= now) {
            due.extend(self.0.pop().map(|Reverse((_, key, revision))| (key, revision)));
        }
        due
    }
}

pub(super) fn lease(ttl: Duration) -> Lease {
    // Rounded up: never early.
    let ttl_ms = u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Lease { ttl_ms, expires_ms: wall_ms().saturating_add(ttl_ms).saturating_add(1) }
}

/// What is left of a lease. A wall clock that was set back must not make it longer than it was.
fn left(lease: Lease, now_ms: u64) -> Duration {
    Duration::from_millis(lease.expires_ms.saturating_sub(now_ms).min(lease.ttl_ms))
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_lease_is_never_more_than_it_had() {
        let lease = Lease { ttl_ms: 100, expires_ms: 1_000 };
        for (now_ms, ms) in [(900, 100), (950, 50), (1_000, 0), (5_000, 0), (0, 100)] {
            assert_eq!(left(lease, now_ms), Duration::from_millis(ms), "at {now_ms}");
        }
    }

    #[test]
    fn keys_come_in_the_order_of_their_time_and_no_more_than_asked_for() {
        let mut expiries = Expiries::default();
        for (key, ms) in [("c", 3_000), ("a", 1_000), ("b", 2_000), ("d", 1_000_000)] {
            expiries.add_in(key.into(), 7, Duration::from_millis(ms));
        }
        let now = Instant::now() + Duration::from_secs(4);
        let keys = |due: Vec<(Key, u64)>| due.into_iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
        assert_eq!(keys(expiries.due(now, 2)), ["a", "b"]);
        assert_eq!(keys(expiries.due(now, 2)), ["c"]);
        assert_eq!(keys(expiries.due(now, 2)), [""; 0]);
    }
}
