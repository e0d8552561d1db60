//! One link of the chain: a plugin's component, and what it has registered.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use host_server::lifecycle::{RoutesComplete, Signals};
use host_store::Cache;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Chain, Claims, Conduct, Fault, PluginFamilies, PluginLog, PluginMetrics, Registrations, Routes};
use crate::bindings::host::chain::registration::{Contents, RegistrationError};
use crate::grants::Grants;
use crate::guest::{Pool, StartError};
use crate::limits::Limits;
use crate::load::Loaded;

/// What all links share.
pub struct Services {
    pub cache: Cache,
    pub signals: Arc<Signals>,
    pub routes_complete: Arc<RoutesComplete>,
    pub claims: Claims,
    pub facts: Facts,
    /// The chain that serves.
    pub chain: ArcSwap<Chain>,
    pub metrics: Arc<PluginFamilies>,
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
    loaded: Loaded,
    services: Arc<Services>,
    log: PluginLog,
    metrics: PluginMetrics,
    conduct: Arc<Conduct>,
    /// One permit for each watch that may be open.
    watches: Arc<Semaphore>,
    registrations: Mutex<Registrations>,
    pool: OnceLock<Pool>,
}

impl Link {
    /// Starts the plugin's instances: its `init` registers what it serves.
    ///
    /// # Errors
    /// If its first instance does not start.
    pub async fn start(
        options: LinkOptions,
        loaded: Loaded,
        services: Arc<Services>,
        instances: usize,
    ) -> Result<Arc<Self>, StartError> {
        let limits = options.limits.clone();
        let families = &services.metrics;
        let log = PluginLog::new(&options.name, &limits, families.faults(&options.name, Fault::LogLines));
        let link = Arc::new(Self {
            conduct: Arc::new(Conduct::new(&options.name, &limits, log.clone(), families)),
            metrics: PluginMetrics::new(&options.name, &limits, log.clone(), families),
            watches: Arc::new(Semaphore::new(limits.watches_max)),
            log,
            options,
            loaded,
            services,
            registrations: Mutex::default(),
            pool: OnceLock::new(),
        });
        link.say_what_is_not_granted();
        let (pool, registrations) = Pool::start(&link, instances).await?;
        *link.registrations.lock() = registrations;
        let _ = link.pool.set(pool);
        Ok(link)
    }

    /// Guests of many languages import all of WASI whether they use it or not, so this is no
    /// error; but one that does use it learns only that there is nothing.
    fn say_what_is_not_granted(&self) {
        let name = self.name();
        for (package, grant) in &self.loaded.wants {
            if !self.options.grants.has(grant) {
                let text = format!(
                    "it imports `{package}`, of which nothing is granted: `--plugin-grant {name}={grant}` grants one"
                );
                self.log.host(tracing::Level::INFO, &text);
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.options.name
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

    /// The serving instances. There are some as soon as there is a link.
    pub fn pool(&self) -> &Pool {
        self.pool.get().expect("a link is handed out with its pool")
    }

    /// What is registered now.
    pub fn registrations(&self) -> Registrations {
        self.registrations.lock().clone()
    }

    /// The routes that are registered now, as a table.
    pub fn routes(&self) -> Arc<Routes> {
        Arc::new(Routes::new(&self.registrations.lock().sets))
    }

    /// Takes hold of the prefixes that `init` claimed.
    ///
    /// # Errors
    /// If another link holds one of them.
    pub fn claim(&self) -> Result<(), RegistrationError> {
        let registrations = self.registrations.lock();
        self.services.claims.set(&self.services.cache, self.name(), registrations.claims())
    }

    /// Replaces a set of routes and claims while the chain runs.
    pub fn replace(&self, name: String, contents: Contents) -> Result<(), RegistrationError> {
        let mut registrations = self.registrations.lock();
        let mut changed = registrations.clone();
        changed.replace(self.limits(), name, contents)?;
        // Claims first: a route that serves must find its storage.
        self.services.claims.set(&self.services.cache, self.name(), changed.claims())?;
        let routes = Arc::new(Routes::new(&changed.sets));
        *registrations = changed;
        // Under the lock, so that two changes of one link reach the chain in their order.
        self.services.chain.rcu(|chain| chain.with_routes(self, &routes));
        Ok(())
    }

    /// The routes announced under this name are all there.
    pub fn routes_complete(&self, name: &str) -> Result<(), RegistrationError> {
        if !self.registrations.lock().expected.iter().any(|expected| expected == name) {
            return Err(RegistrationError::Invalid(format!("`{name}` was not announced with `expect-routes`")));
        }
        self.services.routes_complete.complete(name);
        Ok(())
    }
}
