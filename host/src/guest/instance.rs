//! One instance of a plugin: a store, the guest in it, and the event loop that drives both.
//!
//! The loop (`run_concurrent`, polled as [`EventLoop`] says) takes calls from a queue; calls of
//! async guests interleave. Ending it drops the store, which is the only way to end a guest call
//! (wasmtime#11833).

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake as _};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::Accessor;

use super::answer;
use super::call::{Call, RenderItem};
use super::event_loop::EventLoop;
use super::start::{self, Guest, StartError, Started, named};
use super::timed::Timed;
use crate::bindings::exports::host::chain::objects;
use crate::chain::{Fault, Link, Registrations};
use crate::imports::{Role, State};

/// A running instance. Dropping it lets the calls under way finish, then ends it.
pub struct Instance {
    event_loop: Arc<EventLoop>,
    shared: Arc<Shared>,
}

/// What the instance's event loop and its owner both see.
struct Shared {
    queue: Mutex<Queue>,
    queued_max: usize,
    /// Calls sent and not yet finished.
    under_way: AtomicUsize,
    /// Fires when the instance is to be replaced.
    worn: CancellationToken,
    /// Calls that nobody waits for any more and that do not end.
    abandoned: AtomicUsize,
    /// Ends the instance now.
    end: CancellationToken,
    /// Whether `end` has fired: each call asks, and a token takes a lock to answer.
    is_ending: AtomicBool,
    /// Fires when the store is gone.
    ended: CancellationToken,
    /// Why it ended, if not in peace, and how many calls were under way then.
    reason: OnceLock<(Arc<str>, usize)>,
    memory_bytes: Arc<AtomicUsize>,
    /// Numbers the calls.
    sent: AtomicU64,
    /// The call that computed for too long.
    culprit: Arc<OnceLock<u64>>,
    /// A call has been answered.
    proven: AtomicBool,
}

/// How often a worn instance's calls are counted.
const LOOK_AT_WORN_EVERY: Duration = Duration::from_millis(50);

/// Calls that the event loop has not taken yet.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Call>,
    /// No more calls are taken; those that wait are still run.
    closed: bool,
}

impl Instance {
    /// Instantiates the link's component, runs `init`, and starts serving calls.
    ///
    /// # Errors
    /// If the component cannot be instantiated, or `init` traps, fails or takes too long.
    pub async fn start(link: &Arc<Link>, role: Role) -> Result<(Self, Registrations), StartError> {
        let limits = link.limits();
        let Started { store, guest, registrations } = start::start(link, role).await?;

        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            queued_max: limits.calls_queued_max,
            under_way: AtomicUsize::new(0),
            worn: CancellationToken::new(),
            abandoned: AtomicUsize::new(0),
            end: CancellationToken::new(),
            is_ending: AtomicBool::new(false),
            ended: CancellationToken::new(),
            reason: OnceLock::new(),
            memory_bytes: store.data().memory.bytes(),
            sent: AtomicU64::new(0),
            culprit: store.data().culprit.clone(),
            proven: AtomicBool::new(false),
        });
        let event_loop = EventLoop::start(Timed::new(drive(store, guest, link.clone(), shared.clone()), link.clone()));
        Ok((Self { event_loop, shared }, registrations))
    }

    /// Hands a call to the guest, and returns its number. A guest that is idle runs it here and
    /// now, until it waits for something.
    ///
    /// # Errors
    /// Gives the call back if the instance has ended or its queue is full.
    pub fn send(&self, mut call: Call) -> Result<u64, Call> {
        if self.is_ended() {
            return Err(call);
        }
        let next = self.shared.sent.fetch_add(1, Ordering::Relaxed);
        if let Call::Handle { number, .. } = &mut call {
            *number = next;
        }
        self.shared.push(call)?;
        self.event_loop.turn();
        Ok(next)
    }

    pub fn under_way(&self) -> usize {
        self.shared.under_way.load(Ordering::Relaxed)
    }

    /// Ends the instance now; its calls are lost.
    pub fn retire(&self, reason: &str) {
        let _ = self.shared.reason.set((reason.into(), self.under_way()));
        self.shared.end();
    }

    /// Whether no new call should be sent here.
    pub fn is_ended(&self) -> bool {
        self.shared.is_ending.load(Ordering::Acquire)
    }

    /// Replaces the instance because of a call that does not end: it gets no new ones, those under
    /// way have `limit` to finish, then it ends.
    pub async fn wear_out(&self, reason: &str, limit: Duration) {
        self.shared.abandoned.fetch_add(1, Ordering::Relaxed);
        self.shared.worn.cancel();
        let others_finished = async {
            while self.under_way() > self.shared.abandoned.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK_AT_WORN_EVERY).await;
            }
        };
        tokio::select! {
            () = self.ended() => {}
            _ = tokio::time::timeout(limit, others_finished) => self.retire(reason),
        }
    }

    /// Resolves when the instance is worn out and has to be replaced.
    pub async fn worn(&self) {
        self.shared.worn.cancelled().await;
    }

    /// Resolves when the store is gone.
    pub async fn ended(&self) {
        self.shared.ended.cancelled().await;
    }

    /// Why the instance ended, if not in peace, and how many calls it had then.
    pub fn reason(&self) -> Option<(Arc<str>, usize)> {
        self.shared.reason.get().cloned()
    }

    /// The call that computed for too long, if the instance ended for that.
    pub fn culprit(&self) -> Option<u64> {
        self.shared.culprit.get().copied()
    }

    /// A call has been answered.
    pub fn prove(&self) {
        // Written once: each call passes here.
        if !self.is_proven() {
            self.shared.proven.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it has answered any call.
    pub fn is_proven(&self) -> bool {
        self.shared.proven.load(Ordering::Relaxed)
    }

    /// Linear memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.shared.memory_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.event_loop.wake_by_ref();
    }
}

