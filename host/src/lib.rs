//! `host`: a Kubernetes-style API server whose every chain link is a WebAssembly component.
//!
//! The rooms, in the order in which a request passes them: `host_server` (another crate: TLS,
//! filters, health, life cycle), [`chain`] (who gets the request), [`guest`] (entering a
//! component), [`imports`] (what the component may do), [`answer`] (writing what it decided).
//! [`load`] brings components in, [`store`] the store, [`run`] puts everything together. ARCHITECTURE.md tells more.

pub mod answer;
pub mod bindings;
pub mod chain;
pub mod guest;
pub mod imports;
pub mod limits;
pub mod load;
pub mod run;
pub mod store;
