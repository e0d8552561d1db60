//! Leases for keys that expire, shared as kube-apiserver shares them: a lease costs etcd more than
//! a key.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::client::{Client, write_error};
use super::wire::{LeaseGrantRequest, LeaseGrantResponse};
use crate::WriteError;

const GRANT: &str = "/etcdserverpb.Lease/LeaseGrant";
/// Keys that one lease is for.
const KEYS_MAX: u32 = 1_000;
/// How long a lease is given to more keys, at most, and as a part of its time.
const SHARED_MAX: Duration = Duration::from_secs(60);
const SHARED_PART: u32 = 20;

/// The newest lease of each time to live.
#[derive(Default)]
pub(super) struct Leases(Mutex<HashMap<Duration, Lease>>);

struct Lease {
    id: i64,
    granted: Instant,
    keys: u32,
}

impl Leases {
    /// A lease that ends after this time or, so that others can have it too, a little later.
    pub(super) async fn get(&self, client: &Client, ttl: Duration) -> Result<i64, WriteError> {
        let shared = (ttl / SHARED_PART).min(SHARED_MAX);
        let mut leases = self.0.lock().await;
        if let Some(lease) = leases.get_mut(&ttl)
            && lease.keys < KEYS_MAX
            && lease.granted.elapsed() < shared
        {
            lease.keys += 1;
            return Ok(lease.id);
        }
        let seconds = (ttl + shared).as_nanos().div_ceil(1_000_000_000).max(1);
        let granted = Instant::now();
        let request = LeaseGrantRequest { ttl: i64::try_from(seconds).unwrap_or(i64::MAX) };
        // A lease that nobody uses ends by itself.
        let answer: Result<LeaseGrantResponse, _> = client.read(GRANT, request).await;
        let id = answer.map_err(|status| match write_error(&status, 0) {
            WriteError::Unknown(why) => WriteError::Unavailable(why),
            error => error,
        })?;
        leases.retain(|_, lease| lease.granted.elapsed() < SHARED_MAX);
        leases.insert(ttl, Lease { id: id.id, granted, keys: 1 });
        Ok(id.id)
    }

    pub(super) async fn forget(&self) {
        self.0.lock().await.clear();
    }
}
