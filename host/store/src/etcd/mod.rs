//! The store when one machine is not enough: an etcd cluster, shared with other hosts.
//!
//! Keys lie in etcd as kube-apiserver's do. Every host follows all of etcd's keys with one watch,
//! foreign ones too: each revision brings an event then, and a consistent read needs no more than
//! to ask etcd for its revision and to wait until the watch has reached it.

mod client;
mod compact;
mod lease;
mod members;
mod watch;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use tokio::task::AbortHandle;

use self::client::{Client, read_error, write_error};
use self::lease::Leases;
use self::wire::{
    CompactionRequest, CompactionResponse, Compare, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest,
    RangeResponse, Request, RequestOp, StatusRequest, StatusResponse, TxnRequest, TxnResponse, revision,
};
use crate::{
    Caps, Key, Kv, Limits, Op, Page, RangeQuery, ReadError, Status, Store, Txn, TxnOut, WatchItem, WriteError,
    range_end,
};

const RANGE: &str = "/etcdserverpb.KV/Range";
const TXN: &str = "/etcdserverpb.KV/Txn";
const COMPACT: &str = "/etcdserverpb.KV/Compact";
const STATUS: &str = "/etcdserverpb.Maintenance/Status";

/// Below it are all keys of the API, as those who use a store name them.
const ROOT: &str = "/registry";
/// Keys that are asked for at a time.
const PAGE: usize = 10_000;
const STATUS_INTERVAL: Duration = Duration::from_secs(10);

/// How to reach a cluster.
#[derive(Clone)]
pub struct EtcdOptions {
    /// `http://HOST:PORT` or `https://HOST:PORT`, each a member.
    pub servers: Vec<String>,
    /// Who may have signed the members' certificates, as PEM; none for the system's authorities.
    pub ca: Option<Vec<u8>>,
    /// The certificate that this host shows, and its key, as PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Where the keys below `/registry` are in etcd.
    pub prefix: String,
    /// History is given up after one to two of these, by one of all who share the cluster; none
    /// leaves it to others.
    pub compaction_interval: Option<Duration>,
    pub limits: Limits,
}

/// A store in an etcd cluster.
pub struct Etcd {
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

struct Shared {
    client: Client,
    prefix: String,
    limits: Limits,
    leases: Leases,
    /// What is known of the cluster without asking.
    revision: AtomicU64,
    compacted: AtomicU64,
    status: ArcSwap<Known>,
    closed: tokio::sync::watch::Sender<bool>,
}

#[derive(Default)]
struct Known {
    keys: u64,
    bytes: u64,
    bytes_in_use: u64,
    alarm: Option<String>,
}

impl Etcd {
    /// Connects, and makes sure that somebody answers.
    pub async fn connect(options: EtcdOptions) -> Result<Self, ReadError> {
        let client = Client::new(&options).map_err(ReadError::Invalid)?;
        let shared = Arc::new(Shared {
            client,
            prefix: options.prefix.trim_end_matches('/').to_owned(),
            limits: options.limits,
            leases: Leases::default(),
            revision: AtomicU64::new(1),
            compacted: AtomicU64::new(0),
            status: ArcSwap::default(),
            closed: tokio::sync::watch::Sender::new(false),
        });
        shared.look().await?;
        let mut tasks = vec![tokio::spawn(look_often(shared.clone())).abort_handle()];
        if let Some(interval) = options.compaction_interval {
            tasks.push(tokio::spawn(compact::run(shared.clone(), interval)).abort_handle());
        }
        Ok(Self { shared, tasks })
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.shared.closed.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn look_often(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(STATUS_INTERVAL).await;
        if let Err(error) = shared.look().await {
            tracing::warn!(%error, "etcd does not answer");
        }
    }
}

impl Shared {
    /// Asks how the cluster is.
    async fn look(&self) -> Result<(), ReadError> {
        let all = RangeRequest { count_only: true, ..self.everything() };
        let counted: RangeResponse = self.client.read(RANGE, all).await.map_err(|status| read_error(&status))?;
        let status: StatusResponse =
            self.client.read(STATUS, StatusRequest {}).await.map_err(|status| read_error(&status))?;
        self.seen(revision(counted.header.as_ref()));
        let alarm = status.errors.iter().find(|error| error.contains("NOSPACE"));
        let alarm = alarm.map(|error| format!("etcd has reached its quota: `{}`", error.trim()));
        let (bytes, bytes_in_use) = (status.db_size as u64, status.db_size_in_use as u64);
        self.status.store(Arc::new(Known { keys: counted.count as u64, bytes, bytes_in_use, alarm }));
        Ok(())
    }

    fn seen(&self, revision: u64) {
        self.revision.fetch_max(revision, Ordering::AcqRel);
    }

