//! The hooks of one generation of a link, and their checks.

use std::sync::Arc;

use host_server::health::Health;

use super::{Assembly, ChangeError, State};
use crate::bindings::host::chain::registration::{Hook, Moment};
use crate::chain::Link;
use crate::guest::{HookRunner, HookState};

pub(super) struct Hooks {
    runner: HookRunner,
    hooks: Vec<(Hook, Arc<HookState>)>,
}

impl Hooks {
    /// Gives each post-start hook its check. One that the generation before had, too, goes on
    /// with that one's: what was ready does not become unready by being replaced.
    pub(super) fn new(link: &Arc<Link>, health: &Health, before: Option<&Hooks>) -> Self {
        let with_state = |hook: &Hook| {
            let state = match hook.moment {
                Moment::PreShutdown => HookState::default(),
                Moment::PostStart => before
                    .and_then(|before| before.state(hook)?.check().cloned())
                    .or_else(|| health.add_boot(&hook.name))
                    .map(HookState::new)
                    .unwrap_or_default(),
            };
            (hook.clone(), Arc::new(state))
        };
        let hooks: Vec<_> = link.registrations().hooks.iter().map(with_state).collect();
        let hooks = Self { runner: HookRunner::new(link.clone()), hooks };
        if let Some(before) = before {
            before.remove_checks(health, &hooks);
        }
        hooks
    }

    /// Starts the post-start hooks.
    pub(super) fn start(&self) {
        for (hook, state) in &self.hooks {
            if hook.moment == Moment::PostStart {
                self.runner.start(hook, state.clone());
            }
        }
    }

    /// Ends the post-start hooks.
    pub(super) async fn stop(&self) {
        self.runner.stop().await;
    }

    /// One after the other; one that fails does not keep the others from running.
    pub(super) async fn run_pre_shutdown(&self) {
        for (hook, _) in self.hooks.iter().filter(|(hook, _)| hook.moment == Moment::PreShutdown) {
            if let Err(reason) = self.runner.run_once(hook).await {
                tracing::error!(hook = hook.name, "the pre-shutdown hook failed: {reason}");
            }
        }
    }

    /// Removes the checks of hooks that the next generation does not have.
    pub(super) fn remove_checks(&self, health: &Health, next: &Hooks) {
        for (hook, state) in &self.hooks {
            if state.check().is_some() && next.state(hook).is_none() {
                health.remove(&check_name(hook));
            }
        }
    }

    /// Removes all checks.
    pub(super) fn remove_all_checks(&self, health: &Health) {
        for (hook, _) in self.hooks.iter().filter(|(_, state)| state.check().is_some()) {
            health.remove(&check_name(hook));
        }
    }

    /// Name, moment, and whether it has done what others wait for.
    pub(super) fn states(&self) -> impl Iterator<Item = (&str, Moment, bool)> {
        self.hooks.iter().map(|(hook, state)| (hook.name.as_str(), hook.moment, state.is_ready()))
    }

    fn state(&self, hook: &Hook) -> Option<&HookState> {
        let same = |other: &Hook| other.name == hook.name && other.moment == hook.moment;
        self.hooks.iter().find(|(other, _)| same(other)).map(|(_, state)| &**state)
    }
}

impl Assembly {
    /// Whether the hooks of a link may be part of the chain. One that may come back counts.
    ///
    /// # Errors
    /// If another link has a hook of the same name: names both.
    pub(super) fn check_hooks(&self, state: &State, link: &Link) -> Result<(), ChangeError> {
        for hook in &link.registrations().hooks {
            let has_it = |other: &Link| other.registrations().hooks.iter().any(|theirs| theirs.name == hook.name);
            let others = state.members.values().filter(|member| member.version.link.name() != link.name());
            for other in others {
                let standby = other.probation.as_ref().map(|probation| probation.standby());
                if has_it(&other.version.link) || standby.is_some_and(|standby| has_it(standby)) {
                    let reason = format!(
                        "cannot be loaded: its hook `{}` is registered by plugin `{}` already",
                        hook.name,
                        other.version.link.name()
                    );
                    return Err(ChangeError::refused(link.name(), reason));
                }
            }
            let before = state.members.get(link.name());
            let is_ours = before.is_some_and(|before| before.hooks.state(hook).is_some());
            if hook.moment == Moment::PostStart && !is_ours && self.health.contains(&check_name(hook)) {
                let reason = format!("cannot be loaded: there is a check `{}` already", check_name(hook));
                return Err(ChangeError::refused(link.name(), reason));
            }
        }
        Ok(())
    }
}

fn check_name(hook: &Hook) -> String {
    format!("poststarthook/{}", hook.name)
}
