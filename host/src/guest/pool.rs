//! The serving instances of one link: as many as cores, each replaced when it ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::backoff::{self, Backoff};
use super::call::{Call, CallError, RenderItem};
use super::{AccessCall, Answer, Body, Immediate, Instance, Question, Response, StartError};
use crate::chain::{Closed, Conduct, Fault, Link, Registrations};
use crate::imports::Role;
use crate::imports::request::{Context, HookContext};

/// The instances that answer a link's calls. Dropping it lets them finish what they have.
pub struct Pool {
    plugin: Arc<str>,
    slots: Vec<Arc<Slot>>,
    /// Where `init` has said that there is use for it.
    immediate: Option<Immediate>,
    /// Wakes those who wait for an instance.
    started: Arc<Notify>,
    stop: CancellationToken,
    conduct: Arc<Conduct>,
    cancelled_call_ms_max: u64,
    cpu_ms_max: u64,
}

#[derive(Default)]
struct Slot {
    current: ArcSwapOption<Instance>,
}

/// How often an instance's memory is looked at.
const LOOK_AT_MEMORY_EVERY: Duration = Duration::from_secs(1);
/// How long the neighbours of a call that does not end may go on; most requests last no longer.
const NEIGHBOURS_WAIT: Duration = Duration::from_secs(60);
/// How long a call waits for an instance where none lives.
const WAIT_FOR_INSTANCE: Duration = Duration::from_secs(5);

impl Pool {
    /// Starts the first instance, whose `init` says what the link registers, and then the
    /// others.
    ///
    /// # Errors
    /// If the first instance does not start.
    pub async fn start(link: &Arc<Link>, size: usize) -> Result<(Self, Registrations), StartError> {
        let (first, registrations) = Instance::start(link, Role::Init(Registrations::default())).await?;
        let size = size.max(1);
        let pool = Self {
            plugin: link.name().into(),
            slots: (0..size).map(|_| Arc::default()).collect(),
            immediate: (!registrations.immediate.is_empty()).then(|| Immediate::start(link, size)),
            started: Arc::default(),
            stop: CancellationToken::new(),
            conduct: link.conduct().clone(),
            cancelled_call_ms_max: link.limits().cancelled_call_ms_max,
            cpu_ms_max: link.limits().cpu_ms_max,
        };
        let mut first = Some(first);
        for slot in &pool.slots {
            let keep = keep(link.clone(), slot.clone(), first.take(), pool.started.clone(), pool.stop.clone());
            tokio::spawn(keep);
        }
        Ok((pool, registrations))
    }

    /// Asks the guest to answer a request.
    ///
    /// # Errors
    /// If the guest fails, or ends while it has the request.
    pub async fn handle(&self, context: Context) -> Result<Answer, CallError> {
        let cancel = context.request().cancel.clone();
        // Only requests without effects are tried again in another instance.
        let tries = if context.request().is_safe() { 2 } else { 1 };
        let mut result = Err(self.unavailable("no instance was tried"));
        for _ in 0..tries {
            let context = context.clone();
            let call = self.call(Some(cancel.clone()), |reply| Call::Handle { number: 0, context, reply }).await;
            result = call.map(|(mut answer, instance)| {
                if let Answer::Response(Response { body: Body::Stream(stream), .. }) = &mut answer {
                    stream.set_instance(instance);
                }
                answer
            });
            match &result {
                Err(CallError::Lost { .. }) => continue,
                _ => break,
            }
        }
        result
    }

    pub async fn prepare_run(&self, context: HookContext, limit_ms: u64) -> Result<(), CallError> {
        let call = self.call(None, |reply| Call::PrepareRun { context, reply });
        self.answered(self.within(limit_ms, call).await)
    }

    pub async fn check_health(&self, name: &str, limit_ms: u64) -> Result<(), CallError> {
        let ask = || self.call(None, |reply| Call::CheckHealth { name: name.to_string(), reply });
        let call = async {
            match ask().await {
                // A neighbour's fault: others say how this one is.
                Err(CallError::Lost { .. }) => ask().await,
                answer => answer,
            }
        };
        self.answered(self.within(limit_ms, call).await)
    }

    pub async fn decode(
        &self,
        tag: Arc<str>,
        objects: Vec<RenderItem>,
        limit_ms: u64,
    ) -> Result<Vec<Vec<u8>>, CallError> {
        let count = objects.len();
        let call = self.call(None, |reply| Call::Decode { tag, objects, reply });
        self.one_for_each(count, self.within(limit_ms, call).await)
    }

