//! The chain as operators see it.

use serde::{Deserialize, Serialize};

use super::{Assembly, ChangeError, Difference, Member};
use crate::bindings::host::chain::registration::Moment;
use crate::chain::Entry;

/// A swap that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Swapped {
    pub plugin: String,
    /// The generation that serves now.
    pub generation: u64,
    /// The one that it replaced.
    pub before: u64,
    pub difference: Difference,
    /// So long it may still be taken back.
    pub probation_ms: u64,
}

/// One link of the chain.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkReport {
    pub name: String,
    pub generation: u64,
    /// `serving` or `on probation`.
    pub state: String,
    /// The component's file, and its SHA-256.
    pub file: String,
    pub digest: String,
    pub routes: usize,
    /// Key prefixes that it holds.
    pub claims: usize,
    pub checks: Vec<String>,
    pub hooks: Vec<HookReport>,
    pub instances: usize,
    /// Linear memory of its serving instances.
    pub memory_bytes: usize,
    pub calls_under_way: usize,
    /// Since the host was started, of all generations.
    pub calls_answered: u64,
    pub calls_failed: u64,
    /// Of this generation: instances that ended by its fault, and hooks that failed.
    pub failures: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookReport {
    pub name: String,
    /// `post-start` or `pre-shutdown`.
    pub moment: String,
    /// It has done what others wait for.
    pub ready: bool,
}

impl Assembly {
    /// The chain, outermost first.
    pub fn report(&self) -> Vec<LinkReport> {
        let chain = self.services.chain.load_full();
        let state = self.state.lock();
        let entries = chain.entries().iter();
        entries.filter_map(|entry| Some(report(entry, state.members.get(entry.link.name())?))).collect()
    }

    pub(super) fn report_of(&self, name: &str) -> Result<LinkReport, ChangeError> {
        let mut links = self.report();
        let position = links.iter().position(|link| link.name == name);
        let names: Vec<String> = links.iter().map(|link| link.name.clone()).collect();
        position.map(|position| links.swap_remove(position)).ok_or_else(|| ChangeError::unknown(name, names.iter()))
    }
}

fn report(entry: &Entry, member: &Member) -> LinkReport {
    let link = &entry.link;
    let memory_bytes = link.pool().memory_bytes();
    let (calls_answered, calls_failed) = link.metrics().calls();
    let hooks = member.hooks.states().map(|(name, moment, ready)| HookReport {
        name: name.to_string(),
        moment: match moment {
            Moment::PostStart => "post-start".to_string(),
            Moment::PreShutdown => "pre-shutdown".to_string(),
        },
        ready,
    });
    LinkReport {
        name: link.name().to_string(),
        generation: link.generation(),
        state: if member.probation.is_some() { "on probation" } else { "serving" }.to_string(),
        file: member.version.file.display().to_string(),
        digest: link.loaded().digest.to_string(),
        routes: entry.routes.len(),
        claims: link.claims(),
        checks: link.registrations().checks.iter().map(|check| check.name.clone()).collect(),
        hooks: hooks.collect(),
        instances: memory_bytes.len(),
        memory_bytes: memory_bytes.iter().sum(),
        calls_under_way: link.pool().instances().map(|instance| instance.under_way()).sum(),
        calls_answered,
        calls_failed,
        failures: link.metrics().failures(),
    }
}
