//! Why the chain stays as it is.

use crate::guest::StartError;
use crate::load::LoadError;

/// A change that was not made; what served goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no plugin `{name}` in the chain; there are {present}")]
    Unknown { name: String, present: String },
    #[error(
        "there is a plugin `{0}` in the chain already\n\nhint: swap it, or give the new one another name: `NAME=PATH`"
    )]
    Present(String),
    #[error("plugin `{0}` is the only link: a chain has at least one")]
    Last(String),
    #[error("`{0}` cannot name a plugin: lower-case letters, digits and `-` can")]
    Name(String),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("plugin `{plugin}` {source}")]
    Start { plugin: String, source: StartError },
    /// It runs, but it cannot be part of this chain.
    #[error("plugin `{plugin}` {reason}")]
    Refused { plugin: String, reason: String },
    #[error("the host is shutting down")]
    Ending,
}

impl ChangeError {
    pub(super) fn unknown<'a>(name: &str, present: impl Iterator<Item = &'a String>) -> Self {
        let present: Vec<String> = present.map(|name| format!("`{name}`")).collect();
        Self::Unknown { name: name.to_string(), present: present.join(", ") }
    }

    pub(super) fn refused(plugin: &str, reason: impl Into<String>) -> Self {
        Self::Refused { plugin: plugin.to_string(), reason: reason.into() }
    }
}
