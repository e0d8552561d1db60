//! What a tree holds that its writer did not write: declared defaults, the fields that upstream
//! writes even when they are unset, and the reverse, fields that upstream does not keep.

use std::borrow::Cow;

use super::{Field, Object, Scalar, Schema, Shape, Wire};
use crate::codec::{base64, quantity, time};
use crate::tree::{Map, Value};

/// Brings a decoded built-in object into the form that it has after upstream has read it into
/// its structs and written it again: nulls and zeros of optional fields are gone, times and
/// quantities are in their canonical form, and what belongs to somebody else is text.
///
/// Answers whether all values have the types of their fields, as far as this look tells: what has
/// not is left as it is, and [`super::check::types`] says what is wrong with it.
pub fn normalize(schema: &Schema, value: &mut Value) -> bool {
    normalize_place(schema, Wire::ByShape, value, Empty::Dropped)
}

/// The same, but for lists and maps that are empty: see [`super::empties`].
pub fn normalize_keeping_empty(schema: &Schema, value: &mut Value) -> bool {
    normalize_place(schema, Wire::ByShape, value, Empty::Kept)
}

/// What becomes of lists and maps that are empty.
#[derive(Clone, Copy, PartialEq)]
enum Empty {
    Kept,
    Dropped,
}

/// Sets what is absent and has a declared default. A null is a value if the schema says so;
/// else it is replaced by the default, if there is one.
pub fn apply(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) => {
            for field in object.fields.defaulted() {
                let Some(default) = field.schema.default.as_ref() else { continue };
                // A built-in's zero is what the field has anyway, unless it is a pointer.
                if field.number != 0 && is_zero(default) && !field.native.keeps_zero() {
                    continue;
                }
                match members.get(&field.name) {
                    None => {}
                    Some(Value::Null) if !field.schema.nullable => {}
                    Some(_) => continue,
                }
                members.insert(&*field.name, default.clone());
            }
            for (name, value) in members.iter_mut().filter(|(_, value)| value.is_object() || value.is_array()) {
                if let Some(member) = schema.member(name) {
                    apply(member, value);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                apply(&list.items, item);
            }
        }
        _ => {}
    }
}

/// Removes nulls of custom resources that are no value by the schema, and for which there is
/// no default.
pub fn drop_nulls(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(members) => members.retain(|name, value| {
            let Some(member) = schema.member(name) else { return true };
            drop_nulls(member, value);
            !value.is_null() || member.nullable || member.default.is_some()
        }),
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                items.iter_mut().for_each(|item| drop_nulls(schema, item));
            }
        }
        _ => {}
    }
}

/// Writes the fields of built-in types that upstream writes even when they are unset.
pub fn write_unset(schema: &Schema, value: &mut Value) {
    unset(schema, value, false);
}

/// The same for what is stored, which does not tell an empty list from none.
pub fn write_stored(schema: &Schema, value: &mut Value) {
    unset(schema, value, true);
}

fn unset(schema: &Schema, value: &mut Value, stored: bool) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) => {
            for field in object.fields.written_unset() {
                let Some(unset) = &field.when_unset else { continue };
                let is_set = match members.get(&field.name) {
                    Some(Value::Array(items)) => !(stored && items.is_empty()),
                    Some(Value::Object(of)) if is_map(&field.schema) => !(stored && of.is_empty()),
                    found => found.is_some(),
                };
                if !is_set {
                    members.insert(&*field.name, unset.clone());
                }
            }
            for (name, value) in members.iter_mut().filter(|(_, value)| value.is_object() || value.is_array()) {
                if let Some(member) = schema.member(name) {
                    self::unset(member, value, stored);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for item in items {
                unset(&list.items, item, stored);
            }
        }
        _ => {}
    }
}

fn normalize_place(schema: &Schema, wire: Wire, value: &mut Value, empty: Empty) -> bool {
    // In one look at each value: objects are many small ones.
    match (&schema.shape, value) {
        (_, Value::Null) => true,
        (Shape::Any, value) => {
            if matches!(wire, Wire::RawExtension | Wire::FieldsV1) {
                value.close();
            }
            true
        }
        (Shape::Object(object), Value::Object(members)) => match &object.values {
            Some(values) => normalize_elements(values, wire, members.values_mut(), empty),
            None => normalize_struct(object, members, empty),
        },
        (Shape::List(list), Value::Array(items)) => normalize_elements(&list.items, wire, items.iter_mut(), empty),
        (Shape::Scalar(scalar), value) => normalize_scalar(*scalar, wire, value),
        _ => false,
    }
}

fn normalize_struct(object: &Object, members: &mut Map, empty: Empty) -> bool {
    let mut all_fit = true;
    members.retain(|name, value| {
        let Some(field) = object.fields.get(name) else { return true };
        let fits = normalize_place(&field.schema, field.wire, value, empty);
        if field.native.go == RESOURCES && object.name.is_some_and(|name| name.starts_with(CORE)) {
            value.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(round_up);
        }
        all_fit &= fits;
        let kept = field.when_unset.is_some() || field.native.keeps_zero() || !is_left_out(field, value, empty);
        !fits || kept && !value.is_null()
    });
    all_fit
}

