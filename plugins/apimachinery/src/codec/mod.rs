//! Wire formats: JSON, YAML and protobuf into the one tree that the engine works on, and back.
//!
//! Reading is hostile territory: whatever the bytes are, the answer is a tree or an error in
//! upstream's words, never a panic, and never more depth than [`DEPTH_MAX`].

pub mod base64;
pub mod json;
mod path;
pub mod proto;
pub mod quantity;
pub mod time;
pub mod yaml;

use crate::tree::{Value, depth_of_text};

/// How deep a value is nested: 0 for a scalar. Values that were decoded are no deeper than
/// [`DEPTH_MAX`]; whoever puts values into one another has to look.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Raw(text) => depth_of_text(text),
        _ => 0,
    }
}

pub use path::Path;

/// How deep objects and lists may be nested. Code that walks trees recurses, and a guest's
/// stack is small.
pub const DEPTH_MAX: usize = 120;

/// The same for what is stored: who owns the deepest field of an object is told in a value that begins
/// at the fifth level of it (`metadata.managedFields[].fieldsV1`) and has a level more than the object.
pub(crate) const STORED_DEPTH_MAX: usize = DEPTH_MAX + 8;

/// How many findings of strict decoding are kept, as upstream.
const STRICT_MAX: usize = 100;

/// What a body held.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    pub value: Value,
    /// What `fieldValidation` is about, in the order of the text and in upstream's words:
    /// `unknown field "spec.x"`, `duplicate field "data"`.
    pub strict: Vec<String>,
}

/// A body in any form that is not JSON, as JSON.
///
/// # Errors
/// If it is of no form that is known here, or broken.
pub fn to_json(content_type: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let value = match content_type {
        kind if kind.contains("protobuf") => proto::decode(bytes)?,
        kind if kind.contains("yaml") => yaml::decode(bytes)?.value,
        kind => return Err(format!("`{kind}` is not read")),
    };
    Ok(value.to_string().into_bytes())
}

/// Collects findings of strict decoding: each once, and not without end.
#[derive(Default)]
pub(crate) struct Strict {
    found: Vec<String>,
    /// Whether a field that is there twice held what does not fit it: the body is refused.
    misfit: bool,
}

impl Strict {
    pub(crate) fn unknown(&mut self, path: &Path<'_>) {
        self.add("unknown", path);
    }

    pub(crate) fn duplicate(&mut self, path: &Path<'_>) {
        self.add("duplicate", path);
    }

    pub(crate) fn into_found(self) -> Vec<String> {
        self.found
    }

    fn add(&mut self, what: &str, path: &Path<'_>) {
        if self.found.len() >= STRICT_MAX {
            return;
        }
        let finding = format!("{what} field {:?}", path.to_string());
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }
}
