//! Reads messages into trees, in the form that upstream would write them as JSON.

use super::wire::{Raw, Reader};
use crate::codec::time::Instant;
use crate::codec::{base64, json, quantity, time};
use crate::schema::{Field, Object, Scalar, Schema, Shape, Wire, builtin};
use crate::tree::{Map, Value};

/// Reads the message of a struct.
///
/// # Errors
/// What is wrong with the bytes.
pub fn decode_message(schema: &Schema, bytes: &[u8]) -> Result<Value, String> {
    let mut members = Map::new();
    message_into(schema, bytes, 0, &mut members)?;
    Ok(Value::Object(members))
}

pub(super) fn message_into(schema: &Schema, bytes: &[u8], depth: usize, members: &mut Map) -> Result<(), String> {
    let mut reader = Reader::new(bytes, depth)?;
    match &schema.shape {
        Shape::Object(object) => Place { object, depth, within: &[] }.read(&mut reader, members),
        _ => Err("only structs are messages of their own".into()),
    }
}

/// A message of a struct, or of one that it embeds.
#[derive(Clone, Copy)]
struct Place<'a> {
    object: &'a Object,
    depth: usize,
    /// The embedded messages that lead here.
    within: &'a [u32],
}

impl Place<'_> {
    fn read(self, reader: &mut Reader<'_>, members: &mut Map) -> Result<(), String> {
        let mut last = 0;
        while let Some((number, raw)) = reader.field()? {
            // Unknown fields are skipped: a newer client may send them.
            let Some(at) = self.find(number, last) else { continue };
            let field = &self.object.fields[at];
            last = at;
            let inside = &field.native.within[self.within.len()..];
            match (inside.is_empty(), raw) {
                (true, raw) => self.read_field(field, raw, members)?,
                (false, Raw::Bytes(bytes)) => {
                    let within = &field.native.within[..=self.within.len()];
                    let embedded = Place { within, depth: self.depth + 1, ..self };
                    embedded.read(&mut Reader::new(bytes, embedded.depth)?, members)?;
                }
                (false, raw) => return Err(wrong(raw, field)),
            }
        }
        Ok(())
    }

    /// The field with this number, or one of an embedded message with it. Writers keep the
    /// table's order, so it is most often the one that was found last or soon after it.
    fn find(&self, number: u32, last: usize) -> Option<usize> {
        let fields = &self.object.fields;
        let is_it = |&at: &usize| {
            let within = fields[at].native.within;
            within.starts_with(self.within) && *within.get(self.within.len()).unwrap_or(&fields[at].number) == number
        };
        (last..fields.len()).chain(0..last).find(is_it)
    }

    fn read_field(self, field: &Field, raw: Raw<'_>, members: &mut Map) -> Result<(), String> {
        match &field.schema.shape {
            Shape::List(list) if field.wire != Wire::StringListMessage => {
                let Value::Array(items) = members.entry(&*field.name).or_insert_with(|| Value::Array(Vec::new()))
                else {
                    return Ok(());
                };
                // Numbers may come packed, all in one.
                if let (Raw::Bytes(bytes), Wire::Int32 | Wire::Int64 | Wire::Bool | Wire::Double) = (raw, field.wire) {
                    let mut packed = Reader::new(bytes, self.depth)?;
                    while !packed.is_empty() {
                        let raw = match field.wire {
                            Wire::Double => {
                                let bytes = packed.take(8)?.try_into().map_err(|_| super::wire::EOF)?;
                                Raw::Fixed64(u64::from_le_bytes(bytes))
                            }
                            _ => Raw::Varint(packed.varint()?),
                        };
                        items.push(self.value(field, &list.items, raw, None)?);
                    }
                    return Ok(());
                }
                items.push(self.value(field, &list.items, raw, None)?);
                Ok(())
            }
            Shape::Object(Object { values: Some(values), .. }) => {
                let (key, value) = self.entry(field, values, raw)?;
                if let Value::Object(map) = members.entry(&*field.name).or_insert_with(|| Map::new().into()) {
                    map.insert(key, value);
                }
                Ok(())
            }
            _ => {
                let before = members.remove(&field.name);
                let value = self.value(field, &field.schema, raw, before)?;
                if keeps(field, &value) {
                    members.insert(field.name.to_string(), value);
                }
                Ok(())
            }
        }
    }

    /// A map's entry: a message with key and value.
    fn entry(self, field: &Field, values: &Schema, raw: Raw<'_>) -> Result<(String, Value), String> {
        let Raw::Bytes(bytes) = raw else { return Err(wrong(raw, field)) };
        let (mut key, mut value) = (String::new(), None);
        let mut reader = Reader::new(bytes, self.depth + 1)?;
        while let Some((number, raw)) = reader.field()? {
            match (number, raw) {
                (1, Raw::Bytes(text)) => key = lossy(text),
                (2, raw) => value = Some(self.value(field, values, raw, None)?),
                _ => {}
            }
        }
        let value = match value {
            Some(value) => value,
            None if field.wire == Wire::ByShape && matches!(values.shape, Shape::Scalar(_)) => "".into(),
            None => self.value(field, values, Raw::Bytes(&[]), None)?,
        };
        Ok((key, value))
    }

    /// One value. `before` is what an earlier part of the same field has left: messages in
    /// parts are merged.
    fn value(self, field: &Field, schema: &Schema, raw: Raw<'_>, before: Option<Value>) -> Result<Value, String> {
        let bytes = match (field.wire, raw) {
            (Wire::Int32, Raw::Varint(value)) => return Ok((value as i32).into()),
            (Wire::Int64, Raw::Varint(value)) => return Ok((value as i64).into()),
            (Wire::Bool, Raw::Varint(value)) => return Ok((value != 0).into()),
            (Wire::Double, Raw::Fixed64(bits)) => return Ok(number(f64::from_bits(bits))),
            (Wire::Int32 | Wire::Int64 | Wire::Bool | Wire::Double, raw) => return Err(wrong(raw, field)),
            (_, Raw::Bytes(bytes)) => bytes,
            (_, raw) => return Err(wrong(raw, field)),
        };
        let depth = self.depth + 1;
        match field.wire {
            Wire::Bytes => Ok(base64::encode(bytes).into()),
            Wire::Time => Ok(instant(bytes)?.map_or(Value::Null, |instant| time::format(instant).into())),
            Wire::MicroTime => Ok(instant(bytes)?.map_or(Value::Null, |instant| time::format_micro(instant).into())),
            Wire::Quantity => {
                let text = bytes_of(bytes, 1)?.map(lossy);
                Ok(quantity::canonical(text.as_deref().unwrap_or("0"))?.into())
            }
            Wire::IntOrString => int_or_string(bytes),
            Wire::RawJson | Wire::RawExtension | Wire::FieldsV1 => match bytes_of(bytes, 1)? {
                None | Some([]) => Ok(Value::Null),
                Some(raw) if raw.starts_with(b"k8s\0") => super::decode_at(raw, depth),
                Some(raw) if field.is_foreign() => json::decode_raw(raw),
                Some(raw) => json::decode(raw).map(|decoded| decoded.value),
            },
            // An empty message is a list that is not there.
            Wire::StringListMessage if bytes.is_empty() => Ok(Value::Null),
            Wire::StringListMessage => Ok(repeated(bytes, 1)?.into_iter().map(lossy).collect()),
            Wire::SchemaOrArray | Wire::SchemaOrBool | Wire::SchemaOrStringArray => schema_or(field.wire, bytes, depth),
            _ => match &schema.shape {
                Shape::Object(object) => {
                    let mut members = match before {
                        Some(Value::Object(members)) => members,
                        _ => Map::new(),
                    };
                    let place = Place { object, depth, within: &[] };
                    place.read(&mut Reader::new(bytes, depth)?, &mut members)?;
                    Ok(Value::Object(members))
                }
                Shape::Scalar(Scalar::String) => Ok(lossy(bytes).into()),
                _ => Err(wrong(raw, field)),
            },
        }
    }
}

