//! The server from its configuration to its end: [`Server`] → [`Bound`] → [`Running`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::certificates::{CertificateError, ServingCertificate, read, wrong};
use super::http::Shared;
use super::in_flight::InFlightRequests;
use super::watches::Watches;
use super::{listener, tls};
use crate::authn::{Authentication, ClientAuthorities, TokenFileError, Tokens};
use crate::authz::Authorization;
use crate::director::Director;
use crate::filters::{self, InFlightLimits};
use crate::health::Health;
use crate::lifecycle::shutdown::{self, Plan, Stages};
use crate::lifecycle::{RoutesComplete, Signal, Signals};
use crate::observe::Metrics;
use crate::options::{RunConfig, Serving};
use crate::pki::{Pki, PkiError};
use crate::routes::Routes;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    #[error(
        "--authorization-mode names `{0}`, which decides nothing\n\nhint: a plugin that is named there exports `authorizer`"
    )]
    NoAuthorizer(String),
    #[error("the serving certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    #[error("cannot listen on `{address}`: {source}\n\nhint: {}", hint(.address, .source))]
    Listen { address: SocketAddr, source: std::io::Error },
}

fn hint(address: &SocketAddr, source: &std::io::Error) -> String {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "another process serves port {}; choose another one with `--secure-port`, 0 for a free one",
                address.port()
            )
        }
        std::io::ErrorKind::AddrNotAvailable => {
            format!("this machine does not have the address {}; choose one with `--bind-address`", address.ip())
        }
        _ => "choose with `--bind-address` and `--secure-port`".to_owned(),
    }
}

/// A server that has all it needs to know, and serves nothing yet. The chain is built against it:
/// links add their checks, routes and numbers here.
pub struct Server {
    config: RunConfig,
    pki: Pki,
    /// The authorities by which clients know the server, PEM.
    trusted: String,
    /// The authorities whose client certificates are accepted, PEM.
    client_ca: String,
    tls: rustls::ServerConfig,
    authentication: Arc<Authentication>,
    authorization: Arc<Authorization>,
    signals: Arc<Signals>,
    routes: Arc<RoutesComplete>,
    health: Arc<Health>,
    limits: Arc<InFlightLimits>,
    metrics: Arc<Metrics>,
}

impl Server {
    /// Reads certificates and tokens, and makes those of a fresh data directory.
    pub fn new(config: RunConfig) -> Result<Self, StartError> {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let Serving { bind_address, ref certificate, ref service_range, tls_13_only, .. } = config.serving;
        let pki = Pki::open(&config.data_dir, bind_address, service_range.first)?;

        let (serving, trusted) = match certificate {
            Some((certificate, key)) => (ServingCertificate::read(certificate, key)?, read_text(certificate)?),
            None => {
                let (certificate, key) = pki.serving();
                let serving = ServingCertificate::from_pem(certificate, key)
                    .map_err(|error| wrong("data-dir", &pki.serving_certificate(), error))?;
                (serving, pki.authority().to_owned())
            }
        };

        // The host's own authority stays, so that `admin.kubeconfig` always lets somebody in.
        let mut client_ca = pki.authority().to_owned();
        if let Some(path) = &config.access.client_ca_file {
            client_ca.push_str(&String::from_utf8_lossy(&read("client-ca-file", path)?));
        }
        let authorities = ClientAuthorities::from_pem(client_ca.as_bytes()).map_err(|error| {
            let path = config.access.client_ca_file.as_deref().unwrap_or(&config.data_dir);
            wrong("client-ca-file", path, error)
        })?;
        let tokens = config.access.token_auth_file.as_deref().map(Tokens::read).transpose()?.unwrap_or_default();
        let tls = tls::server_config(serving, Some(&authorities), tls_13_only)?;

        let signals = Arc::new(Signals::default());
        let limits = Arc::new(InFlightLimits::new(config.requests.max_reading, config.requests.max_mutating));
        Ok(Self {
            authentication: Arc::new(Authentication::new(Some(authorities), tokens, config.access.anonymous)),
            authorization: Arc::new(Authorization::new(config.access.authorization.clone())),
            routes: Arc::new(RoutesComplete::new(signals.clone())),
            health: Arc::new(Health::new(signals.clone(), config.shutdown.livez_grace_period)),
            metrics: Arc::new(Metrics::new(limits.clone(), signals.clone())),
            config,
            pki,
            trusted,
            client_ca,
            tls,
            signals,
            limits,
        })
    }

    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The authorities whose client certificates are accepted, PEM.
    pub fn client_ca(&self) -> &str {
        &self.client_ca
    }

    /// Where plugins that know users are added.
    pub fn authentication(&self) -> &Arc<Authentication> {
        &self.authentication
    }

    /// Where plugins that know rights are added, and who answers what somebody may.
    pub fn authorization(&self) -> &Arc<Authorization> {
        &self.authorization
    }

