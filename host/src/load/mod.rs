//! Finding, checking, compiling and linking components.
//!
//! Owns: the wasmtime engine, the cache of compiled code, the comparison of what a component
//! wants with what the host offers. Only this room compiles or maps compiled code. It does
//! not know what a chain is, and enters no guest.

mod cache;
mod contract;
mod engine;
mod error;
mod find;
mod waitless;
mod whole;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker};

use crate::bindings;
use crate::imports::{HasState, State, unwaited};
use crate::limits::Limits;

pub use cache::{CompiledCache, compile_to_file, digest};
pub use engine::Engine;
pub use error::LoadError;
pub use find::{PluginPath, find, read};
pub use whole::is_whole;

/// A component that fits, linked and ready to be instantiated.
#[derive(Clone)]
pub struct Loaded {
    /// SHA-256 of the component's file, in hex.
    pub digest: Arc<str>,
    /// Its compiled code, which is mapped as a whole.
    code: Arc<Path>,
    pub pre: InstancePre<State>,
    pub server: bindings::exports::host::chain::server::GuestIndices,
    /// Present if the component exports `objects`.
    pub objects: Option<bindings::exports::host::chain::objects::GuestIndices>,
    /// Present if the component exports `authenticator`.
    pub authenticator: Option<bindings::exports::host::chain::authenticator::GuestIndices>,
    /// Present if the component exports `authorizer`.
    pub authorizer: Option<bindings::exports::host::chain::authorizer::GuestIndices>,
    /// Present if the component exports `bodies`.
    pub bodies: Option<bindings::exports::host::chain::bodies::GuestIndices>,
    /// Present if the component exports `immediate`.
    pub immediate: Option<Waitless>,
    /// What it imports that does nothing without a grant, and that grant.
    pub wants: Vec<(&'static str, &'static str)>,
}

/// The component once more, as one that cannot wait: for plain calls.
#[derive(Clone)]
pub struct Waitless {
    code: Arc<Path>,
    pub pre: InstancePre<State>,
    pub server: bindings::exports::host::chain::server::GuestIndices,
    pub immediate: bindings::exports::host::chain::immediate::GuestIndices,
}

impl Waitless {
    fn link(engine: &Engine, before: &Component, component: &Component, code: Arc<Path>) -> wasmtime::Result<Self> {
        let pre = waitless_linker(engine, before)?.instantiate_pre(component)?;
        let server = bindings::exports::host::chain::server::GuestIndices::new(&pre)?;
        let immediate = bindings::exports::host::chain::immediate::GuestIndices::new(&pre)?;
        Ok(Self { code, pre, server, immediate })
    }
}

impl Loaded {
    /// Its compiled code: where it is in memory, and in which file.
    pub fn code(&self) -> impl Iterator<Item = (Range<usize>, &Path)> {
        let waitless = self.immediate.iter().map(|waitless| (&waitless.pre, &*waitless.code));
        [(&self.pre, &*self.code)].into_iter().chain(waitless).map(|(pre, file)| {
            let range = pre.component().image_range();
            (range.start as usize..range.end as usize, file)
        })
    }
}

/// Reads the file of a plugin, compiles it or takes its code from the cache, compares it with
/// the contract and links it.
///
/// # Errors
/// Names the plugin, what is wrong with it, and what to do.
pub async fn load(
    engine: &Engine,
    cache: &CompiledCache,
    name: &str,
    path: &Path,
    limits: &Limits,
) -> Result<Loaded, LoadError> {
    let bytes = find::read(name, path, limits)?;
    let (component, digest, code) = cache.component(engine, name, path, &bytes, limits).await?;
    contract::check(engine, name, &component)?;
    let linker = linker(engine).map_err(|error| unlinked(name, &error))?;
    let pre = linker
        .instantiate_pre(&component)
        .map_err(|error| LoadError::new(name, format!("does not fit the contract: {}", error.root_cause())))?;
    let server = bindings::exports::host::chain::server::GuestIndices::new(&pre)
        .map_err(|error| LoadError::new(name, format!("does not fit the contract: {error}")))?;
    let objects = bindings::exports::host::chain::objects::GuestIndices::new(&pre).ok();
    let authenticator = bindings::exports::host::chain::authenticator::GuestIndices::new(&pre).ok();
    let authorizer = bindings::exports::host::chain::authorizer::GuestIndices::new(&pre).ok();
    let bodies = bindings::exports::host::chain::bodies::GuestIndices::new(&pre).ok();
    let immediate = match bindings::exports::host::chain::immediate::GuestIndices::new(&pre) {
        Ok(_) => {
            let bytes = waitless::without_waiting(&bytes)
                .map_err(|error| LoadError::new(name, format!("cannot be read: {error}")))?;
            let (waitless, _, code) = cache.component(engine, name, path, &bytes, limits).await?;
            Some(Waitless::link(engine, &component, &waitless, code.into()).map_err(|error| unlinked(name, &error))?)
        }
        Err(_) => None,
    };
    let wants = contract::wants(engine, &component);
    Ok(Loaded {
        digest: digest.into(),
        code: code.into(),
        pre,
        server,
        objects,
        authenticator,
        authorizer,
        bodies,
        immediate,
        wants,
    })
}

fn unlinked(name: &str, error: &wasmtime::Error) -> LoadError {
    LoadError::new(name, format!("cannot be linked: {error:#}"))
}

/// Everything that the host offers to a guest. What needs a grant is linked for all, and denies
/// each use that is not granted.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    add_own(&mut linker)?;
    Ok(linker)
}

/// The same for the component once more. What would wait for us is an error. So is what would wait for
/// WASI, unless it is asked for in `init`: all but streams and pollables blocks its thread, and panics
/// on one of the runtime's.
fn waitless_linker(engine: &Engine, component: &Component) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_sync(&mut linker)?;
    linker.allow_shadowing(true);
    unwaited::add_to_linker(&mut linker)?;
    add_own(&mut linker)?;
    waitless::refuse_waiting(engine, &mut linker, component)?;
    Ok(linker)
}

/// What is declared in `wit/`.
fn add_own(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    fn state(state: &mut State) -> &mut State {
        state
    }
    bindings::host::chain::types::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::registration::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::request::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::storage::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::lifecycle::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::log::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::metrics::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::configuration::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::access::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::tokens::add_to_linker::<State, HasState>(linker, state)?;
    bindings::host::chain::signatures::add_to_linker::<State, HasState>(linker, state)?;
    Ok(())
}

/// A component straight from its bytes, for tests of the checks in this room.
#[cfg(test)]
fn component(engine: &Engine, wat: &str) -> Component {
    Component::new(engine.wasmtime(), wat::parse_str(wat).expect("text")).expect("a component")
}
