//! A schema as upstream prints it in messages: the JSON of its internal Go type, which names
//! every field.

use crate::tree::{Map, Value, json};

/// Fields in their order: as Go names them, as JSON does, and what stands for an unset one.
const FIELDS: [(&str, &str, Unset); 43] = [
    ("ID", "id", Unset::Text),
    ("Schema", "$schema", Unset::Text),
    ("Ref", "$ref", Unset::Null),
    ("Description", "description", Unset::Text),
    ("Type", "type", Unset::Text),
    ("Nullable", "nullable", Unset::False),
    ("Format", "format", Unset::Text),
    ("Title", "title", Unset::Text),
    ("Default", "default", Unset::Null),
    ("Maximum", "maximum", Unset::Null),
    ("ExclusiveMaximum", "exclusiveMaximum", Unset::False),
    ("Minimum", "minimum", Unset::Null),
    ("ExclusiveMinimum", "exclusiveMinimum", Unset::False),
    ("MaxLength", "maxLength", Unset::Null),
    ("MinLength", "minLength", Unset::Null),
    ("Pattern", "pattern", Unset::Text),
    ("MaxItems", "maxItems", Unset::Null),
    ("MinItems", "minItems", Unset::Null),
    ("UniqueItems", "uniqueItems", Unset::False),
    ("MultipleOf", "multipleOf", Unset::Null),
    ("Enum", "enum", Unset::Null),
    ("MaxProperties", "maxProperties", Unset::Null),
    ("MinProperties", "minProperties", Unset::Null),
    ("Required", "required", Unset::Null),
    ("Items", "items", Unset::Null),
    ("AllOf", "allOf", Unset::Null),
    ("OneOf", "oneOf", Unset::Null),
    ("AnyOf", "anyOf", Unset::Null),
    ("Not", "not", Unset::Null),
    ("Properties", "properties", Unset::Null),
    ("AdditionalProperties", "additionalProperties", Unset::Null),
    ("PatternProperties", "patternProperties", Unset::Null),
    ("Dependencies", "dependencies", Unset::Null),
    ("AdditionalItems", "additionalItems", Unset::Null),
    ("Definitions", "definitions", Unset::Null),
    ("ExternalDocs", "externalDocs", Unset::Null),
    ("Example", "example", Unset::Null),
    ("XPreserveUnknownFields", "x-kubernetes-preserve-unknown-fields", Unset::Null),
    ("XEmbeddedResource", "x-kubernetes-embedded-resource", Unset::False),
    ("XIntOrString", "x-kubernetes-int-or-string", Unset::False),
    ("XListMapKeys", "x-kubernetes-list-map-keys", Unset::Null),
    ("XListType", "x-kubernetes-list-type", Unset::Null),
    ("XMapType", "x-kubernetes-map-type", Unset::Null),
];

#[derive(Clone, Copy)]
enum Unset {
    Null,
    False,
    Text,
}

impl Unset {
    fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::False => json!(false),
            Self::Text => json!(""),
        }
    }
}

/// The internal form of a schema.
pub fn schema(props: &Value) -> Value {
    let mut out = Map::new();
    for (name, key, unset) in FIELDS {
        let value = match &props[key] {
            Value::Null => unset.value(),
            value => member(key, value),
        };
        out.insert(name, value);
    }
    let rules = props["x-kubernetes-validations"].as_array().map(|rules| rules.iter().map(rule).collect());
    out.insert("XValidations", rules.unwrap_or(Value::Null));
    Value::Object(out)
}

fn member(key: &str, value: &Value) -> Value {
    match key {
        "properties" | "patternProperties" | "definitions" => sorted(value, schema),
        "dependencies" => sorted(value, |dependency| match dependency {
            Value::Array(_) => json!({"Schema": null, "Property": dependency}),
            _ => json!({"Schema": schema(dependency), "Property": null}),
        }),
        "allOf" | "oneOf" | "anyOf" => value.as_array().into_iter().flatten().map(schema).collect(),
        "not" => schema(value),
        "items" => match value {
            Value::Array(items) => json!({"Schema": null, "JSONSchemas": items.iter().map(schema).collect::<Vec<_>>()}),
            _ => json!({"Schema": schema(value), "JSONSchemas": null}),
        },
        "additionalProperties" | "additionalItems" => match value {
            Value::Bool(allows) => json!({"Allows": allows, "Schema": null}),
            _ => json!({"Allows": true, "Schema": schema(value)}),
        },
        "externalDocs" => json!({"Description": text(value, "description"), "URL": text(value, "url")}),
        _ => value.clone(),
    }
}

fn sorted(map: &Value, form: impl Fn(&Value) -> Value) -> Value {
    let mut members: Vec<_> = map.as_object().into_iter().flatten().collect();
    members.sort_by_key(|(name, _)| name.as_str());
    Value::Object(members.into_iter().map(|(name, value)| (name.clone(), form(value))).collect())
}

/// The internal form of a rule.
pub(super) fn rule(rule: &Value) -> Value {
    json!({
        "Rule": text(rule, "rule"),
        "Message": text(rule, "message"),
        "MessageExpression": text(rule, "messageExpression"),
        "Reason": rule["reason"],
        "FieldPath": text(rule, "fieldPath"),
        "OptionalOldSelf": rule["optionalOldSelf"],
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}
