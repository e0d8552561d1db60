//! `application/vnd.kubernetes.protobuf`: messages of built-in types, by the field numbers of
//! the generated table, in an envelope that names their kind.

mod envelope;
mod list;
mod read;
mod wire;
mod write;

use crate::codec::{DEPTH_MAX, depth};
use crate::tree::{Map, Value};

pub use envelope::{Envelope, envelope, watch_event};
pub use list::List;
pub use read::decode_message;
pub(crate) use wire::Writer;
pub use write::encode_message;

use crate::schema::{Schema, builtin};

/// Reads an object in its envelope, by the type that the envelope names.
///
/// # Errors
/// What is wrong with the bytes, in upstream's words where clients can meet them.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    bounded(decode_at(bytes, 0)?)
}

/// The same for an object that is in a message of this depth.
fn decode_at(bytes: &[u8], depth: usize) -> Result<Value, String> {
    let envelope = Envelope::open(bytes)?;
    let Envelope { kind, api_version, .. } = &envelope;
    if kind.is_empty() || api_version.is_empty() {
        let missing = if kind.is_empty() { "Kind" } else { "apiVersion" };
        return Err(format!("Object '{missing}' is missing in 'APIVersion: {api_version:?}, Kind: {kind:?}'"));
    }
    let of = builtin::kind_of(api_version, kind)
        .ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?}"))?;
    object(&envelope, of.schema(), depth)
}

/// Reads what is in an opened envelope as the given type.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_as(envelope: &Envelope<'_>, schema: &Schema) -> Result<Value, String> {
    bounded(object(envelope, schema, 0)?)
}

/// A message can be more than one level of the tree, and what is kept as text is looked at alone.
fn bounded(value: Value) -> Result<Value, String> {
    if depth(&value) <= DEPTH_MAX { Ok(value) } else { Err("exceeded max depth".into()) }
}

fn object(envelope: &Envelope<'_>, schema: &Schema, depth: usize) -> Result<Value, String> {
    let mut object = Map::new();
    for (key, text) in [("kind", &envelope.kind), ("apiVersion", &envelope.api_version)] {
        if !text.is_empty() {
            object.insert(key, text.as_ref().into());
        }
    }
    read::message_into(schema, envelope.raw, depth, &mut object)?;
    Ok(Value::Object(object))
}

/// Writes an object in its envelope, which takes `kind` and `apiVersion` from the object.
pub fn encode(value: &Value, schema: &Schema) -> Vec<u8> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("");
    envelope(text("apiVersion"), text("kind"), &encode_message(schema, value))
}

/// What the unions of CRD schemas hold.
const JSON_SCHEMA_PROPS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

#[cfg(test)]
mod tests;
