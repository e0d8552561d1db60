//! The options of `host run`: typed text → completed and validated, all errors at once.
//!
//! Flags are named as kube-apiserver names them where it has them, and take the same text. They
//! stay text until [`RunOptions::complete`], so that one start says everything that is wrong.

mod access;
mod check;
pub mod duration;
mod logging;
mod plugins;
mod requests;
mod serving;
mod shutdown;
mod storage;
mod tls;
mod tracing;

use std::path::PathBuf;

use clap::Args;

pub use access::{Access, AccessOptions};
pub use check::OptionErrors;
pub use logging::{LogFormat, Logging, LoggingOptions};
pub use plugins::{PluginChoice, PluginOptions, Plugins};
pub use requests::{RequestOptions, Requests};
pub use serving::{ServiceRange, Serving, ServingOptions};
pub use shutdown::{Shutdown, ShutdownOptions};
pub use storage::{EtcdServers, Storage, StorageOptions};
pub use tls::{NamedPair, PairFiles, Tls, TlsOptions};
pub use tracing::{Tracing, TracingOptions};

use check::{Checks, absolute};

#[cfg(test)]
mod tests;

/// `host run`, as typed.
#[derive(Debug, Clone, Args)]
pub struct RunOptions {
    /// Directory that holds what clients write, the host's keys and the compiled plugins
    #[arg(long, value_name = "DIR", default_value = "host-data")]
    pub data_dir: PathBuf,

    #[command(flatten)]
    pub serving: ServingOptions,
    #[command(flatten)]
    pub access: AccessOptions,
    #[command(flatten)]
    pub storage: StorageOptions,
    #[command(flatten)]
    pub requests: RequestOptions,
    #[command(flatten)]
    pub shutdown: ShutdownOptions,
    #[command(flatten)]
    pub plugins: PluginOptions,
    #[command(flatten)]
    pub logging: LoggingOptions,
    #[command(flatten)]
    pub tracing: TracingOptions,
}

/// `host run`, completed and validated.
#[derive(Debug, Clone)]
pub struct RunConfig {
    pub data_dir: PathBuf,
    pub serving: Serving,
    pub access: Access,
    pub storage: Storage,
    pub requests: Requests,
    pub shutdown: Shutdown,
    pub plugins: Plugins,
    pub logging: Logging,
    pub tracing: Option<Tracing>,
    /// What an operator should know, and what is no reason not to start. [`Server::new`] logs it.
    ///
    /// [`Server::new`]: crate::Server::new
    pub warnings: Vec<String>,
}

impl RunOptions {
    /// Reads the text and looks at the files that it names. Nothing is bound or written.
    pub fn complete(&self) -> Result<RunConfig, OptionErrors> {
        let mut checks = Checks::default();
        if self.data_dir.exists() && !self.data_dir.is_dir() {
            checks.error(format!("--data-dir is not a directory: `{}`", self.data_dir.display()));
        }
        let serving = self.serving.complete(&mut checks);
        let plugins = self.plugins.complete(&mut checks);
        let names: Vec<&str> = plugins.links.iter().map(|link| link.name.as_str()).collect();
        let access = self.access.complete(&names, &mut checks);
        let config = RunConfig {
            data_dir: absolute(&self.data_dir),
            serving,
            access,
            storage: self.storage.complete(&mut checks),
            requests: self.requests.complete(&mut checks),
            shutdown: self.shutdown.complete(&mut checks),
            plugins,
            logging: self.logging.complete(&mut checks),
            tracing: self.tracing.complete(&mut checks),
            warnings: checks.warnings().to_vec(),
        };
        checks.finish(config)
    }
}
