//! `access`: what a guest may do while it decides who gets in.

use tokio_util::sync::CancellationToken;
use wasmtime::component::Resource;

use super::State;
use super::storage::Store;
use crate::bindings::host::chain::access::{Host, HostContext};

/// One question.
pub struct Context {
    /// Fires when nobody waits for the answer any more.
    cancel: CancellationToken,
}

impl Context {
    pub fn new(cancel: CancellationToken) -> Self {
        Self { cancel }
    }
}

impl Host for State {}

impl HostContext for State {
    fn store(&mut self, context: Resource<Context>) -> wasmtime::Result<Resource<Store>> {
        self.table.get(&context)?;
        // Not the question's token: what the guest remembers is fed by it for as long as it lives.
        let store = Store::new(self.link.clone(), CancellationToken::new(), None);
        Ok(self.table.push(store)?)
    }

    fn is_cancelled(&mut self, context: Resource<Context>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&context)?.cancel.is_cancelled())
    }

    fn drop(&mut self, context: Resource<Context>) -> wasmtime::Result<()> {
        self.table.delete(context)?;
        Ok(())
    }
}
