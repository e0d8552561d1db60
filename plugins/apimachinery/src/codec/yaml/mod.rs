//! YAML, as upstream turns it into JSON and back: scalars by YAML 1.1 (`yes` is a boolean,
//! `010` is eight), keys in order.

mod read;
mod write;

pub use read::{decode, decode_exactly};
pub use write::encode;
