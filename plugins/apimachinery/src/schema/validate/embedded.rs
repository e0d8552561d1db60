//! `x-kubernetes-embedded-resource`: a complete object inside of another.

use super::text::shown;
use crate::schema::{Schema, Shape, builtin, check, defaults};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::{Value, json};
use crate::validation::metadata;
use crate::validation::names::dns1035_label;

/// Appends what is wrong with the type and object metadata of objects inside of `value`.
pub fn validate(schema: &Schema, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(map)) => {
            if schema.embedded_resource {
                complete(value, path, errors);
            }
            for (name, value) in map.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                if let Some(field) = object.fields.get(name) {
                    let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    validate(&field.schema, value, &path, errors);
                } else if let Some(values) = &object.values {
                    validate(values, value, &format!("{path}[{name}]"), errors);
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                validate(&list.items, item, &format!("{path}[{index}]"), errors);
            }
        }
        _ => {}
    }
}

/// Whether objects inside of `value` have a type and metadata that can be read at all.
///
/// # Errors
/// Where it cannot, and why.
pub fn check_metadata(schema: &Schema, value: &Value, path: &str) -> Result<(), String> {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(map)) => {
            for name in ["apiVersion", "kind"] {
                if let Some(other) = map.get(name).filter(|value| schema.embedded_resource && !value.is_string()) {
                    return Err(format!("{path}.{name}: Invalid value: {}: must be a string", shown(other)));
                }
            }
            if let Some(metadata) =
                map.get("metadata").filter(|metadata| schema.embedded_resource && !metadata.is_null())
            {
                let schema = builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
                let read = match metadata.is_object() {
                    true => check::types(schema, metadata),
                    false => Err("json: cannot unmarshal string into Go value of type v1.ObjectMeta".to_string()),
                };
                read.map_err(|why| format!("{path}.metadata: Invalid value: {}: {why}", shown(metadata)))?;
            }
            for (name, value) in map.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                if let Some(field) = object.fields.get(name) {
                    let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    check_metadata(&field.schema, value, &path)?;
                } else if let Some(values) = &object.values {
                    check_metadata(values, value, &format!("{path}[{name}]"))?;
                }
            }
            Ok(())
        }
        (Shape::List(list), Value::Array(items)) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_metadata(&list.items, item, &format!("{path}[{index}]"))),
        _ => Ok(()),
    }
}

/// Leaves of the metadata of objects inside of `value` what any object may have, in the form that it
/// has there.
pub fn coerce_metadata(schema: &Schema, value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(metadata) = map.get_mut("metadata").filter(|_| schema.embedded_resource) {
                let schema = builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
                if metadata.is_null() {
                    *metadata = json!({});
                }
                if check::types(schema, metadata).is_ok() {
                    check::unknown_fields(schema, metadata, true);
                    defaults::normalize(schema, metadata);
                }
            }
            for (name, value) in map.iter_mut() {
                if let Some(member) = schema.member(name) {
                    coerce_metadata(member, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                items.iter_mut().for_each(|item| coerce_metadata(schema, item));
            }
        }
        _ => {}
    }
}

fn complete(value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let path = format!("{path}.{name}");
        let Some(value) = value.get(name) else {
            errors.push(FieldError::required(path, ""));
            continue;
        };
        let why = match value.as_str() {
            None => "must be a string".to_string(),
            Some("") => "must not be empty".to_string(),
            Some(text) if name == "apiVersion" && text.matches('/').count() > 1 => {
                format!("unexpected GroupVersion string: {text}")
            }
            Some(text) if name == "kind" => match dns1035_label(&text.to_lowercase())[..] {
                [] => continue,
                ref found => format!("may have mixed case, but should otherwise match: {}", found.join(",")),
            },
            Some(_) => continue,
        };
        errors.push(FieldError::new(FieldErrorKind::Invalid, path, shown(value), why));
    }
    if let Some(metadata) = value.get("metadata").filter(|metadata| !metadata.is_null()) {
        let schema = builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
        let path = format!("{path}.metadata");
        match check::types(schema, metadata) {
            Ok(()) => metadata::inside(metadata, &path, errors),
            Err(why) => errors.push(FieldError::invalid(path, &json!(metadata), why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::structural::from_openapi;

    #[test]
    fn what_an_object_inside_calls_itself_is_text() {
        let schema = from_openapi(&json!({"type": "object", "properties": {"in": {"type": "object",
            "x-kubernetes-embedded-resource": true}}}));
        for (inside, expected) in [
            (json!({"kind": "A"}), Ok(())),
            (json!({"kind": null}), Err("in.kind: Invalid value: null: must be a string".to_string())),
            (json!({"apiVersion": 1}), Err("in.apiVersion: Invalid value: 1: must be a string".to_string())),
        ] {
            assert_eq!(check_metadata(&schema, &json!({"in": inside}), ""), expected);
        }
    }

    #[test]
    fn an_object_inside_is_complete() {
        let schema = from_openapi(&json!({"type": "object", "properties": {"list": {"type": "array", "items":
            {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}}));
        for (item, expected) in [
            (json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}), vec![]),
            (json!({}), vec!["list[0].apiVersion: Required value", "list[0].kind: Required value"]),
            (
                json!({"apiVersion": "a/b/c", "kind": ""}),
                vec![
                    "list[0].apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                    "list[0].kind: Invalid value: \"\": must not be empty",
                ],
            ),
        ] {
            let mut errors = Vec::new();
            validate(&schema, &json!({"list": [item]}), "", &mut errors);
            let found: Vec<String> = errors.iter().map(FieldError::to_string).collect();
            assert_eq!(found, expected, "{item}");
        }
    }
}
