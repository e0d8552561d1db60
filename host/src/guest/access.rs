//! Questions that the server has itself: who somebody is, what he may, what a body says. The exports
//! `authenticator`, `authorizer` and `bodies`.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;
use wasmtime::component::{Accessor, Instance};

use crate::bindings::exports::host::chain::authorizer::{Attributes, Decision, Rules};
use crate::bindings::exports::host::chain::{authenticator, authorizer, bodies};
use crate::bindings::host::chain::types::User;
use crate::imports::State;
use crate::imports::access::Context;
use crate::load::Loaded;

pub use crate::bindings::exports::host::chain::authenticator::Credentials;

/// A question, and where its answer goes.
pub struct AccessCall {
    /// Fires when nobody waits for the answer any more.
    pub cancel: CancellationToken,
    pub question: Question,
}

pub enum Question {
    Authenticate { credentials: Credentials, reply: oneshot::Sender<Result<Option<User>, String>> },
    Authorize { attributes: Attributes, reply: oneshot::Sender<Result<Decision, String>> },
    Rules { user: User, namespace: String, reply: oneshot::Sender<Rules> },
    Body { content_type: String, body: Vec<u8>, reply: oneshot::Sender<Result<Vec<u8>, String>> },
}

/// The exports of an instance, those that it has.
pub(super) struct AccessExports {
    authenticator: Option<authenticator::Guest>,
    authorizer: Option<authorizer::Guest>,
    bodies: Option<bodies::Guest>,
}

impl AccessExports {
    pub(super) fn load(loaded: &Loaded, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self> {
        let authenticator = loaded.authenticator.as_ref().map(|indices| indices.load(&mut *store, instance));
        let authorizer = loaded.authorizer.as_ref().map(|indices| indices.load(&mut *store, instance));
        let bodies = loaded.bodies.as_ref().map(|indices| indices.load(&mut *store, instance));
        Ok(Self {
            authenticator: authenticator.transpose()?,
            authorizer: authorizer.transpose()?,
            bodies: bodies.transpose()?,
        })
    }

    /// Asks. A trap ends the instance, and the reply does not come.
    pub(super) async fn ask(&self, accessor: &Accessor<State>, call: AccessCall) {
        if let Question::Body { content_type, body, reply } = call.question {
            if let Some(guest) = &self.bodies
                && let Ok(result) = guest.call_read(accessor, content_type, body).await
            {
                let _ = reply.send(result);
            }
            return;
        }
        let context = Context::new(call.cancel);
        let Ok(context) = accessor.with(|mut access| access.get().table.push(context)) else { return };
        match (call.question, &self.authenticator, &self.authorizer) {
            (Question::Authenticate { credentials, reply }, Some(guest), _) => {
                if let Ok(result) = guest.call_authenticate(accessor, context, credentials).await {
                    let _ = reply.send(result);
                }
            }
            (Question::Authorize { attributes, reply }, _, Some(guest)) => {
                if let Ok(result) = guest.call_authorize(accessor, context, attributes).await {
                    let _ = reply.send(result);
                }
            }
            (Question::Rules { user, namespace, reply }, _, Some(guest)) => {
                if let Ok(rules) = guest.call_rules_for(accessor, context, user, namespace).await {
                    let _ = reply.send(rules);
                }
            }
            // Only links that export it are asked.
            _ => {}
        }
    }
}
