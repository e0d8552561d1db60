//! Custom resources: what the engine needs to serve them, made from their definitions.

mod decode;
mod definition;
mod selectable;
mod strategy;

pub(crate) use self::decode::{Decoder, tag as decode_tag};
pub(crate) use self::definition::{for_discovery, for_publishing, for_serving, storage_prefix, stored_definition};
pub(crate) use self::selectable::selectable;
