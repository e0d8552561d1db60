//! Putting the chain together, and changing it while it runs.
//!
//! Owns: which plugins are links, from which files, in which order, and in which generation;
//! their hooks and health checks; the exchange of one generation for another, and the time in
//! which the one before may come back. It does not know who asks for a change (`admin`, a file
//! that changed), nor how a request is served (`chain`).
//!
//! A link is changed in this order: load, `init`, compare, claim, `prepare-run`, ask its
//! health, and only then exchange the chain that serves. Whatever fails before that leaves the
//! chain as it was.

mod checks;
mod difference;
mod error;
mod files;
mod hooks;
mod loader;
mod place;
mod probation;
mod report;
mod start;
mod swap;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_server::health::Health;
use host_server::lifecycle::Signal;
use host_server::options::PluginChoice;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::chain::{Link, Services};

pub use difference::Difference;
pub use error::ChangeError;
pub use files::watch;
pub use loader::{Loader, Look, Prepared, check};
pub use place::Place;
pub use report::{HookReport, LinkReport, Swapped};

use checks::Checks;
use hooks::Hooks;
use probation::Probation;

/// The plugins that make the chain.
pub struct Assembly {
    loader: Loader,
    services: Arc<Services>,
    health: Arc<Health>,
    access: Access,
    /// Held by whoever changes the chain: one change at a time.
    changing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    members: BTreeMap<String, Member>,
    checks: Checks,
    /// The newest generation that was tried of each plugin, of those that were removed, too.
    generations: HashMap<String, u64>,
    /// Hooks run: the listener serves.
    serving: bool,
}

/// A plugin that is part of the chain.
struct Member {
    version: Version,
    hooks: Arc<Hooks>,
    /// Until the version has proven itself.
    probation: Option<Probation>,
}

/// One generation of a plugin, and what it was made from.
#[derive(Clone)]
struct Version {
    choice: PluginChoice,
    /// Where its component was found.
    file: PathBuf,
    link: Arc<Link>,
}

impl Assembly {
    /// Runs the post-start hooks. The listener serves.
    pub fn start_hooks(&self) {
        self.state.lock().serving = true;
        self.all_hooks().iter().for_each(|hooks| hooks.start());
    }

    /// Runs the pre-shutdown hooks, one after the other, as upstream.
    pub async fn run_pre_shutdown_hooks(&self) {
        for hooks in self.all_hooks() {
            hooks.run_pre_shutdown().await;
        }
    }

    /// Ends all hooks. Nothing can be changed any more, since the host is shutting down.
    pub async fn stop(&self) {
        let _changing = self.changing.lock().await;
        futures::future::join_all(self.all_hooks().iter().map(|hooks| hooks.stop())).await;
    }

    /// Those of the innermost link first.
    fn all_hooks(&self) -> Vec<Arc<Hooks>> {
        let chain = self.services.chain.load();
        let state = self.state.lock();
        let members = chain.entries().iter().rev().filter_map(|entry| state.members.get(entry.link.name()));
        members.map(|member| member.hooks.clone()).collect()
    }

    /// A number for a component that is about to be tried as this plugin.
    fn next_generation(&self, name: &str) -> u64 {
        let mut state = self.state.lock();
        let newest = state.generations.entry(name.to_string()).or_default();
        *newest += 1;
        *newest
    }

    /// The version that serves.
    fn version(&self, name: &str) -> Result<Version, ChangeError> {
        let state = self.state.lock();
        let member = state.members.get(name);
        member.map(|member| member.version.clone()).ok_or_else(|| ChangeError::unknown(name, state.members.keys()))
    }

    fn check_not_ending(&self) -> Result<(), ChangeError> {
        match self.services.signals.has_fired(Signal::ShutdownInitiated) {
            true => Err(ChangeError::Ending),
            false => Ok(()),
        }
    }

    /// Shows the health checks of the chain that serves now.
    fn update_checks(&self, state: &mut State) {
        let chain = self.services.chain.load();
        state.checks.update(&self.health, &self.services, &chain);
    }

    /// Lets go of generations of one plugin, each when no request is under way that may still
    /// enter it.
    fn let_go(self: &Arc<Self>, links: Vec<(Arc<Link>, CancellationToken)>) {
        let assembly = self.clone();
        tokio::spawn(async move {
            for (link, released) in &links {
                let limit = Duration::from_millis(link.limits().drain_ms_max);
                if tokio::time::timeout(limit, released.cancelled()).await.is_err() {
                    let reason = "what was under way has not ended within `drain_ms_max`: its instances are let go of";
                    link.log().host(tracing::Level::WARN, reason);
                }
                link.pool().stop();
            }
            let _changing = assembly.changing.lock().await;
            for (link, _) in &links {
                match assembly.version(link.name()) {
                    Ok(serving) => serving.link.unclaim_for(link.generation()),
                    // The plugin was removed.
                    Err(_) => assembly.services.claims.clear(&assembly.services.cache, link.name()),
                }
            }
        });
    }
}
