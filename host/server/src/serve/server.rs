//! The server from its configuration to its end: [`Server`] → [`Bound`] → [`Running`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::http::Shared;
use super::in_flight::InFlightRequests;
use super::reload::{Files, trusted};
use super::running::{Running, Sequence, ServerHandle};
use super::trust::{Believed, Trust};
use super::watches::Watches;
use super::{listener, reload};
use crate::audit::{AuditError, Auditor, Decoder};
use crate::authn::{Authentication, FrontProxy, KeyFileError, Known, ServiceAccountTokens, TokenFileError, Tokens};
use crate::authz::Authorization;
use crate::director::Director;
use crate::filters::{self, InFlightLimits};
use crate::health::Health;
use crate::lifecycle::shutdown::{self, Plan};
use crate::lifecycle::{RoutesComplete, Signals};
use crate::observe::Metrics;
use crate::options::{RunConfig, Serving};
use crate::pki::{self, CertificateError, Pki, PkiError};
use crate::routes::Routes;
use crate::traces::Tracer;

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Tokens(#[from] TokenFileError),
    #[error(transparent)]
    ServiceAccountKey(#[from] KeyFileError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(
        "--requestheader-client-ca-file has an authority that --client-ca-file or the host has too\n\nhint: name the \
         proxies with `--requestheader-allowed-names`, else each client could say that it is somebody else"
    )]
    AnybodyIsFrontProxy,
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
    trust: Arc<Trust>,
    authentication: Arc<Authentication>,
    authorization: Arc<Authorization>,
    service_accounts: Arc<ServiceAccountTokens>,
    auditor: Option<Arc<Auditor>>,
    signals: Arc<Signals>,
    routes: Arc<RoutesComplete>,
    health: Arc<Health>,
    limits: Arc<InFlightLimits>,
    metrics: Arc<Metrics>,
}

impl Server {
    /// Reads certificates and tokens, makes those of a fresh data directory, and opens the audit.
    pub fn new(config: RunConfig) -> Result<Self, StartError> {
        for warning in &config.warnings {
            warn!("{warning}");
        }
        let Serving { bind_address, public_address, ref tls, ref service_range, .. } = config.serving;
        let pki = Pki::open(&config.data_dir, &[service_range.first, bind_address, public_address])?;
        let trust = Arc::new(Trust::read(tls, &config.access, &pki)?);
        let tokens = config.access.token_auth_file.as_deref().map(Tokens::read).transpose()?.unwrap_or_default();
        let own_key = || Ok::<_, StartError>(pki.service_account_key()?);
        let service_accounts = Arc::new(ServiceAccountTokens::open(config.access.service_accounts.clone(), own_key)?);

        let signals = Arc::new(Signals::default());
        let limits = Arc::new(InFlightLimits::new(config.requests.max_reading, config.requests.max_mutating));
        let metrics = Arc::new(Metrics::new(limits.clone(), signals.clone()));
        let auditor = Auditor::start(&config.audit, metrics.registry())?.map(Arc::new);
        let front_proxy =
            trust.proxies().zip(config.access.front_proxy.as_ref()).map(|(authorities, access)| FrontProxy {
                authorities: authorities.clone(),
                names: access.names.clone(),
                headers: access.headers.clone(),
            });
        let known = Known {
            front_proxy,
            authorities: Some(trust.authorities().clone()),
            tokens,
            service_accounts: Some(service_accounts.clone()),
        };
        let authentication = Arc::new(Authentication::new(known, config.access.anonymous.clone()));
        authentication.register(metrics.registry());
        Ok(Self {
            authentication,
            service_accounts,
            auditor,
            authorization: Arc::new(Authorization::new(config.access.authorization.clone())),
            routes: Arc::new(RoutesComplete::new(signals.clone())),
            health: Arc::new(Health::new(signals.clone(), config.shutdown.livez_grace_period)),
            metrics,
            config,
            pki,
            trust,
            signals,
            limits,
        })
    }

    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Whose certificates are believed: they change with their files.
    pub fn believed(&self) -> watch::Receiver<Believed> {
        self.trust.believed()
    }

