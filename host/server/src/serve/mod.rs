//! The listener and its connections: TCP → TLS → HTTP/2 or 1.1 → the filters.
//!
//! Knows how requests come in and how to stop that; what happens to them is the filters' and the
//! director's.

mod activity;
mod certificates;
mod connection;
mod http;
mod in_flight;
mod listener;
mod server;
mod streams;
mod tls;
mod watches;

pub use certificates::CertificateError;
pub use connection::Connection;
pub(crate) use in_flight::{InFlightRequest, InFlightRequests};
pub use server::{Bound, Running, Server, ServerHandle, StartError};
pub(crate) use watches::Watches;
