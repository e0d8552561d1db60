//! What is published of a custom resource: the schema of its definition, with what every object has.

use super::schemas::{Kind, Schemas, reference};
use super::types;
use crate::definition::Definition;
use crate::tree::{Map, Value, json};

/// `com.example.v1.Widget` for `Widget` of `example.com/v1`.
pub(super) fn kind(of: &Definition, kind: &str) -> Kind {
    let group: Vec<&str> = of.group.split('.').rev().collect();
    Kind { name: format!("{}.{}.{kind}", group.join("."), of.version), ..Kind::named(&of.group, &of.version, kind) }
}

pub(super) fn schema(of: &Definition, kind: &Kind) -> Value {
    let mut out = match of.schema.openapi.as_deref() {
        Some(Value::Object(published)) => {
            let mut schema = unfolded(published);
            with_meta(&mut schema, "ObjectMeta");
            schema
        }
        _ => Map::from_iter([("type", "object")]),
    };
    finish(of, kind, &mut out);
    out.into()
}

pub(super) fn list_schema(of: &Definition, list: &Kind) -> Value {
    let items = json!({
        "description": format!("The {} of the list.", of.resource),
        "type": "array",
        "items": reference(&kind(of, &of.kind).name),
    });
    let mut out = Map::new();
    out.insert("description", format!("Objects of the kind {}.", of.kind).into());
    out.insert("type", "object".into());
    out.insert("required", json!(["items"]));
    out.insert("properties", json!({ "items": items }));
    with_meta(&mut out, "ListMeta");
    finish(of, list, &mut out);
    out.into()
}

fn finish(of: &Definition, kind: &Kind, out: &mut Map) {
    out.insert("x-kubernetes-group-version-kind", json!([kind.group_version_kind()]));
    if !of.selectable.is_empty() {
        let fields = of.selectable.iter().map(|field| json!({ "fieldPath": field.name }));
        out.insert("x-kubernetes-selectable-fields", fields.collect());
    }
}

/// `apiVersion`, `kind` and `metadata`, as they are in every object.
fn with_meta(schema: &mut Map, meta: &str) {
    let text = |field| types::description("io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata", field);
    let metadata = json!({
        "description": text("metadata"),
        "allOf": [reference(&Schemas::machinery_name(meta))],
    });
    let properties = schema.entry("properties").or_insert(json!({}));
    properties["apiVersion"] = json!({ "description": text("apiVersion"), "type": "string" });
    properties["kind"] = json!({ "description": text("kind"), "type": "string" });
    properties["metadata"] = metadata;
    properties.as_object_mut().into_iter().for_each(Map::sort_keys);
}

/// A schema with what its extensions imply written out.
fn unfolded(schema: &Map) -> Map {
    let mut out = Map::new();
    for (name, value) in schema {
        let value = match (name.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                let unfolded = |field: &Value| field.as_object().map_or(field.clone(), |field| unfolded(field).into());
                let mut fields: Map = fields.iter().map(|(name, field)| (name.clone(), unfolded(field))).collect();
                fields.sort_keys();
                fields.into()
            }
            ("items" | "additionalProperties", Value::Object(inner)) => unfolded(inner).into(),
            // Upstream does not tell it from no default.
            ("default", Value::Null) => continue,
            (_, value) => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    let is = |name: &str| out.get(name).and_then(Value::as_bool).unwrap_or_default();
    let (either, embedded) = (is("x-kubernetes-int-or-string"), is("x-kubernetes-embedded-resource"));
    if either {
        int_or_string(&mut out);
    }
    if embedded {
        with_meta(&mut out, "ObjectMeta");
        let required = out.entry("required").or_insert(json!([]));
        for name in ["kind", "apiVersion"] {
            match required.as_array_mut() {
                Some(required) if !required.iter().any(|known| known == name) => required.push(name.into()),
                _ => {}
            }
        }
    }
    out
}

/// An integer or a string, in words that those know who do not know the extension.
fn int_or_string(schema: &mut Map) {
    let either = json!([{ "type": "integer" }, { "type": "string" }]);
    let said = schema.get("anyOf") == Some(&either) || schema.get("allOf").is_some_and(|all| all[0]["anyOf"] == either);
    if said {
        return;
    }
    match schema.get("anyOf") {
        None => drop(schema.insert("anyOf", either)),
        Some(_) => {
            let all = schema.get("allOf").and_then(Value::as_array).cloned().unwrap_or_default();
            let all = std::iter::once(json!({ "anyOf": either })).chain(all);
            schema.insert("allOf", all.collect());
        }
    }
}
