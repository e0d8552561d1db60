//! The store: how long it keeps history, how large it may become, what it encrypts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::check::Checks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageOptions {
    /// Members of an etcd cluster to store in instead of the data directory, such as https://10.0.0.1:2379
    #[arg(long, value_name = "URL,...", value_delimiter = ',')]
    pub etcd_servers: Vec<String>,

    /// File with the authorities that the members' certificates are signed by; the system's if none
    #[arg(long, value_name = "FILE")]
    pub etcd_cafile: Option<PathBuf>,

    /// File with the certificate that the host shows to etcd
    #[arg(long, value_name = "FILE")]
    pub etcd_certfile: Option<PathBuf>,

    /// File with the key of that certificate
    #[arg(long, value_name = "FILE")]
    pub etcd_keyfile: Option<PathBuf>,

    /// Where the keys are in etcd
    #[arg(long, value_name = "PREFIX", default_value = "/registry")]
    pub etcd_prefix: String,

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
    /// None for a store in the data directory.
    pub etcd: Option<EtcdServers>,
    /// None keeps all history.
    pub compaction_interval: Option<Duration>,
    /// None is what `host limits` says.
    pub quota_bytes: Option<u64>,
    pub encryption_config: Option<PathBuf>,
    pub encryption_reload: bool,
}

/// An etcd cluster, and how to reach it.
#[derive(Debug, Clone)]
pub struct EtcdServers {
    pub urls: Vec<String>,
    pub ca: Option<PathBuf>,
    /// The certificate, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    pub prefix: String,
}

impl StorageOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Storage {
        let etcd = self.etcd(checks);
        let interval = checks.duration("etcd-compaction-interval", &self.etcd_compaction_interval);
        if let Some(path) = &self.encryption_provider_config {
            checks.file("encryption-provider-config", path);
        }
        let reload_flag = "encryption-provider-config-automatic-reload";
        let quota = checks.number("quota-backend-bytes", &self.quota_backend_bytes, "a number of bytes");
        Storage {
            etcd,
            compaction_interval: Some(interval).filter(|interval| !interval.is_zero()),
            quota_bytes: Some(quota).filter(|quota| *quota != 0),
            encryption_config: self.encryption_provider_config.clone(),
            encryption_reload: checks.flag(reload_flag, &self.encryption_provider_config_automatic_reload),
        }
    }
    fn etcd(&self, checks: &mut Checks) -> Option<EtcdServers> {
        let files = [
            ("etcd-cafile", &self.etcd_cafile),
            ("etcd-certfile", &self.etcd_certfile),
            ("etcd-keyfile", &self.etcd_keyfile),
        ];
        for (flag, path) in files {
            let Some(path) = path else { continue };
            checks.file(flag, path);
            if self.etcd_servers.is_empty() {
                checks.error(format!("--{flag} is of no use without --etcd-servers: `{}`", path.display()));
            }
        }
        for url in &self.etcd_servers {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                checks.error(format!("--etcd-servers must begin with `http://` or `https://`: `{url}`"));
            }
        }
        if !self.etcd_prefix.starts_with('/') || self.etcd_prefix.ends_with('/') {
            checks.error(format!("--etcd-prefix must begin with `/` and not end with it: `{}`", self.etcd_prefix));
        }
        let identity = match (&self.etcd_certfile, &self.etcd_keyfile) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                checks.error("--etcd-certfile and --etcd-keyfile are needed together");
                None
            }
        };
        let (urls, ca, prefix) = (self.etcd_servers.clone(), self.etcd_cafile.clone(), self.etcd_prefix.clone());
        (!urls.is_empty()).then_some(EtcdServers { urls, ca, identity, prefix })
    }
}
