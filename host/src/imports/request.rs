//! `request`: what a guest may do for the request under way, and what a hook may do.

use std::sync::Arc;
use std::time::Duration;

use host_store::Guard;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Accessor, Resource};

use super::storage::Store;
use super::{HasState, State};
use crate::bindings::host::chain::request::{
    BodyError, Head, Host, HostContext, HostContextWithStore, HostHookContext, HostHookContextWithStore, MatchedRoute,
    Subrequest, Subresponse, Summary,
};
use crate::bindings::host::chain::types::{RequestInfo, User};
use crate::chain::{Link, Matched, RequestState, Subrequests, delegate};
use crate::guest::HookState;

/// One request at one link.
#[derive(Clone)]
pub struct Context {
    request: Arc<RequestState>,
    /// The chain's position of the link that has the request.
    position: usize,
    route: Matched,
}

/// One run of a hook, or of `prepare-run`.
#[derive(Clone)]
pub struct HookContext {
    link: Arc<Link>,
    state: Arc<HookState>,
    cancel: CancellationToken,
    subrequests: Subrequests,
}

impl Context {
    pub fn new(request: Arc<RequestState>, position: usize, route: Matched) -> Self {
        Self { request, position, route }
    }

    pub fn request(&self) -> &Arc<RequestState> {
        &self.request
    }
}

impl HookContext {
    pub fn new(link: Arc<Link>, state: Arc<HookState>, cancel: CancellationToken) -> Self {
        Self { link, state, cancel, subrequests: Subrequests::default() }
    }

    /// The same, whose writes fail once this does not hold any more, those of its subrequests too.
    pub fn fenced(self, fence: Option<Guard>) -> Self {
        Self { subrequests: Subrequests::fenced(fence), ..self }
    }
}

impl Host for State {}

impl HostContext for State {
    fn head(&mut self, context: Resource<Context>) -> wasmtime::Result<Head> {
        Ok(self.table.get(&context)?.request.head())
    }

    fn summary(&mut self, context: Resource<Context>) -> wasmtime::Result<Summary> {
        let Context { request, route, .. } = self.table.get(&context)?;
        Ok(request.summary(route))
    }

    fn header(&mut self, context: Resource<Context>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&context)?.request.header(&name).map(str::to_string))
    }

    fn info(&mut self, context: Resource<Context>) -> wasmtime::Result<RequestInfo> {
        Ok(self.table.get(&context)?.request.info())
    }

    fn user(&mut self, context: Resource<Context>) -> wasmtime::Result<User> {
        Ok(self.table.get(&context)?.request.user())
    }

    fn route(&mut self, context: Resource<Context>) -> wasmtime::Result<MatchedRoute> {
        let Matched { tag, revision, .. } = &self.table.get(&context)?.route;
        Ok(MatchedRoute { tag: tag.to_string(), revision: *revision })
    }

    fn audit_id(&mut self, context: Resource<Context>) -> wasmtime::Result<String> {
        Ok(self.table.get(&context)?.request.audit_id())
    }

    fn remaining_ms(&mut self, context: Resource<Context>) -> wasmtime::Result<Option<u64>> {
        let deadline = self.table.get(&context)?.request.deadline;
        Ok(deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()).as_millis() as u64))
    }

    fn is_cancelled(&mut self, context: Resource<Context>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&context)?.request.cancel.is_cancelled())
    }

    fn store(&mut self, context: Resource<Context>) -> wasmtime::Result<Resource<Store>> {
        let request = &self.table.get(&context)?.request;
        let store = Store::new(self.link.clone(), request.cancel.clone(), request.fence().cloned());
        Ok(self.table.push(store)?)
    }

    fn warn(&mut self, context: Resource<Context>, text: String) -> wasmtime::Result<()> {
        self.table.get(&context)?.request.warn(&text);
        Ok(())
    }

    fn annotate_audit(&mut self, context: Resource<Context>, key: String, value: String) -> wasmtime::Result<()> {
        self.table.get(&context)?.request.annotate_audit(key, value);
        Ok(())
    }

    fn drop(&mut self, context: Resource<Context>) -> wasmtime::Result<()> {
        self.table.delete(context)?;
        Ok(())
    }
}

impl HostContextWithStore<State> for HasState {
    async fn body(
        accessor: &Accessor<State, Self>,
        context: Resource<Context>,
    ) -> wasmtime::Result<Result<Vec<u8>, BodyError>> {
        let request = accessor.with(|mut access| access.get().table.get(&context).map(|c| c.request.clone()))?;
        Ok(tokio::select! {
            body = request.body() => body.map(|bytes| bytes.to_vec()),
            () = request.cancel.cancelled() => Err(BodyError::Cancelled),
        })
    }

    async fn delegate(
        accessor: &Accessor<State, Self>,
        context: Resource<Context>,
        subrequest: Subrequest,
    ) -> wasmtime::Result<Result<Subresponse, String>> {
        let context = accessor.with(|mut access| access.get().table.get(&context).cloned())?;
        let cancel = context.request.cancel.clone();
        // On a task of its own: entering another store from within this one's event loop panics
        // in wasmtime 48 (wasmtime#14302).
        let answer = delegate::for_request(context.request, context.position, subrequest);
        let answer = AbortOnDropHandle::new(tokio::spawn(answer));
        Ok(tokio::select! {
            answer = answer => answer.unwrap_or_else(|error| Err(error.to_string())),
            () = cancel.cancelled() => Err("the request is over".to_string()),
        })
    }
}

impl HostHookContext for State {
    fn ready(&mut self, context: Resource<HookContext>) -> wasmtime::Result<()> {
        self.table.get(&context)?.state.set_ready();
        Ok(())
    }

    fn is_cancelled(&mut self, context: Resource<HookContext>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&context)?.cancel.is_cancelled())
    }

    fn store(&mut self, context: Resource<HookContext>) -> wasmtime::Result<Resource<Store>> {
        let context = self.table.get(&context)?;
        let store = Store::new(self.link.clone(), context.cancel.clone(), context.subrequests.fence().cloned());
        Ok(self.table.push(store)?)
    }

    fn drop(&mut self, context: Resource<HookContext>) -> wasmtime::Result<()> {
        self.table.delete(context)?;
        Ok(())
    }
}

impl HostHookContextWithStore<State> for HasState {
    async fn cancelled(accessor: &Accessor<State, Self>, context: Resource<HookContext>) -> wasmtime::Result<()> {
        let cancel = accessor.with(|mut access| access.get().table.get(&context).map(|c| c.cancel.clone()))?;
        cancel.cancelled().await;
        Ok(())
    }

    async fn delegate(
        accessor: &Accessor<State, Self>,
        context: Resource<HookContext>,
        subrequest: Subrequest,
    ) -> wasmtime::Result<Result<Subresponse, String>> {
        let context = accessor.with(|mut access| access.get().table.get(&context).cloned())?;
        let answer = delegate::for_hook(context.link, context.cancel.clone(), context.subrequests, subrequest);
        let answer = AbortOnDropHandle::new(tokio::spawn(answer));
        Ok(tokio::select! {
            answer = answer => answer.unwrap_or_else(|error| Err(error.to_string())),
            () = context.cancel.cancelled() => Err("the hook is over".to_string()),
        })
    }

    async fn sleep(
        accessor: &Accessor<State, Self>,
        context: Resource<HookContext>,
        duration_ms: u64,
    ) -> wasmtime::Result<()> {
        let cancel = accessor.with(|mut access| access.get().table.get(&context).map(|c| c.cancel.clone()))?;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(duration_ms)) => {}
            () = cancel.cancelled() => {}
        }
        Ok(())
    }
}
