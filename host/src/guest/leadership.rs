//! Hooks of one host at a time, where several hosts share a store: one of them leads, the others
//! wait. A host with a store of its own is alone, and pays nothing for it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use host_store::{Candidate, Guard};
use tokio_util::sync::CancellationToken;

use crate::bindings::host::chain::registration::{Hook, Placement};
use crate::chain::Link;

/// Who competes for a hook; nobody where there is nothing to agree on.
pub(super) fn candidate(link: &Link, hook: &Hook) -> Option<Candidate> {
    let cache = &link.services().cache;
    if hook.placement != Placement::OneAtATime || !cache.is_shared() {
        return None;
    }
    let lease = Duration::from_millis(link.limits().hook_lease_ms);
    Some(Candidate::new(cache.clone(), &hook.name, identity(), lease))
}

/// Runs something while this host leads, again if it was deposed in the middle, until it ends by
/// itself: then others may. What it is given says that it is to end, and what has to hold when it
/// writes. Nothing if it was cancelled while another led.
pub(super) async fn run<W: Future>(
    candidate: &Candidate,
    cancel: CancellationToken,
    waits: impl Fn(),
    work: impl Fn(CancellationToken, Option<Guard>) -> W,
) -> Option<W::Output> {
    loop {
        let term = candidate.lead(&waits, cancel.cancelled()).await?;
        if cancel.is_cancelled() {
            term.leave().await;
            return None;
        }
        tracing::info!(hook = candidate.name(), "this host runs the hook");
        let deposed = cancel.child_token();
        let mut work = std::pin::pin!(work(deposed.clone(), Some(term.fence().clone())));
        tokio::select! {
            done = &mut work => {
                term.leave().await;
                return Some(done);
            }
            () = term.keep() => {}
        }
        tracing::warn!(hook = candidate.name(), "this host does not run the hook any more, another may");
        deposed.cancel();
        work.await;
    }
}

/// Where it runs, for people; and what no other run of a host has.
fn identity() -> String {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{:016x}", machine.trim(), RandomState::new().hash_one(std::process::id()))
}
