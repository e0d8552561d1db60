//! Entering guests: instances, the pool that serves a link, its hooks.
//!
//! Owns: stores and what runs in them. This is the only room that calls a guest. It does not
//! know how requests find a link (`chain`) nor how answers are written (`answer`).

mod access;
mod answer;
mod backoff;
mod call;
#[cfg(test)]
mod costs;
mod event_loop;
mod hook;
mod immediate;
mod instance;
mod leadership;
mod pool;
mod start;
mod timed;

pub use access::{AccessCall, Credentials, Question};
pub use answer::{Answer, Body, GuestStream, Layout, ProxyOrder, Response, WatchOptions};
pub use call::{Call, CallError, RenderItem};
pub use hook::{HookRunner, HookState};
pub use immediate::{Immediate, KnownHeaders, Reply};
pub use instance::Instance;
pub use pool::Pool;
pub use start::StartError;
