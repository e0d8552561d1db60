//! Answers that wait for nothing: a guest's plain function, on its caller's thread.
//!
//! An asynchronous call is a task of the guest's, of the engine's and of its instance's event loop.
//! A plain one is none of these, where nothing that the instance imports can wait (`load::Waitless`).
//! So that nobody waits for it either, it is made in instances that nobody else is in: whoever finds
//! none idle asks `handle`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wasmtime::{Store, UpdateDeadline};

use super::backoff::{self, Backoff};
use super::call::CallError;
use super::start::{self, Spun, StartError, named};
use crate::bindings::exports::host::chain::immediate;
use crate::bindings::host::chain::request::Summary;
use crate::chain::{Closed, Fault, Link, summary};
use crate::imports::State;
use crate::imports::unwaited::Waits;
use crate::limits::Limits;

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
    headers: KnownHeaders,
    slot: Arc<Slot>,
}

/// The headers of an earlier answer, as the guest has written them and as they are sent: most answers
/// of a link have the same.
#[derive(Default)]
pub struct KnownHeaders {
    lines: String,
    map: HeaderMap,
}

impl KnownHeaders {
    pub fn new(lines: String, map: HeaderMap) -> Self {
        Self { lines, map }
    }

    /// Nothing if these are others.
    pub fn of(&self, lines: &str) -> Option<&HeaderMap> {
        (self.lines == lines).then_some(&self.map)
    }
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

    /// Asks the guest for an answer to the request that `describe` writes down, and has it carried out.
    /// Nothing if it has none, or no instance is idle: `handle` answers then.
    ///
    /// # Errors
    /// If the plugin takes no calls now, or fails in this one.
    pub fn answer<R>(
        &self,
        link: &Link,
        describe: impl FnOnce(&mut Summary),
        carry_out: impl FnOnce(Reply, &mut KnownHeaders) -> R,
    ) -> Result<Option<R>, CallError> {
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
        let spent = computed(begun.elapsed(), link.limits().immediate_ms_max);
        link.metrics().computed(spent);
        match result {
            Ok(reply) => {
                let is_answered = reply.is_some();
                let response = reply.map(|reply| carry_out(reply, &mut instance.headers));
                if instance.memory.load(Ordering::Relaxed) <= link.limits().memory_bytes_kept_max {
                    *place = Some(instance);
                } else {
                    let text = "an instance has grown above `memory_bytes_kept_max` and is replaced";
                    link.log().host(tracing::Level::INFO, text);
                }
                if is_answered {
                    link.metrics().immediate_answer(spent);
                    admitted.succeeded();
                }
                Ok(response)
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
        let waitless = link.loaded().immediate.as_ref().expect("a link that does not export it cannot register it");
        let (mut store, guest) = start::start_waitless(link, waitless).await?;
        let (ticks, memory) = (store.data().ticks.clone(), store.data().memory.bytes());
        end_when_late(&mut store, ticks.clone(), link.limits().immediate_ms_max);
        *slot.memory.lock() = Some(memory.clone());
        let (summary, headers) = (summary::empty(), KnownHeaders::default());
        Ok(Self { store, guest, ticks, memory, summary, headers, slot: slot.clone() })
    }

    /// What the guest answers, or what it did wrong, in words: then this instance is of no more use.
    fn call(&mut self) -> Result<Option<Reply>, (Fault, String)> {
        self.ticks.store(0, Ordering::Relaxed);
        // It has passed since the last call: not a reason to look at this one.
        self.store.set_epoch_deadline(1);
        let answer = || self.guest.func_answer().call(&mut self.store, (&self.summary,));
        // The store is dropped with us if this panics.
        match catch_unwind(AssertUnwindSafe(answer)) {
            Ok(Ok((reply,))) => Ok(reply),
            Ok(Err(error)) => Err(named(&error, self.store.data())),
            Err(panic) if is_waiting(&*panic) => Err((Fault::Trap, Waits.to_string())),
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// Whether this is what tokio says when WASI wants one of its threads to wait for a file or a socket.
fn is_waiting(panic: &(dyn Any + Send)) -> bool {
    panic.downcast_ref::<&str>().is_some_and(|text| text.starts_with("Cannot start a runtime from within a runtime"))
}

impl Drop for Instance {
    fn drop(&mut self) {
        *self.slot.memory.lock() = None;
        self.slot.ended.notify_one();
    }
}

/// What a call has computed that took this long by the clock: where its thread has lost its processor
/// meanwhile, no more than what it is ended for.
fn computed(elapsed: Duration, ms_max: u64) -> Duration {
    elapsed.min(Duration::from_millis(ms_max) + Limits::EPOCH_TICK)
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
    let mut backoff = Backoff::new(backoff::INSTANCE);
    loop {
        match Instance::start(&link, &slot).await {
            Ok(instance) => {
                backoff.begin();
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
            }
            Err(error) => {
                link.conduct().fault(Fault::Start, &format!("an instance {error}"));
                link.conduct().failed();
            }
        }
        if !backoff.pause(&stop).await {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_charged_for_what_it_may_compute_at_most() {
        for (elapsed_us, expected_us) in [(0, 0), (300, 300), (2_000, 2_000), (3_000, 3_000), (40_000, 3_000)] {
            let charged = computed(Duration::from_micros(elapsed_us), 2);
            assert_eq!(charged, Duration::from_micros(expected_us), "{elapsed_us}");
        }
    }
}
