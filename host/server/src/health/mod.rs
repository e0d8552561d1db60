//! Whether the server is well: named checks behind `/healthz`, `/livez` and `/readyz`, with
//! kube-apiserver's texts, which tools read.

mod checks;
mod endpoint;
mod metrics;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

pub use checks::Boot;
pub use endpoint::Endpoint;
pub(crate) use endpoint::HealthRequest;

use metrics::HealthMetrics;

use crate::lifecycle::{RoutesComplete, Signal, Signals};

/// A check that takes longer has failed: a probe that hangs tells nobody anything.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

type CheckFuture = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A named check.
pub struct Check {
    name: String,
    endpoints: Vec<Endpoint>,
    timeout: Duration,
    /// What a caller may exclude it by, beside its name.
    group: Option<String>,
    /// Part of the start: `/livez` overlooks it during its grace period.
    boot: bool,
    /// Whether the endpoint fails with it.
    required: bool,
    run: Box<dyn Fn() -> CheckFuture + Send + Sync>,
}

impl Check {
    /// `run` gives the reason why it fails, which goes to the log and to those who ask for this
    /// check by its name; callers of the whole endpoint do not see it.
    pub fn new<F>(
        name: impl Into<String>,
        endpoints: impl Into<Vec<Endpoint>>,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let run = Box::new(move || Box::pin(run()) as CheckFuture);
        Self {
            name: name.into(),
            endpoints: endpoints.into(),
            timeout: CHECK_TIMEOUT,
            group: None,
            boot: false,
            required: true,
            run,
        }
    }

    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Shown, and asked for by its name, but the endpoint does not fail with it.
    pub fn advisory(self) -> Self {
        Self { required: false, ..self }
    }

    /// Callers exclude the checks of a group all at once.
    pub fn in_group(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }

    /// `informer-sync`: what the links announced is there.
    pub fn informer_sync(routes: Arc<RoutesComplete>) -> Self {
        checks::informer_sync(routes)
    }

    async fn run(&self) -> Result<(), String> {
        match tokio::time::timeout(self.timeout, (self.run)()).await {
            Ok(result) => result,
            Err(_) => Err(format!("did not finish within {:?}", self.timeout)),
        }
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// All checks, in the order in which they were added: it is the order of the output.
#[derive(Debug)]
pub struct Health {
    checks: RwLock<Vec<Arc<Check>>>,
    signals: Arc<Signals>,
    metrics: HealthMetrics,
    started: Instant,
    livez_grace_period: Duration,
}

impl Health {
    /// With the checks `ping` and `log`.
    pub(crate) fn new(signals: Arc<Signals>, livez_grace_period: Duration) -> Self {
        let health = Self {
            checks: RwLock::default(),
            signals,
            metrics: HealthMetrics::default(),
            started: Instant::now(),
            livez_grace_period,
        };
        health.add(checks::ping());
        health.add(checks::log());
        health
    }

    /// Adds a check, at any time. False, and nothing is added, if there is one of that name.
    pub fn add(&self, check: Check) -> bool {
        let mut checks = self.checks.write();
        let new = checks.iter().all(|other| other.name != check.name);
        if new {
            checks.push(Arc::new(check));
        }
        new
    }

    /// Adds `poststarthook/NAME`, which fails until the hook says that it has done what others
    /// wait for. Nothing if there is one of that name.
    pub fn add_boot(&self, hook: &str) -> Option<Boot> {
        let (check, boot) = checks::boot(hook);
        self.add(check).then_some(boot)
    }

    /// Whether there is a check of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.checks.read().iter().any(|check| check.name == name)
    }

    /// Removes the check of a link that has gone.
    pub fn remove(&self, name: &str) {
        self.checks.write().retain(|check| check.name != name);
    }

    /// The last check of `/readyz`: fails from the beginning of a shutdown.
    pub(crate) fn add_shutdown(&self) {
        self.add(checks::shutdown(self.signals.clone()));
    }

    fn of(&self, endpoint: Endpoint) -> Vec<Arc<Check>> {
        let checks = self.checks.read();
        checks.iter().filter(|check| check.endpoints.contains(&endpoint)).cloned().collect()
    }

    async fn run(&self, endpoint: Endpoint, check: &Check) -> Result<(), String> {
        if endpoint == Endpoint::Livez && check.boot && self.started.elapsed() < self.livez_grace_period {
            return Ok(());
        }
        check.run().await
    }

    fn passed(&self, endpoint: Endpoint) {
        if endpoint == Endpoint::Readyz {
            self.signals.fire(Signal::HasBeenReady);
        }
    }

    /// The text of `/metrics/slis`.
    pub(crate) fn metrics_text(&self) -> String {
        self.metrics.text()
    }
}

#[cfg(test)]
mod tests;
