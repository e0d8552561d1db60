//! Defaults must be values that the schema accepts as they are.

use super::convert::from_openapi;
use super::props::{Props, child, key};
use crate::schema::validate::embedded;
use crate::schema::validate::text::shown;
use crate::schema::{Schema, Shape, validate};
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;

/// Findings about every default below `path`.
pub(super) fn check(schema: &Value, path: &str, pruned: bool) -> Vec<FieldError> {
    let mut checker = Checker { pruned, errors: Vec::new() };
    checker.node(schema, path, true, false);
    checker.errors
}

/// Whether some default of a stored schema has fields that the schema does not know.
pub(super) fn has_unpruned(root: Props<'_>) -> bool {
    root.any(&mut |props| {
        let model = || from_openapi(&props.to_value());
        props.get("default").is_some_and(|default| !is_pruned(&model(), default))
    })
}

/// Leaves of the metadata of objects inside of defaults what any object may have.
pub fn coerce(schema: &mut Value) {
    let Value::Object(props) = schema else { return };
    if props.get("default").is_some_and(Value::is_object) {
        let model = from_openapi(&Value::Object(props.clone()));
        props.get_mut("default").into_iter().for_each(|default| embedded::coerce_metadata(&model, default));
    }
    if let Some(items) = props.get_mut("items") {
        coerce(items);
    }
    for property in props.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        coerce(property.1);
    }
}

struct Checker {
    pruned: bool,
    errors: Vec<FieldError>,
}

impl Checker {
    fn node(&mut self, schema: &Value, path: &str, root: bool, metadata: bool) {
        let props = Props::new(schema);
        let resource = root || props.is_embedded_resource();
        let metadata = metadata && !resource;
        if let Some(default) = props.get("default") {
            self.default(schema, default, &child(path, "default"), resource, metadata);
        }
        // Defaults are forbidden below `additionalProperties` of metadata, and elsewhere
        // upstream does not look there.
        if let Some(items) = props.get("items") {
            self.node(items, &child(path, "items"), false, metadata);
        }
        for (name, property) in props.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let metadata = metadata || (resource && matches!(name.as_str(), "metadata" | "apiVersion" | "kind"));
            self.node(property, &key(path, "properties", name), false, metadata);
        }
    }

    fn default(&mut self, schema: &Value, default: &Value, path: &str, resource: bool, metadata: bool) {
        let model = from_openapi(schema);
        if !metadata && self.pruned && !is_pruned(&model, default) {
            let error = FieldError::new(FieldErrorKind::Invalid, path, shown(default), "must not have unknown fields");
            self.errors.push(error);
        }
        if resource && default.is_object() {
            let found = self.errors.len();
            for name in ["apiVersion", "kind"] {
                if default.get(name).is_none() {
                    self.errors.push(FieldError::required(child(path, name), ""));
                }
            }
            if self.errors.len() > found {
                return;
            }
        }
        let mut found = Vec::new();
        validate::validate(&model, default, path, &mut found);
        if found.is_empty() {
            crate::cel::validate_default(&model, default, path, &mut found);
        }
        // The way to an item of a list that is a default by itself is written so.
        let item = format!("{path}[");
        for error in &mut found {
            if let Some(rest) = error.field.strip_prefix(&item) {
                error.field = format!("{path}.[{rest}");
            }
        }
        self.errors.append(&mut found);
    }
}

/// Whether pruning would leave the value as it is.
fn is_pruned(schema: &Schema, value: &Value) -> bool {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(map)) => {
            let own = |name: &str| schema.embedded_resource && matches!(name, "metadata" | "apiVersion" | "kind");
            map.iter().filter(|(name, _)| !own(name)).all(|(name, value)| match object.fields.get(name) {
                Some(field) => is_pruned(&field.schema, value),
                None => match &object.values {
                    Some(values) => is_pruned(values, value),
                    None => schema.preserve_unknown,
                },
            })
        }
        (Shape::List(list), Value::Array(items)) => items.iter().all(|item| is_pruned(&list.items, item)),
        (_, Value::Object(map)) => schema.preserve_unknown || map.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json;

    #[test]
    fn a_default_obeys_its_schema() {
        for (schema, expected) in [
            (json!({"type": "integer", "default": 1}), vec![]),
            (
                json!({"type": "integer", "default": "x"}),
                vec!["p.default: Invalid value: \"string\":  in body must be of type integer: \"string\""],
            ),
            (
                json!({"type": "object", "properties": {"b": {"type": "string"}}, "default": {"b": "x", "c": 1}}),
                vec!["p.default: Invalid value: {\"b\":\"x\",\"c\":1}: must not have unknown fields"],
            ),
            (json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "default": {"c": 1}}), vec![]),
            (
                json!({"type": "array", "items": {"type": "string", "maxLength": 1}, "default": ["a", "bc"]}),
                vec!["p.default.[1]: Too long: may not be more than 1 byte"],
            ),
        ] {
            let mut checker = Checker { pruned: true, errors: Vec::new() };
            checker.node(&schema, "p", false, false);
            let found: Vec<String> = checker.errors.iter().map(FieldError::to_string).collect();
            assert_eq!(found, expected, "{schema}");
        }
    }
}
