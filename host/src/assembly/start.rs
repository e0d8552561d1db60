//! The chain that a host starts with.

use std::sync::Arc;

use anyhow::Context as _;
use host_server::health::Health;
use parking_lot::Mutex;

use super::{Assembly, ChangeError, Loader, Member, Prepared, State, Version, hooks::Hooks};
use crate::access::Access;
use crate::bindings::host::chain::registration::RegistrationError;
use crate::chain::{Chain, Link, Services};

impl Assembly {
    /// Starts the links, given innermost first, and makes them the chain that serves. Nobody
    /// asks yet.
    ///
    /// # Errors
    /// If one of them does not start, or two of them clash.
    pub async fn start(
        loader: Loader,
        services: Arc<Services>,
        health: Arc<Health>,
        access: Access,
        plugins: Vec<Prepared>,
    ) -> anyhow::Result<Arc<Self>> {
        let assembly = Arc::new(Self {
            loader,
            services,
            health,
            access,
            changing: tokio::sync::Mutex::default(),
            state: Mutex::new(State::default()),
        });
        let mut versions = Vec::new();
        for plugin in plugins {
            let name = plugin.choice.name.clone();
            let version = assembly.start_link(plugin).await?;
            let link = &version.link;
            link.claim().map_err(|error| anyhow::anyhow!("plugin `{name}` cannot be loaded: {}", reason(&error)))?;
            for expected in &link.registrations().expected {
                assembly.services.routes_complete.expect(link.name(), expected);
            }
            versions.push(version);
        }
        let links = versions.iter().rev().map(|version| version.link.clone());
        assembly.services.chain.store(Arc::new(Chain::new(links)));
        assembly.update_checks(&mut assembly.state.lock());
        for version in &versions {
            assembly.add_member(version.clone()).map_err(|error| anyhow::anyhow!("{error}"))?;
        }
        for Version { link, .. } in &versions {
            prepare_run(link).await.with_context(|| format!("plugin `{}` cannot be prepared", link.name()))?;
        }
        Ok(assembly)
    }

    /// Starts the instances of a plugin, which is not part of the chain yet.
    pub(super) async fn start_link(&self, plugin: Prepared) -> Result<Version, ChangeError> {
        let Prepared { choice, file, options, loaded } = plugin;
        let generation = self.next_generation(&choice.name);
        let services = self.services.clone();
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let instances = cores.min(options.limits.instances_per_link_max);
        match Link::start(options, generation, loaded, services, instances).await {
            Ok(link) => Ok(Version { choice, file, link }),
            Err(source) => Err(ChangeError::Start { plugin: choice.name, source }),
        }
    }

    /// Makes a link that is part of the chain a member, with its hooks.
    pub(super) fn add_member(&self, version: Version) -> Result<Arc<Hooks>, ChangeError> {
        let mut state = self.state.lock();
        self.check_hooks(&state, &version.link)?;
        let (name, generation) = (version.choice.name.clone(), version.link.generation());
        let link = version.link.clone();
        let hooks = Arc::new(Hooks::new(&link, &self.health, None));
        state.members.insert(name.clone(), Member { version, hooks: hooks.clone(), probation: None });
        self.services.metrics.set_generation(&name, generation);
        self.access.update(&link);
        Ok(hooks)
    }
}

/// The last step before a link serves.
pub(super) async fn prepare_run(link: &Arc<Link>) -> Result<(), crate::guest::CallError> {
    use crate::imports::request::HookContext;
    let context = HookContext::new(link.clone(), Arc::default(), tokio_util::sync::CancellationToken::new());
    link.pool().prepare_run(context, link.limits().prepare_run_ms_max).await
}

/// What is wrong with a registration, in its own words.
pub(super) fn reason(error: &RegistrationError) -> &str {
    use RegistrationError::{Closed, Invalid, Limit, Taken};
    match error {
        Closed(reason) | Invalid(reason) | Limit(reason) | Taken(reason) => reason,
    }
}
