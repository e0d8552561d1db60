//! What operators may ask a running host for: what its chain is, and to change it.
//!
//! Owns: the socket `admin.sock` in the data directory, which only the host's own user may
//! use, what is said on it (JSON over HTTP/1), and the commands that say it. It does not know
//! how the chain is changed (`assembly`).
//!
//! ```text
//! GET    /chain                  the links, outermost first
//! POST   /plugins                add one: name, path, config, grants, limits, before or after
//! POST   /plugins/NAME/swap      put another component into its place: path
//! DELETE /plugins/NAME           remove it
//! ```
//!
//! An answer that is not 200 is `{"error": "..."}`, in words for the one who asked.

mod client;
mod command;
mod message;
mod server;
mod socket;
mod table;

pub use command::{ChainOptions, PluginCommand, chain, plugin};
pub use server::bind;
