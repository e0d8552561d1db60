//! The schema of a built-in type, from its row in the tables.

use super::schemas::reference;
use crate::schema::Scalar;
use crate::schema::builtin::Type;
use crate::schema::builtin::facts::{Body, FieldFacts, ListFacts, Place};
use crate::tree::{Map, Value, json};

/// The type in full. Those that it refers to are added to `needs`.
pub(super) fn schema(of: Type, needs: &mut Vec<Type>) -> Map {
    let facts = of.facts();
    let mut out = Map::new();
    if let Some(text) = facts.description {
        out.insert("description", text.into());
    }
    match &facts.body {
        Body::Struct(fields) => {
            out.insert("type", "object".into());
            let mut required: Vec<&FieldFacts> = fields.iter().filter(|field| field.required).collect();
            required.sort_by_key(|field| (field.native.within, field.number));
            if !required.is_empty() {
                out.insert("required", required.iter().map(|field| field.name).collect());
            }
            if !fields.is_empty() {
                let mut properties: Map =
                    fields.iter().map(|field| (field.name, Value::Object(property(field, needs)))).collect();
                // Generators write fields in this order.
                properties.sort_keys();
                out.insert("properties", properties.into());
            }
        }
        Body::Scalar(kind, format) => out.extend(scalar(*kind, format, &[])),
        Body::Any { object: true } => drop(out.insert("type", "object".into())),
        Body::Any { object: false } => {}
    }
    if let Some(unions) = facts.unions {
        out.insert("x-kubernetes-unions", parsed(unions));
    }
    if facts.atomic {
        out.insert("x-kubernetes-map-type", "atomic".into());
    }
    out
}

/// What a field of a type is.
pub(super) fn description(of: &str, field: &str) -> Option<&'static str> {
    match &Type::find(of)?.facts().body {
        Body::Struct(fields) => fields.iter().find(|known| known.name == field)?.description,
        _ => None,
    }
}

fn property(field: &'static FieldFacts, needs: &mut Vec<Type>) -> Map {
    let default = field.default.or(field.when_unset).map(parsed).filter(|default| match &field.place {
        // What is written for these is not told.
        Place::Type(of) if matches!(of.facts().body, Body::Scalar(..)) => false,
        _ => !default.is_null(),
    });
    let mut out = place(&field.place, field.description, default, needs);
    let declared = [("x-kubernetes-list-type", field.list_type), ("x-kubernetes-map-type", field.map_type)];
    out.extend(declared.into_iter().filter_map(|(name, kind)| Some((name, kind?))));
    out
}

/// What stands in one place, with what is said about the place.
fn place(
    place: &'static Place,
    description: Option<&'static str>,
    default: Option<Value>,
    needs: &mut Vec<Type>,
) -> Map {
    let mut out = Map::new();
    if let Some(text) = description {
        out.insert("description", text.into());
    }
    if let Some(default) = default {
        out.insert("default", default);
    }
    match place {
        Place::Type(of) => refer(*of, &mut out, needs),
        Place::Changed { of, retain_keys, replace, .. } => {
            refer(*of, &mut out, needs);
            let strategy = [(*retain_keys, "retainKeys"), (*replace, "replace")];
            if let Some((_, strategy)) = strategy.iter().find(|(set, _)| *set) {
                out.insert("x-kubernetes-patch-strategy", (*strategy).into());
            }
        }
        Place::Scalar(kind, format, values) => out.extend(scalar(*kind, format, values)),
        Place::List { items, kind, merge_key, patch_merge } => {
            out.insert("type", "array".into());
            out.insert("items", item(items, needs).into());
            if let ListFacts::Map(keys) = kind {
                out.insert("x-kubernetes-list-map-keys", json!(keys));
            }
            if let Some(key) = merge_key {
                out.insert("x-kubernetes-patch-merge-key", (*key).into());
            }
            if *patch_merge {
                let retains = matches!(items, Place::Changed { retain_keys: true, .. });
                let strategy = if retains { "merge,retainKeys" } else { "merge" };
                out.insert("x-kubernetes-patch-strategy", strategy.into());
            }
        }
        Place::Map { values, .. } => {
            out.insert("type", "object".into());
            out.insert("additionalProperties", item(values, needs).into());
        }
    }
    out
}