    pub fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    pub fn routes(&self) -> &Arc<RoutesComplete> {
        &self.routes
    }

    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Takes the port, and writes the kubeconfig that names it.
    ///
    /// # Errors
    /// If the port cannot be had, or `--authorization-mode` names a plugin that does not decide.
    pub async fn bind(self) -> Result<Bound, StartError> {
        if let Some(name) = self.authorization.missing().first() {
            return Err(StartError::NoAuthorizer((*name).to_owned()));
        }
        let asked = SocketAddr::new(self.config.serving.bind_address, self.config.serving.secure_port);
        let failed = |source| StartError::Listen { address: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let kubeconfig = self.pki.write_kubeconfig(address, &self.trusted)?;
        Ok(Bound { server: self, listener, address, kubeconfig })
    }
}

fn read_text(path: &Path) -> Result<String, CertificateError> {
    Ok(String::from_utf8_lossy(&read("tls-cert-file", path)?).into_owned())
}

/// A server that has its port. Connections wait in the kernel's queue.
pub struct Bound {
    server: Server,
    listener: TcpListener,
    address: SocketAddr,
    kubeconfig: PathBuf,
}

impl Bound {
    /// The address that is served, with the port that was chosen for port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `DATA/admin.kubeconfig`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Serves, in tasks of its own. The chain is complete by now: no more routes are announced.
    pub fn serve<D: Director>(self, director: Arc<D>) -> Running {
        let Server { config, tls, authentication, authorization, signals, routes, health, limits, metrics, .. } =
            self.server;
        health.add_shutdown();
        routes.seal();

        let in_flight = Arc::new(InFlightRequests::default());
        let watches = Arc::new(Watches::new(config.shutdown.watch_grace_period));
        let parts = filters::Parts {
            signals: signals.clone(),
            authentication,
            authorization,
            metrics: metrics.requests().clone(),
            limits,
            in_flight: in_flight.clone(),
            watches: watches.clone(),
            requests: config.requests.clone(),
            shutdown: config.shutdown.clone(),
        };
        let handshake_errors = metrics.tls_handshake_errors().clone();
        let handler = filters::stack(parts, Routes { health, metrics, director: director.clone() });
        let shared = Arc::new(Shared {
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            handler,
            limits: config.serving.limits.clone(),
            handshake_errors,
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
        });
        let connections = TaskTracker::new();
        let stop = CancellationToken::new();
        let stages = Sequence {
            director,
            in_flight,
            watches,
            stop: stop.clone(),
            closing: shared.closing.clone(),
            connections: connections.clone(),
            accepting: tokio::sync::Mutex::new(Some(tokio::spawn(listener::accept(
                self.listener,
                shared.clone(),
                connections.clone(),
                stop,
            )))),
        };
        info!(address = %self.address, "serving");

        let plan = Plan {
            delay: config.shutdown.delay,
            send_retry_after: config.shutdown.send_retry_after,
            request_timeout: config.requests.timeout,
        };
        let handle = ServerHandle { signals: signals.clone() };
        let abort = shared.abort.clone();
        let done = tokio::spawn(async move {
            shutdown::run(plan, signals, stages).await;
            abort.cancel();
            connections.close();
            connections.wait().await;
        });
        Running { address: self.address, handle, done }
    }
}

/// A server that serves.
pub struct Running {
    address: SocketAddr,
    handle: ServerHandle,
    done: JoinHandle<()>,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Resolves when the shutdown is over: nobody is served any more.
    pub async fn finished(self) {
        if let Err(error) = self.done.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Asks a server to end, from anywhere.
#[derive(Debug, Clone)]
pub struct ServerHandle {
    signals: Arc<Signals>,
}

impl ServerHandle {
    pub fn shutdown(&self) {
        self.signals.fire(Signal::ShutdownInitiated);
    }
}

/// The stages of a shutdown.
struct Sequence<D> {
    director: Arc<D>,
    in_flight: Arc<InFlightRequests>,
    watches: Arc<Watches>,
    stop: CancellationToken,
    closing: CancellationToken,
    connections: TaskTracker,
    accepting: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl<D: Director> Stages for Sequence<D> {
    async fn pre_shutdown_hooks(&self) {
        self.director.pre_shutdown().await;
    }

    async fn stop_listening(&self) {
        self.stop.cancel();
        if let Some(accepting) = self.accepting.lock().await.take() {
            // The listener is closed when the task has ended, however it did.
            let _ = accepting.await;
        }
        self.closing.cancel();
    }

    async fn requests_drained(&self) {
        self.in_flight.drained().await;
    }

    async fn watches_ended(&self) {
        self.watches.ended().await;
    }

    async fn connections_closed(&self) {
        self.connections.close();
        self.connections.wait().await;
    }
}
