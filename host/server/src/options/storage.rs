//! The store: how long it keeps history, how large it may become, what it encrypts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageOptions {
    /// Time after which what was overwritten is given up: one to two of these. 0 keeps it for ever
    #[arg(long, value_name = "DURATION", default_value = "5m0s")]
    pub etcd_compaction_interval: String,

    /// Bytes that the store may hold, history included; when it is full it takes only deletions. 0 is the default of
    /// `host limits`
    #[arg(long, value_name = "BYTES", default_value = "0")]
    pub quota_backend_bytes: String,

    /// File with an EncryptionConfiguration, which says what is encrypted before it is stored, and how
    #[arg(long, value_name = "FILE")]
    pub encryption_provider_config: Option<PathBuf>,

    /// Read that file again when it changes
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "false",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true
    )]
    pub encryption_provider_config_automatic_reload: String,
}

/// What [`StorageOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Storage {
    /// None keeps all history.
    pub compaction_interval: Option<Duration>,
    /// None is what `host limits` says.
    pub quota_bytes: Option<u64>,
    pub encryption_config: Option<PathBuf>,
    pub encryption_reload: bool,
}

impl StorageOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Storage {
        let interval = checks.duration("etcd-compaction-interval", &self.etcd_compaction_interval);
        if let Some(path) = &self.encryption_provider_config {
            checks.file("encryption-provider-config", path);
        }
        let reload_flag = "encryption-provider-config-automatic-reload";
        let quota = checks.number("quota-backend-bytes", &self.quota_backend_bytes, "a number of bytes");
        Storage {
            compaction_interval: Some(interval).filter(|interval| !interval.is_zero()),
            quota_bytes: Some(quota).filter(|quota| *quota != 0),
            encryption_config: self.encryption_provider_config.clone(),
            encryption_reload: checks.flag(reload_flag, &self.encryption_provider_config_automatic_reload),
        }
    }
}
