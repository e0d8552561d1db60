//! Which store a host has: in its data directory or in etcd, and encrypted as it was told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
#[cfg(feature = "etcd")]
use host_server::options::EtcdServers;
use host_server::options::Storage;
use host_store::{Embedded, Encrypted, EncryptionConfig, Limits, Store, follow_encryption_config};

/// Where the embedded store is in the data directory.
pub const DIRECTORY: &str = "store";

/// Opens the store that the options name.
pub async fn open(data_dir: PathBuf, storage: Storage) -> anyhow::Result<Arc<dyn Store>> {
    let store = match storage.etcd.clone() {
        #[cfg(feature = "etcd")]
        Some(servers) => connect(servers, &storage).await?,
        other => {
            // What starts a kube-apiserver has to name an etcd, and may be content without.
            if other.is_some() {
                tracing::warn!(
                    "--etcd-servers has no effect: this host was built without the feature `etcd`; objects are stored in \
                     the data directory"
                );
            }
            let storage = storage.clone();
            tokio::task::spawn_blocking(move || embedded(&data_dir, &storage)).await??
        }
    };
    encrypted(store, &storage)
}

/// The embedded store. What it cannot write any more is lost, so the process ends: who restarts it finds all that was acknowledged.
fn embedded(data_dir: &Path, storage: &Storage) -> anyhow::Result<Arc<dyn Store>> {
    std::fs::create_dir_all(data_dir)
        .with_context(|| format!("cannot make the data directory `{}`", data_dir.display()))?;
    let defaults = Limits::default();
    let stored_bytes_max = storage.quota_bytes.unwrap_or(defaults.stored_bytes_max);
    let options = host_store::Options {
        limits: Limits { stored_bytes_max, ..defaults },
        compaction_interval: storage.compaction_interval,
        on_failure: Box::new(|reason| {
            tracing::error!("the store has failed and the host ends: {reason}");
            std::process::exit(1);
        }),
    };
    Ok(Arc::new(Embedded::open(&data_dir.join(DIRECTORY), options)?))
}

#[cfg(feature = "etcd")]
async fn connect(servers: EtcdServers, storage: &Storage) -> anyhow::Result<Arc<dyn Store>> {
    let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    let identity = match &servers.identity {
        Some((certificate, key)) => Some((read(certificate)?, read(key)?)),
        None => None,
    };
    let options = host_store::EtcdOptions {
        ca: servers.ca.as_ref().map(read).transpose()?,
        identity,
        servers: servers.urls,
        prefix: servers.prefix,
        compaction_interval: storage.compaction_interval,
        limits: Limits::default(),
    };
    Ok(Arc::new(host_store::Etcd::connect(options).await.context("--etcd-servers")?))
}

/// The store, with what is to be encrypted encrypted. Without a configuration nothing is, and a
/// store that holds ciphertext is refused instead of served.
fn encrypted(store: Arc<dyn Store>, storage: &Storage) -> anyhow::Result<Arc<dyn Store>> {
    let Some(path) = &storage.encryption_config else {
        return Ok(Arc::new(Encrypted::new(store, EncryptionConfig::default())));
    };
    let wrong = || format!("--encryption-provider-config `{}`", path.display());
    let text = std::fs::read_to_string(path).with_context(wrong)?;
    let encrypted = Encrypted::new(store, EncryptionConfig::parse(&text).with_context(wrong)?);
    if storage.encryption_reload {
        tokio::spawn(follow_encryption_config(path.clone(), text, encrypted.config().clone()));
    }
    Ok(Arc::new(encrypted))
}