    fn has_compacted(&self, revision: u64) {
        self.compacted.fetch_max(revision, Ordering::AcqRel);
    }

    fn everything(&self) -> RangeRequest {
        let first = format!("{}/", self.prefix);
        RangeRequest { range_end: range_end(&first).into(), key: first.into(), ..RangeRequest::default() }
    }

    /// A key as etcd has it.
    fn outside(&self, key: &str) -> String {
        match key.strip_prefix(ROOT) {
            Some(rest) => format!("{}{rest}", self.prefix),
            None => key.to_owned(),
        }
    }

    /// A key as it is named here; none for what is not the API's.
    fn inside(&self, key: &[u8]) -> Option<Key> {
        let rest = std::str::from_utf8(key).ok()?.strip_prefix(&self.prefix)?;
        rest.starts_with('/').then(|| format!("{ROOT}{rest}").into())
    }

    fn kv(&self, kv: KeyValue) -> Option<Kv> {
        Some(Kv {
            key: self.inside(&kv.key)?,
            value: kv.value,
            create_revision: kv.create_revision as u64,
            mod_revision: kv.mod_revision as u64,
            version: kv.version as u64,
        })
    }

    async fn range(&self, request: RangeRequest) -> Result<RangeResponse, ReadError> {
        let at = request.revision as u64;
        let answer: Result<RangeResponse, _> = self.client.read(RANGE, request).await;
        match answer {
            Ok(found) => {
                self.seen(revision(found.header.as_ref()));
                Ok(found)
            }
            Err(status) if status.message().contains("has been compacted") => {
                self.has_compacted(at + 1);
                Err(ReadError::Compacted { oldest: self.compacted.load(Ordering::Acquire) })
            }
            Err(status) if status.message().contains("future revision") => {
                Err(ReadError::Ahead { newest: self.revision.load(Ordering::Acquire) })
            }
            Err(status) => Err(read_error(&status)),
        }
    }

    async fn op(&self, op: &Op) -> Result<RequestOp, WriteError> {
        let key = self.outside(op.key()).into();
        let request = match op {
            Op::Delete { .. } => Request::DeleteRange(DeleteRangeRequest { key }),
            Op::Put { value, ttl, .. } => {
                let lease = match ttl {
                    Some(ttl) => self.leases.get(&self.client, *ttl).await?,
                    None => 0,
                };
                Request::Put(PutRequest { key, value: value.clone(), lease })
            }
        };
        Ok(RequestOp { request: Some(request) })
    }

    async fn request(&self, txn: &Txn) -> Result<TxnRequest, WriteError> {
        // Guards first, then what has to be there to be deleted: in this order a refusal is explained.
        let guards = txn.guards.iter().map(|guard| Compare::at_revision(&self.outside(&guard.key), guard.revision));
        let compare = guards.chain(deleted(txn).map(|key| Compare::exists(&self.outside(key)))).collect();
        let read = |key: &Key| RequestOp {
            request: Some(Request::Range(RangeRequest { key: self.outside(key).into(), ..RangeRequest::default() })),
        };
        let failure = txn.guards.iter().map(|guard| &guard.key).chain(deleted(txn)).map(read).collect();
        let mut success = Vec::with_capacity(txn.ops.len());
        for op in &txn.ops {
            success.push(self.op(op).await?);
        }
        Ok(TxnRequest { compare, success, failure })
    }

    /// Which guard did not hold, or what was to be deleted and is not there.
    fn refusal(&self, txn: &Txn, answer: TxnResponse) -> Option<(Key, Option<Kv>)> {
        let wanted = txn.guards.iter().map(|guard| (&guard.key, Some(guard.revision)));
        let wanted = wanted.chain(deleted(txn).map(|key| (key, None)));
        let found = answer.responses.into_iter().map(|response| response.range.unwrap_or_default().kvs.pop());
        wanted.zip(found).find_map(|((key, revision), found)| {
            let there = found.as_ref().map_or(0, |kv| kv.mod_revision as u64);
            let holds = revision.map_or(there != 0, |revision| revision == there);
            (!holds).then(|| (key.clone(), found.and_then(|kv| self.kv(kv))))
        })
    }
}

fn deleted(txn: &Txn) -> impl Iterator<Item = &Key> {
    txn.ops.iter().filter(|op| matches!(op, Op::Delete { .. })).map(Op::key)
}

#[async_trait]
impl Store for Etcd {
    async fn get(&self, key: &str, at: Option<u64>) -> Result<(Option<Kv>, u64), ReadError> {
        let request = RangeRequest {
            key: self.shared.outside(key).into(),
            revision: at.unwrap_or(0) as i64,
            ..RangeRequest::default()
        };
        let mut found = self.shared.range(request).await?;
        let newest = revision(found.header.as_ref());
        Ok((found.kvs.pop().and_then(|kv| self.shared.kv(kv)), newest))
    }

