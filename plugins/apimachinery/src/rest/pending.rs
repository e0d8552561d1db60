//! The seams to modules that are being written beside this one, with as little as lets the
//! engine run; each goes when its module is there.

pub(crate) mod yaml {
    use serde_json::Value;

    use crate::codec::{Decoded, json};

    /// YAML has JSON as a part of it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
        json::decode(bytes)
    }

    pub(crate) fn encode(value: &Value) -> Vec<u8> {
        json::encode(value)
    }
}

pub(crate) mod table {
    use serde_json::{Value, json};

    use crate::definition::Definition;

    pub(crate) fn cells(definition: &Definition, object: &Value) -> Vec<Value> {
        let name = object["metadata"]["name"].clone();
        let others = std::iter::repeat_n(Value::from(""), definition.columns.len().saturating_sub(1));
        std::iter::once(name).chain(others).collect()
    }

    pub(crate) fn column_definitions(definition: &Definition) -> Value {
        let columns = definition.columns.iter().map(|column| {
            json!({
                "name": column.name,
                "type": column.kind,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            })
        });
        columns.collect()
    }
}
