//! Encryption at rest, above any store.
//!
//! Configured by kube-apiserver's `EncryptionConfiguration`, and written as kube-apiserver writes
//! it: what one of them stored the other reads. A store below sees ciphertext only, and so do
//! backups; the cache above holds what clients get.

mod config;
mod provider;
mod reload;
mod resource;

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, future};

pub use self::config::{ConfigError, EncryptionConfig};
pub use self::reload::follow as follow_encryption_config;
use crate::{
    Caps, Change, Key, Kv, Op, Page, RangeQuery, ReadError, Status, Store, Txn, TxnOut, WatchItem, WriteError,
};

/// A store whose values are encrypted on their way in, and decrypted on their way out.
pub struct Encrypted {
    store: Arc<dyn Store>,
    config: Arc<ArcSwap<EncryptionConfig>>,
}

impl Encrypted {
    pub fn new(store: Arc<dyn Store>, config: EncryptionConfig) -> Self {
        Self { store, config: Arc::new(ArcSwap::from_pointee(config)) }
    }

    /// What decides how values are written and read from now on.
    pub fn config(&self) -> &Arc<ArcSwap<EncryptionConfig>> {
        &self.config
    }
}

fn open(config: &EncryptionConfig, kv: Kv) -> Result<Kv, String> {
    match config.open(&kv.key, &kv.value) {
        Ok(value) => Ok(Kv { value: value.unwrap_or(kv.value), ..kv }),
        Err(why) => Err(format!("the value of `{}` cannot be decrypted: {why}", kv.key)),
    }
}

/// Without the values there is nothing to decrypt.
fn open_all(config: &EncryptionConfig, kvs: Vec<Kv>, keys_only: bool) -> Result<Vec<Kv>, ReadError> {
    let open = |kv| if keys_only { Ok(kv) } else { open(config, kv) };
    kvs.into_iter().map(open).collect::<Result<_, _>>().map_err(ReadError::Unavailable)
}

fn open_item(config: &EncryptionConfig, item: WatchItem) -> Result<WatchItem, String> {
    let WatchItem::Batch { revision, changes } = item else { return Ok(item) };
    let open = |change| match change {
        Change::Put(kv) => open(config, kv).map(Change::Put),
        Change::Delete { .. } => Ok(change),
    };
    Ok(WatchItem::Batch { revision, changes: changes.into_iter().map(open).collect::<Result<_, _>>()? })
}

#[async_trait]
impl Store for Encrypted {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        let (found, revision) = self.store.get(key, at).await?;
        let found = found.map(|kv| open(&self.config.load(), kv)).transpose();
        Ok((found.map_err(ReadError::Unavailable)?, revision))
    }

    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        let keys_only = query.keys_only;
        let page = self.store.range(query).await?;
        Ok(Page { kvs: open_all(&self.config.load(), page.kvs, keys_only)?, ..page })
    }

    async fn txn(&self, mut txn: Txn) -> Result<TxnOut, WriteError> {
        let config = self.config.load_full();
        let max = self.caps().value_bytes_max;
        for op in &mut txn.ops {
            let Op::Put { key, value, .. } = op else { continue };
            if value.len() > max {
                return Err(WriteError::TooLarge { what: "value", bytes: value.len() as u64, max: max as u64 });
            }
            *value = seal(&config, key, value)?;
        }
        match self.store.txn(txn).await? {
            TxnOut::Refused { revision, key, current } => {
                let current = current.map(|kv| open(&config, kv)).transpose().map_err(WriteError::Unavailable)?;
                Ok(TxnOut::Refused { revision, key, current })
            }
            applied => Ok(applied),
        }
    }

    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        let config = self.config.clone();
        let items = self.store.watch(from).map(move |item| open_item(&config.load(), item));
        let readable = items.take_while(|item| {
            if let Err(error) = item {
                tracing::error!(%error, "a watch of the store ends");
            }
            future::ready(item.is_ok())
        });
        readable.filter_map(|item| future::ready(item.ok())).boxed()
    }

    async fn read_barrier(&self) -> Result<u64, ReadError> {
        self.store.read_barrier().await
    }

    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        self.store.compact(revision).await
    }

    fn compacted(&self) -> u64 {
        self.store.compacted()
    }

    async fn close(&self) {
        self.store.close().await;
    }

    fn status(&self) -> Status {
        self.store.status()
    }

    fn caps(&self) -> Caps {
        let caps = self.store.caps();
        Caps { value_bytes_max: caps.value_bytes_max.saturating_sub(provider::OVERHEAD_MAX), ..caps }
    }
}

fn seal(config: &EncryptionConfig, key: &Key, value: &Bytes) -> Result<Bytes, WriteError> {
    let sealed = config.seal(key, value);
    let sealed = sealed.map_err(|why| WriteError::Unavailable(format!("`{key}` cannot be encrypted: {why}")))?;
    Ok(sealed.unwrap_or_else(|| value.clone()))
}