/// Whether upstream would write the value: zeros are on the wire whether they were set or not.
fn keeps(field: &Field, value: &Value) -> bool {
    let is_scalar = matches!(
        field.schema.shape,
        Shape::Scalar(Scalar::String | Scalar::Integer | Scalar::Number | Scalar::Boolean | Scalar::Bytes)
    );
    match value {
        _ if field.when_unset.is_some() || field.native.keeps_zero() => true,
        Value::Null => false,
        Value::Bool(value) => *value || !is_scalar,
        Value::Number(number) => number.as_f64() != Some(0.0) || !is_scalar,
        Value::String(text) => !text.is_empty() || !is_scalar,
        _ => true,
    }
}

/// None for the zero time, which is an empty message.
fn instant(bytes: &[u8]) -> Result<Option<Instant>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut instant = Instant { seconds: 0, nanos: 0 };
    let mut reader = Reader::new(bytes, 0)?;
    while let Some((number, raw)) = reader.field()? {
        match (number, raw) {
            (1, Raw::Varint(seconds)) => instant.seconds = seconds as i64,
            (2, Raw::Varint(nanos)) => instant.nanos = u32::try_from(nanos).unwrap_or(0) % 1_000_000_000,
            _ => {}
        }
    }
    match instant.is_writable() {
        true => Ok(Some(instant).filter(|instant| !instant.is_zero())),
        false => Err(format!("a time of {} seconds has no year of four digits", instant.seconds)),
    }
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_string, mut number, mut text) = (false, 0, String::new());
    let mut reader = Reader::new(bytes, 0)?;
    while let Some((field, raw)) = reader.field()? {
        match (field, raw) {
            (1, Raw::Varint(kind)) => is_string = kind == 1,
            (2, Raw::Varint(value)) => number = value as i32,
            (3, Raw::Bytes(bytes)) => text = lossy(bytes),
            _ => {}
        }
    }
    Ok(if is_string { text.into() } else { number.into() })
}

