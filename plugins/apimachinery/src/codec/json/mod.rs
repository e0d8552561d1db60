//! JSON, read as strictly and written in the same form as upstream does.

mod read;
mod syntax;
mod write;

pub use read::{decode, decode_as};
pub use write::{encode, encode_pretty};
