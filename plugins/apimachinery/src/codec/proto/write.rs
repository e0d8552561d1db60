//! Writes trees as messages, with the zeros that upstream writes.

use std::sync::LazyLock;

use super::wire::Writer;
use crate::codec::time::Instant;
use crate::codec::{base64, time};
use crate::schema::{Field, Object, Scalar, Schema, Shape, Wire, builtin};
use crate::tree::{Map, Value};

/// Writes the message of a struct. Values that do not fit the schema are written as unset:
/// what is stored was checked.
pub fn encode_message(schema: &Schema, value: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    if let Shape::Object(object) = &schema.shape {
        message(&mut writer, object, members(value), &[]);
    }
    writer.finish()
}

/// The fields of a struct, or of one that it embeds, last first.
fn message(writer: &mut Writer, object: &Object, members: &Map, within: &[u32]) {
    let mut fields: Vec<(u32, &Field)> = object
        .fields
        .iter()
        .filter(|field| field.number != 0 && field.native.within.starts_with(within))
        .map(|field| (*field.native.within.get(within.len()).unwrap_or(&field.number), field))
        .collect();
    fields.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    // All fields of an embedded struct have its number here, and are written in one go.
    fields.dedup_by_key(|(number, _)| *number);
    for (number, of) in fields {
        if of.native.within.len() > within.len() {
            let inside = &of.native.within[..=within.len()];
            writer.message(number, |writer| message(writer, object, members, inside));
        } else {
            field(writer, of, members.get(&of.name).unwrap_or(&Value::Null));
        }
    }
}

fn field(writer: &mut Writer, field: &Field, value: &Value) {
    match (&field.schema.shape, value) {
        (Shape::List(list), Value::Array(items)) if field.wire != Wire::StringListMessage => {
            for item in items.iter().rev() {
                element(writer, field.number, field.wire, &list.items, item);
            }
        }
        (Shape::Object(Object { values: Some(values), .. }), Value::Object(map)) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
            for (key, value) in entries {
                writer.message(field.number, |writer| {
                    element(writer, 2, field.wire, values, value);
                    writer.bytes(1, key.as_bytes());
                });
            }
        }
        (Shape::List(_) | Shape::Object(Object { values: Some(_), .. }), Value::Null) => {}
        (_, Value::Null) if is_absent_when_unset(field) => {}
        (_, value) => element(writer, field.number, field.wire, &field.schema, value),
    }
}

/// Whether nothing is written for an unset field: upstream writes the zeros of all that is
/// not a pointer.
fn is_absent_when_unset(field: &Field) -> bool {
    match (&field.schema.shape, field.wire) {
        (_, Wire::Bytes) => true,
        // A time's zero is null or left out in JSON, and an empty message here.
        (_, Wire::Time | Wire::MicroTime) => field.when_unset.is_none() && field.native.go.is_empty(),
        (Shape::Scalar(Scalar::String | Scalar::Integer | Scalar::Number | Scalar::Boolean), _) => {
            field.native.keeps_zero()
        }
        // Of structs and the like, JSON shows it: only a pointer is null.
        _ => field.when_unset.as_ref().is_none_or(Value::is_null),
    }
}

/// A single value; null is its zero.
fn element(writer: &mut Writer, number: u32, wire: Wire, schema: &Schema, value: &Value) {
    let text = || value.as_str().unwrap_or("");
    match wire {
        Wire::Int32 | Wire::Int64 => writer.varint(number, value.as_i64().unwrap_or(0) as u64),
        Wire::Bool => writer.varint(number, u64::from(value.as_bool().unwrap_or(false))),
        Wire::Double => writer.fixed64(number, value.as_f64().unwrap_or(0.0).to_bits()),
        Wire::Bytes => writer.bytes(number, &base64::decode(text()).unwrap_or_default()),
        Wire::Time => instant(writer, number, time::parse(text()).ok().map(|instant| Instant { nanos: 0, ..instant })),
        Wire::MicroTime => instant(writer, number, time::parse_micro(text()).ok()),
        Wire::Quantity => {
            let zero = match value {
                Value::Number(number) => number.to_string(),
                _ => "0".into(),
            };
            writer.message(number, |writer| writer.bytes(1, value.as_str().unwrap_or(&zero).as_bytes()));
        }
        Wire::IntOrString => writer.message(number, |writer| {
            writer.bytes(3, text().as_bytes());
            writer.varint(2, value.as_i64().unwrap_or(0) as u64);
            writer.varint(1, u64::from(value.is_string()));
        }),
        Wire::RawJson | Wire::RawExtension | Wire::FieldsV1 => writer.message(number, |writer| {
            if let Value::Raw(text) = value {
                writer.bytes(1, text.as_bytes());
            } else if !value.is_null() {
                writer.bytes(1, value.to_string().as_bytes());
            }
        }),
        Wire::StringListMessage => writer.message(number, |writer| strings(writer, 1, value)),
        Wire::SchemaOrArray | Wire::SchemaOrBool | Wire::SchemaOrStringArray => {
            writer.message(number, |writer| schema_or(writer, wire, value));
        }
        Wire::ByShape => match &schema.shape {
            Shape::Object(object) => writer.message(number, |writer| message(writer, object, members(value), &[])),
            _ => writer.bytes(number, text().as_bytes()),
        },
    }
}

fn instant(writer: &mut Writer, number: u32, instant: Option<Instant>) {
    writer.message(number, |writer| {
        if let Some(instant) = instant.filter(|instant| !instant.is_zero()) {
            writer.varint(2, u64::from(instant.nanos));
            writer.varint(1, instant.seconds as u64);
        }
    });
}

/// The unions of CRD schemas: a schema, or something simpler.
fn schema_or(writer: &mut Writer, wire: Wire, value: &Value) {
    let schema_number = if wire == Wire::SchemaOrBool { 2 } else { 1 };
    match (wire, value) {
        (_, Value::Object(_)) => schema_props(writer, schema_number, value),
        (Wire::SchemaOrArray, Value::Array(items)) => {
            for item in items.iter().rev() {
                schema_props(writer, 2, item);
            }
        }
        (Wire::SchemaOrStringArray, value) => strings(writer, 2, value),
        _ => {}
    }
    if wire == Wire::SchemaOrBool {
        // A schema allows, whatever it says of what.
        writer.varint(1, u64::from(value.is_object() || value.as_bool().unwrap_or(false)));
    }
}

fn schema_props(writer: &mut Writer, number: u32, value: &Value) {
    element(writer, number, Wire::ByShape, builtin::schema(super::JSON_SCHEMA_PROPS), value);
}

fn strings(writer: &mut Writer, number: u32, value: &Value) {
    for item in value.as_array().into_iter().flatten().rev() {
        writer.bytes(number, item.as_str().unwrap_or("").as_bytes());
    }
}

fn members(value: &Value) -> &Map {
    static NONE: LazyLock<Map> = LazyLock::new(Map::new);
    value.as_object().unwrap_or_else(|| &NONE)
}
