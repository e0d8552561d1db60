//! The store: how long it keeps history, how large it may become.

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
}

/// What [`StorageOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Storage {
    /// None keeps all history.
    pub compaction_interval: Option<Duration>,
    /// None is what `host limits` says.
    pub quota_bytes: Option<u64>,
}

impl StorageOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Storage {
        let interval = checks.duration("etcd-compaction-interval", &self.etcd_compaction_interval);
        let quota = checks.number("quota-backend-bytes", &self.quota_backend_bytes, "a number of bytes");
        Storage {
            compaction_interval: Some(interval).filter(|interval| !interval.is_zero()),
            quota_bytes: Some(quota).filter(|quota| *quota != 0),
        }
    }
}
