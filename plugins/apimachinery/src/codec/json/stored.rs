//! Reads what is stored: it was checked when it was written, and is brought to the form that a
//! client's object has. What belongs to somebody else stays text.

use crate::schema::{Schema, foreign};
use crate::tree::{Map, Reader, Unreadable, Value};

/// A stored object of the type.
///
/// # Errors
/// If the bytes are no JSON.
pub fn decode_stored(bytes: &[u8], schema: &Schema) -> Result<Value, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
    let mut reader = Reader::stored(text);
    let schema = foreign::is_within(schema).then_some(schema);
    let object = members(&mut reader, |reader, name| match (name, schema) {
        ("metadata", _) => metadata(reader),
        (name, Some(schema)) => member(reader, schema, name),
        _ => reader.value(),
    })?;
    reader.end()?;
    Ok(object)
}

/// A value where somebody else's may be, at any depth.
fn value(reader: &mut Reader<'_>, schema: &Schema) -> Result<Value, Unreadable> {
    match (reader.peek()?, schema.items()) {
        (b'{', _) => members(reader, |reader, name| member(reader, schema, name)),
        (b'[', Some(of)) => items(reader, |reader| value(reader, of)),
        _ => reader.value(),
    }
}

fn member(reader: &mut Reader<'_>, schema: &Schema, name: &str) -> Result<Value, Unreadable> {
    match schema.field(name) {
        Some(field) if field.is_foreign() => reader.raw(),
        Some(field) if foreign::is_within(&field.schema) => value(reader, &field.schema),
        _ => reader.value(),
    }
}

/// Who owns which fields, which objects of every type tell.
fn metadata(reader: &mut Reader<'_>) -> Result<Value, Unreadable> {
    members(reader, |reader, name| match name {
        "managedFields" => items(reader, |reader| {
            members(reader, |reader, name| if name == "fieldsV1" { reader.raw() } else { reader.value() })
        }),
        _ => reader.value(),
    })
}

/// An object, or what is there in its place.
fn members<'t>(
    reader: &mut Reader<'t>,
    mut read: impl FnMut(&mut Reader<'t>, &str) -> Result<Value, Unreadable>,
) -> Result<Value, Unreadable> {
    if reader.peek()? != b'{' {
        return reader.value();
    }
    let mut members = Map::new();
    reader.members(|reader, name| {
        let value = read(reader, &name)?;
        members.set(name, value);
        Ok::<(), Unreadable>(())
    })?;
    Ok(members.into())
}

/// A list, or what is there in its place.
fn items<'t>(
    reader: &mut Reader<'t>,
    mut read: impl FnMut(&mut Reader<'t>) -> Result<Value, Unreadable>,
) -> Result<Value, Unreadable> {
    if reader.peek()? != b'[' {
        return reader.value();
    }
    let mut items = Vec::new();
    reader.items(|reader, _| {
        items.push(read(reader)?);
        Ok::<(), Unreadable>(())
    })?;
    Ok(Value::Array(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;

    #[test]
    fn what_belongs_to_somebody_else_is_left_as_it_is_stored() {
        for (kind, stored, texts) in [
            (
                "apps.v1.ControllerRevision",
                r#"{"metadata":{"name":"a"},"data":{"b":1.0,"b":1e2,"a":12345678901234567890}}"#,
                1,
            ),
            (
                "resource.v1.DeviceClass",
                r#"{"spec":{"config":[{"opaque":{"driver":"d","parameters":{"b":1.0,"a":1}}},{}],"selectors":[{"cel":{}}]}}"#,
                1,
            ),
            (
                "core.v1.Pod",
                r#"{"metadata":{"managedFields":[{"manager":"m","fieldsV1":{"f:spec":{"f:x":{}}}},{"fieldsV1":null},1]},"spec":{"x":[{}]}}"#,
                1,
            ),
            ("core.v1.Pod", r#"{"metadata":null,"spec":{"fieldsV1":{"a":1}}}"#, 0),
            ("core.v1.Pod", r#"{"metadata":{"managedFields":{"fieldsV1":{"a":1}}}}"#, 0),
        ] {
            let value = decode_stored(stored.as_bytes(), builtin::schema(&format!("io.k8s.api.{kind}"))).unwrap();
            assert_eq!(value.to_string(), stored);
            assert_eq!(count(&value), texts, "{stored}");
        }
        for text in ["", "{", r#"{"metadata":{"managedFields":[{"fieldsV1":{]}]}}"#, "{} {}"] {
            assert!(decode_stored(text.as_bytes(), builtin::schema("io.k8s.api.core.v1.Pod")).is_err(), "{text}");
        }
    }

    fn count(value: &Value) -> usize {
        match value {
            Value::Raw(_) => 1,
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            _ => 0,
        }
    }
}
