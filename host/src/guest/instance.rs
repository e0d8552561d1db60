//! One instance of a plugin: a store, the guest in it, and the task that drives both.
//!
//! The task runs one event loop (`run_concurrent`) around a loop that takes calls from a
//! channel; calls of async guests interleave. Ending the task drops the store, which is the
//! only way to end a guest call (wasmtime#11833).

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wasmtime::component::Accessor;
use wasmtime::{Store, UpdateDeadline};

use super::answer;
use super::call::{Call, RenderItem};
use crate::bindings::exports::host::chain::{objects, server};
use crate::chain::{Link, Registrations};
use crate::imports::{Role, State};

/// A running instance. Dropping it lets the calls under way finish, then ends it.
pub struct Instance {
    calls: mpsc::Sender<Call>,
    shared: Arc<Shared>,
}

/// What the instance's task and its owner both see.
struct Shared {
    /// Calls sent and not yet finished.
    under_way: AtomicUsize,
    /// Ends the instance now.
    end: CancellationToken,
    /// Fires when the store is gone.
    ended: CancellationToken,
    /// Why it ended, if not in peace, and how many calls were under way then.
    reason: OnceLock<(Arc<str>, usize)>,
    memory_bytes: Arc<AtomicUsize>,
    /// Numbers the calls.
    sent: AtomicU64,
    /// The call that computed for too long.
    culprit: Arc<OnceLock<u64>>,
}

/// Why an instance could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot be instantiated: {0}")]
    Instantiate(String),
    #[error("failed in `init`: {0}")]
    Trap(String),
    #[error("refused to start: {0}")]
    Refused(String),
    #[error("took longer than `init_ms_max` ({0}) for `init`")]
    TimedOut(u64),
}

impl Instance {
    /// Instantiates the link's component, runs `init`, and starts serving calls.
    ///
    /// # Errors
    /// If the component cannot be instantiated, or `init` traps, fails or takes too long.
    pub async fn start(link: &Arc<Link>, role: Role) -> Result<(Self, Registrations), StartError> {
        let limits = link.limits();
        let hook = matches!(role, Role::Hook(_));
        let loaded = link.loaded().clone();
        let mut store = Store::new(loaded.pre.engine(), State::new(link.clone(), role));
        store.limiter(|state| &mut state.memory);
        store.set_max_component_handles(limits.handles_max);
        store.set_hostcall_fuel(limits.hostcall_bytes_max);
        interrupt_spinning(&mut store, limits.cpu_ms_max);

        let init = async {
            let instance = loaded
                .pre
                .instantiate_async(&mut store)
                .await
                .map_err(|error| StartError::Instantiate(short(&error)))?;
            let guest = Guest {
                server: loaded
                    .server
                    .load(&mut store, &instance)
                    .map_err(|error| StartError::Instantiate(short(&error)))?,
                objects: match &loaded.objects {
                    Some(indices) => Some(
                        indices.load(&mut store, &instance).map_err(|error| StartError::Instantiate(short(&error)))?,
                    ),
                    None => None,
                },
            };
            if hook {
                // `init` builds the guest's own state; what it registers was registered by the
                // first instance.
                let token = std::mem::replace(&mut store.data_mut().role, Role::Init(Registrations::default()));
                let result = guest.server.func_init().call_async(&mut store, ()).await;
                store.data_mut().role = token;
                result
            } else {
                if matches!(store.data().role, Role::Serve) {
                    store.data_mut().role = Role::Init(Registrations::default());
                }
                guest.server.func_init().call_async(&mut store, ()).await
            }
            .map_err(|error| StartError::Trap(short(&error)))?
            .0
            .map_err(StartError::Refused)?;
            Ok(guest)
        };
        // Outside the store's own event loop: inside, a spinning guest would hold the timer up
        // (wasmtime#11869).
        let guest = match tokio::time::timeout(Duration::from_millis(limits.init_ms_max), init).await {
            Ok(result) => result?,
            Err(_) => return Err(StartError::TimedOut(limits.init_ms_max)),
        };
        let registrations = if hook { Registrations::default() } else { store.data_mut().take_registrations() };

        let (calls, receiver) = mpsc::channel(limits.calls_queued_max);
        let shared = Arc::new(Shared {
            under_way: AtomicUsize::new(0),
            end: CancellationToken::new(),
            ended: CancellationToken::new(),
            reason: OnceLock::new(),
            memory_bytes: store.data().memory.bytes(),
            sent: AtomicU64::new(0),
            culprit: store.data().culprit.clone(),
        });
        tokio::spawn(drive(store, guest, receiver, link.clone(), shared.clone()));
        Ok((Self { calls, shared }, registrations))
    }

