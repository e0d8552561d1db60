//! How long the committer gives others to write with those who wait.
//!
//! While it waits for the disk the next batch gathers by itself. On a disk that is fast it would be one or two writes, and
//! a commit costs the processor as much as two writes do that share one: so if a few writes wait already, it gives the
//! others as long again as the last batch took. Who writes alone, each time after the last answer, never waits for others,
//! and of two who do so hardly ever one.

use std::time::Duration;

/// Writes from which on a commit costs each of them little.
pub(super) const GATHERED: usize = 16;

#[derive(Default)]
pub(super) struct Pace {
    /// What the last batch took that was written.
    last: Duration,
    /// What waits was left by a batch that had no room for it.
    left: bool,
}

/// What came of one round of the committer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Something was written; refusals cost no time that says anything of the disk.
    pub(super) wrote: bool,
    /// The batch had no room for more.
    pub(super) full: bool,
}

impl Pace {
    /// How long others are waited for, at most for `max`, when `waiting` writes are there.
    pub(super) fn gathering(&self, waiting: usize, max: Duration) -> Option<Duration> {
        (!self.left && (2..GATHERED).contains(&waiting)).then_some(self.last.min(max))
    }

    pub(super) fn ran(&mut self, round: Round, time: Duration) {
        self.left = round.full;
        if round.wrote {
            self.last = time;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_millis(1);
    const WROTE: Round = Round { wrote: true, full: false };

    #[test]
    fn others_are_waited_for_if_there_are_few_who_write() {
        let (short, long) = (MAX / 4, MAX * 9);
        for (waiting, last, expected) in [
            (0, short, None),
            (1, short, None),
            (2, short, Some(short)),
            (2, long, Some(MAX)),
            (GATHERED - 1, short, Some(short)),
            (GATHERED, short, None),
        ] {
            let mut pace = Pace::default();
            pace.ran(WROTE, last);
            assert_eq!(pace.gathering(waiting, MAX), expected, "{waiting} after {last:?}");
        }
    }

    #[test]
    fn what_had_no_room_does_not_wait_again() {
        let mut pace = Pace::default();
        pace.ran(Round { full: true, ..WROTE }, MAX);
        assert_eq!(pace.gathering(2, MAX), None);
        pace.ran(WROTE, MAX);
        assert_eq!(pace.gathering(2, MAX), Some(MAX));
    }

    #[test]
    fn refusals_say_nothing_of_the_disk() {
        let mut pace = Pace::default();
        pace.ran(WROTE, MAX / 2);
        pace.ran(Round::default(), MAX / 100);
        assert_eq!(pace.gathering(2, MAX), Some(MAX / 2));
    }
}
