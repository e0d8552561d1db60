//! `host run`, from the options to the exit code.
//!
//! The order is DESIGN's section 4: options, store, load, create the chain, prepare inside out,
//! run, shut down.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use host_server::health::{Check, Endpoint};
use host_server::lifecycle::{notify_ready, obey_signals};
use host_server::options::{PluginChoice, RunConfig, RunOptions};
use host_server::{Director, KUBERNETES_VERSION, Request, Response, Server};
use host_store::{Cache, Store};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bindings::host::chain::registration::{self as wit, Moment};
use crate::chain::{self, Chain, Claims, Facts, Link, LinkOptions, PluginFamilies, RequestState, Services};
use crate::guest::{HookRunner, HookState};
use crate::imports::request::HookContext;
use crate::limits::Limits;
use crate::load::{self, CompiledCache, Engine, PluginPath};
use crate::store;

/// Runs a server until it is told to end.
pub fn run(options: &RunOptions) -> ExitCode {
    let config = match options.complete() {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = host_server::init_logging(&config.logging) {
        eprintln!("cannot start logging: {error}");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(serve(config));
    // What guests still compute is of no use to anybody, and what was written is on disk.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: RunConfig) -> anyhow::Result<()> {
    let plugins = config.plugins.clone();
    let watch_timeout_min = config.requests.min_watch_timeout;
    let service_range = config.serving.service_range.cidr.clone();
    // Reads the whole index: beside what follows, which does not need it.
    let opening = tokio::spawn(store::open(config.data_dir.clone(), config.storage.clone()));
    let compiled = open_compiled_cache(&config)?;
    let limits = Arc::new(Limits::default());
    let server = Server::new(config)?;

    let engine = Engine::new(&limits).map_err(|error| anyhow::anyhow!("this machine cannot run plugins: {error:#}"))?;
    let ((store, cache), loaded) = tokio::try_join!(
        async {
            let store = opening.await??;
            let cache = Cache::start(store.clone(), host_store::Limits::default()).await;
            Ok((store, cache.context("the store cannot be read")?))
        },
        load_all(&engine, &compiled, &plugins.links, plugins.dir.as_deref(), &limits),
    )?;
    let services = Arc::new(Services {
        cache,
        signals: server.signals().clone(),
        routes_complete: server.routes().clone(),
        claims: Claims::default(),
        facts: Facts::default(),
        chain: ArcSwap::default(),
        metrics: Arc::new(PluginFamilies::new(server.metrics().registry())?),
        watch_timeout_min,
    });
    services.facts.set("version", KUBERNETES_VERSION.to_string());
    services.facts.set("service-cluster-ip-range", service_range);
    keep_client_ca_fact(&services, server.client_ca());
    server.health().add(Check::new("etcd", Endpoint::ALL, store_check(&services)));
    server.health().add(Check::new("etcd-readiness", [Endpoint::Readyz], store_check(&services)));
    // Not in /readyz: who cannot reach the server cannot delete anything either.
    server.health().add(Check::new("storage-quota", [Endpoint::Healthz], quota_check(store.clone())));

    let links = create_chain(&services, loaded, &limits).await?;
    add_checks(&server, &links);
    let hooks = prepare_hooks(&server, &links)?;
    prepare_run(&links, &limits).await?;

    let bound = server.bind().await?;
    services.facts.set("external-address", bound.address().to_string());
    let kubeconfig = bound.kubeconfig().display().to_string();
    let director = Arc::new(ChainDirector { services: services.clone(), hooks: hooks.pre_shutdown });
    let running = bound.serve(director);
    obey_signals(running.handle())?;
    for start in hooks.post_start {
        start.runner.start(start.name, start.state);
    }
    notify_ready();
    tracing::info!(address = %running.address(), kubeconfig, links = links.len(), "the chain serves");

    running.finished().await;
    for runner in hooks.runners {
        runner.stop().await;
    }
    // Last: whoever was still served may have written.
    store.close().await;
    tracing::info!("ended");
    Ok(())
}

/// The authorities change with their files, and plugins tell other servers of them.
fn keep_client_ca_fact(services: &Arc<Services>, mut client_ca: watch::Receiver<String>) {
    services.facts.set("client-ca", client_ca.borrow_and_update().clone());
    let services = services.clone();
    tokio::spawn(async move {
        while client_ca.changed().await.is_ok() {
            services.facts.set("client-ca", client_ca.borrow_and_update().clone());
        }
    });
}

/// Compiled code is shared by all data directories of a user: it depends on the component and
/// the host alone.
fn open_compiled_cache(config: &RunConfig) -> anyhow::Result<CompiledCache> {
    let home = std::env::var_os("XDG_CACHE_HOME")
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| std::path::PathBuf::from(home).join(".cache")));
    let shared = home.filter(|home| home.is_absolute()).map(|home| home.join("host").join("compiled"));
    if let Some(directory) = &shared {
        match CompiledCache::open(directory) {
            Ok(cache) => return Ok(cache),
            Err(error) => tracing::debug!("compiled code is kept in the data directory: {error}"),
        }
    }
    let directory = config.data_dir.join("compiled");
    CompiledCache::open(&directory).with_context(|| format!("cannot keep compiled code in `{}`", directory.display()))
}

