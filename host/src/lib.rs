//! `host`: a Kubernetes-style API server whose every chain link is a WebAssembly component.
//!
//! The rooms, in the order in which a request passes them: `host_server` (another crate: TLS,
//! filters, health, life cycle), [`chain`] (who gets the request), [`guest`] (entering a
//! component), [`imports`] (what the component may do), [`answer`] (writing what it decided).
//! [`load`] brings components in, [`store`] the store, [`numbers`] counts, [`assembly`] makes a chain of them and changes it while it
//! serves, [`admin`] lets operators ask for that, [`run`] puts everything together. ARCHITECTURE.md tells more.

pub mod access;
pub mod admin;
pub mod answer;
pub mod assembly;
pub mod bindings;
pub mod bodies;
pub mod bounds;
pub mod chain;
pub mod grants;
pub mod guest;
pub mod imports;
pub mod limits;
pub mod load;
pub mod numbers;
pub mod run;
pub mod store;
