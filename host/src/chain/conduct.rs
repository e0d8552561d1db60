//! How a plugin behaves: what it does wrong is counted and named here, and has consequences.
//!
//! Owns: the list of faults, whether a plugin is degraded, and its CPU budgets. Whoever notices
//! a fault says so here, and does not have to know what follows from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::time::Instant;
use tracing::Level;

use super::budget::CpuBudget;
use super::standing::{Standing, Turn};
use super::{PluginFamilies, PluginLog};
use crate::limits::Limits;

/// The ways to misbehave: the label `fault` of `host_plugin_faults_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A trap: a panic, an access out of bounds, a stack too deep.
    Trap,
    /// It asked for more memory than `memory_bytes_max`.
    Memory,
    /// It held more than `handles_max` handles.
    Handles,
    /// One call brought more than `hostcall_bytes_max`.
    Bytes,
    /// It computed for longer than `cpu_ms_max` at a stretch.
    Cpu,
    /// It computed more than its share.
    CpuShare,
    /// A call did not end when it was told to.
    Cancelled,
    /// A new instance did not start.
    Start,
    /// A hook failed.
    Hook,
    /// Log lines were dropped.
    LogLines,
    /// Updates of its metrics were dropped.
    Metrics,
    /// A registration was refused.
    Registration,
    /// An answer was not what can be sent.
    Answer,
    /// A stream did not begin or end in time, or was cut off.
    Stream,
    /// Too many subrequests, or too deep.
    Subrequest,
    /// Too many watches.
    Watch,
    /// It asked for what is not granted.
    Grant,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Memory => "memory",
            Self::Handles => "handles",
            Self::Bytes => "bytes",
            Self::Cpu => "cpu",
            Self::CpuShare => "cpu_share",
            Self::Cancelled => "cancelled",
            Self::Start => "start",
            Self::Hook => "hook",
            Self::LogLines => "log_lines",
            Self::Metrics => "metrics",
            Self::Registration => "registration",
            Self::Answer => "answer",
            Self::Stream => "stream",
            Self::Subrequest => "subrequest",
            Self::Watch => "watch",
            Self::Grant => "grant",
        }
    }
}

/// How one plugin behaves.
pub struct Conduct {
    plugin: String,
    log: PluginLog,
    families: Arc<PluginFamilies>,
    degraded: IntGauge,
    standing: Mutex<Standing>,
    /// Whether `standing` has anything to say: it seldom has, and each call asks.
    spotted: AtomicBool,
    calls: CpuBudget,
    hooks: CpuBudget,
    /// Whether calls are closed out for computing too much, so that it is said once.
    closed: AtomicBool,
    /// Whether hooks are slowed down, likewise.
    slowed: AtomicBool,
}

/// Why a call is not let in, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub reason: &'static str,
    pub wait: Duration,
}

/// A call that was let in. Dropped without a word, it counts as neither good nor bad.
pub struct Admitted<'a> {
    conduct: &'a Conduct,
    is_try: bool,
    settled: bool,
}

impl Conduct {
    pub fn new(plugin: &str, limits: &Limits, log: PluginLog, families: &Arc<PluginFamilies>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pause_last = Duration::from_millis(limits.degraded_ms_max);
        let saved = Duration::from_millis(limits.cpu_share_saved_ms_max);
        Self {
            plugin: plugin.to_string(),
            log,
            families: families.clone(),
            degraded: families.degraded(plugin),
            standing: Mutex::new(Standing::new(limits.failures_max, pause_last)),
            spotted: AtomicBool::new(false),
            calls: CpuBudget::new(limits.cpu_share_max, cores, saved),
            hooks: CpuBudget::new(limits.hook_cpu_share_max, cores, saved),
            closed: AtomicBool::new(false),
            slowed: AtomicBool::new(false),
        }
    }

    /// Counts a fault and names it in the log.
    pub fn fault(&self, fault: Fault, message: &str) {
        self.count(fault);
        self.log.host(Level::ERROR, message);
    }

    /// Counts a fault that is named elsewhere.
    pub fn count(&self, fault: Fault) {
        self.families.faults(&self.plugin, fault).inc();
    }

