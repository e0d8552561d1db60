//! What guests may call: the host's side of `wit/`.
//!
//! Owns: the data of a guest's store and the implementation of every import. It does not
//! decide who is called when (`guest`) nor who gets a request (`chain`).

mod memory;
pub mod registration;
pub mod request;
mod runtime;
pub mod storage;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;
use wasmtime::component::{GuestTaskId, HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::chain::{Link, Registrations};
pub use memory::Memory;

/// Marks [`State`] for the generated bindings.
pub struct HasState;

impl HasData for HasState {
    type Data<'a> = &'a mut State;
}

/// What the store of one instance holds beside the guest.
pub struct State {
    pub table: ResourceTable,
    wasi: WasiCtx,
    pub memory: Memory,
    /// Whose instance this is.
    pub link: Arc<Link>,
    pub role: Role,
    /// Epoch ticks since the guest last came back to the host's loop.
    pub ticks: Arc<AtomicU64>,
    /// The requests under way, by the task that the guest runs for each.
    pub tasks: HashMap<GuestTaskId, u64>,
    /// The request that computed for too long, once there is one.
    pub culprit: Arc<OnceLock<u64>>,
}

/// What an instance is for, and so what it may register.
pub enum Role {
    /// The first of its generation, or one that is only compared with it: `init` fills this.
    Init(Registrations),
    /// Answers calls.
    Serve,
    /// Runs one hook; the token says that it is to end.
    Hook(CancellationToken),
}

impl State {
    pub fn new(link: Arc<Link>, role: Role) -> Self {
        Self {
            table: ResourceTable::new(),
            wasi: wasi(&link),
            memory: Memory::new(link.limits()),
            link,
            role,
            ticks: Arc::default(),
            tasks: HashMap::new(),
            culprit: Arc::default(),
        }
    }

    /// Takes what `init` registered.
    pub fn take_registrations(&mut self) -> Registrations {
        match std::mem::replace(&mut self.role, Role::Serve) {
            Role::Init(registrations) => registrations,
            _ => Registrations::default(),
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Clocks, randomness and standard streams; no directory, no network, no environment.
fn wasi(link: &Link) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(runtime::LogStream::new(link.log().clone(), tracing::Level::INFO));
    builder.stderr(runtime::LogStream::new(link.log().clone(), tracing::Level::WARN));
    builder.build()
}
