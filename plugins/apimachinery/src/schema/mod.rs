//! Schemas: what each place in an object may hold.

pub mod builtin;
mod model;

pub use model::*;
