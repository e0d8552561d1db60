//! What guests may call: the host's side of `wit/`.
//!
//! Owns: the data of a guest's store and the implementation of every import. It does not
//! decide who is called when (`guest`) nor who gets a request (`chain`).

pub mod access;
mod memory;
mod outbound;
pub mod registration;
pub mod request;
mod runtime;
mod signatures;
pub mod storage;
mod tokens;
pub mod unwaited;
mod wasi;

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wasmtime::component::{GuestTaskId, HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

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
    http: outbound::Http,
    pub memory: Memory,
    /// Whose instance this is.
    pub link: Arc<Link>,
    pub role: Role,
    /// How long `init` may block its thread, which is its own: while it runs in an instance that cannot
    /// wait.
    pub init_until: Option<Instant>,
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
    /// # Errors
    /// If a directory that is granted cannot be opened.
    pub fn new(link: Arc<Link>, role: Role) -> wasmtime::Result<Self> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(link.limits().handles_max);
        Ok(Self {
            table,
            wasi: wasi::context(&link)?,
            http: outbound::Http::new(link.clone()),
            memory: Memory::new(link.limits()),
            link,
            role,
            init_until: None,
            ticks: Arc::default(),
            tasks: HashMap::new(),
            culprit: Arc::default(),
        })
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
