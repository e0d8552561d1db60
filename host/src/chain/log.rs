//! A plugin's log lines: named after it and its generation, and not more than the host can bear.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::IntCounter;
use tracing::Level;

use crate::limits::Limits;

/// Where a plugin's log lines go.
#[derive(Clone)]
pub struct PluginLog {
    inner: Arc<Inner>,
}

struct Inner {
    plugin: String,
    generation: u64,
    lines_per_second_max: u32,
    line_bytes_max: usize,
    /// Lines of the guest, and of the host about it: a guest that floods its log does not keep
    /// us from naming what else it does.
    guest: Mutex<Window>,
    host: Mutex<Window>,
    dropped: IntCounter,
}

/// The lines of the current second.
struct Window {
    since: Instant,
    lines: u32,
    dropped: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is written, and so is how many before it were not.
    Written { dropped_before: u64 },
    /// It is not, and whether it is the first of its second.
    Dropped { first: bool },
}

const SECOND: Duration = Duration::from_secs(1);

impl PluginLog {
    pub fn new(plugin: &str, generation: u64, limits: &Limits, dropped: IntCounter) -> Self {
        let window = || Mutex::new(Window { since: Instant::now(), lines: 0, dropped: 0 });
        Self {
            inner: Arc::new(Inner {
                plugin: plugin.to_string(),
                generation,
                lines_per_second_max: limits.log_lines_per_second_max,
                line_bytes_max: limits.log_line_bytes_max,
                guest: window(),
                host: window(),
                dropped,
            }),
        }
    }

    pub fn line_bytes_max(&self) -> usize {
        self.inner.line_bytes_max
    }

    /// A line that the plugin wrote. Dropped and counted if there are too many.
    pub fn write(&self, level: Level, message: &str) {
        let mut end = message.len().min(self.inner.line_bytes_max);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        self.within(&self.inner.guest, "guest", level, &message[..end]);
    }

    /// A line of the host about the plugin.
    pub fn host(&self, level: Level, message: &str) {
        self.within(&self.inner.host, "host", level, message);
    }

    fn within(&self, window: &Mutex<Window>, by: &str, level: Level, message: &str) {
        let max = self.inner.lines_per_second_max;
        let verdict = window.lock().line(Instant::now(), max);
        match verdict {
            Verdict::Written { dropped_before } => {
                if dropped_before > 0 {
                    let text = format!("{dropped_before} log lines of the {by} were dropped");
                    self.emit("host", Level::WARN, &text);
                }
                self.emit(by, level, message);
            }
            Verdict::Dropped { first } => {
                self.inner.dropped.inc();
                if first {
                    let text =
                        format!("more log lines of the {by} than `log_lines_per_second_max` ({max}) are dropped");
                    self.emit("host", Level::WARN, &text);
                }
            }
        }
    }

    /// tracing's levels are part of the call site, so there is one for each.
    fn emit(&self, by: &str, level: Level, message: &str) {
        let (plugin, generation) = (self.inner.plugin.as_str(), self.inner.generation);
        match level {
            Level::ERROR => tracing::error!(plugin, generation, by, "{message}"),
            Level::WARN => tracing::warn!(plugin, generation, by, "{message}"),
            Level::INFO => tracing::info!(plugin, generation, by, "{message}"),
            Level::DEBUG => tracing::debug!(plugin, generation, by, "{message}"),
            Level::TRACE => tracing::trace!(plugin, generation, by, "{message}"),
        }
    }
}

impl Window {
    fn line(&mut self, now: Instant, max: u32) -> Verdict {
        let mut dropped_before = 0;
        if now.saturating_duration_since(self.since) >= SECOND {
            dropped_before = std::mem::take(&mut self.dropped);
            self.since = now;
            self.lines = 0;
        }
        if self.lines >= max {
            self.dropped += 1;
            return Verdict::Dropped { first: self.dropped == 1 };
        }
        self.lines += 1;
        Verdict::Written { dropped_before }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_says_how_many_were_dropped() {
        let start = Instant::now();
        let mut window = Window { since: start, lines: 0, dropped: 0 };
        let written = |dropped_before| Verdict::Written { dropped_before };
        let dropped = |first| Verdict::Dropped { first };
        for (milliseconds, expected) in [
            (0, written(0)),
            (1, written(0)),
            (2, dropped(true)),
            (999, dropped(false)),
            (1000, written(2)),
            (1001, written(0)),
            (1002, dropped(true)),
            (5000, written(1)),
        ] {
            assert_eq!(window.line(start + Duration::from_millis(milliseconds), 2), expected, "{milliseconds} ms");
        }
    }
}
