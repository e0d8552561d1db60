//! One link of the chain: a plugin's component, and what it has registered.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use host_server::lifecycle::{RoutesComplete, Signals};
use host_server::{Authentication, ServiceAccountTokens};
use host_store::Cache;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Chain, Claims, Conduct, Entry, Fault, PluginFamilies, PluginLog, PluginMetrics, Registered, Registrations, Routes,
};
use crate::answer::Rendered;
use crate::bindings::host::chain::registration::{Contents, RegistrationError};
use crate::grants::Grants;
use crate::guest::{Pool, StartError};
use crate::limits::Limits;
use crate::load::Loaded;
use crate::numbers::{Reads, ToldEvents};

/// What all links share.
pub struct Services {
    pub cache: Cache,
    pub signals: Arc<Signals>,
    pub routes_complete: Arc<RoutesComplete>,
    pub claims: Arc<Claims>,
    /// What the watch cache answers is counted here.
    pub reads: Reads,
    /// And what watches tell.
    pub told: ToldEvents,
    pub facts: Facts,
    /// The chain that serves.
    pub chain: ArcSwap<Chain>,
    /// Wakes those who wait for a link to leave the chain.
    pub removals: tokio::sync::watch::Sender<()>,
    pub metrics: Arc<PluginFamilies>,
    /// Knows whose tokens are.
    pub authentication: Arc<Authentication>,
    /// Makes tokens.
    pub service_accounts: Arc<ServiceAccountTokens>,
    /// `--min-request-timeout`: a watch without a time of its own lasts one to two of these.
    pub watch_timeout_min: Duration,
}

