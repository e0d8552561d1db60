//! Compaction by one of all who share a cluster, kube-apiservers among them: whoever changes a key
//! that all know compacts, the others have waited another interval.

use std::sync::Arc;
use std::time::Duration;

use super::wire::{Compare, PutRequest, RangeRequest, Request, RequestOp, TxnRequest, TxnResponse, revision};
use super::{Shared, TXN};

/// kube-apiserver's key. Its version is what is guarded, its value the revision compacted to.
pub(super) const COMPACT_KEY: &str = "compact_rev_key";

pub(super) async fn run(shared: Arc<Shared>, interval: Duration) {
    // The version of the key and the revision, of one interval ago.
    let (mut version, mut marked) = (0, 0);
    loop {
        tokio::time::sleep(interval).await;
        match turn(&shared, version, marked).await {
            Ok(now) => (version, marked) = now,
            Err(error) => tracing::warn!(%error, "etcd was not compacted, the next turn tries again"),
        }
    }
}

async fn turn(shared: &Shared, version: i64, marked: u64) -> Result<(i64, u64), String> {
    let put = PutRequest { key: COMPACT_KEY.into(), value: marked.to_string().into(), lease: 0 };
    let read = RangeRequest { key: COMPACT_KEY.into(), ..RangeRequest::default() };
    let request = TxnRequest {
        compare: vec![Compare::at_version(COMPACT_KEY, version)],
        success: vec![RequestOp { request: Some(Request::Put(put)) }],
        failure: vec![RequestOp { request: Some(Request::Range(read)) }],
    };
    let answer: TxnResponse = shared.client.call(TXN, request).await.map_err(|status| status.message().to_owned())?;
    let now = revision(answer.header.as_ref());
    if !answer.succeeded {
        // Somebody else's turn.
        let found = answer.responses.into_iter().find_map(|response| response.range?.kvs.pop());
        return Ok((found.map_or(0, |kv| kv.version), now));
    }
    // Not at the first turn: nobody has waited yet.
    if marked > 0 {
        shared.compact(marked).await.map_err(|error| error.to_string())?;
    }
    Ok((version + 1, now))
}
