//! The resource engine: a definition goes in, the behaviour of a Kubernetes API
//! resource comes out. The extensions, core and aggregator servers are bundles of definitions
//! on it.

pub mod cel;
pub mod changes;
pub mod codec;
pub mod definition;
pub mod discovery;
pub mod encode;
pub mod jsonpath;
pub mod managed;
pub mod negotiate;
pub mod openapi;
pub mod patch;
pub mod rest;
pub mod schema;
pub mod selector;
pub mod status;
pub mod strategy;
pub mod table;
pub mod tree;
pub mod validation;

#[cfg(test)]
mod testing;