/// Facts about the server that plugins may ask for by name.
#[derive(Default)]
pub struct Facts(RwLock<HashMap<&'static str, String>>);

impl Facts {
    pub fn set(&self, name: &'static str, value: String) {
        self.0.write().insert(name, value);
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.0.read().get(name).cloned()
    }
}

/// What the operator says of a link.
#[derive(Debug, Clone, Default)]
pub struct LinkOptions {
    pub name: String,
    /// The text of its configuration file.
    pub configuration: Option<String>,
    pub grants: Arc<Grants>,
    pub limits: Arc<Limits>,
}

/// A plugin in its place in the chain. One value for each generation.
pub struct Link {
    options: LinkOptions,
    generation: u64,
    loaded: Loaded,
    services: Arc<Services>,
    log: PluginLog,
    metrics: PluginMetrics,
    conduct: Arc<Conduct>,
    /// What this generation has rendered for watches.
    rendered: Rendered,
    /// One permit for each watch that may be open.
    watches: Arc<Semaphore>,
    registered: Mutex<Registered>,
    pool: OnceLock<Pool>,
    /// The chain that it is going to be part of, while it gets ready for that.
    prospect: ArcSwapOption<Chain>,
}

impl Link {
    /// Starts the plugin's instances: its `init` registers what it serves.
    ///
    /// # Errors
    /// If its first instance does not start.
    pub async fn start(
        options: LinkOptions,
        generation: u64,
        loaded: Loaded,
        services: Arc<Services>,
        instances: usize,
    ) -> Result<Arc<Self>, StartError> {
        let limits = options.limits.clone();
        let families = &services.metrics;
        let log = PluginLog::new(&options.name, generation, &limits, families.faults(&options.name, Fault::LogLines));
        let link = Arc::new(Self {
            conduct: Arc::new(Conduct::new(&options.name, &limits, log.clone(), families)),
            metrics: PluginMetrics::new(&options.name, &limits, log.clone(), families),
            watches: Arc::new(Semaphore::new(limits.watches_max)),
            rendered: Rendered::default(),
            log,
            options,
            generation,
            loaded,
            services,
            registered: Mutex::default(),
            pool: OnceLock::new(),
            prospect: ArcSwapOption::empty(),
        });
        let (pool, registrations) = Pool::start(&link, instances).await?;
        *link.registered.lock() = Registered::new(registrations);
        let _ = link.pool.set(pool);
        Ok(link)
    }

    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Counts the components that have been tried under this name since the start.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    pub fn options(&self) -> &LinkOptions {
        &self.options
    }

    pub fn configuration(&self) -> Option<&str> {
        self.options.configuration.as_deref()
    }

    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    pub fn limits(&self) -> &Arc<Limits> {
        &self.options.limits
    }

    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    pub fn log(&self) -> &PluginLog {
        &self.log
    }

    pub fn metrics(&self) -> &PluginMetrics {
        &self.metrics
    }

    /// How the plugin behaves.
    pub fn conduct(&self) -> &Arc<Conduct> {
        &self.conduct
    }

    /// Room for one more watch, as long as the permit lives.
    ///
    /// # Errors
    /// If the plugin has `watches_max` already.
    pub fn watch_permit(&self) -> Result<OwnedSemaphorePermit, String> {
        self.watches.clone().try_acquire_owned().map_err(|_| {
            let text = format!("more watches than `watches_max` ({}) are open", self.limits().watches_max);
            self.conduct.fault(Fault::Watch, &text);
            text
        })
    }

    /// What this generation has rendered for watches.
    pub fn rendered(&self) -> &Rendered {
        &self.rendered
    }

    /// The serving instances. There are some as soon as there is a link.
    pub fn pool(&self) -> &Pool {
        self.pool.get().expect("a link is handed out with its pool")
    }

    /// What `init` registered.
    pub fn registrations(&self) -> Arc<Registrations> {
        self.registered.lock().initial().clone()
    }

    /// The routes that are served now, as a table.
    pub fn routes(&self) -> Arc<Routes> {
        self.registered.lock().routes()
    }

    /// How many key prefixes it holds.
    pub fn claims(&self) -> usize {
        self.registered.lock().claims().count()
    }

    /// The chain behind this link's own requests: the one that serves, or the one that it is
    /// going to be part of.
    pub fn chain(&self) -> Arc<Chain> {
        self.prospect.load_full().unwrap_or_else(|| self.services.chain.load_full())
    }

    /// Says which chain it is going to be part of, if it is not part of one yet.
    pub fn set_prospect(&self, chain: Option<Arc<Chain>>) {
        self.prospect.store(chain);
    }

    /// Takes hold of the prefixes that it claims.
    ///
    /// # Errors
    /// If another link holds one of them.
    pub fn claim(&self) -> Result<(), RegistrationError> {
        self.hold(&self.registered.lock())
    }

    /// Takes hold of what the next generation claims, beside its own.
    ///
    /// # Errors
    /// If another link holds one of these prefixes.
    pub fn claim_for(&self, next: &Link) -> Result<(), RegistrationError> {
        let claims = next.registered.lock().claims().cloned().collect();
        let mut registered = self.registered.lock();
        registered.hold(next.generation, claims);
        self.hold(&registered).inspect_err(|_| registered.let_go(next.generation))
    }

    /// Lets go of what only another generation claims.
    pub fn unclaim_for(&self, generation: u64) {
        let mut registered = self.registered.lock();
        registered.let_go(generation);
        if let Err(error) = self.hold(&registered) {
            self.log.host(tracing::Level::ERROR, &format!("its claims cannot be set: {error:?}"));
        }
    }

    /// Takes the place of another generation, in one exchange of the chain that serves. From
    /// here on the other registers nothing; its claims are held until `unclaim_for`.
    ///
    /// # Errors
    /// If a claim cannot be held: the other goes on serving.
    pub fn replace_generation(self: &Arc<Self>, before: &Link) -> Result<(), RegistrationError> {
        // Whoever changes the chain does one thing at a time, and nobody else takes two of
        // these locks.
        let mut theirs = before.registered.lock();
        let mut ours = self.registered.lock();
        let mut taken = ours.clone();
        taken.take_over(&theirs, self.generation, before.generation);
        self.hold(&taken)?;
        *ours = taken;
        theirs.set_replaced();
        let entry = Entry::new(self.clone(), ours.routes());
        self.services.chain.rcu(|chain| chain.with_generation(&entry));
        Ok(())
    }

    /// Takes part in the chain no more: from here on its hooks register nothing.
    pub fn close(&self) {
        self.registered.lock().set_replaced();
    }

    /// Replaces a set of routes and claims while the chain runs.
    pub fn replace(&self, name: String, contents: Contents) -> Result<(), RegistrationError> {
        self.change(|registered| registered.replace(self.limits(), name, contents))
    }

    /// The routes announced under this name are all there.
    pub fn routes_complete(&self, name: &str) -> Result<(), RegistrationError> {
        self.change(|registered| registered.complete(name))?;
        self.services.routes_complete.complete(self.name(), name);
        Ok(())
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Registered) -> Result<(), RegistrationError>,
    ) -> Result<(), RegistrationError> {
        let mut registered = self.registered.lock();
        let mut changed = registered.clone();
        change(&mut changed)?;
        // Claims first: a route that serves must find its storage.
        self.hold(&changed)?;
        *registered = changed;
        self.rendered.forget();
        let routes = registered.routes();
        // Under the lock, so that two changes of one link reach the chain in their order.
        self.services.chain.rcu(|chain| chain.with_routes(self, &routes));
        Ok(())
    }

    fn hold(&self, registered: &Registered) -> Result<(), RegistrationError> {
        self.services.claims.set(&self.services.cache, self.name(), registered.claims())
    }
}
