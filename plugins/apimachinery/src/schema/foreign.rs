//! Values that belong to somebody else: upstream keeps them as raw bytes, and so they are text here,
//! in these places and no others.

use super::{Field, Schema, Shape, Wire};
use crate::tree::Value;

impl Field {
    /// Whether what it holds is kept as its writer wrote it.
    pub fn is_foreign(&self) -> bool {
        matches!(self.wire, Wire::RawExtension | Wire::FieldsV1) && matches!(self.schema.shape, Shape::Any)
    }
}

/// Whether there are such values in a type, at any depth, beside those that say who owns which fields.
pub fn is_within(schema: &Schema) -> bool {
    match &schema.shape {
        Shape::Object(object) => object.has_foreign,
        Shape::List(list) => is_within(&list.items),
        Shape::Any | Shape::Scalar(_) => false,
    }
}

/// Makes trees of them, as upstream does where it works on an object without its type: numbers become
/// those that it knows. Who owns which fields stays text, since it is written anew in any case.
pub fn open(schema: &Schema, value: &mut Value) {
    match (&schema.shape, value) {
        (Shape::Object(object), Value::Object(members)) if object.has_foreign => {
            for (name, value) in members.iter_mut() {
                match object.fields.get(name) {
                    Some(field) if field.is_foreign() => value.open(),
                    Some(field) => open(&field.schema, value),
                    None => {}
                }
            }
        }
        (Shape::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| open(&list.items, item)),
        _ => {}
    }
}

/// Makes trees of all texts that are in other places, where a patch may have brought them.
pub fn settle(schema: &Schema, value: &mut Value) {
    settle_place(Some(schema), value);
}

/// Whether something in a tree is text.
pub fn has_text(value: &Value) -> bool {
    match value {
        Value::Raw(_) => true,
        Value::Object(members) => members.values().any(has_text),
        Value::Array(items) => items.iter().any(has_text),
        _ => false,
    }
}

fn settle_place(schema: Option<&Schema>, value: &mut Value) {
    match value {
        Value::Raw(_) => value.open(),
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                match schema.and_then(|schema| schema.field(name)) {
                    Some(field) if field.is_foreign() => {}
                    Some(field) => settle_place(Some(&field.schema), value),
                    None => settle_place(schema.and_then(|schema| schema.member(name)), value),
                }
            }
        }
        Value::Array(items) => {
            let of = schema.and_then(Schema::items);
            items.iter_mut().for_each(|item| settle_place(of, item));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::builtin;
    use crate::tree::json;

    #[test]
    fn types_with_such_values_are_known() {
        for (name, expected) in [
            ("apps.v1.ControllerRevision", true),
            ("resource.v1.DeviceClass", true),
            ("resource.v1.ResourceClaim", true),
            ("resource.v1.ResourceClaimTemplate", true),
            ("core.v1.Pod", false),
            ("apps.v1.Deployment", false),
        ] {
            assert_eq!(is_within(builtin::schema(&format!("io.k8s.api.{name}"))), expected, "{name}");
        }
    }

    #[test]
    fn texts_are_opened_in_their_places_and_settled_in_all_others() {
        let class = builtin::schema("io.k8s.api.resource.v1.DeviceClass");
        let object = |parameters: Value, name: Value| {
            json!({
                "metadata": {"name": name, "managedFields": [{"fieldsV1": Value::raw("{\"f:a\":{}}")}]},
                "spec": {"config": [{"opaque": {"parameters": parameters}}]},
            })
        };
        let is_raw = |value: &Value| matches!(value, Value::Raw(_));
        let mut opened = object(Value::raw("{\"a\":1.0}"), "n".into());
        open(class, &mut opened);
        assert!(opened["spec"]["config"][0]["opaque"]["parameters"].is_object());
        assert!(is_raw(&opened["metadata"]["managedFields"][0]["fieldsV1"]));

        let mut settled = object(json!({"a": Value::raw("1.0")}), Value::raw("1.0"));
        settle(class, &mut settled);
        assert!(is_raw(&settled["spec"]["config"][0]["opaque"]["parameters"]["a"]));
        assert!(is_raw(&settled["metadata"]["managedFields"][0]["fieldsV1"]));
        assert_eq!(settled["metadata"]["name"], 1.0);
    }
}