    /// Hands a call to the guest, and returns its number.
    ///
    /// # Errors
    /// Gives the call back if the instance has ended or its queue is full.
    pub fn send(&self, mut call: Call) -> Result<u64, Call> {
        if self.shared.end.is_cancelled() {
            return Err(call);
        }
        let next = self.shared.sent.fetch_add(1, Ordering::Relaxed);
        if let Call::Handle { number, .. } = &mut call {
            *number = next;
        }
        self.shared.under_way.fetch_add(1, Ordering::Relaxed);
        match self.calls.try_send(call) {
            Ok(()) => Ok(next),
            Err(error) => {
                self.shared.under_way.fetch_sub(1, Ordering::Relaxed);
                Err(error.into_inner())
            }
        }
    }

    pub fn under_way(&self) -> usize {
        self.shared.under_way.load(Ordering::Relaxed)
    }

    /// Ends the instance now; its calls are lost.
    pub fn retire(&self, reason: &str) {
        let _ = self.shared.reason.set((reason.into(), self.under_way()));
        self.shared.end.cancel();
    }

    /// Whether no new call should be sent here.
    pub fn is_ended(&self) -> bool {
        self.shared.end.is_cancelled() || self.shared.ended.is_cancelled()
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

    /// Linear memory, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.shared.memory_bytes.load(Ordering::Relaxed)
    }
}

/// The exports of an instantiated guest.
struct Guest {
    server: server::Guest,
    objects: Option<objects::Guest>,
}

/// A guest that computes gets to yield once a tick, so that it never holds a thread, and is
/// ended when it has not come back to the host's loop for `cpu_ms_max`.
fn interrupt_spinning(store: &mut Store<State>, cpu_ms_max: u64) {
    store.set_epoch_deadline(1);
    let ticks = store.data().ticks.clone();
    store.epoch_deadline_callback(move |mut context| match ticks.fetch_add(1, Ordering::Relaxed) {
        // The deadline passes while the guest is idle, too: not a reason to yield.
        0 => Ok(UpdateDeadline::Continue(1)),
        n if n <= cpu_ms_max => Ok(UpdateDeadline::Yield(1)),
        _ => {
            let stack: Vec<_> = context.async_call_stack()?.collect();
            let state = context.data();
            if let Some(number) = stack.iter().find_map(|task| state.tasks.get(task)) {
                let _ = state.culprit.set(*number);
            }
            wasmtime::bail!("it computed for longer than `cpu_ms_max` ({cpu_ms_max}) without a pause")
        }
    });
}

/// Runs the instance until its owner lets go of it, it is retired, or the guest traps.
async fn drive(
    mut store: Store<State>,
    guest: Guest,
    mut calls: mpsc::Receiver<Call>,
    link: Arc<Link>,
    shared: Arc<Shared>,
) {
    let ticks = store.data().ticks.clone();
    let concurrent_max = link.limits().calls_per_instance_max;
    let serve = store.run_concurrent(async |accessor| {
        let mut serving = pin!(serve(accessor, &guest, &mut calls, concurrent_max, &shared));
        std::future::poll_fn(|context| {
            // The guest came back to us: it is not spinning.
            ticks.store(0, Ordering::Relaxed);
            serving.as_mut().poll(context)
        })
        .await;
    });
    // The select is outside of `run_concurrent`: that is what makes it able to end a guest that
    // does not yield to its own event loop (wasmtime#11869).
    let result = tokio::select! {
        result = serve => result,
        () = shared.end.cancelled() => Ok(()),
    };
    if let Err(error) = result {
        let reason = short(&error);
        link.log().host(tracing::Level::ERROR, &format!("an instance ended: {reason}"));
        tracing::debug!(plugin = link.name(), "an instance ended: {error:?}");
        let _ = shared.reason.set((reason.into(), shared.under_way.load(Ordering::Relaxed)));
        link.metrics().trap();
    }
    shared.end.cancel();
    drop(store);
    // Whoever still waits for a reply learns that it will not come.
    calls.close();
    while calls.try_recv().is_ok() {}
    shared.ended.cancel();
}

/// Takes calls while there is room, and finishes those under way when no more can come.
async fn serve(
    accessor: &Accessor<State>,
    guest: &Guest,
    calls: &mut mpsc::Receiver<Call>,
    concurrent_max: usize,
    shared: &Shared,
) {
    let mut under_way = FuturesUnordered::new();
    let mut open = true;
    while open || !under_way.is_empty() {
        tokio::select! {
            call = calls.recv(), if open && under_way.len() < concurrent_max => match call {
                Some(call) => under_way.push(run(accessor, guest, call)),
                None => open = false,
            },
            Some(()) = under_way.next(), if !under_way.is_empty() => {
                shared.under_way.fetch_sub(1, Ordering::Relaxed);
            }
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
    objects::Stored { key: item.object.key().to_string(), value: item.object.json().to_vec() }
}

fn item(item: &RenderItem) -> objects::Item {
    let event = item.event.map(|event| match event {
        host_store::EventKind::Added => objects::Event::Added,
        host_store::EventKind::Modified => objects::Event::Modified,
        host_store::EventKind::Deleted => objects::Event::Deleted,
    });
    objects::Item { event, object: stored(item) }
}

/// A trap in one line; the guest's backtrace goes to the debug log.
fn short(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}