    /// Where plugins that know users are added.
    pub fn authentication(&self) -> &Arc<Authentication> {
        &self.authentication
    }

    /// Where plugins that know rights are added, and who answers what somebody may.
    pub fn authorization(&self) -> &Arc<Authorization> {
        &self.authorization
    }

    /// Who makes and verifies tokens of service accounts.
    pub fn service_accounts(&self) -> &Arc<ServiceAccountTokens> {
        &self.service_accounts
    }

    /// Who reads objects for audit events that are not JSON. Nobody, if nothing is recorded.
    pub fn set_audit_decoder(&self, decoder: Arc<dyn Decoder>) {
        if let Some(auditor) = &self.auditor {
            auditor.set_decoder(decoder);
        }
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
        let trusted = trusted(&self.trust, &self.pki, self.config.serving.tls.certificate.is_none());
        let kubeconfig = self.pki.write_kubeconfig(address, &trusted)?;
        Ok(Bound { server: self, listener, address, kubeconfig })
    }
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

    /// Where others reach this server.
    pub fn public_address(&self) -> SocketAddr {
        SocketAddr::new(self.server.config.serving.public_address, self.address.port())
    }

    /// `DATA/admin.kubeconfig`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Serves, in tasks of its own. The chain is complete by now: no more routes are announced.
    pub fn serve<D: Director>(self, director: Arc<D>) -> Running {
        let public_address = pki::reachable(self.public_address());
        let Server {
            config,
            pki,
            trust,
            authentication,
            authorization,
            service_accounts,
            auditor,
            signals,
            routes,
            health,
            limits,
            metrics,
        } = self.server;
        health.add_shutdown();
        routes.seal();

        let in_flight = Arc::new(InFlightRequests::default());
        let tracer = config.tracing.as_ref().map(|config| Tracer::start(config, metrics.registry()));
        let watches = Arc::new(Watches::new(config.shutdown.watch_grace_period));
        let parts = filters::Parts {
            signals: signals.clone(),
            authentication,
            authorization,
            metrics: metrics.requests().clone(),
            access_metrics: metrics.access().clone(),
            limits,
            in_flight: in_flight.clone(),
            watches: watches.clone(),
            tracer: tracer.clone(),
            auditor: auditor.clone(),
            web: config.web.clone(),
            requests: config.requests.clone(),
            features: config.features.clone(),
            shutdown: config.shutdown.clone(),
        };
        let discovery = service_accounts.discovery(&public_address.to_string());
        let handshake_errors = metrics.tls_handshake_errors().clone();
        let own = Routes {
            signals: signals.clone(),
            health,
            metrics,
            discovery,
            director: director.clone(),
            profiling: config.profiling,
        };
        let handler = filters::stack(parts, own);
        let shared = Arc::new(Shared {
            trust: trust.clone(),
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
            accepting: Mutex::new(Some(tokio::spawn(listener::accept(
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
        let (reload, asked) = mpsc::channel(1);
        let files = Files { trust, pki, own: config.serving.tls.certificate.is_none(), served: self.address };
        tokio::spawn(reload::keep_fresh(files, asked));
        let handle = ServerHandle::new(signals.clone(), reload);
        // The files are looked at for as long as somebody holds a handle.
        let (abort, running) = (shared.abort.clone(), handle.clone());
        let done = tokio::spawn(async move {
            shutdown::run(plan, signals, stages).await;
            abort.cancel();
            connections.close();
            connections.wait().await;
            if let Some(tracer) = tracer {
                tracer.close().await;
            }
            drop(running);
            // After the last request, whose event is still to be written.
            if let Some(auditor) = auditor {
                auditor.close().await;
            }
        });
        Running::new(self.address, handle, done)
    }
}
