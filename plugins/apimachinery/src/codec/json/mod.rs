//! JSON, read as strictly and written in the same form as upstream does.

mod kind;
mod read;
mod syntax;
mod write;

pub use kind::kind;
pub use read::{decode, decode_as};
pub use write::{encode, encode_pretty};
