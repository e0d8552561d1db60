//! The calls that the host makes into a guest, as messages to the instance that runs them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{AccessCall, Answer};
use crate::imports::request::{Context, HookContext};

/// One call, and where its result goes. The sender is dropped if the instance ends first.
pub enum Call {
    /// `number` is set when it is sent; by it the one that spun is told from its neighbours.
    Handle {
        number: u64,
        context: Context,
        reply: oneshot::Sender<Answer>,
    },
    PrepareRun {
        context: HookContext,
        reply: oneshot::Sender<Result<(), String>>,
    },
    CheckHealth {
        name: String,
        reply: oneshot::Sender<Result<(), String>>,
    },
    RunHook {
        context: HookContext,
        name: String,
        reply: oneshot::Sender<Result<(), String>>,
    },
    Decode {
        tag: Arc<str>,
        objects: Vec<RenderItem>,
        reply: oneshot::Sender<Result<Vec<Vec<u8>>, String>>,
    },
    /// Boxed: a question is much larger than the other calls.
    Access(Box<AccessCall>),
    Render {
        form: Arc<str>,
        items: Vec<RenderItem>,
        reply: oneshot::Sender<Result<Vec<Vec<u8>>, String>>,
    },
}

impl Call {
    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Handle { context, reply, .. } => reply.is_closed() || context.request().cancel.is_cancelled(),
            Self::PrepareRun { reply, .. } | Self::CheckHealth { reply, .. } | Self::RunHook { reply, .. } => {
                reply.is_closed()
            }
            Self::Decode { reply, .. } | Self::Render { reply, .. } => reply.is_closed(),
            Self::Access(call) => call.cancel.is_cancelled(),
        }
    }
}

/// An object to render, and the event it belongs to in a watch.
#[derive(Clone)]
pub struct RenderItem {
    pub event: Option<host_store::EventKind>,
    pub key: host_store::Key,
    pub json: Bytes,
}

/// Why a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The guest trapped or was ended during this call, and no other was under way.
    #[error("plugin `{plugin}` failed: {reason}")]
    Failed { plugin: Arc<str>, reason: Arc<str> },
    /// The instance ended because of another call.
    #[error("an instance of plugin `{plugin}` ended while it had this call: {reason}")]
    Lost { plugin: Arc<str>, reason: Arc<str> },
    /// The guest computed or waited for too long.
    #[error("plugin `{plugin}` did not answer within {limit_ms} ms")]
    TimedOut { plugin: Arc<str>, limit_ms: u64 },
    /// No instance took the call.
    #[error("plugin `{plugin}` has no instance that can take a call: {reason}")]
    Unavailable { plugin: Arc<str>, reason: Arc<str> },
    /// The plugin is not let to take calls now.
    #[error("plugin `{plugin}` takes no calls for {wait:?}: {reason}")]
    Closed { plugin: Arc<str>, reason: &'static str, wait: Duration },
    /// The guest answered, with an error of its own.
    #[error("plugin `{plugin}` answered with an error: {reason}")]
    Refused { plugin: Arc<str>, reason: String },
}
