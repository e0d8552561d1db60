//! Schemas: what each place in an object may hold.

pub mod builtin;
pub mod check;
pub mod defaults;
mod difference;
pub mod empties;
mod fields;
pub mod foreign;
pub mod internal;
mod model;
pub mod pattern;
#[cfg(test)]
pub(crate) mod sample;
pub mod structural;
pub mod validate;
pub mod written;

pub use fields::Fields;
pub use model::*;