/// Upstream counts what is asked for, and there is, of a resource in thousandths.
const RESOURCES: &str = "v1.ResourceList";

/// The types that upstream does so for.
const CORE: &str = "io.k8s.api.core.";

fn round_up(amount: &mut Value) {
    // Nearly all are seen to be round: what is less than a thousandth is written in one of these ways.
    let Some(text) = amount.as_str().filter(|text| text.contains(['n', 'u', 'e'])) else { return };
    if let Ok(rounded) = quantity::Quantity::parse(text).map(|amount| amount.in_thousandths().to_string())
        && rounded != text
    {
        *amount = rounded.into();
    }
}

fn normalize_elements<'v>(
    schema: &Schema,
    wire: Wire,
    elements: impl Iterator<Item = &'v mut Value>,
    empty: Empty,
) -> bool {
    let mut all_fit = true;
    for element in elements {
        all_fit &= normalize_element(schema, wire, element, empty);
    }
    all_fit
}

/// A value that is there.
fn normalize_scalar(scalar: Scalar, wire: Wire, value: &mut Value) -> bool {
    match (scalar, value) {
        (Scalar::String, value) if wire == Wire::Time => normalize_time(value, time::parse, time::format),
        (Scalar::String, value) if wire == Wire::MicroTime => {
            normalize_time(value, time::parse_micro, time::format_micro)
        }
        (Scalar::String | Scalar::IntOrString, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_))
        | (Scalar::Number, Value::Number(_)) => true,
        (Scalar::Number | Scalar::Integer | Scalar::IntOrString, value @ Value::Raw(_)) => {
            normalize_number(scalar, value)
        }
        (Scalar::Integer, Value::Number(number)) if wire != Wire::Int32 => number.is_i64(),
        (Scalar::Integer | Scalar::IntOrString, Value::Number(number)) => {
            number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        (Scalar::Bytes, value) => normalize_bytes(value),
        (Scalar::Quantity, value) => normalize_quantity(value),
        _ => false,
    }
}

/// A number that was not written as a tree writes it. None of them is an integer but `-0`.
fn normalize_number(scalar: Scalar, value: &mut Value) -> bool {
    let number = value.opened().into_owned();
    let fits = number.is_number() && (scalar == Scalar::Number || number.is_i64());
    if fits {
        *value = number;
    }
    fits
}

/// Bytes are a text, or a list of them.
fn normalize_bytes(value: &mut Value) -> bool {
    let bytes = match value {
        Value::String(text) => base64::decode(text).ok(),
        Value::Array(items) => {
            let byte = |item: &Value| if item.is_null() { Some(0) } else { u8::try_from(item.as_u64()?).ok() };
            items.iter().map(byte).collect()
        }
        _ => None,
    };
    let Some(bytes) = bytes else { return false };
    let canonical = base64::encode(&bytes);
    if value.as_str() != Some(canonical.as_str()) {
        *value = canonical.into();
    }
    true
}

fn normalize_quantity(value: &mut Value) -> bool {
    let canonical = match value {
        Value::String(text) => match quantity::canonical(text) {
            // Nearly always it is written so already.
            Ok(Cow::Borrowed(canonical)) if canonical.len() == text.len() => return true,
            canonical => canonical.map(Value::from),
        },
        // As upstream writes it: without an exponent, if it is not very large.
        Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|float| float.abs() < 1e21) => {
            quantity::canonical(&number.as_f64().unwrap_or_default().to_string()).map(|text| text.to_string().into())
        }
        Value::Number(number) => quantity::canonical(&number.to_string()).map(Value::from),
        Value::Raw(text) => quantity::canonical(text).map(Value::from),
        _ => return false,
    };
    let Ok(canonical) = canonical else { return false };
    *value = canonical;
    true
}

/// An item of a list or a value of a map: null is its zero there, for it cannot be absent.
fn normalize_element(schema: &Schema, wire: Wire, value: &mut Value, empty: Empty) -> bool {
    if value.is_null() {
        *value = match &schema.shape {
            Shape::Object(object) if object.values.is_none() => Value::Object(Map::new()),
            Shape::Scalar(_) if matches!(wire, Wire::Time | Wire::MicroTime) => return true,
            Shape::Scalar(Scalar::String | Scalar::Bytes) => "".into(),
            Shape::Scalar(Scalar::Integer | Scalar::Number | Scalar::IntOrString) => 0.into(),
            Shape::Scalar(Scalar::Boolean) => false.into(),
            Shape::Scalar(Scalar::Quantity) => "0".into(),
            _ => return true,
        };
        // A zero that is written out may not fit, which null does.
        normalize_place(schema, wire, value, empty);
        return true;
    }
    normalize_place(schema, wire, value, empty)
}

