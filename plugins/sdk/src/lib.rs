//! What the Rust author of a `host` plugin imports.
//!
//! A plugin is a WebAssembly component: a link of the chain that the host asks for what its
//! routes match. It is a type that implements [`Link`], exported by a macro. This is a whole
//! one, with a route, a health check and a hook:
//!
//! ```
//! use std::cell::Cell;
//!
//! use plugin_sdk::registration::{self, Contents, Endpoint, Hook, Route};
//! use plugin_sdk::{Answer, Context, HookContext, Link, Result, export_link, log};
//!
//! struct Hello {
//!     greeted: Cell<u64>,
//! }
//!
//! impl Link for Hello {
//!     fn init() -> Result<Self> {
//!         Contents::new().route(Route::prefix("/hello")).register("hello")?;
//!         registration::health_check("hello-words", &[Endpoint::Livez, Endpoint::Readyz])?;
//!         registration::hook(Hook::post_start("hello-greeter"))?;
//!         Ok(Self { greeted: Cell::new(0) })
//!     }
//!
//!     async fn handle(&self, context: Context) -> Answer {
//!         self.greeted.set(self.greeted.get() + 1);
//!         Answer::text(200, format!("hello, {}\n", context.user().name))
//!     }
//!
//!     async fn check_health(&self, _name: &str) -> Result {
//!         Ok(())
//!     }
//!
//!     async fn run_hook(&self, context: HookContext, _name: &str) -> Result {
//!         log::info!("ready to greet");
//!         context.ready();
//!         Ok(())
//!     }
//! }
//!
//! export_link!(Hello);
//! # fn main() {}
//! ```
//!
//! The crate is a `cdylib`, built with `cargo build --release --target wasm32-wasip2`, and the
//! host gets it with `--plugin hello.wasm`. `examples/hello` is such a plugin, ready to be copied.
//!
//! A link that serves API resources, and lets the host keep and stream their objects,
//! implements [`Objects`] too and is exported with [`export_resource_link!`].
//!
//! One that decides who gets in implements the traits of [`access`], one that answers some requests
//! without waiting for anything that of [`immediate`].
//!
//! Where to look next: [`registration`] for what a link says about itself, [`Context`] and
//! [`HookContext`] for what it may do, [`Answer`] and [`Response`] for what it decides, [`storage`]
//! for what it keeps, [`Client`] for asking the rest of the chain, [`log`], [`metrics`],
//! [`configuration`] and [`lifecycle`] for the rest, [`tokens`] for a link that issues some, and
//! [`signatures`] for one that has to believe what others have signed.
//!
//! What each type and function promises is written in the contract, `wit/`, from which this
//! crate's types are generated. Calls into the host need one: outside of a component (in
//! native unit tests) they panic.

pub mod access;
mod answer;
pub mod bindings;
mod client;
pub mod immediate;
mod link;
pub mod log;
#[expect(unsafe_code, reason = "an allocator hands out memory")]
mod memory;
pub mod registration;
pub mod storage;
mod summary;

pub use bindings::host::chain::request::{
    Answer, Body, BodyError, CollectionBody, Context, Head, HookContext, ItemForm, MatchedRoute, ObjectBody, Proxy,
    Rendering, Response, Subrequest, Subresponse, Summary, Tls, TypeMeta, WatchBody,
};
pub use bindings::host::chain::types::{Header, RequestInfo, User};
pub use bindings::host::chain::{configuration, lifecycle, metrics, signatures, tokens};
pub use client::{Client, Delegate};
pub use link::{Event, Item, Link, Objects, Stored};
pub use memory::Pieces;
pub use storage::Store;

/// Runs a future beside the call that spawns it; the call ends when both have.
pub use wit_bindgen::spawn_local as spawn;

/// Any error: `?` works on the host's, on texts and on every `std::error::Error`.
pub type Error = Box<dyn std::error::Error>;

/// What the methods of [`Link`] return.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What the export macros name. Nothing here is for authors.
#[doc(hidden)]
pub mod export {
    pub use crate::link::{Exported, Instance};
}
