//! What the end-to-end tests share: the real `host` as a child process, an HTTPS client with
//! the administrator's certificate, and the real clients that `make clients` builds.
//!
//! Knows nothing of the inside of the host: what is not on the command line, in the data
//! directory, on the wire or in the log does not exist here.

mod balancer;
mod client;
mod conformance;
pub mod connection;
mod controllers;
mod etcd;
mod host;
mod tools;

pub use balancer::Balancer;
pub use client::{Client, Reply};
pub use conformance::conformance;
pub use controllers::Controllers;
pub use etcd::Etcd;
pub use host::{Host, Setup, WITHOUT, eventually};
pub use tools::{
    Helm, Kubectl, Output, checkout, compared, differential, module_directory, openssl, python, recorded, typed,
};
