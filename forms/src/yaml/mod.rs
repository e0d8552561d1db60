//! YAML as upstream has it: scalars by YAML 1.1 (`yes` is a boolean, `010` is eight), keys in order.

mod order;
mod scalar;
mod write;

pub use scalar::Scalar;
pub use write::{Node, Tree, encode};