    /// Whether a call may go in.
    ///
    /// # Errors
    /// If the plugin is degraded or has computed too much: why, and for how long.
    pub fn admit(&self) -> Result<Admitted<'_>, Closed> {
        if let Some(wait) = self.calls.closed() {
            self.count(Fault::CpuShare);
            self.say_closed();
            return Err(Closed { reason: "it has computed for more than its share", wait });
        }
        // Written only if it changes: each call passes here.
        if self.closed.load(Ordering::Relaxed) {
            self.closed.store(false, Ordering::Relaxed);
        }
        let mut is_try = false;
        if self.spotted.load(Ordering::Relaxed) {
            let admitted = self.standing.lock().admit(Instant::now());
            is_try = admitted.map_err(|wait| Closed { reason: "it keeps failing", wait })?;
        }
        Ok(Admitted { conduct: self, is_try, settled: false })
    }

    /// A failure that shows when nobody waits for the call any more.
    pub fn failed(&self) {
        self.judge(|standing| standing.failed(true, Instant::now()));
    }

    /// The reason, if the plugin is degraded.
    pub fn is_degraded(&self) -> bool {
        self.spotted.load(Ordering::Relaxed) && self.standing.lock().is_degraded()
    }

    /// A call has computed for one tick more, so many at a stretch. Gives how long it has to pause
    /// for it.
    pub fn call_computed(&self, stretch: u64) -> Option<Duration> {
        // Ordinary requests: bounded by what clients may ask for.
        if Limits::EPOCH_TICK.as_millis() * u128::from(stretch) <= Limits::CPU_STRETCH_FREE.as_millis() {
            return None;
        }
        let now = Instant::now();
        self.calls.charge(Limits::EPOCH_TICK, now);
        let pause = self.calls.pause(now);
        if pause.is_some() && self.say_closed() {
            self.count(Fault::CpuShare);
        }
        pause
    }

    /// A call has held a thread for too long.
    pub fn call_held(&self, spent: Duration) {
        self.calls.charge(spent, Instant::now());
    }

    /// Says that calls are refused, once; whether it had to be said.
    fn say_closed(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::Relaxed);
        if first {
            let text =
                "it computed for more than its share (`cpu_share_max`): it is slowed down, and calls are refused";
            self.log.host(Level::WARN, text);
        }
        first
    }

    /// A hook has computed. Gives how long it has to pause for it.
    pub fn hook_computed(&self, spent: Duration) -> Option<Duration> {
        let now = Instant::now();
        self.hooks.charge(spent, now);
        let pause = self.hooks.pause(now);
        if pause.is_none() {
            if self.slowed.load(Ordering::Relaxed) && self.hooks.closed().is_none() {
                self.slowed.store(false, Ordering::Relaxed);
            }
        } else if !self.slowed.swap(true, Ordering::Relaxed) {
            let text = "its hooks compute for more than their share (`hook_cpu_share_max`): they are slowed down";
            self.fault(Fault::CpuShare, text);
        }
        pause
    }

    fn judge(&self, change: impl FnOnce(&mut Standing) -> Option<Turn>) {
        let mut standing = self.standing.lock();
        let turn = change(&mut standing);
        self.spotted.store(!standing.is_spotless(), Ordering::Relaxed);
        match turn {
            Some(Turn::Degraded(pause)) => {
                self.degraded.set(1);
                let text = format!("it keeps failing and is degraded: the next call is let in after {pause:?}");
                self.log.host(Level::ERROR, &text);
            }
            Some(Turn::Recovered) => {
                self.degraded.set(0);
                self.log.host(Level::INFO, "it works again and is no longer degraded");
            }
            None => {}
        }
    }
}

#[cfg(test)]
impl Conduct {
    /// How a plugin behaves that no metrics and no log know.
    pub(crate) fn of_nobody(limits: &Limits) -> Self {
        let families = Arc::new(PluginFamilies::new(&prometheus::Registry::new()).expect("a fresh registry"));
        let log = PluginLog::new("nobody", 1, limits, families.faults("nobody", Fault::LogLines));
        Self::new("nobody", limits, log, &families)
    }
}

impl Admitted<'_> {
    pub fn succeeded(mut self) {
        self.settled = true;
        let is_try = self.is_try;
        if self.conduct.spotted.load(Ordering::Relaxed) {
            self.conduct.judge(|standing| standing.succeeded(is_try));
        }
    }

    /// The plugin failed, by its own fault.
    pub fn failed(mut self) {
        self.settled = true;
        let is_try = self.is_try;
        self.conduct.judge(|standing| standing.failed(is_try, Instant::now()));
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.settled && self.is_try {
            self.conduct.standing.lock().abandoned(true);
        }
    }
}
