//! A link's hooks: each in an instance of its own, started again when it fails.

use std::sync::Arc;
use std::time::Duration;

use host_server::health::Boot;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Call, Instance};
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

const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_LAST: Duration = Duration::from_secs(30);
/// A hook that ran for so long, the pause after it included, was healthy: the pause starts over.
const HEALTHY_AFTER: Duration = Duration::from_secs(90);

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

    /// Starts a post-start hook. It runs until it returns, or for ever.
    pub fn start(&self, name: String, state: Arc<HookState>) {
        let (link, cancel) = (self.link.clone(), self.cancel.clone());
        self.tasks.lock().push(tokio::spawn(run_until_done(link, name, state, cancel)));
    }

    /// Runs a pre-shutdown hook, once.
    pub async fn run_once(&self, name: &str) -> Result<(), String> {
        let limit_ms = self.link.limits().pre_shutdown_hook_ms_max;
        let state = Arc::new(HookState::default());
        let run = run(&self.link, name, &state, &self.cancel);
        match tokio::time::timeout(Duration::from_millis(limit_ms), run).await {
            Ok(result) => result,
            Err(_) => Err(format!("it took longer than `pre_shutdown_hook_ms_max` ({limit_ms})")),
        }
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

/// A hook that fails is run again with back-off while its check fails; it never ends the
/// process, as it would upstream.
async fn run_until_done(link: Arc<Link>, name: String, state: Arc<HookState>, cancel: CancellationToken) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let since = tokio::time::Instant::now();
        match run(&link, &name, &state, &cancel).await {
            Ok(()) => {
                state.set_ready();
                return;
            }
            Err(_) if cancel.is_cancelled() => return,
            Err(reason) => {
                link.conduct().fault(Fault::Hook, &format!("hook `{name}` failed and is tried again: {reason}"));
                state.set_failed();
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = cancel.cancelled() => return,
        }
        backoff = if since.elapsed() > HEALTHY_AFTER { BACKOFF_FIRST } else { (backoff * 2).min(BACKOFF_LAST) };
    }
}

/// One run, in a store of its own: a trap in one task ends every task of its store.
async fn run(link: &Arc<Link>, name: &str, state: &Arc<HookState>, cancel: &CancellationToken) -> Result<(), String> {
    let token = cancel.child_token();
    let (instance, _) = Instance::start(link, Role::Hook(token.clone())).await.map_err(|error| error.to_string())?;
    let (reply, receiver) = oneshot::channel();
    let context = HookContext::new(link.clone(), state.clone(), token.clone());
    if instance.send(Call::RunHook { context, name: name.to_string(), reply }).is_err() {
        return Err("its instance ended at once".to_string());
    }
    let mut receiver = receiver;
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
            Err(instance.reason().map_or_else(|| "its instance ended".to_string(), |(reason, _)| reason.to_string()))
        }
    }
}
