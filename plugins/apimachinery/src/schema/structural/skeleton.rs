//! Of a schema what is needed to prune by it: which members an object may have, and which nulls.

use crate::tree::{Map, Value, json};

use crate::schema::{Scalar, Schema, Shape};

/// A schema that prunes as this one does.
pub fn skeleton(schema: &Schema) -> Value {
    let mut out = Map::new();
    match &schema.shape {
        Shape::Any => {}
        Shape::Object(object) => {
            out.insert("type", "object".into());
            let fields = object.fields.iter().filter(|field| !is_of_builtin(&field.schema));
            let properties: Map = fields.map(|field| (field.name.to_string(), skeleton(&field.schema))).collect();
            if !properties.is_empty() {
                out.insert("properties", properties.into());
            }
            if let Some(values) = &object.values {
                out.insert("additionalProperties", skeleton(values));
            }
        }
        Shape::List(list) => {
            out.insert("type", "array".into());
            out.insert("items", skeleton(&list.items));
        }
        Shape::Scalar(Scalar::IntOrString) => drop(out.insert("x-kubernetes-int-or-string", true.into())),
        Shape::Scalar(scalar) => drop(out.insert("type", name(*scalar).into())),
    }
    for (key, holds) in [
        ("nullable", schema.nullable),
        ("x-kubernetes-preserve-unknown-fields", schema.preserve_unknown),
        ("x-kubernetes-embedded-resource", schema.embedded_resource),
    ] {
        if holds {
            out.insert(key, true.into());
        }
    }
    // A null that has a default is not dropped, whatever the default.
    if let Some(default) = &schema.default {
        out.insert("default", json!(default));
    }
    out.into()
}

/// `metadata`, which each resource has without saying so.
fn is_of_builtin(schema: &Schema) -> bool {
    matches!(&schema.shape, Shape::Object(object) if object.name.is_some())
}

fn name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Integer => "integer",
        Scalar::Number => "number",
        Scalar::Boolean => "boolean",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::check::prune;
    use crate::schema::structural::resource_from_openapi;

    #[test]
    fn a_skeleton_prunes_as_its_schema_does() {
        let schema = resource_from_openapi(&json!({"type": "object", "properties": {"spec": {"type": "object",
            "properties": {
                "a": {"type": "string", "maxLength": 3}, "n": {"type": "integer", "nullable": true},
                "list": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "boolean"}}}},
                "map": {"type": "object", "additionalProperties": {"type": "number"}},
                "any": {"x-kubernetes-preserve-unknown-fields": true},
                "port": {"x-kubernetes-int-or-string": true}}}}}));
        let object = json!({"kind": "K", "apiVersion": "g/v1", "metadata": {"name": "a", "labels": {"x": "y"}}, "status": {},
            "spec": {"a": null, "n": null, "b": 1, "list": [{"x": true, "y": 1}], "map": {"k": 1}, "any": {"z": {}}, "port": "p"}});
        let (mut by_schema, mut by_skeleton) = (object.clone(), object);
        prune(&schema, &mut by_schema);
        let known = skeleton(&schema);
        assert!(!known.to_string().contains("maxLength"), "{known}");
        prune(&resource_from_openapi(&known), &mut by_skeleton);
        assert_eq!(by_skeleton, by_schema);
        let spec = json!({"n": null, "list": [{"x": true}], "map": {"k": 1}, "any": {"z": {}}, "port": "p"});
        assert_eq!(by_schema["spec"], spec);
    }
}
