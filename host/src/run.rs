//! `host run`, from the options to the exit code.
//!
//! The order: options, store, load, create the chain, prepare inside out,
//! run, shut down.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use host_server::health::{Check, Endpoint};
use host_server::lifecycle::{notify_ready, obey_signals};
use host_server::options::{FrontProxyAccess, RunConfig, RunOptions};
use host_server::{Believed, Director, Image, KUBERNETES_VERSION, Request, Response, Server};
use host_store::{Cache, Store};
use tokio::sync::watch;

use crate::access::{Access, StoredObjects};
use crate::admin;
use crate::assembly::{self, Assembly, Loader, Look};
use crate::bodies::Bodies;
use crate::chain::{self, Claims, Facts, PluginFamilies, RequestState, Services};
use crate::numbers::{Metered, Observed, Reads, ResourceNames, Scraped, ToldEvents};
use crate::store;

/// Runs a server until it is told to end.
pub fn run(options: &RunOptions) -> ExitCode {
    let config = match options.complete_with(|plugins| assembly::check(plugins, Look::AtPaths)) {
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
    allow_open_files();
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

/// Raises the number of files that may be open to what the process is allowed: each connection is one, and
/// what shells begin with is enough for a thousand.
fn allow_open_files() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => tracing::debug!(files, "files that may be open"),
        Err(error) => tracing::warn!("the number of files that may be open stays as it is: {error}"),
    }
}

async fn serve(config: RunConfig) -> anyhow::Result<()> {
    let plugins = config.plugins.clone();
    let watch_timeout_min = config.requests.min_watch_timeout;
    let service_range = config.serving.service_range.cidr.clone();
    let data_dir = config.data_dir.clone();
    // Reads the whole index: beside what follows, which does not need it.
    let opening = tokio::spawn(store::open(data_dir.clone(), config.storage.clone()));
    let loader = Loader::new(&config)?;
    let server = Server::new(config)?;

    let claims = Arc::new(Claims::default());
    let names = Arc::new(ResourceNames::new(claims.clone()));
    let registry = server.metrics().registry();
    let ((store, cache), loaded) = tokio::try_join!(
        async {
            let store: Arc<dyn Store> = Arc::new(Metered::new(opening.await??, names.clone(), registry)?);
            let cache = Cache::start(store.clone(), host_store::Limits::default()).await;
            let cache = cache.context("the store cannot be read")?;
            cache.observe(Observed::new(names.clone(), registry)?);
            Ok((store, cache))
        },
        loader.load_all(&plugins.links),
    )?;
    let services = Arc::new(Services {
        cache,
        signals: server.signals().clone(),
        routes_complete: server.routes().clone(),
        claims,
        reads: Reads::new(names.clone(), registry)?,
        told: ToldEvents::register(registry)?,
        facts: Facts::default(),
        chain: ArcSwap::default(),
        removals: watch::Sender::default(),
        metrics: Arc::new(PluginFamilies::new(registry)?),
        authentication: server.authentication().clone(),
        service_accounts: server.service_accounts().clone(),
        watch_timeout_min,
    });
    server.service_accounts().set_objects(Arc::new(StoredObjects::new(services.cache.clone())));
    Scraped::register(registry, &services, store.clone(), names)?;
    server.set_audit_decoder(Arc::new(Bodies::new(services.clone())));
    services.facts.set("version", KUBERNETES_VERSION.to_string());
    services.facts.set("service-cluster-ip-range", service_range);
    services.facts.set("enabled-admission-plugins", plugins.admission.join(","));
    services.facts.set("hostname", hostname());
    keep_trust_facts(&services, server.config().access.front_proxy.as_ref(), server.believed());
    server.health().add(Check::new("etcd", Endpoint::ALL, store_check(&services)));
    server.health().add(Check::new("etcd-readiness", [Endpoint::Readyz], store_check(&services)));
    server.health().add(Check::informer_sync(server.routes().clone()));
    // Not in /readyz: who cannot reach the server cannot delete anything either.
    server.health().add(Check::new("storage-quota", [Endpoint::Healthz], quota_check(store.clone())));

    let access = Access::new(&server);
    let assembly = Assembly::start(loader, services.clone(), server.health().clone(), access, loaded).await?;

    let bound = server.bind().await?;
    services.facts.set("external-address", bound.public_address().to_string());
    let kubeconfig = bound.kubeconfig().display().to_string();
    // There before anybody is told that the host serves; it is obeyed once the hooks have begun.
    let admin = admin::bind(&data_dir);
    let director = Arc::new(ChainDirector { services: services.clone(), assembly: assembly.clone() });
    let running = bound.serve(director);
    obey_signals(running.handle())?;
    assembly.start_hooks();
    let _admin = admin.map(|admin| admin.listen(&assembly));
    if plugins.watch {
        assembly::watch(&assembly);
    }
    notify_ready();
    let links = services.chain.load().entries().len();
    tracing::info!(address = %running.address(), kubeconfig, links, "the chain serves");

    running.finished().await;
    assembly.stop().await;
    // Last: whoever was still served may have written.
    store.close().await;
    tracing::info!("ended");
    Ok(())
}

/// Whose certificates are believed, and whom front proxies speak for: plugins tell other servers of it. The names are
/// those that kube-apiserver publishes it under, but for `client-ca`. Authorities change with their files.
fn keep_trust_facts(
    services: &Arc<Services>,
    front_proxy: Option<&FrontProxyAccess>,
    mut believed: watch::Receiver<Believed>,
) {
    let set = |services: &Services, believed: &Believed| {
        services.facts.set("client-ca", believed.clients.clone());
        let given =
            [("client-ca-file", &believed.given_clients), ("requestheader-client-ca-file", &believed.front_proxies)];
        for (name, pem) in given {
            if let Some(pem) = pem {
                services.facts.set(name, pem.clone());
            }
        }
    };
    if let Some(proxy) = front_proxy {
        for (name, texts) in [
            ("requestheader-allowed-names", &proxy.names),
            ("requestheader-username-headers", &proxy.given.user),
            ("requestheader-uid-headers", &proxy.given.uid),
            ("requestheader-group-headers", &proxy.given.group),
            ("requestheader-extra-headers-prefix", &proxy.given.extra_prefixes),
        ] {
            services.facts.set(name, serde_json::json!(texts).to_string());
        }
    }
    set(services, &believed.borrow_and_update());
    let services = services.clone();
    tokio::spawn(async move {
        while believed.changed().await.is_ok() {
            set(&services, &believed.borrow_and_update());
        }
    });
}

/// As the system knows this machine; empty where it does not say.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
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
    assembly: Arc<Assembly>,
}

impl Director for ChainDirector {
    async fn serve(&self, request: Request) -> Response {
        let chain = self.services.chain.load_full();
        if let Some(response) = chain::at_once(&chain, &request) {
            return response;
        }
        chain::serve(Arc::new(RequestState::new(chain, request)), 0).await
    }

    fn paths(&self) -> Vec<String> {
        let chain = self.services.chain.load();
        chain.entries().iter().flat_map(|entry| entry.routes.paths()).map(str::to_string).collect()
    }

    fn code(&self) -> Vec<Image> {
        let chain = self.services.chain.load();
        let links = chain.entries().iter().map(|entry| &entry.link);
        let images = links.flat_map(|link| link.loaded().code().map(|code| (link.name(), code)));
        images
            .map(|(name, (memory, file))| Image { name: name.to_string(), memory, file: file.to_path_buf() })
            .collect()
    }

    async fn pre_shutdown(&self) {
        self.assembly.run_pre_shutdown_hooks().await;
    }
}
