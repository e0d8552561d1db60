//! Whether a tree can be made a value of upstream's structs by its converter, which strategic
//! merge patches use in place of the decoder, and in whose words they are refused.

use crate::codec::{base64, json, quantity, time};
use crate::schema::validate::text::float_text;
use crate::schema::{Object, Scalar, Schema, Shape, Wire};
use crate::tree::{Map, Value};

/// Finds the first value that upstream's struct cannot hold. A number that is too large for its field
/// becomes what the converter makes of it, which looks at its lower half alone.
///
/// # Errors
/// The converter's words for it: `cannot restore map from string`.
pub fn restore(schema: &Schema, value: &mut Value) -> Result<(), String> {
    visit(schema, Wire::ByShape, "", value)
}

/// `go` is the value's Go type where the schema does not imply it.
fn visit(schema: &Schema, wire: Wire, go: &str, value: &mut Value) -> Result<(), String> {
    match (&schema.shape, value) {
        (_, Value::Null) | (Shape::Any, _) => Ok(()),
        (Shape::Object(object), Value::Object(members)) => visit_members(object, wire, members),
        (Shape::Object(Object { values: None, name: Some(_), .. }), other) => {
            Err(format!("cannot restore struct from: {}", kind(other)))
        }
        (Shape::Object(_), other) => Err(format!("cannot restore map from {}", kind(other))),
        (Shape::List(list), Value::Array(items)) => {
            items.iter_mut().try_for_each(|item| visit(&list.items, wire, "", item))
        }
        (Shape::List(_), other) => Err(format!("cannot restore slice from {}", kind(other))),
        (Shape::Scalar(scalar), value) => {
            visit_scalar(*scalar, wire, go, value)?;
            if matches!(scalar, Scalar::Integer | Scalar::IntOrString) {
                make_whole(value);
            }
            if *scalar == Scalar::Integer && wire == Wire::Int32 {
                wrap(value);
            }
            Ok(())
        }
    }
}

fn visit_members(object: &Object, wire: Wire, members: &mut Map) -> Result<(), String> {
    if let Some(values) = &object.values {
        return members.values_mut().try_for_each(|value| visit(values, wire, "", value));
    }
    // In the order of the struct, not of the tree.
    for field in &object.fields {
        if let Some(value) = members.get_mut(&field.name) {
            visit(&field.schema, field.wire, field.native.go.trim_start_matches('*'), value)?;
        }
    }
    Ok(())
}

fn visit_scalar(scalar: Scalar, wire: Wire, go: &str, value: &Value) -> Result<(), String> {
    let decoded =
        |wanted: &str| Err(format!("json: cannot unmarshal {} into Go value of type {wanted}", json::kind(value)));
    match (scalar, value) {
        (Scalar::Quantity, Value::String(text)) => quantity::check(text),
        (Scalar::Quantity, value) => quantity::check(&value.to_string()),
        (Scalar::IntOrString, Value::String(_)) => Ok(()),
        (Scalar::IntOrString, Value::Number(number)) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&whole) => {
                Ok(())
            }
            Some(other) if number.is_f64() => {
                Err(format!("json: cannot unmarshal number {} into Go value of type int32", float_text(other)))
            }
            _ => Err(format!("json: cannot unmarshal number {number} into Go value of type int32")),
        },
        (Scalar::IntOrString, _) => decoded("int32"),
        (Scalar::String, Value::String(text)) if wire == Wire::Time => time::parse(text).map(drop),
        (Scalar::String, Value::String(text)) if wire == Wire::MicroTime => time::parse_micro(text).map(drop),
        (Scalar::String, _) if matches!(wire, Wire::Time | Wire::MicroTime) => decoded("string"),
        (Scalar::Bytes, Value::String(text)) => match base64::decode(text) {
            Ok(_) => Ok(()),
            Err(why) => Err(format!("error decoding from json: {why}")),
        },
        (Scalar::Bytes, value) => Err(format!("cannot restore slice from {}", kind(value))),
        (Scalar::String, Value::String(_)) | (Scalar::Boolean, Value::Bool(_)) | (Scalar::Number, Value::Number(_)) => {
            Ok(())
        }
        (Scalar::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
        (Scalar::Integer, Value::Number(number)) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {
            Ok(())
        }
        // Go can make a string of a number, and a number of another, though not as JSON has them.
        (Scalar::String, Value::Number(number)) if number.is_f64() => Err("unrecognized type: string".to_string()),
        (Scalar::String | Scalar::Integer, Value::Number(_)) => {
            let wanted = if go.is_empty() { simple(scalar, wire) } else { go };
            Err(format!("cannot convert {} to {wanted}", kind(value)))
        }
        (scalar, _) => Err(format!("unrecognized type: {}", simple(scalar, wire))),
    }
}

