//! Answers that wait for nothing: a guest's plain function, on its caller's thread.
//!
//! An asynchronous call is a task of the guest's, of the engine's and of its instance's event loop.
//! A plain one that is polled once is none of these: it has its result then, or it never has one.
//! So that nobody waits for it either, it is made in instances that nobody else is in: whoever finds
//! none idle asks `handle`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};

use super::call::CallError;
use super::pool::{BACKOFF_FIRST, BACKOFF_LAST, HEALTHY_AFTER};
use super::start::{self, Spun, StartError, named};
use crate::bindings::exports::host::chain::immediate;
use crate::bindings::host::chain::request::Summary;
use crate::chain::{Closed, Fault, Link, summary};
use crate::imports::{Role, State};

pub use immediate::Reply;

/// The instances of a link that answer without waiting.
pub struct Immediate {
    slots: Vec<Arc<Slot>>,
    stop: CancellationToken,
}

/// A place for an instance, in cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Slot {
    /// Locked by whoever is in the instance, and so never waited for.
    instance: Mutex<Option<Instance>>,
    /// The memory of the instance, for others to look at.
    memory: Mutex<Option<Arc<AtomicUsize>>>,
    /// Wakes who replaces the instance.
    ended: Notify,
}

/// An instance that does nothing between two calls.
struct Instance {
    store: Store<State>,
    guest: immediate::Guest,
    /// Ticks of the epoch that the call under way has seen.
    ticks: Arc<AtomicU64>,
    memory: Arc<AtomicUsize>,
    /// Written anew for each request, in the same place.
    summary: Summary,
    slot: Arc<Slot>,
}

impl Immediate {
    /// Starts so many instances, beside its caller, and replaces those that end.
    pub(super) fn start(link: &Arc<Link>, size: usize) -> Self {
        let slots: Vec<Arc<Slot>> = (0..size).map(|_| Arc::default()).collect();
        let stop = CancellationToken::new();
        for slot in &slots {
            tokio::spawn(keep(slot.clone(), link.clone(), stop.clone()));
        }
        Self { slots, stop }
    }

    /// Asks the guest for an answer to the request that `describe` writes down. Nothing if it has
    /// none, or no instance is idle: `handle` answers then.
    ///
    /// # Errors
    /// If the plugin takes no calls now, or fails in this one.
    pub fn answer(&self, link: &Link, describe: impl FnOnce(&mut Summary)) -> Result<Option<Reply>, CallError> {
        let plugin = || link.name().into();
        let admitted = link.conduct().admit();
        let admitted =
            admitted.map_err(|Closed { reason, wait }| CallError::Closed { plugin: plugin(), reason, wait })?;
        let home = HOME.with(|home| *home);
        let free = (0..self.slots.len()).find_map(|n| {
            let mut place = self.slots[(home + n) % self.slots.len()].instance.try_lock()?;
            // Out of its place: it is not left there if this panics.
            Some((place.take()?, place))
        });
        let Some((mut instance, mut place)) = free else { return Ok(None) };
        describe(&mut instance.summary);
        let begun = Instant::now();
        let result = instance.call();
        let spent = begun.elapsed();
        link.metrics().computed(spent);
        match result {
            Ok(reply) => {
                if instance.memory.load(Ordering::Relaxed) <= link.limits().memory_bytes_kept_max {
                    *place = Some(instance);
                } else {
                    let text = "an instance has grown above `memory_bytes_kept_max` and is replaced";
                    link.log().host(tracing::Level::INFO, text);
                }
                if reply.is_some() {
                    link.metrics().immediate_answer(spent);
                    admitted.succeeded();
                }
                Ok(reply)
            }
            Err((fault, reason)) => {
                link.conduct().fault(fault, &format!("an instance ended: {reason}"));
                link.metrics().trap();
                link.metrics().call(spent, false);
                admitted.failed();
                if fault == Fault::Cpu {
                    link.conduct().call_held(spent);
                    return Err(CallError::TimedOut { plugin: plugin(), limit_ms: link.limits().immediate_ms_max });
                }
                Err(CallError::Failed { plugin: plugin(), reason: reason.into() })
            }
        }
    }

    /// Linear memory of each instance, in bytes.
    pub fn memory_bytes(&self) -> impl Iterator<Item = usize> {
        let bytes = |slot: &Arc<Slot>| slot.memory.lock().as_ref().map(|memory| memory.load(Ordering::Relaxed));
        self.slots.iter().filter_map(bytes)
    }

    /// Ends the instances, and starts no more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

/// Numbers the threads that ask.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Where this thread looks first: what an instance has touched is in the caches of one processor.
    static HOME: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

impl Instance {
    async fn start(link: &Arc<Link>, slot: &Arc<Slot>) -> Result<Self, StartError> {
        let started = start::start(link, Role::Serve).await?;
        let mut store = started.store;
        let (ticks, memory) = (store.data().ticks.clone(), store.data().memory.bytes());
        end_when_late(&mut store, ticks.clone(), link.limits().immediate_ms_max);
        *slot.memory.lock() = Some(memory.clone());
        let guest = started.guest.immediate.expect("a link that does not export it cannot register it");
        Ok(Self { store, guest, ticks, memory, summary: summary::empty(), slot: slot.clone() })
    }

    /// What the guest answers, or what it did wrong, in words: then this instance is of no more use.
    fn call(&mut self) -> Result<Option<Reply>, (Fault, String)> {
        self.ticks.store(0, Ordering::Relaxed);
        // It has passed since the last call: not a reason to look at this one.
        self.store.set_epoch_deadline(1);
        let call = self.guest.func_answer().call_async(&mut self.store, (&self.summary,)).now_or_never();
        match call {
            Some(Ok((reply,))) => Ok(reply),
            Some(Err(error)) => Err(named(&error, self.store.data())),
            None => Err((Fault::Trap, "it waits in `immediate.answer`".to_string())),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        *self.slot.memory.lock() = None;
        self.slot.ended.notify_one();
    }
}

/// Ends a call that computes for longer than its bound. It never yields: it would be taken for one
/// that waits.
fn end_when_late(store: &mut Store<State>, ticks: Arc<AtomicU64>, ms: u64) {
    store.epoch_deadline_callback(move |_| {
        // By what this call has seen, not by the clock: a thread may lose its processor.
        if ticks.fetch_add(1, Ordering::Relaxed) >= ms {
            return Err(Spun { bound: "immediate_ms_max", ms }.into());
        }
        Ok(UpdateDeadline::Continue(1))
    });
}

/// Keeps one slot filled until it is told to stop. `handle` answers for an instance that is missing, so
/// nothing is in a hurry.
async fn keep(slot: Arc<Slot>, link: Arc<Link>, stop: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let since = Instant::now();
        match Instance::start(&link, &slot).await {
            Ok(instance) => {
                *slot.instance.lock() = Some(instance);
                tokio::select! {
                    () = slot.ended.notified() => {}
                    () = stop.cancelled() => {
                        // A call under way ends soon. The instance holds the slot and the link: nobody
                        // else would drop it.
                        let instance = slot.instance.lock().take();
                        drop(instance);
                        return;
                    }
                }
                if since.elapsed() > HEALTHY_AFTER {
                    backoff = BACKOFF_FIRST;
                }
            }
            Err(error) => {
                link.conduct().fault(Fault::Start, &format!("an instance {error}"));
                link.conduct().failed();
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = stop.cancelled() => return,
        }
        backoff = (backoff * 2).min(BACKOFF_LAST);
    }
}
