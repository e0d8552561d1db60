//! How every instance begins: a store with its bounds, the component in it, and its `init`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wasmtime::component::{Instance, ResourceTableError};
use wasmtime::{Store, UpdateDeadline};

use super::access::AccessExports;
use crate::bindings::exports::host::chain::{immediate, objects, server};
use crate::chain::{Conduct, Fault, Link, Registrations};
use crate::imports::{Role, State};
use crate::limits::Limits;
use crate::load::{Loaded, Waitless};

/// An instance whose `init` has returned.
pub(super) struct Started {
    pub(super) store: Store<State>,
    pub(super) guest: Guest,
    /// Of the first instance of a generation; empty for others.
    pub(super) registrations: Registrations,
}

/// The exports of an instantiated guest.
pub(super) struct Guest {
    pub(super) server: server::Guest,
    pub(super) objects: Option<objects::Guest>,
    pub(super) access: AccessExports,
}

impl Guest {
    fn load(loaded: &Loaded, mut store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self> {
        let objects = loaded.objects.as_ref().map(|indices| indices.load(&mut store, instance));
        Ok(Self {
            server: loaded.server.load(&mut store, instance)?,
            objects: objects.transpose()?,
            access: AccessExports::load(loaded, store, instance)?,
        })
    }
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

/// Instantiates the link's component and runs `init`.
///
/// # Errors
/// If the component cannot be instantiated, or `init` traps, fails or takes too long.
pub(super) async fn start(link: &Arc<Link>, role: Role) -> Result<Started, StartError> {
    let limits = link.limits();
    let hook = matches!(role, Role::Hook(_));
    let loaded = link.loaded();
    let mut store = store(link, role)?;
    interrupt_spinning(&mut store, link.conduct().clone(), limits.cpu_ms_max);

    let init = async {
        let instance = loaded.pre.instantiate_async(&mut store).await;
        let guest = instance.and_then(|instance| Guest::load(loaded, &mut store, &instance));
        let guest = guest.map_err(|error| StartError::Instantiate(short(&error)))?;
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
    Ok(Started { store, guest, registrations })
}

/// Starts an instance that cannot wait, on a thread of its own: there `init` may block, and sleeps
/// when it has computed more than the plugin's share.
///
/// # Errors
/// If the component cannot be instantiated, or `init` traps, fails or takes too long.
pub(super) async fn start_waitless(
    link: &Arc<Link>,
    waitless: &Waitless,
) -> Result<(Store<State>, immediate::Guest), StartError> {
    let ms = link.limits().init_ms_max;
    let (sender, receiver) = oneshot::channel();
    let (link, waitless, runtime) = (link.clone(), waitless.clone(), Handle::current());
    // Not one of the runtime's, which would wait for it at its end.
    let thread = std::thread::Builder::new().name("init".to_string()).spawn(move || {
        let _inside = runtime.enter();
        // Nobody waits any more: then it is dropped.
        let _ = sender.send(init_waitless(&link, &waitless));
    });
    thread.map_err(|error| StartError::Instantiate(format!("without a thread: {error}")))?;
    match tokio::time::timeout(Duration::from_millis(ms), receiver).await {
        Ok(Ok(started)) => started,
        Ok(Err(_)) => Err(StartError::Trap("the host panicked".to_string())),
        Err(_) => Err(StartError::TimedOut(ms)),
    }
}

fn init_waitless(link: &Arc<Link>, waitless: &Waitless) -> Result<(Store<State>, immediate::Guest), StartError> {
    let mut store = store(link, Role::Init(Registrations::default()))?;
    store.set_epoch_deadline(1);
    let (ticks, conduct, ms) = (store.data().ticks.clone(), link.conduct().clone(), link.limits().init_ms_max);
    // By the clock: nobody waits for it any longer, so neither does its thread.
    let until = Instant::now() + Duration::from_millis(ms);
    store.data_mut().init_until = Some(until);
    store.epoch_deadline_callback(move |_| {
        let stretch = ticks.fetch_add(1, Ordering::Relaxed);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Spun { bound: "init_ms_max", ms }.into());
        }
        if let Some(pause) = conduct.call_computed(stretch) {
            std::thread::sleep(pause.min(left));
        }
        Ok(UpdateDeadline::Continue(1))
    });
    let loaded = waitless.pre.instantiate(&mut store).and_then(|instance| {
        let server = waitless.server.load(&mut store, &instance)?;
        Ok((server, waitless.immediate.load(&mut store, &instance)?))
    });
    let (server, immediate) = loaded.map_err(|error| StartError::Instantiate(short(&error)))?;
    let (initialised,) = server.func_init().call(&mut store, ()).map_err(|error| StartError::Trap(short(&error)))?;
    initialised.map_err(StartError::Refused)?;
    store.data_mut().take_registrations();
    store.data_mut().init_until = None;
    Ok((store, immediate))
}

/// A store with its bounds.
fn store(link: &Arc<Link>, role: Role) -> Result<Store<State>, StartError> {
    let limits = link.limits();
    let state = State::new(link.clone(), role).map_err(|error| StartError::Instantiate(short(&error)))?;
    let mut store = Store::new(link.loaded().pre.engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_max_component_handles(limits.handles_max);
    store.set_hostcall_fuel(limits.hostcall_bytes_max);
    Ok(store)
}

/// Why a guest that spins is ended.
#[derive(Debug, thiserror::Error)]
#[error("it computed for longer than `{bound}` ({ms}) without a pause")]
pub(super) struct Spun {
    pub(super) bound: &'static str,
    pub(super) ms: u64,
}

/// A guest that computes gets to yield once a tick, so that it never holds a thread; it pauses
/// when it has computed more than its share, and is ended when it has not come back to the
/// host's loop for `cpu_ms_max`.
fn interrupt_spinning(store: &mut Store<State>, conduct: Arc<Conduct>, cpu_ms_max: u64) {
    store.set_epoch_deadline(1);
    let ticks = store.data().ticks.clone();
    let is_hook = matches!(store.data().role, Role::Hook(_));
    store.epoch_deadline_callback(move |mut context| {
        let stretch = ticks.fetch_add(1, Ordering::Relaxed);
        if stretch > cpu_ms_max {
            let stack: Vec<_> = context.async_call_stack()?.collect();
            let state = context.data();
            if let Some(number) = stack.iter().find_map(|task| state.tasks.get(task)) {
                let _ = state.culprit.set(*number);
            }
            return Err(Spun { bound: "cpu_ms_max", ms: cpu_ms_max }.into());
        }
        let pause = if is_hook { conduct.hook_computed(Limits::EPOCH_TICK) } else { conduct.call_computed(stretch) };
        Ok(match pause {
            Some(pause) => UpdateDeadline::YieldCustom(1, Box::pin(tokio::time::sleep(pause))),
            // The deadline passes while the guest is idle, too: not a reason to yield.
            None if stretch == 0 => UpdateDeadline::Continue(1),
            None => UpdateDeadline::Yield(1),
        })
    });
}

/// What an instance that ended did wrong, in words.
pub(super) fn named(error: &wasmtime::Error, state: &State) -> (Fault, String) {
    let text = short(error);
    if error.is::<Spun>() {
        return (Fault::Cpu, text);
    }
    if let Some(bound) = state.memory.refused() {
        return (Fault::Memory, format!("it asked for more than `{bound}`: {text}"));
    }
    let table_is_full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
    // The engine's own types for these two are private.
    if table_is_full || text.contains("handle limit exceeded") {
        return (Fault::Handles, format!("it holds more than `handles_max`: {text}"));
    }
    if text.contains("fuel allocated for hostcalls") {
        return (Fault::Bytes, format!("one call brought more than `hostcall_bytes_max`: {text}"));
    }
    (Fault::Trap, text)
}

/// A trap in one line; the guest's backtrace goes to the debug log.
fn short(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}