impl Shared {
    fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.end.cancel();
    }

    /// Gives the call back if no more are taken, or too many wait.
    fn push(&self, call: Call) -> Result<(), Call> {
        let mut queue = self.queue.lock();
        if queue.closed || queue.waiting.len() >= self.queued_max {
            return Err(call);
        }
        queue.waiting.push_back(call);
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Runs the instance until its owner lets go of it, it is retired, or the guest traps.
async fn drive(mut store: Store<State>, guest: Guest, link: Arc<Link>, shared: Arc<Shared>) {
    let ticks = store.data().ticks.clone();
    let concurrent_max = link.limits().calls_per_instance_max;
    let serve = store.run_concurrent(async |accessor| {
        let mut under_way = FuturesUnordered::new();
        std::future::poll_fn(|context| {
            // The guest came back to us: it is not spinning.
            ticks.store(0, Ordering::Relaxed);
            serve(&shared, concurrent_max, &mut under_way, |call| run(accessor, &guest, call), context)
        })
        .await;
    });
    // The select is outside of `run_concurrent`: that is what makes it able to end a guest that
    // does not yield to its own event loop (wasmtime#11869).
    let result = tokio::select! {
        biased;
        () = shared.end.cancelled() => Ok(()),
        result = serve => result,
    };
    let ended = match &result {
        Err(error) => {
            let (fault, reason) = named(error, store.data());
            tracing::debug!(plugin = link.name(), "an instance ended: {error:?}");
            let _ = shared.reason.set((reason.as_str().into(), shared.under_way.load(Ordering::Relaxed)));
            Some((fault, reason))
        }
        Ok(()) => shared.reason.get().map(|(reason, _)| (Fault::Cancelled, reason.to_string())),
    };
    if let Some((fault, reason)) = ended {
        link.conduct().fault(fault, &format!("an instance ended: {reason}"));
        link.metrics().trap();
    }
    shared.end();
    drop(store);
    // Whoever still waits for a reply learns that it will not come.
    let left = {
        let mut queue = shared.queue.lock();
        queue.closed = true;
        std::mem::take(&mut queue.waiting)
    };
    drop(left);
    shared.ended.cancel();
}

/// Takes calls while there is room, and finishes those under way when no more can come. Whoever
/// queues a call polls or wakes the event loop, so no waker is kept for them.
fn serve<F: Future<Output = ()>>(
    shared: &Shared,
    concurrent_max: usize,
    under_way: &mut FuturesUnordered<F>,
    run: impl Fn(Call) -> F,
    context: &mut Context<'_>,
) -> Poll<()> {
    loop {
        let closed = {
            let mut queue = shared.queue.lock();
            while under_way.len() < concurrent_max
                && let Some(call) = queue.waiting.pop_front()
            {
                if call.is_abandoned() {
                    shared.under_way.fetch_sub(1, Ordering::Relaxed);
                } else {
                    under_way.push(run(call));
                }
            }
            queue.closed
        };
        match under_way.poll_next_unpin(context) {
            Poll::Ready(Some(())) => {
                shared.under_way.fetch_sub(1, Ordering::Relaxed);
            }
            Poll::Ready(None) if closed => return Poll::Ready(()),
            Poll::Ready(None) | Poll::Pending => return Poll::Pending,
        }
    }
}

/// Runs one call. A trap ends the instance, and with it this future.
async fn run(accessor: &Accessor<State>, guest: &Guest, call: Call) {
    match call {
        Call::Handle { number, context, reply } => {
            let handle = guest.server.func_handle();
            let started = accessor.with(|mut access| {
                let resource = access.get().table.push(context)?;
                let call = handle.start_call_concurrent(&mut access, (resource,))?;
                access.get().tasks.insert(call.task(), number);
                Ok::<_, wasmtime::Error>(call)
            });
            let Ok(call) = started else { return };
            let task = call.task();
            if let Ok((answer,)) = handle.finish_call_concurrent(accessor, call).await {
                let answer = accessor.with(|mut access| {
                    access.get().tasks.remove(&task);
                    answer::take(access, answer)
                });
                let _ = reply.send(answer);
            }
        }
        Call::PrepareRun { context, reply } => {
            let Ok(resource) = accessor.with(|mut access| access.get().table.push(context)) else { return };
            if let Ok(result) = guest.server.call_prepare_run(accessor, resource).await {
                let _ = reply.send(result);
            }
        }
        Call::RunHook { context, name, reply } => {
            let Ok(resource) = accessor.with(|mut access| access.get().table.push(context)) else { return };
            if let Ok(result) = guest.server.call_run_hook(accessor, resource, name).await {
                let _ = reply.send(result);
            }
        }
        Call::CheckHealth { name, reply } => {
            if let Ok(result) = guest.server.call_check_health(accessor, name).await {
                let _ = reply.send(result);
            }
        }
        Call::Access(call) => guest.access.ask(accessor, *call).await,
        Call::Decode { tag, objects, reply } => {
            let result = match &guest.objects {
                Some(exports) => {
                    let stored = objects.iter().map(stored).collect();
                    exports.call_decode(accessor, tag.to_string(), stored).await
                }
                None => Ok(Err("it does not export `objects`".to_string())),
            };
            if let Ok(result) = result {
                let _ = reply.send(result);
            }
        }
        Call::Render { form, items, reply } => {
            let result = match &guest.objects {
                Some(exports) => {
                    let items = items.iter().map(item).collect();
                    exports.call_render(accessor, form.to_string(), items).await
                }
                None => Ok(Err("it does not export `objects`".to_string())),
            };
            if let Ok(result) = result {
                let _ = reply.send(result);
            }
        }
    }
}

fn stored(item: &RenderItem) -> objects::Stored {
    objects::Stored { key: item.key.to_string(), value: item.json.to_vec() }
}

fn item(item: &RenderItem) -> objects::Item {
    let event = item.event.map(|event| match event {
        host_store::EventKind::Added => objects::Event::Added,
        host_store::EventKind::Modified => objects::Event::Modified,
        host_store::EventKind::Deleted => objects::Event::Deleted,
    });
    objects::Item { event, object: stored(item) }
}