    async fn range(&self, query: RangeQuery) -> Result<Page, ReadError> {
        let shared = &self.shared;
        let everything = shared.everything();
        let bound = |key: &str, none: Vec<u8>| if key.is_empty() { none } else { shared.outside(key).into() };
        let mut request = RangeRequest {
            key: bound(&query.start, everything.key),
            range_end: bound(&query.end, everything.range_end),
            revision: query.at.unwrap_or(0) as i64,
            keys_only: query.keys_only,
            ..RangeRequest::default()
        };
        let mut page = Page { kvs: Vec::new(), more: false, count: 0, revision: 0 };
        if request.key >= request.range_end {
            page.revision = query.at.map_or(self.read_barrier().await, Ok)?;
            return Ok(page);
        }
        loop {
            let left = if query.limit == 0 { usize::MAX } else { query.limit - page.kvs.len() };
            request.limit = left.min(PAGE) as i64;
            let found = shared.range(request.clone()).await?;
            if page.revision == 0 {
                page.count = found.count as u64;
                page.revision = query.at.unwrap_or_else(|| revision(found.header.as_ref()));
                // What follows is of the same moment.
                request.revision = page.revision as i64;
            }
            if let Some(last) = found.kvs.last() {
                request.key = [&last.key[..], b"\0"].concat();
            }
            page.kvs.extend(found.kvs.into_iter().filter_map(|kv| shared.kv(kv)));
            page.more = found.more;
            if !found.more || page.kvs.len() == query.limit {
                return Ok(page);
            }
        }
    }

    async fn txn(&self, txn: Txn) -> Result<TxnOut, WriteError> {
        txn.check(&self.shared.limits)?;
        let mut leases_ended = false;
        let answer: TxnResponse = loop {
            let request = self.shared.request(&txn).await?;
            match self.shared.client.call(TXN, request).await {
                Ok(answer) => break answer,
                // Before its time, with the member that kept it: nothing was written.
                Err(status) if status.message().contains("requested lease not found") && !leases_ended => {
                    leases_ended = true;
                    self.shared.leases.forget().await;
                }
                Err(status) => return Err(write_error(&status, self.shared.limits.value_bytes_max)),
            }
        };
        let revision = revision(answer.header.as_ref());
        self.shared.seen(revision);
        if answer.succeeded {
            return Ok(TxnOut::Applied { revision });
        }
        match self.shared.refusal(&txn, answer) {
            Some((key, current)) => {
                Ok(TxnOut::Refused { revision, key, current: current.filter(|_| txn.get_on_refusal) })
            }
            None => Err(WriteError::Unavailable("etcd refused a transaction for no reason".to_owned())),
        }
    }

    fn watch(&self, from: u64) -> BoxStream<'static, WatchItem> {
        watch::from(self.shared.clone(), from)
    }

    async fn read_barrier(&self) -> Result<u64, ReadError> {
        // Linearizable: the member asks the others whether it is up to date.
        let health = self.shared.outside("/registry/health").into();
        let found =
            self.shared.range(RangeRequest { key: health, count_only: true, ..RangeRequest::default() }).await?;
        Ok(revision(found.header.as_ref()))
    }

    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        self.shared.compact(revision).await
    }

    fn compacted(&self) -> u64 {
        self.shared.compacted.load(Ordering::Acquire)
    }

    async fn close(&self) {
        self.shared.closed.send_replace(true);
    }

    fn status(&self) -> Status {
        let known = self.shared.status.load();
        Status {
            revision: self.shared.revision.load(Ordering::Acquire),
            compacted: self.compacted(),
            keys: known.keys,
            stored_bytes: known.bytes_in_use,
            disk_bytes: known.bytes,
            alarm: known.alarm.clone(),
            failed: None,
        }
    }

    fn caps(&self) -> Caps {
        Caps {
            value_bytes_max: self.shared.limits.value_bytes_max,
            txn_operations_max: self.shared.limits.txn_operations_max,
            shared: true,
        }
    }
}

impl Shared {
    async fn compact(&self, revision: u64) -> Result<(), WriteError> {
        let request = CompactionRequest { revision: revision as i64 };
        let answer: Result<CompactionResponse, _> = self.client.call(COMPACT, request).await;
        match answer {
            Ok(CompactionResponse {}) => {}
            // Somebody was faster.
            Err(status) if status.message().contains("has been compacted") => {}
            Err(status) if status.message().contains("future revision") => {
                let newest = self.revision.load(Ordering::Acquire);
                return Err(WriteError::Invalid(format!(
                    "revision `{revision}` cannot be compacted, the newest is `{newest}`"
                )));
            }
            Err(status) => return Err(write_error(&status, self.limits.value_bytes_max)),
        }
        self.has_compacted(revision);
        Ok(())
    }
}
