//! A list whose items are written one after the other: they need not be there together.

use super::{Writer, encode_message, envelope};
use crate::schema::{Field, Schema, Shape};
use crate::tree::Value;

/// A list while it is written.
pub struct List<'a> {
    schema: &'a Schema,
    items: &'a Field,
    of: &'a Schema,
    written: Vec<u8>,
}

impl<'a> List<'a> {
    /// Nothing if the type has no items.
    pub fn new(schema: &'a Schema) -> Option<Self> {
        let items = schema.field("items")?;
        let Shape::List(list) = &items.schema.shape else { return None };
        Some(Self { schema, items, of: &list.items, written: Vec::new() })
    }

    pub fn push(&mut self, item: &Value) {
        let mut writer = Writer::default();
        writer.bytes(self.items.number, &encode_message(self.of, item));
        self.written.extend(writer.finish());
    }

    /// The list in its envelope; `list` is all of it but the items.
    pub fn finish(self, list: &Value) -> Vec<u8> {
        let text = |key: &str| list.get(key).and_then(Value::as_str).unwrap_or("");
        let rest = encode_message(self.schema, list);
        // Beside its items a list has metadata, and fields are written in the order of their numbers.
        let is_first = self.schema.field("metadata").is_some_and(|metadata| metadata.number < self.items.number);
        let message = if is_first { [rest, self.written].concat() } else { [self.written, rest].concat() };
        envelope(text("apiVersion"), text("kind"), &message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::proto;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn a_list_in_pieces_is_the_list_as_a_whole() {
        let items = [json!({"metadata": {"name": "a"}}), json!({"metadata": {"name": "b", "labels": {"c": "d"}}})];
        for (api_version, kind) in [
            ("v1", "ConfigMapList"),
            ("apps/v1", "DeploymentList"),
            ("meta.k8s.io/v1", "PartialObjectMetadataList"),
            ("meta.k8s.io/v1beta1", "PartialObjectMetadataList"),
        ] {
            let schema = builtin::kind_of(api_version, kind).expect("it is built in").schema();
            let around = json!({"kind": kind, "apiVersion": api_version, "metadata": {"resourceVersion": "7"}});
            let mut whole = around.clone();
            whole["items"] = items.iter().cloned().collect();
            let mut list = List::new(schema).expect("it is a list");
            items.iter().for_each(|item| list.push(item));
            assert_eq!(list.finish(&around), proto::encode(&whole, schema), "{api_version} {kind}");
        }
    }
}