/// Loads every plugin, all at the same time; all that cannot be loaded are named.
async fn load_all(
    engine: &Engine,
    compiled: &CompiledCache,
    plugins: &[PluginChoice],
    plugin_dir: Option<&Path>,
    limits: &Limits,
) -> anyhow::Result<Vec<(LinkOptions, load::Loaded)>> {
    let loads = plugins.iter().map(|plugin| async move {
        let wanted = PluginPath { name: plugin.name.clone(), path: plugin.path.clone() };
        let path = load::find(&wanted, plugin_dir)?;
        let loaded = load::load(engine, compiled, &plugin.name, &path, limits).await?;
        Ok::<_, load::LoadError>((link_options(plugin), loaded))
    });
    let mut loaded = Vec::new();
    let mut errors = Vec::new();
    for result in futures::future::join_all(loads).await {
        match result {
            Ok((options, plugin)) => loaded.push((options?, plugin)),
            Err(error) => errors.push(error.to_string()),
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(anyhow::anyhow!(errors.join("\n\n"))) }
}

fn link_options(plugin: &PluginChoice) -> anyhow::Result<LinkOptions> {
    let configuration = plugin.config.as_ref().map(std::fs::read_to_string).transpose();
    let configuration = configuration.with_context(|| format!("the configuration of plugin `{}`", plugin.name))?;
    let mut proxy_destinations = Vec::new();
    for grant in &plugin.grants {
        match grant.strip_prefix("proxy:") {
            Some(destination) if !destination.is_empty() => proxy_destinations.push(destination.to_string()),
            _ => anyhow::bail!("plugin `{}` cannot be granted `{grant}`: `proxy:HOST:PORT` can be", plugin.name),
        }
    }
    Ok(LinkOptions { name: plugin.name.clone(), configuration, proxy_destinations })
}

/// Starts the links, the innermost first, and makes them the chain that serves. Returns them
/// innermost first, as they were given.
async fn create_chain(
    services: &Arc<Services>,
    loaded: Vec<(LinkOptions, load::Loaded)>,
    limits: &Arc<Limits>,
) -> anyhow::Result<Vec<Arc<Link>>> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let instances = cores.min(limits.instances_per_link_max);
    let mut links = Vec::new();
    for (options, plugin) in loaded {
        let name = options.name.clone();
        let link = Link::start(options, plugin, limits.clone(), services.clone(), instances)
            .await
            .map_err(|error| anyhow::anyhow!("plugin `{name}` {error}"))?;
        link.claim().map_err(|error| anyhow::anyhow!("plugin `{name}` cannot be loaded: {}", reason(&error)))?;
        for expected in &link.registrations().expected {
            services.routes_complete.expect(expected);
        }
        links.push(link);
    }
    services.chain.store(Arc::new(Chain::new(links.iter().rev().cloned())));
    Ok(links)
}

fn reason(error: &wit::RegistrationError) -> &str {
    use wit::RegistrationError::{Closed, Invalid, Limit, Taken};
    match error {
        Closed(reason) | Invalid(reason) | Limit(reason) | Taken(reason) => reason,
    }
}

