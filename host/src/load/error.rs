//! Why a plugin cannot be loaded, in words for the person who starts the host.

use std::fmt;

/// A plugin that is not loaded: which, why, and what to do about it.
#[derive(Debug)]
pub struct LoadError {
    plugin: String,
    problem: String,
    hint: Option<String>,
}

impl LoadError {
    pub fn new(plugin: &str, problem: impl Into<String>) -> Self {
        Self { plugin: plugin.to_string(), problem: problem.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin `{}` {}", self.plugin, self.problem)?;
        match &self.hint {
            Some(hint) => write!(f, "\n\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LoadError {}
