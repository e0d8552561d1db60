//! Collects what is wrong with the options, so that all of it is said at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration::GoDuration;

/// Everything that is wrong with the options, one line each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct OptionErrors(pub Vec<String>);

/// Reads typed text, and notes what cannot be read. The value returned for wrong text is never
/// used, since completing fails in the end.
#[derive(Default)]
pub(super) struct Checks {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Checks {
    pub(super) fn error(&mut self, message: impl Into<String>) {
        self.errors.push(message.into());
    }

    /// What an operator should know, and what is no reason not to start.
    pub(super) fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(message.into());
    }

    pub(super) fn errors(&self) -> &[String] {
        &self.errors
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A duration that is not negative.
    pub(super) fn duration(&mut self, flag: &str, text: &str) -> Duration {
        match GoDuration::parse(text) {
            Ok(duration) if duration.negative && !duration.length.is_zero() => {
                self.error(format!("--{flag} must not be negative: `{text}`"));
            }
            Ok(duration) => return duration.length,
            Err(_) => self.error(format!("--{flag} must be a duration such as `60s` or `1m30s`: `{text}`")),
        }
        Duration::ZERO
    }

    /// A duration above zero.
    pub(super) fn positive_duration(&mut self, flag: &str, text: &str) -> Duration {
        let errors = self.errors.len();
        let duration = self.duration(flag, text);
        if duration.is_zero() && self.errors.len() == errors {
            self.error(format!("--{flag} must not be zero: `{text}`"));
        }
        duration
    }

    pub(super) fn number<T: std::str::FromStr + Default>(&mut self, flag: &str, text: &str, expected: &str) -> T {
        text.parse().unwrap_or_else(|_| {
            self.error(format!("--{flag} must be {expected}: `{text}`"));
            T::default()
        })
    }

    pub(super) fn flag(&mut self, flag: &str, text: &str) -> bool {
        // What Go's strconv.ParseBool takes.
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => {
                self.error(format!("--{flag} must be `true` or `false`: `{text}`"));
                false
            }
        }
    }

    /// A file that can be read.
    pub(super) fn file(&mut self, flag: &str, path: &Path) {
        let opened = std::fs::File::open(path).and_then(|file| file.metadata());
        let reason = match opened {
            Ok(metadata) if metadata.is_dir() => "is a directory".to_owned(),
            Ok(_) => return,
            Err(error) => plain(&error),
        };
        self.error(format!("--{flag} cannot be read: `{}`: {reason}", path.display()));
    }

    /// `NAME=VALUE`.
    pub(super) fn pair(&mut self, flag: &str, text: &str) -> Option<(String, String)> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => Some((name.into(), value.into())),
            _ => {
                self.error(format!("--{flag} must have the form `NAME=VALUE`: `{text}`"));
                None
            }
        }
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, OptionErrors> {
        if self.errors.is_empty() { Ok(value) } else { Err(OptionErrors(self.errors)) }
    }
}

/// The system's words without `(os error N)`.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text.to_lowercase(),
    }
}

/// `~` is the shell's business, but a relative path must survive a change of directory.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
