//! The health checks of the chain's links, as they are shown.

use std::sync::Arc;
use std::time::Duration;

use host_server::health::{Check, Endpoint, Health};

use crate::bindings::host::chain::registration as wit;
use crate::chain::{Chain, Services};
use crate::limits::Limits;

/// The checks that are shown, each with the link that answers it.
#[derive(Default)]
pub(super) struct Checks {
    shown: Vec<(String, wit::HealthCheck)>,
    /// The plugins whose standing is shown.
    standing: Vec<String>,
}

impl Checks {
    /// Shows the checks of this chain. Those that stay as they are stay in their places.
    pub(super) fn update(&mut self, health: &Health, services: &Arc<Services>, chain: &Chain) {
        let wanted = of_chain(chain);
        self.standing.retain(|plugin| {
            let stays = chain.link(plugin).is_some();
            if !stays {
                health.remove(&standing_name(plugin));
            }
            stays
        });
        for entry in chain.entries().iter().rev() {
            let plugin = entry.link.name();
            if !self.standing.iter().any(|shown| shown == plugin) && health.add(standing(services, plugin)) {
                self.standing.push(plugin.to_string());
            }
        }
        let same = |(plugin, check): &(String, wit::HealthCheck), (other, theirs): &(String, wit::HealthCheck)| {
            plugin == other && check.name == theirs.name && check.endpoints == theirs.endpoints
        };
        self.shown.retain(|shown| {
            let stays = wanted.iter().any(|wanted| same(shown, wanted));
            if !stays {
                health.remove(&shown.1.name);
            }
            stays
        });
        for wanted in wanted {
            // One that the server itself has goes first, as a delegate's does.
            if !self.shown.iter().any(|shown| same(shown, &wanted)) && health.add(check(services, &wanted)) {
                self.shown.push(wanted);
            }
        }
    }
}

/// The checks of all links with the links that they are asked of, the innermost link's first:
/// one that is there already is skipped, as upstream skips what a delegate has.
pub(super) fn of_chain(chain: &Chain) -> Vec<(String, wit::HealthCheck)> {
    let mut checks: Vec<(String, wit::HealthCheck)> = Vec::new();
    for entry in chain.entries().iter().rev() {
        for check in &entry.link.registrations().checks {
            if checks.iter().all(|(_, other)| other.name != check.name) {
                checks.push((entry.link.name().to_string(), check.clone()));
            }
        }
    }
    checks
}

fn standing_name(plugin: &str) -> String {
    format!("plugin/{plugin}")
}

/// Whether a plugin is degraded. It is shown and fails nothing: who cannot do without the plugin
/// sees that by its own checks, and a plugin that fails must not take the others with it.
fn standing(services: &Arc<Services>, plugin: &str) -> Check {
    let (services, name) = (services.clone(), standing_name(plugin));
    let plugin = plugin.to_string();
    let run = move || {
        let chain = services.chain.load();
        let is_degraded = chain.link(&plugin).is_some_and(|link| link.conduct().is_degraded());
        std::future::ready(if is_degraded { Err("it keeps failing".to_string()) } else { Ok(()) })
    };
    Check::new(name, [Endpoint::Readyz], run).advisory()
}

/// Asks whichever generation of the link serves.
fn check(services: &Arc<Services>, (plugin, check): &(String, wit::HealthCheck)) -> Check {
    let endpoints: Vec<Endpoint> = check
        .endpoints
        .iter()
        .map(|endpoint| match endpoint {
            wit::Endpoint::Healthz => Endpoint::Healthz,
            wit::Endpoint::Livez => Endpoint::Livez,
            wit::Endpoint::Readyz => Endpoint::Readyz,
        })
        .collect();
    let limit_ms = services
        .chain
        .load()
        .link(plugin)
        .map_or_else(Limits::default, |link| Limits::clone(link.limits()))
        .health_check_ms_max;
    let (services, plugin, name) = (services.clone(), plugin.clone(), check.name.clone());
    let run = move || {
        let (chain, plugin, name) = (services.chain.load_full(), plugin.clone(), name.clone());
        async move {
            match chain.link(&plugin) {
                Some(link) => link.pool().check_health(&name, limit_ms).await.map_err(|error| error.to_string()),
                None => Err(format!("plugin `{plugin}` was removed")),
            }
        }
    };
    Check::new(check.name.clone(), endpoints, run).with_timeout(Duration::from_millis(limit_ms + 100))
}
