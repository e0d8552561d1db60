//! The forms of an answer: what a client accepts, and texts as upstream writes them. The host, which answers for
//! itself where a request is refused, and the guests, which answer the rest, choose and write alike.
//!
//! - `accept`: the alternatives of `Accept`, in upstream's order.
//! - `client`: what a client says, and the form that it gets.
//! - `encoding`: what there is to choose from.
//! - `routed`: what upstream's router refuses before anybody chooses.
//! - [`json`], [`yaml`]: what Go and upstream's library write otherwise than others.
//!
//! *Invariant:* what most requests say is read without a piece of memory.

mod accept;
mod client;
mod encoding;
pub mod json;
mod routed;
pub mod yaml;

pub use accept::{Clause, Clauses, clauses};
pub use client::{Client, Notation, is_for_people};
pub use encoding::Encoding;
pub use routed::Produced;