    pub async fn render(
        &self,
        form: Arc<str>,
        items: Vec<RenderItem>,
        limit_ms: u64,
    ) -> Result<Vec<Vec<u8>>, CallError> {
        let count = items.len();
        let call = self.call(None, |reply| Call::Render { form, items, reply });
        self.one_for_each(count, self.within(limit_ms, call).await)
    }

    /// Asks who somebody is or what he may; `ask` makes the question.
    pub async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(oneshot::Sender<T>) -> Question,
        limit_ms: u64,
    ) -> Result<T, CallError> {
        let cancel = CancellationToken::new();
        let make = |reply| Call::Access(Box::new(AccessCall { cancel: cancel.clone(), question: ask(reply) }));
        self.within(limit_ms, self.call(Some(cancel.clone()), make)).await
    }

    /// Who answers without waiting, if anybody does.
    pub fn immediate(&self) -> Option<&Immediate> {
        self.immediate.as_ref()
    }

    /// Lets the instances finish what they have, and starts no more.
    pub fn stop(&self) {
        self.stop.cancel();
        if let Some(immediate) = &self.immediate {
            immediate.stop();
        }
    }

    /// Linear memory of each instance that lives now, in bytes.
    pub fn memory_bytes(&self) -> Vec<usize> {
        let immediate = self.immediate.iter().flat_map(Immediate::memory_bytes);
        self.instances().map(|instance| instance.memory_bytes()).chain(immediate).collect()
    }

    /// Instances that live now, but those for immediate answers.
    pub fn instances(&self) -> impl Iterator<Item = Arc<Instance>> {
        self.slots.iter().filter_map(|slot| slot.current.load_full())
    }

    /// Makes a call, if the plugin is let to take one, and judges the plugin by what comes of it.
    /// Gives the instance, too.
    async fn call<T: Send + 'static>(
        &self,
        cancel: Option<CancellationToken>,
        make: impl FnOnce(oneshot::Sender<T>) -> Call,
    ) -> Result<(T, Arc<Instance>), CallError> {
        let admitted = self.conduct.admit().map_err(|Closed { reason, wait }| {
            let plugin = self.plugin.clone();
            CallError::Closed { plugin, reason, wait }
        })?;
        let result = self.enter(cancel, make).await;
        match &result {
            Ok((_, instance)) => {
                instance.prove();
                admitted.succeeded();
            }
            Err(CallError::Failed { .. } | CallError::TimedOut { .. }) => admitted.failed(),
            // Others are at fault, or nobody is.
            Err(_) => {}
        }
        result
    }

    /// Sends a call to the least busy instance and waits for its reply.
    async fn enter<T: Send + 'static>(
        &self,
        cancel: Option<CancellationToken>,
        make: impl FnOnce(oneshot::Sender<T>) -> Call,
    ) -> Result<(T, Arc<Instance>), CallError> {
        let (reply, receiver) = oneshot::channel();
        let mut call = make(reply);
        let (instance, number) = loop {
            let instance = match self.least_busy() {
                Some(instance) => instance,
                None => self.wait_for_instance().await?,
            };
            match instance.send(call) {
                Ok(number) => break (instance, number),
                Err(_) if !instance.is_ended() => {
                    return Err(self.unavailable("too many calls wait (`calls_queued_max`)"));
                }
                Err(back) => call = back,
            }
        };
        let conduct = self.conduct.clone();
        let limit_ms = self.cancelled_call_ms_max;
        let mut waiting = Waiting { receiver: Some(receiver), instance, cancel, conduct, limit_ms };
        let result = waiting.receiver.as_mut().expect("set above").await;
        waiting.receiver = None;
        match result {
            Ok(value) => Ok((value, waiting.instance.clone())),
            Err(_) => {
                waiting.instance.ended().await;
                let plugin = self.plugin.clone();
                if waiting.instance.culprit() == Some(number) {
                    return Err(CallError::TimedOut { plugin, limit_ms: self.cpu_ms_max });
                }
                Err(match waiting.instance.reason() {
                    Some((reason, calls)) if calls <= 1 => CallError::Failed { plugin, reason },
                    Some((reason, _)) => CallError::Lost { plugin, reason },
                    None => CallError::Lost { plugin, reason: "it was replaced".into() },
                })
            }
        }
    }

    async fn wait_for_instance(&self) -> Result<Arc<Instance>, CallError> {
        let deadline = tokio::time::Instant::now() + WAIT_FOR_INSTANCE;
        loop {
            // Registered before the look, so that an instance that starts in between wakes us.
            let started = self.started.notified();
            if let Some(instance) = self.least_busy() {
                return Ok(instance);
            }
            if tokio::time::timeout_at(deadline, started).await.is_err() {
                return Err(self.unavailable("none could be started"));
            }
        }
    }

    fn least_busy(&self) -> Option<Arc<Instance>> {
        self.instances().filter(|instance| !instance.is_ended()).min_by_key(|instance| instance.under_way())
    }

    async fn within<T>(
        &self,
        limit_ms: u64,
        call: impl Future<Output = Result<(T, Arc<Instance>), CallError>>,
    ) -> Result<T, CallError> {
        match tokio::time::timeout(Duration::from_millis(limit_ms), call).await {
            Ok(result) => result.map(|(value, _)| value),
            Err(_) => Err(CallError::TimedOut { plugin: self.plugin.clone(), limit_ms }),
        }
    }

    fn answered<T>(&self, result: Result<Result<T, String>, CallError>) -> Result<T, CallError> {
        result?.map_err(|reason| CallError::Refused { plugin: self.plugin.clone(), reason })
    }

    fn one_for_each(
        &self,
        count: usize,
        result: Result<Result<Vec<Vec<u8>>, String>, CallError>,
    ) -> Result<Vec<Vec<u8>>, CallError> {
        let values = self.answered(result)?;
        if values.len() != count {
            let reason = format!("it gave {} values for {count} objects", values.len());
            return Err(CallError::Refused { plugin: self.plugin.clone(), reason });
        }
        Ok(values)
    }

    fn unavailable(&self, reason: &str) -> CallError {
        CallError::Unavailable { plugin: self.plugin.clone(), reason: reason.into() }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for a reply. If whoever waits gives up, the guest is told, and its instance is replaced
/// if it does not return soon: there is no other way to stop it (wasmtime#11833). Neighbours of
/// the call have their time to finish.
struct Waiting<T: Send + 'static> {
    receiver: Option<oneshot::Receiver<T>>,
    instance: Arc<Instance>,
    cancel: Option<CancellationToken>,
    conduct: Arc<Conduct>,
    limit_ms: u64,
}