/// The unions of CRD schemas: a schema, or something simpler.
fn schema_or(wire: Wire, bytes: &[u8], depth: usize) -> Result<Value, String> {
    let (schema_number, other) = if wire == Wire::SchemaOrBool { (2, 1) } else { (1, 2) };
    if let Some(bytes) = bytes_of(bytes, schema_number)? {
        return schema_props(bytes, depth);
    }
    match wire {
        Wire::SchemaOrBool => {
            let mut allows = false;
            let mut reader = Reader::new(bytes, 0)?;
            while let Some((number, raw)) = reader.field()? {
                if let (true, Raw::Varint(value)) = (number == other, raw) {
                    allows = value != 0;
                }
            }
            Ok(allows.into())
        }
        Wire::SchemaOrArray => repeated(bytes, other)?.into_iter().map(|bytes| schema_props(bytes, depth)).collect(),
        _ => Ok(repeated(bytes, other)?.into_iter().map(lossy).collect()),
    }
}

fn schema_props(bytes: &[u8], depth: usize) -> Result<Value, String> {
    let Shape::Object(object) = &builtin::schema(super::JSON_SCHEMA_PROPS).shape else { return Ok(Value::Null) };
    let mut members = Map::new();
    Place { object, depth, within: &[] }.read(&mut Reader::new(bytes, depth)?, &mut members)?;
    Ok(Value::Object(members))
}

/// The last value of a message's field of bytes.
fn bytes_of(message: &[u8], number: u32) -> Result<Option<&[u8]>, String> {
    Ok(repeated(message, number)?.pop())
}

fn repeated(message: &[u8], number: u32) -> Result<Vec<&[u8]>, String> {
    let mut found = Vec::new();
    let mut reader = Reader::new(message, 0)?;
    while let Some(field) = reader.field()? {
        if let (n, Raw::Bytes(bytes)) = field
            && n == number
        {
            found.push(bytes);
        }
    }
    Ok(found)
}

/// As JSON has it, where a whole number does not tell that it may be another.
fn number(value: f64) -> Value {
    const WHOLE_MAX: f64 = 1e15;
    match value.fract() == 0.0 && value.abs() < WHOLE_MAX {
        true => (value as i64).into(),
        false => value.into(),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wrong(raw: Raw<'_>, field: &Field) -> String {
    let kind = match raw {
        Raw::Varint(_) => 0,
        Raw::Fixed64(_) => 1,
        Raw::Bytes(_) => 2,
        Raw::Group => 3,
        Raw::Fixed32 => 5,
    };
    // Go's names of fields begin in upper case.
    let mut name = field.name.to_string();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("proto: wrong wireType = {kind} for field {name}")
}