/// What stands in an item of a list, or in a value of a map. Upstream's are never pointers, so the
/// zero of their type is what an empty one means.
fn item(of: &'static Place, needs: &mut Vec<Type>) -> Map {
    let default = match of {
        Place::Type(of) | Place::Changed { of, .. } => match of.facts().body {
            Body::Scalar(..) | Body::Any { object: false } => None,
            _ => Some(json!({})),
        },
        Place::Scalar(Scalar::String, ..) => Some("".into()),
        Place::Scalar(Scalar::Integer | Scalar::Number, ..) => Some(0.into()),
        Place::Scalar(Scalar::Boolean, ..) => Some(false.into()),
        _ => None,
    };
    match of {
        // What one list changes about its items is the list's own strategy.
        Place::Changed { of, .. } => {
            let mut out: Map = default.map(|default| ("default", default)).into_iter().collect();
            refer(*of, &mut out, needs);
            out
        }
        of => place(of, None, default, needs),
    }
}

/// OpenAPI allows nothing beside `$ref`.
fn refer(of: Type, out: &mut Map, needs: &mut Vec<Type>) {
    needs.push(of);
    let reference = reference(of.name());
    match reference {
        Value::Object(reference) if out.is_empty() => out.extend(reference),
        reference => drop(out.insert("allOf", json!([reference]))),
    }
}

fn scalar(scalar: Scalar, format: &str, values: &[&str]) -> Map {
    let either = |types: [&str; 2]| ("oneOf", json!(types.map(|kind| json!({ "type": kind }))));
    let kind = |kind: &str| ("type", kind.into());
    let mut out = Map::from_iter([match scalar {
        Scalar::String | Scalar::Bytes => kind("string"),
        Scalar::Integer => kind("integer"),
        Scalar::Number => kind("number"),
        Scalar::Boolean => kind("boolean"),
        Scalar::IntOrString => either(["integer", "string"]),
        Scalar::Quantity => either(["string", "number"]),
    }]);
    let format = if matches!(scalar, Scalar::Bytes) { "byte" } else { format };
    if !format.is_empty() {
        out.insert("format", format.into());
    }
    if !values.is_empty() {
        out.insert("enum", json!(values));
    }
    out
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("the tables hold JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Map {
        schema(Type::find(name).unwrap_or_else(|| panic!("there is no `{name}`")), &mut Vec::new())
    }

    #[test]
    fn what_an_empty_field_means_is_told() {
        let container = of("io.k8s.api.core.v1.Container");
        let fields = &container["properties"];
        assert_eq!(fields["name"]["default"], "");
        assert_eq!(fields["resources"]["default"], json!({}));
        assert_eq!(fields["command"]["items"]["default"], "");
        assert!(fields["image"].get("default").is_none());
        let requests = &of("io.k8s.api.core.v1.ResourceRequirements")["properties"]["requests"];
        assert_eq!(requests["additionalProperties"], reference("io.k8s.apimachinery.pkg.api.resource.Quantity"));
    }

    #[test]
    fn only_what_was_declared_of_a_list_is_told() {
        let fields = &of("io.k8s.api.apps.v1.DeploymentList")["properties"];
        assert!(fields["items"].get("x-kubernetes-list-type").is_none());
        assert_eq!(of("io.k8s.api.core.v1.Container")["properties"]["args"]["x-kubernetes-list-type"], "atomic");
    }

    #[test]
    fn unions_are_told() {
        let unions = &of("io.k8s.api.core.v1.SeccompProfile")["x-kubernetes-unions"];
        assert_eq!(unions[0]["discriminator"], "type");
    }
}