impl<T: Send + 'static> Drop for Waiting<T> {
    fn drop(&mut self) {
        let Some(receiver) = self.receiver.take() else { return };
        if let Some(cancel) = &self.cancel {
            cancel.cancel();
        }
        let (instance, conduct, limit_ms) = (self.instance.clone(), self.conduct.clone(), self.limit_ms);
        tokio::spawn(async move {
            if tokio::time::timeout(Duration::from_millis(limit_ms), receiver).await.is_err() {
                conduct.failed();
                let reason =
                    format!("a call that was cancelled did not end within `cancelled_call_ms_max` ({limit_ms})");
                instance.wear_out(&reason, NEIGHBOURS_WAIT).await;
            }
        });
    }
}

/// Resolves when an instance holds more memory than it may keep.
async fn grown(instance: &Instance, bytes_max: usize) {
    let mut look = tokio::time::interval(LOOK_AT_MEMORY_EVERY);
    loop {
        look.tick().await;
        if instance.memory_bytes() > bytes_max {
            return;
        }
    }
}

/// Keeps one slot filled until the pool stops.
async fn keep(
    link: Arc<Link>,
    slot: Arc<Slot>,
    first: Option<Instance>,
    started: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut next = first;
    let mut backoff = Backoff::new(backoff::INSTANCE);
    loop {
        let instance = match next.take() {
            Some(instance) => Ok(instance),
            None => Instance::start(&link, Role::Serve).await.map(|(instance, _)| instance),
        };
        match instance {
            Ok(instance) => {
                backoff.begin();
                let instance = Arc::new(instance);
                slot.current.store(Some(instance.clone()));
                started.notify_waiters();
                tokio::select! {
                    () = instance.ended() => {}
                    () = grown(&instance, link.limits().memory_bytes_kept_max) => {
                        link.log().host(tracing::Level::INFO, "an instance has grown above `memory_bytes_kept_max` and is replaced");
                        // Its calls finish: it ends when the last of them lets go of it.
                        next = Instance::start(&link, Role::Serve).await.ok().map(|(instance, _)| instance);
                        continue;
                    }
                    () = instance.worn() => {
                        link.log().host(tracing::Level::WARN, "an instance with a call that does not end is replaced");
                        next = Instance::start(&link, Role::Serve).await.ok().map(|(instance, _)| instance);
                        continue;
                    }
                    () = stop.cancelled() => {
                        slot.current.store(None);
                        return;
                    }
                }
                slot.current.store(None);
                // One that fails now and then is not one that cannot live.
                if instance.is_proven() {
                    backoff.forgive();
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
