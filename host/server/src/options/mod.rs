//! The options of `host run`: typed text → completed and validated, all errors at once.
//!
//! Flags are named as kube-apiserver names them where it has them, and take the same text. They
//! stay text until [`RunOptions::complete`], so that one start says everything that is wrong.

mod access;
mod anonymous_config;
mod audit;
mod check;
pub mod duration;
mod features;
mod file;
mod front_proxy;
mod logging;
mod own_links;
mod plugins;
mod profiling;
mod requests;
mod service_accounts;
mod service_range;
mod serving;
mod shutdown;
mod storage;
mod tls;
mod tracing;
mod upstream;
mod web;

use std::path::PathBuf;

use clap::Args;

pub use access::{Access, AccessOptions};
pub use audit::{Audit, AuditLogOptions, AuditOptions, AuditWebhookOptions};
pub(crate) use audit::{
    AuditBatch, AuditLog, AuditLogFormat, AuditLogTarget, AuditMode, AuditRotation, AuditTruncate, AuditWebhook,
};
pub use check::OptionErrors;
pub use features::{FeatureOptions, Features};
pub use file::with_config_file;
pub use front_proxy::{FrontProxyAccess, FrontProxyOptions, GivenHeaders};
pub use logging::{LogFormat, Logging, LoggingOptions};
pub use own_links::{OWN_LINKS, OwnLink};
pub use plugins::{PluginChoice, PluginOptions, Plugins};
pub use profiling::ProfilingOptions;
pub use requests::{RequestOptions, Requests};
pub use service_accounts::{ServiceAccountOptions, ServiceAccounts};
pub use service_range::ServiceRange;
pub use serving::{Serving, ServingOptions};
pub use shutdown::{Shutdown, ShutdownOptions};
pub use storage::{EtcdServers, Storage, StorageOptions};
pub use tls::{NamedPair, PairFiles, Tls, TlsOptions};
pub use tracing::{Tracing, TracingOptions};
pub use upstream::UpstreamOptions;
pub use web::{Web, WebOptions};

use check::{Checks, absolute};

#[cfg(test)]
mod tests;

/// `host run`, as typed.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// YAML file with options, its keys the flags; flags win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is wrong with that file itself: said beside what is wrong with the values.
    #[arg(skip)]
    pub config_errors: Vec<String>,

    /// Directory that holds what clients write, the host's keys and the compiled plugins [default: host-data, below --cert-dir if that is given]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    #[command(flatten)]
    pub serving: ServingOptions,
    #[command(flatten)]
    pub access: AccessOptions,
    #[command(flatten)]
    pub storage: StorageOptions,
    #[command(flatten)]
    pub audit: AuditOptions,
    #[command(flatten)]
    pub requests: RequestOptions,
    #[command(flatten)]
    pub features: FeatureOptions,
    #[command(flatten)]
    pub web: WebOptions,
    #[command(flatten)]
    pub shutdown: ShutdownOptions,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub logging: LoggingOptions,
    #[command(flatten)]
    pub tracing: TracingOptions,
    #[command(flatten)]
    pub profiling: ProfilingOptions,
    /// Last: what the others have is theirs.
    #[command(flatten)]
    pub upstream: UpstreamOptions,
}

/// `host run`, completed and validated.
#[derive(Debug, Clone)]
pub struct RunConfig {
    pub data_dir: PathBuf,
    pub serving: Serving,
    pub access: Access,
    pub storage: Storage,
    pub audit: Audit,
    pub requests: Requests,
    pub features: Features,
    pub web: Web,
    pub shutdown: Shutdown,
    pub plugins: Plugins,
    pub logging: Logging,
    pub tracing: Option<Tracing>,
    /// CPU profiles are served.
    pub profiling: bool,
    /// What an operator should know, and what is no reason not to start. [`Server::new`] logs it.
    ///
    /// [`Server::new`]: crate::Server::new
    pub warnings: Vec<String>,
}

impl RunOptions {
    /// Reads the text and looks at the files that it names. Nothing is bound or written.
    pub fn complete(&self) -> Result<RunConfig, OptionErrors> {
        self.complete_with(|_| Vec::new())
    }

    /// As [`complete`](Self::complete), and `judge` says what else is wrong with the plugins.
    pub fn complete_with(&self, judge: impl FnOnce(&Plugins) -> Vec<String>) -> Result<RunConfig, OptionErrors> {
        let mut checks = Checks::default();
        self.config_errors.iter().for_each(|error| checks.error(error));
        let data_dir = self.data_dir();
        if data_dir.exists() && !data_dir.is_dir() {
            checks.error(format!("--data-dir is not a directory: `{}`", data_dir.display()));
        }
        let serving = self.serving.complete(&mut checks);
        let plugins = self.plugins.complete(&mut checks);
        judge(&plugins).into_iter().for_each(|error| checks.error(error));
        let names: Vec<&str> = plugins.links.iter().map(|link| link.name.as_str()).collect();
        let access = self.access.complete(&names, &mut checks);
        let tokens = &access.service_accounts;
        if !self.storage.etcd_servers.is_empty() && tokens.signing_key_file.is_none() && tokens.key_files.is_empty() {
            checks.warn(
                "--etcd-servers is without --service-account-signing-key-file and --service-account-key-file: each \
                 host makes a key of its own, and tokens of one are refused by the others",
            );
        }
        let config = RunConfig {
            data_dir: absolute(&data_dir),
            serving,
            access,
            storage: self.storage.complete(&mut checks),
            audit: self.audit.complete(&mut checks),
            web: self.web.complete(&mut checks),
            requests: self.requests.complete(&mut checks),
            features: self.features.complete(&mut checks),
            shutdown: self.shutdown.complete(&mut checks),
            plugins,
            logging: self.logging.complete(&mut checks),
            tracing: self.tracing.complete(&mut checks),
            profiling: self.profiling.complete(&mut checks),
            warnings: {
                self.upstream.complete(&mut checks);
                checks.warnings().to_vec()
            },
        };
        checks.finish(config)
    }

    /// A test that starts a server on a directory of its own wants its data there, too.
    fn data_dir(&self) -> PathBuf {
        const NAME: &str = "host-data";
        let below = || self.serving.tls.cert_dir.as_ref().map_or_else(|| NAME.into(), |dir| dir.join(NAME));
        self.data_dir.clone().unwrap_or_else(below)
    }
}
