//! Where the time of a request goes, for those who ask why it was slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What takes time before a request is served: filters that may ask others, in the order in which a request passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Authentication,
    Audit,
    Impersonation,
    Authorization,
}

impl Step {
    pub(crate) const COUNT: usize = 4;
}

/// In the order of the type; upstream's names. What audit takes it does not tell by itself.
const NAMES: [Option<&str>; Step::COUNT] = [Some("authentication"), None, Some("impersonation"), Some("authorization")];

/// Nanoseconds of each step.
#[derive(Debug, Default)]
pub(crate) struct Latency([AtomicU64; Step::COUNT]);

impl Latency {
    pub(crate) fn set(&self, step: Step, time: Duration) {
        self.0[step as usize].store(time.as_nanos() as u64, Ordering::Relaxed);
    }

    /// None, if there was nothing to do.
    pub(crate) fn of(&self, step: Step) -> Duration {
        Duration::from_nanos(self.0[step as usize].load(Ordering::Relaxed))
    }

    /// Those that took any, and have a name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let times = self.0.iter().map(|time| Duration::from_nanos(time.load(Ordering::Relaxed)));
        let named = NAMES.into_iter().zip(times).filter_map(|(name, time)| name.map(|name| (name, time)));
        named.filter(|(_, time)| !time.is_zero())
    }
}
