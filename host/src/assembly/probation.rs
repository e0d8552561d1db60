//! The time in which a new generation has to prove itself, and the one before can come back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Assembly, Version, checks};
use crate::chain::Link;
use crate::limits::Limits;

/// How often a generation on probation is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) struct Probation {
    /// The last generation that has proven itself. Its instances are kept ready.
    standby: Version,
    /// Fires when no request is under way in it.
    released: CancellationToken,
    until: Instant,
    ended: CancellationToken,
}

impl Probation {
    pub(super) fn new(standby: Version, released: CancellationToken, limits: &Limits) -> Self {
        let until = Instant::now() + Duration::from_millis(limits.probation_ms);
        Self { standby, released, until, ended: CancellationToken::new() }
    }

    /// Of another generation, with the same one to come back.
    pub(super) fn start_over(self, limits: &Limits) -> Self {
        self.ended.cancel();
        Self::new(self.standby, self.released, limits)
    }

    /// Gives back what was kept, to be let go of.
    pub(super) fn end(self) -> (Arc<Link>, CancellationToken) {
        self.ended.cancel();
        (self.standby.link, self.released)
    }

    pub(super) fn standby(&self) -> &Arc<Link> {
        &self.standby.link
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Assembly {
    /// Looks at a new generation until it has proven itself or failed.
    pub(super) async fn observe(self: Arc<Self>, link: Arc<Link>, ended: CancellationToken, until: Instant) {
        let mut checks = FailedChecks::default();
        let failure = loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let limits = link.limits();
            let failures = link.metrics().failures();
            if failures > limits.probation_failures_max {
                break Some(format!(
                    "its instances and hooks failed {failures} times, `probation_failures_max` is {}",
                    limits.probation_failures_max
                ));
            }
            if let Some(reason) = checks.look(&self, &link).await {
                break Some(reason);
            }
            if Instant::now() >= until {
                break None;
            }
        };
        match failure {
            None => self.passed(&link).await,
            Some(reason) => self.revert(&link, &reason).await,
        }
    }

    /// Lets go of the generation that could have come back.
    async fn passed(self: &Arc<Self>, link: &Arc<Link>) {
        let _changing = self.changing.lock().await;
        if let Some((_, probation)) = self.take_probation(link) {
            let (standby, released) = probation.end();
            tracing::info!(
                plugin = link.name(),
                "generation {} has proven itself, generation {} is let go of",
                link.generation(),
                standby.generation()
            );
            self.let_go(vec![(standby, released)]);
        }
    }

    /// Puts the generation before into the place of one that has failed.
    async fn revert(self: &Arc<Self>, failed: &Arc<Link>, reason: &str) {
        let _changing = self.changing.lock().await;
        if self.check_not_ending().is_err() {
            return;
        }
        let Some((before, probation)) = self.take_probation(failed) else { return };
        let (plugin, generation) = (failed.name(), failed.generation());
        let returning = probation.standby.link.generation();
        match self.exchange(&before, &probation.standby).await {
            Ok(released) => {
                self.services.metrics.swap(plugin, "reverted");
                tracing::error!(
                    plugin,
                    "generation {generation} was taken back and generation {returning} serves again: {reason}\n\n\
                     hint: its own log lines above say more; swap it in again when `{}` is mended",
                    before.file.display()
                );
                probation.ended.cancel();
                self.let_go(vec![(before.link, released)]);
            }
            Err(error) => {
                tracing::error!(
                    plugin,
                    "generation {generation} fails: {reason}; and generation {returning} cannot come back: {error}"
                );
                self.let_go(vec![probation.end()]);
            }
        }
    }

    /// The version of this generation and its probation, unless something else serves by now.
    fn take_probation(&self, link: &Arc<Link>) -> Option<(Version, Probation)> {
        let mut state = self.state.lock();
        let member = state.members.get_mut(link.name())?;
        if !Arc::ptr_eq(&member.version.link, link) {
            return None;
        }
        Some((member.version.clone(), member.probation.take()?))
    }
}

/// How often in a row each check has failed.
#[derive(Default)]
struct FailedChecks(HashMap<String, u64>);

impl FailedChecks {
    /// Asks all checks of the link; why the generation has failed, if it has.
    async fn look(&mut self, assembly: &Assembly, link: &Arc<Link>) -> Option<String> {
        let limits = link.limits();
        let chain = assembly.services.chain.load_full();
        let checks = checks::of_chain(&chain).into_iter().filter(|(plugin, _)| plugin == link.name());
        let results = checks.map(|(_, check)| async move {
            let result = link.pool().check_health(&check.name, limits.health_check_ms_max).await;
            (check.name, result)
        });
        for (name, result) in futures::future::join_all(results).await {
            let Err(error) = result else {
                self.0.remove(&name);
                continue;
            };
            let failed = self.0.entry(name.clone()).or_default();
            *failed += 1;
            if *failed > limits.probation_check_failures_max {
                return Some(format!(
                    "its check `{name}` failed {failed} times in a row, the last time because {error}"
                ));
            }
        }
        None
    }
}
