//! How the server comes up and goes away, and what others can wait for.

mod notify;
mod process;
mod routes;
pub(crate) mod shutdown;
mod signals;

pub use notify::{notify_ready, notify_stopping};
pub use process::obey_signals;
pub use routes::RoutesComplete;
pub use signals::{Signal, Signals};