fn normalize_time(
    value: &mut Value,
    parse: fn(&str) -> Result<time::Instant, String>,
    format: fn(time::Instant) -> String,
) -> bool {
    let Value::String(text) = value else { return false };
    let Ok(instant) = parse(text) else { return false };
    *value = if instant.is_zero() { Value::Null } else { format(instant).into() };
    true
}

/// Whether Go's `omitempty` leaves the value out.
fn is_left_out(field: &Field, value: &Value, empty: Empty) -> bool {
    match &field.schema.shape {
        // A struct is never empty to Go, and a pointer to one only if it is nil.
        Shape::Object(_) | Shape::List(_) if empty == Empty::Kept => false,
        Shape::Object(_) => is_map(&field.schema) && value.as_object().is_some_and(Map::is_empty),
        Shape::List(_) => value.as_array().is_some_and(Vec::is_empty),
        Shape::Scalar(Scalar::IntOrString | Scalar::Quantity) | Shape::Any => false,
        Shape::Scalar(_) => is_zero(value),
    }
}

fn is_map(schema: &Schema) -> bool {
    matches!(&schema.shape, Shape::Object(object) if object.values.is_some())
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Raw(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn objects_take_the_form_that_upstreams_structs_give_them() {
        for (name, written, kept) in [
            ("core.v1.ConfigMap", json!({"data": {}, "immutable": false}), json!({"immutable": false})),
            (
                "core.v1.ConfigMap",
                json!({"data": null, "metadata": {"name": "a", "finalizers": [], "labels": null}}),
                { json!({"metadata": {"name": "a"}}) },
            ),
            ("core.v1.ConfigMap", json!({"data": {"a": null}}), json!({"data": {"a": ""}})),
            (
                "apps.v1.DeploymentSpec",
                json!({"replicas": 0, "minReadySeconds": 0, "paused": false}),
                json!({"replicas": 0}),
            ),
            ("core.v1.ResourceQuotaSpec", json!({"hard": {"pods": "1n"}}), json!({"hard": {"pods": "1m"}})),
            ("node.v1.Overhead", json!({"podFixed": {"cpu": "1n"}}), json!({"podFixed": {"cpu": "1n"}})),
            ("core.v1.ResourceQuotaSpec", json!({"hard": {"pods": 1e20}}), json!({"hard": {"pods": "100E"}})),
            ("core.v1.Secret", json!({"data": {"a": "YQ==\n", "b": [98, null]}}), {
                json!({"data": {"a": "YQ==", "b": "YgA="}})
            }),
            ("rbac.v1.Role", json!({"rules": []}), json!({"rules": []})),
            ("core.v1.Container", json!({"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}), {
                json!({"resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}})
            }),
            ("core.v1.PodSpec", json!({"containers": [null], "hostNetwork": false, "securityContext": {}}), {
                json!({"containers": [{}], "securityContext": {}})
            }),
            ("coordination.v1.LeaseSpec", json!({"renewTime": "2026-01-02T03:04:05.123456+01:00"}), {
                json!({"renewTime": "2026-01-02T02:04:05.123456Z"})
            }),
            (
                "core.v1.PodStatus",
                json!({"startTime": "2026-01-02T03:04:05.9Z"}),
                json!({"startTime": "2026-01-02T03:04:05Z"}),
            ),
        ] {
            let mut value = written.clone();
            normalize(builtin::schema(&format!("io.k8s.api.{name}")), &mut value);
            assert_eq!(value, kept, "{name} {written}");
        }
    }

    #[test]
    fn an_empty_list_is_stored_as_none() {
        for written in [json!({}), json!({"rules": []})] {
            let mut value = written;
            write_stored(builtin::schema("io.k8s.api.rbac.v1.Role"), &mut value);
            assert_eq!(value["rules"], Value::Null);
        }
    }

    #[test]
    fn declared_defaults_are_set_where_nothing_is() {
        let pod = builtin::schema("io.k8s.api.core.v1.Pod");
        let mut value = json!({"spec": {
            "containers": [{"ports": [{"containerPort": 80}, {"containerPort": 81, "protocol": "UDP"}]}],
            "volumes": [{"azureDisk": {"diskName": "d"}}],
        }});
        apply(pod, &mut value);
        assert_eq!(value["spec"]["containers"][0]["ports"][0]["protocol"], "TCP");
        assert_eq!(value["spec"]["containers"][0]["ports"][1]["protocol"], "UDP");
        // A pointer's zero is a value of its own.
        assert_eq!(value["spec"]["volumes"][0]["azureDisk"]["readOnly"], false);
        assert_eq!(value["spec"]["containers"][0].get("resources"), None);
    }

    #[test]
    fn unset_fields_are_written_at_every_depth() {
        let deployment = builtin::schema("io.k8s.api.apps.v1.Deployment");
        let mut value = json!({});
        write_unset(deployment, &mut value);
        assert_eq!(
            value,
            json!({
                "metadata": {},
                "spec": {"selector": null, "template": {"metadata": {}, "spec": {"containers": null}}, "strategy": {}},
                "status": {},
            })
        );
    }
}
