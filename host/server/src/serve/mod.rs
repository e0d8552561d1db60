//! The listener and its connections: TCP → TLS → HTTP/2 or 1.1 → the filters.
//!
//! Knows how requests come in and how to stop that; what happens to them is the filters' and the
//! director's.

mod activity;
mod certificates;
mod connection;
mod cork;
mod http;
mod in_flight;
mod listener;
mod reload;
mod running;
mod server;
mod sni;
mod streams;
mod tls;
mod trust;
mod watches;

pub use connection::Connection;
pub(crate) use in_flight::{InFlightRequest, InFlightRequests};
pub use running::{Running, ServerHandle};
pub use server::{Bound, Server, StartError};
pub use trust::Believed;
pub(crate) use watches::Watches;