/// The links' health checks, the innermost link's first; one that is already there is skipped,
/// as upstream skips what a delegate has (kube-apiserver.md 1.1, 5).
fn add_checks(server: &Server, links: &[Arc<Link>]) {
    for link in links {
        for check in link.registrations().checks {
            let endpoints: Vec<Endpoint> = check
                .endpoints
                .iter()
                .map(|endpoint| match endpoint {
                    wit::Endpoint::Healthz => Endpoint::Healthz,
                    wit::Endpoint::Livez => Endpoint::Livez,
                    wit::Endpoint::Readyz => Endpoint::Readyz,
                })
                .collect();
            let limit_ms = link.limits().health_check_ms_max;
            let (link, name) = (link.clone(), check.name.clone());
            let run = move || {
                let (link, name) = (link.clone(), name.clone());
                async move { link.pool().check_health(&name, limit_ms).await.map_err(|error| error.to_string()) }
            };
            let check = Check::new(check.name, endpoints, run);
            server.health().add(check.with_timeout(Duration::from_millis(limit_ms + 100)));
        }
    }
}

/// All hooks of the chain, ready to be started.
struct Hooks {
    runners: Vec<Arc<HookRunner>>,
    post_start: Vec<PostStart>,
    pre_shutdown: Vec<(Arc<HookRunner>, String)>,
}

struct PostStart {
    runner: Arc<HookRunner>,
    name: String,
    state: Arc<HookState>,
}

/// Gives each post-start hook its check.
///
/// # Errors
/// If two hooks have one name: names both links.
fn prepare_hooks(server: &Server, links: &[Arc<Link>]) -> anyhow::Result<Hooks> {
    let mut hooks = Hooks { runners: Vec::new(), post_start: Vec::new(), pre_shutdown: Vec::new() };
    let mut owners: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    for link in links {
        let runner = Arc::new(HookRunner::new(link.clone()));
        hooks.runners.push(runner.clone());
        for hook in link.registrations().hooks {
            if let Some(other) = owners.insert(hook.name.clone(), link.name().to_string()) {
                anyhow::bail!(
                    "plugin `{}` cannot be loaded: its hook `{}` is registered by plugin `{other}` already",
                    link.name(),
                    hook.name
                );
            }
            match hook.moment {
                Moment::PreShutdown => hooks.pre_shutdown.push((runner.clone(), hook.name)),
                Moment::PostStart => {
                    let check = server.health().add_boot(&hook.name).with_context(|| {
                        format!("plugin `{}`: there is a check `poststarthook/{}` already", link.name(), hook.name)
                    })?;
                    let state = Arc::new(HookState::new(check));
                    hooks.post_start.push(PostStart { runner: runner.clone(), name: hook.name, state });
                }
            }
        }
    }
    Ok(hooks)
}

/// The last step before the listener: the delegate first, each link once.
async fn prepare_run(links: &[Arc<Link>], limits: &Limits) -> anyhow::Result<()> {
    for link in links {
        let context = HookContext::new(link.clone(), Arc::default(), CancellationToken::new());
        link.pool()
            .prepare_run(context, limits.prepare_run_ms_max)
            .await
            .with_context(|| format!("plugin `{}` cannot be prepared", link.name()))?;
    }
    Ok(())
}

/// The store answers. Named as tools that watch a kube-apiserver know it.
fn store_check(services: &Arc<Services>) -> impl Fn() -> StoreCheck + Send + Sync + use<> {
    let services = services.clone();
    move || {
        let services = services.clone();
        Box::pin(async move {
            let read = services.cache.get("/registry/health", host_store::Freshness::Latest).await;
            read.map(drop).map_err(|error| error.to_string())
        })
    }
}

/// The store takes writes, and not only deletions.
fn quota_check(store: Arc<dyn Store>) -> impl Fn() -> StoreCheck + Send + Sync + use<> {
    move || {
        let store = store.clone();
        Box::pin(async move { store.status().alarm.map_or(Ok(()), Err) })
    }
}

type StoreCheck = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What stands behind the filters: the chain that serves when a request comes in.
struct ChainDirector {
    services: Arc<Services>,
    hooks: Vec<(Arc<HookRunner>, String)>,
}

impl Director for ChainDirector {
    async fn serve(&self, request: Request) -> Response {
        let request = RequestState::new(self.services.chain.load_full(), request);
        chain::serve(Arc::new(request), 0).await
    }

    fn paths(&self) -> Vec<String> {
        let chain = self.services.chain.load();
        chain.entries().iter().flat_map(|entry| entry.routes.paths()).map(str::to_string).collect()
    }

    /// One after the other, as upstream; one that fails does not keep the others from running.
    async fn pre_shutdown(&self) {
        for (runner, name) in &self.hooks {
            if let Err(reason) = runner.run_once(name).await {
                tracing::error!(hook = name, "the pre-shutdown hook failed: {reason}");
            }
        }
    }
}