/// Makes a number without a fraction an integer, as Go's conversion does: of what is too large, the least.
fn make_whole(value: &mut Value) {
    let Value::Number(number) = &*value else { return };
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return };
    // What is too small is the least in any case.
    #[expect(clippy::cast_possible_truncation, reason = "what is too large has been found")]
    let whole = if float < 9_223_372_036_854_775_808.0 { float as i64 } else { i64::MIN };
    *value = whole.into();
}

/// Makes a number one of 32 bits, as Go's conversion does.
fn wrap(value: &mut Value) {
    let Some(number) = value.as_i64().filter(|number| i32::try_from(*number).is_err()) else { return };
    let [a, b, c, d, ..] = number.to_le_bytes();
    *value = i32::from_le_bytes([a, b, c, d]).into();
}

/// The Go kind of a scalar.
fn simple(scalar: Scalar, wire: Wire) -> &'static str {
    match scalar {
        Scalar::Boolean => "bool",
        Scalar::Integer if wire == Wire::Int32 => "int32",
        Scalar::Integer => "int64",
        Scalar::Number => "float64",
        _ => "string",
    }
}

/// The Go kind of a value of a tree.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        Value::Raw(_) => kind(&value.opened()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn what_cannot_be_restored_is_worded_as_the_converter_words_it() {
        for (kind, value, expected) in [
            ("ConfigMap", json!({"metadata": {"labels": "x"}}), "cannot restore map from string"),
            ("ConfigMap", json!({"metadata": "x"}), "cannot restore struct from: string"),
            ("ConfigMap", json!({"data": []}), "cannot restore map from slice"),
            ("ConfigMap", json!({"data": {"a": 5}}), "cannot convert int64 to string"),
            ("ConfigMap", json!({"data": {"a": 1.5}}), "unrecognized type: string"),
            ("ConfigMap", json!({"data": {"a": true}}), "unrecognized type: string"),
            ("ConfigMap", json!({"immutable": "x"}), "unrecognized type: bool"),
            (
                "ConfigMap",
                json!({"binaryData": {"a": "!"}}),
                "error decoding from json: illegal base64 data at input byte 0",
            ),
            ("Pod", json!({"spec": {"containers": {}}}), "cannot restore slice from map"),
            ("Pod", json!({"spec": {"priority": "x"}}), "unrecognized type: int32"),
            ("Pod", json!({"spec": {"priority": 1.5}}), "cannot convert float64 to int32"),
            ("Pod", json!({"spec": {"restartPolicy": 1}}), "cannot convert int64 to v1.RestartPolicy"),
        ] {
            let schema = builtin::schema(&format!("io.k8s.api.core.v1.{kind}"));
            assert_eq!(restore(schema, &mut value.clone()).unwrap_err(), expected, "{value}");
        }
    }

    #[test]
    fn numbers_become_those_of_their_fields() {
        for (priority, expected) in [
            (json!(1.0), json!(1)),
            (json!(3e9), json!(-1_294_967_296)),
            (json!(1e20), json!(0)),
            (json!(2_147_483_648_i64), json!(i32::MIN)),
        ] {
            let mut pod = json!({"spec": {"priority": priority}});
            assert_eq!(restore(builtin::schema("io.k8s.api.core.v1.Pod"), &mut pod), Ok(()));
            assert_eq!(pod["spec"]["priority"], expected);
        }
    }
}
