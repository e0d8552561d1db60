//! JSON, read as strictly and written in the same form as upstream does.

mod kind;
mod member;
mod read;
mod syntax;
mod write;

pub use kind::kind;
pub use member::{member, member_of};
pub use read::{decode, decode_as};
pub use write::{encode, encode_pretty};
