//! JSON, read as strictly and written in the same form as upstream does.

mod again;
mod kind;
mod read;
mod stored;
mod syntax;
mod write;

pub use kind::kind;
pub use read::{decode, decode_as, decode_exactly, decode_raw};
pub use stored::decode_stored;
pub use write::{encode, encode_pretty};
