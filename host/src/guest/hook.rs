//! A link's hooks: each in an instance of its own, started again when it fails.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use host_server::health::Boot;
use host_store::Guard;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::backoff::{self, Backoff};
use super::{Call, Instance, leadership};
use crate::bindings::host::chain::registration::Hook;
use crate::chain::{Fault, Link};
use crate::imports::Role;
use crate::imports::request::HookContext;

/// Whether a hook has done what others wait for. Without a check for hooks that nobody waits
/// for.
#[derive(Default)]
pub struct HookState {
    check: Option<Boot>,
}

/// Runs the hooks of one generation of a link.
pub struct HookRunner {
    link: Arc<Link>,
    cancel: CancellationToken,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl HookState {
    /// The state behind `poststarthook/NAME`.
    pub fn new(check: Boot) -> Self {
        Self { check: Some(check) }
    }

    /// The hook has returned, or said that it is ready.
    pub fn set_ready(&self) {
        if let Some(check) = &self.check {
            check.finished();
        }
    }

    /// Whether the hook has done what others wait for. Nobody waits for one without a check.
    pub fn is_ready(&self) -> bool {
        self.check.as_ref().is_none_or(Boot::is_finished)
    }

    /// What the hook of the same name continues to report to, in the next generation.
    pub fn check(&self) -> Option<&Boot> {
        self.check.as_ref()
    }

    fn set_failed(&self) {
        if let Some(check) = &self.check {
            check.restarted();
        }
    }
}

impl HookRunner {
    pub fn new(link: Arc<Link>) -> Self {
        Self { link, cancel: CancellationToken::new(), tasks: Mutex::default() }
    }

    /// Starts a post-start hook. It runs until it returns, or for ever; one of one host at a time
    /// where no other host runs it.
    pub fn start(&self, hook: &Hook, state: Arc<HookState>) {
        let (candidate, cancel) = (leadership::candidate(&self.link, hook), self.cancel.clone());
        let run = Run { link: self.link.clone(), name: hook.name.as_str().into(), state };
        self.tasks.lock().push(tokio::spawn(async move {
            match candidate {
                Some(candidate) => {
                    // Whoever waits for the hook need not wait for another host.
                    let waits = || run.state.set_ready();
                    leadership::run(&candidate, cancel, waits, |cancel, fence| run.clone().until_done(cancel, fence))
                        .await;
                }
                None => run.until_done(cancel, None).await,
            }
        }));
    }

    /// Runs a pre-shutdown hook, once.
    pub async fn run_once(&self, hook: &Hook) -> Result<(), String> {
        let limit_ms = self.link.limits().pre_shutdown_hook_ms_max;
        let run = Run { link: self.link.clone(), name: hook.name.as_str().into(), state: Arc::default() };
        let cancel = self.cancel.child_token();
        let mut run = pin!(async {
            match leadership::candidate(&self.link, hook) {
                Some(candidate) => {
                    let once = |cancel, fence| run.clone().once(cancel, fence);
                    let result = leadership::run(&candidate, cancel.clone(), || {}, once).await;
                    result.unwrap_or_else(|| Err("the host ended while another ran it".to_string()))
                }
                None => run.once(cancel.clone(), None).await,
            }
        });
        if let Ok(result) = tokio::time::timeout(Duration::from_millis(limit_ms), &mut run).await {
            return result;
        }
        // Not dropped: it ends as it would at any time, and lets others lead.
        cancel.cancel();
        let _ = run.await;
        Err(format!("it took longer than `pre_shutdown_hook_ms_max` ({limit_ms})"))
    }

    /// Tells the hooks to end, and ends those that do not.
    pub async fn stop(&self) {
        self.cancel.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock());
        for task in tasks {
            let _ = task.await;
        }
    }
}

/// A hook as it is run on this host. What it writes fails where its fence does not hold.
#[derive(Clone)]
struct Run {
    link: Arc<Link>,
    name: Arc<str>,
    state: Arc<HookState>,
}

impl Run {
    /// A hook that fails is run again with back-off while its check fails; it never ends the
    /// process, as it would upstream.
    async fn until_done(self, cancel: CancellationToken, fence: Option<Guard>) {
        let mut backoff = Backoff::new(backoff::HOOK);
        loop {
            backoff.begin();
            match self.clone().once(cancel.clone(), fence.clone()).await {
                Ok(()) => {
                    self.state.set_ready();
                    return;
                }
                Err(_) if cancel.is_cancelled() => return,
                Err(reason) => {
                    let text = format!("hook `{}` failed and is tried again: {reason}", self.name);
                    self.link.conduct().fault(Fault::Hook, &text);
                    self.state.set_failed();
                }
            }
            if !backoff.pause(&cancel).await {
                return;
            }
        }
    }

    /// One run, in a store of its own: a trap in one task ends every task of its store.
    async fn once(self, cancel: CancellationToken, fence: Option<Guard>) -> Result<(), String> {
        let Self { link, name, state } = self;
        let token = cancel.child_token();
        let started = Instance::start(&link, Role::Hook(token.clone())).await;
        let (instance, _) = started.map_err(|error| error.to_string())?;
        let (reply, mut receiver) = oneshot::channel();
        let context = HookContext::new(link.clone(), state, token.clone()).fenced(fence);
        if instance.send(Call::RunHook { context, name: name.to_string(), reply }).is_err() {
            return Err("its instance ended at once".to_string());
        }
        let result = tokio::select! {
            result = &mut receiver => result,
            () = token.cancelled() => {
                let limit = Duration::from_millis(link.limits().hook_end_ms_max);
                match tokio::time::timeout(limit, &mut receiver).await {
                    Ok(result) => result,
                    Err(_) => {
                        instance.retire("its hook did not end when it was told to");
                        return Err("it did not end within `hook_end_ms_max`".to_string());
                    }
                }
            }
        };
        match result {
            // A trap is counted where it happens.
            Ok(result) => result.inspect_err(|_| link.metrics().hook_failed()),
            Err(_) => {
                instance.ended().await;
                let reason = instance.reason().map(|(reason, _)| reason.to_string());
                Err(reason.unwrap_or_else(|| "its instance ended".to_string()))
            }
        }
    }
}
