//! One generation of a link in the place of another.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::probation::Probation;
use super::start::{prepare_run, reason};
use super::{Assembly, ChangeError, Difference, Hooks, Swapped, Version, checks};
use crate::chain::{Chain, Entry, Link};

impl Assembly {
    /// Puts a component into the place of the one that serves as this plugin. Requests under
    /// way finish where they are; watches go on.
    ///
    /// # Errors
    /// If it cannot take the place: the one that serves goes on serving.
    pub async fn swap(self: &Arc<Self>, name: &str, path: &Path) -> Result<Swapped, ChangeError> {
        let serving = self.version(name)?.link.generation();
        let result = self.try_swap(name, path).await;
        let metrics = &self.services.metrics;
        match &result {
            Ok(Swapped { generation, before, difference, probation_ms, .. }) => {
                metrics.swap(name, "swapped");
                let difference = if difference.is_empty() { String::new() } else { format!("\n{difference}") };
                tracing::info!(
                    plugin = name,
                    "generation {generation} serves in place of {before}, which comes back if it fails within \
                     {probation_ms} ms{}",
                    difference.trim_end()
                );
            }
            Err(error) => {
                metrics.swap(name, "refused");
                let file = path.display();
                tracing::error!(
                    plugin = name,
                    "`{file}` was not put into place, generation {serving} serves on: {error}"
                );
            }
        }
        result
    }

    async fn try_swap(self: &Arc<Self>, name: &str, path: &Path) -> Result<Swapped, ChangeError> {
        self.check_not_ending()?;
        let mut choice = self.version(name)?.choice;
        choice.path = path.to_path_buf();
        // Beside the one that serves, and beside other changes: compiling may take minutes.
        let prepared = self.loader.load(&choice).await?;
        let candidate = Candidate::new(self.start_link(prepared).await?);

        let _changing = self.changing.lock().await;
        self.check_not_ending()?;
        let before = self.version(name)?;
        let link = candidate.link();
        self.check_hooks(&self.state.lock(), link)?;
        before.link.claim_for(link).map_err(|error| ChangeError::refused(name, refusal(reason(&error))))?;
        let unclaim = |error| {
            before.link.unclaim_for(link.generation());
            error
        };
        let prospect = self.services.chain.load().with_generation(&Entry::new(link.clone(), link.routes()));
        self.get_ready(link, prospect).await.map_err(unclaim)?;
        let difference = Difference::between(&before.link.registrations(), &link.registrations());
        let released = self.exchange(&before, candidate.version()).await.map_err(unclaim)?;

        let swapped = Swapped {
            plugin: name.to_string(),
            generation: link.generation(),
            before: before.link.generation(),
            difference,
            probation_ms: link.limits().probation_ms,
        };
        self.begin_probation(candidate.keep(), before, released);
        Ok(swapped)
    }

    /// Does what has to be done before a link may serve in this chain: `prepare-run`, and the
    /// checks that it will answer there.
    pub(super) async fn get_ready(&self, link: &Arc<Link>, prospect: Chain) -> Result<(), ChangeError> {
        let checks = checks::of_chain(&prospect);
        link.set_prospect(Some(Arc::new(prospect)));
        let prepared = prepare_run(link).await;
        link.set_prospect(None);
        let name = link.name();
        prepared.map_err(|error| ChangeError::refused(name, format!("cannot be prepared: {error}")))?;
        for (_, check) in checks.iter().filter(|(plugin, _)| plugin == name) {
            let health = link.pool().check_health(&check.name, link.limits().health_check_ms_max).await;
            health.map_err(|error| ChangeError::refused(name, format!("fails its check `{}`: {error}", check.name)))?;
        }
        Ok(())
    }

    /// The exchange, and what follows from it: from here on it cannot fail. The token fires when
    /// no request is under way that may still enter the generation that served before.
    pub(super) async fn exchange(&self, before: &Version, after: &Version) -> Result<CancellationToken, ChangeError> {
        let name = after.link.name();
        let chain = self.services.chain.load_full();
        let entry = chain.entries().iter().find(|entry| entry.link.name() == name);
        let released = entry.ok_or_else(|| ChangeError::refused(name, "is not part of the chain"))?.released();
        drop(chain);
        let replaced = after.link.replace_generation(&before.link);
        replaced.map_err(|error| ChangeError::refused(name, refusal(reason(&error))))?;
        self.services.metrics.set_generation(name, after.link.generation());
        self.access.update(&after.link);
        // Routes that the new one does not announce are not missing any more.
        let announced = &after.link.registrations().expected;
        for expected in before.link.registrations().expected.iter().filter(|name| !announced.contains(name)) {
            self.services.routes_complete.complete(name, expected);
        }

        let (old, new) = {
            let mut state = self.state.lock();
            self.update_checks(&mut state);
            let serving = state.serving;
            let member = state.members.get_mut(name).ok_or_else(|| ChangeError::refused(name, "was removed"))?;
            let hooks = Arc::new(Hooks::new(&after.link, &self.health, Some(&member.hooks)));
            member.version = after.clone();
            let old = std::mem::replace(&mut member.hooks, hooks.clone());
            (old, serving.then_some(hooks))
        };
        // One after the other: two controllers at the same time would write against each other.
        old.stop().await;
        if let Some(hooks) = new {
            hooks.start();
        }
        Ok(released)
    }

    /// Keeps what served before for as long as the new generation has to prove itself. If that
    /// had not proven itself either, the one that has is kept on.
    fn begin_probation(self: &Arc<Self>, new: Version, before: Version, released: CancellationToken) {
        let mut state = self.state.lock();
        let Some(member) = state.members.get_mut(new.link.name()) else { return };
        let probation = match member.probation.take() {
            None => Probation::new(before, released, new.link.limits()),
            Some(unfinished) => {
                self.let_go(vec![(before.link, released)]);
                unfinished.start_over(new.link.limits())
            }
        };
        tokio::spawn(self.clone().observe(new.link, probation.ended(), probation.until()));
        member.probation = Some(probation);
    }
}

fn refusal(reason: &str) -> String {
    format!("cannot be loaded: {reason}")
}

/// A generation that runs and does not serve: it ends if it never comes to that.
pub(super) struct Candidate(Option<Version>);

impl Candidate {
    pub(super) fn new(version: Version) -> Self {
        Self(Some(version))
    }

    pub(super) fn version(&self) -> &Version {
        self.0.as_ref().expect("it is there until it is kept")
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.version().link
    }

    pub(super) fn keep(mut self) -> Version {
        self.0.take().expect("it is kept once")
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        if let Some(version) = &self.0 {
            version.link.pool().stop();
        }
    }
}
