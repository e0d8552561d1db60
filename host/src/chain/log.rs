//! A plugin's log lines: named after it, and not more than the host can bear.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tracing::Level;

use crate::limits::Limits;

/// Where a plugin's log lines go.
#[derive(Clone)]
pub struct PluginLog {
    inner: Arc<Inner>,
}

struct Inner {
    plugin: String,
    lines_per_second_max: u32,
    line_bytes_max: usize,
    window: Mutex<Window>,
}

/// The lines of the current second.
struct Window {
    since: Instant,
    lines: u32,
    dropped: u64,
}

impl PluginLog {
    pub fn new(plugin: &str, limits: &Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                plugin: plugin.to_string(),
                lines_per_second_max: limits.log_lines_per_second_max,
                line_bytes_max: limits.log_line_bytes_max,
                window: Mutex::new(Window { since: Instant::now(), lines: 0, dropped: 0 }),
            }),
        }
    }

    pub fn line_bytes_max(&self) -> usize {
        self.inner.line_bytes_max
    }

    /// A line that the plugin wrote. Dropped and counted if there are too many.
    pub fn write(&self, level: Level, message: &str) {
        {
            let mut window = self.inner.window.lock();
            if window.since.elapsed().as_secs() >= 1 {
                let dropped = std::mem::take(&mut window.dropped);
                window.since = Instant::now();
                window.lines = 0;
                if dropped > 0 {
                    let limit = self.inner.lines_per_second_max;
                    self.host(
                        Level::WARN,
                        &format!("{dropped} log lines dropped: more than `log_lines_per_second_max` ({limit})"),
                    );
                }
            }
            if window.lines >= self.inner.lines_per_second_max {
                window.dropped += 1;
                return;
            }
            window.lines += 1;
        }
        let mut end = message.len().min(self.inner.line_bytes_max);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        self.emit("guest", level, &message[..end]);
    }

    /// A line of the host about the plugin.
    pub fn host(&self, level: Level, message: &str) {
        self.emit("host", level, message);
    }

    /// tracing's levels are part of the call site, so there is one for each.
    fn emit(&self, by: &str, level: Level, message: &str) {
        let plugin = self.inner.plugin.as_str();
        match level {
            Level::ERROR => tracing::error!(plugin, by, "{message}"),
            Level::WARN => tracing::warn!(plugin, by, "{message}"),
            Level::INFO => tracing::info!(plugin, by, "{message}"),
            Level::DEBUG => tracing::debug!(plugin, by, "{message}"),
            Level::TRACE => tracing::trace!(plugin, by, "{message}"),
        }
    }
}
