//! A type, as version 2 tells it: without what it has no words for, and without what kubectl reads wrong.

use crate::tree::{Map, Value, json};

/// A type that others refer to.
pub(super) fn definition(schema: &Value) -> Value {
    // What is beside the fields would be refused by clients that see some.
    if is(schema, "x-kubernetes-preserve-unknown-fields") {
        let mut out = Map::from_iter([("type", json!("object"))]);
        out.extend(
            schema
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| GENERAL.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        return out.into();
    }
    of(schema)
}

const GENERAL: &[&str] = &["x-kubernetes-group-version-kind", "x-kubernetes-selectable-fields"];

pub(super) fn of(schema: &Value) -> Value {
    let members = match schema {
        Value::Object(members) => members,
        Value::Array(items) => return items.iter().map(of).collect(),
        other => return other.clone(),
    };
    let nullable = is(schema, "nullable");
    let open = is(schema, "x-kubernetes-preserve-unknown-fields");
    let embedded = is(schema, "x-kubernetes-embedded-resource");
    let nullable_values = members.get("additionalProperties").is_some_and(|values| is(values, "nullable"));
    let mut out = Map::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("$ref", Value::String(to)) => {
                out.insert("$ref", to.replace("#/components/schemas/", "#/definitions/").into());
            }
            ("allOf", Value::Array(all)) if all.len() == 1 && all[0].get("$ref").is_some() => {
                out.extend(of(&all[0]).as_object().cloned().unwrap_or_default());
            }
            // One of several types: the text is what every client can write.
            ("oneOf", Value::Array(all)) if all.iter().all(|one| one.get("type").is_some()) => {
                out.insert("type", "string".into());
            }
            ("allOf" | "oneOf" | "anyOf" | "not" | "nullable" | "default", _) => {}
            ("properties" | "items", _) if nullable || open => {}
            ("type", _) if nullable => {}
            ("type", kind) if open && (kind == "object" || kind == "array") => {}
            ("properties", Value::Object(fields)) => {
                let fields = fields.iter().map(|(name, field)| (name.clone(), of(field)));
                out.insert("properties", Value::Object(fields.collect()));
            }
            ("required", Value::Array(names)) => {
                // One that may be null need not be there for a client that does not know of null; nor what
                // every object has where the others are not told.
                let general = |name: &Value| open && embedded && (name == "kind" || name == "apiVersion");
                let is_left = |name: &&Value| !nullable_values && !is_nullable(members, name) && !general(name);
                let names: Vec<Value> = names.iter().filter(is_left).cloned().collect();
                if !names.is_empty() {
                    out.insert("required", names.into());
                }
            }
            ("items" | "additionalProperties", value) => drop(out.insert(name.clone(), of(value))),
            (_, value) => drop(out.insert(name.clone(), value.clone())),
        }
    }
    out.into()
}

fn is_nullable(of: &Map, field: &Value) -> bool {
    let field = of.get("properties").zip(field.as_str()).and_then(|(fields, name)| fields.get(name));
    field.is_some_and(|field| is(field, "nullable"))
}

fn is(schema: &Value, word: &str) -> bool {
    schema.get(word).and_then(Value::as_bool).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_old_clients_read_wrong_is_left_out() {
        let text = json!({"type": "string"});
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": text}});
        for (schema, told) in [
            (
                json!({"type": "string", "default": "a", "not": {"enum": ["b"]}, "anyOf": [{"minLength": 1}]}),
                text.clone(),
            ),
            (json!({"type": "object", "nullable": true, "properties": {"a": text}}), json!({})),
            (json!({"type": "array", "nullable": true, "items": text}), json!({})),
            (open.clone(), json!({"x-kubernetes-preserve-unknown-fields": true})),
            (
                json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string", "nullable": true}}}),
                json!({"type": "object", "required": ["b"], "properties": {"a": {}}}),
            ),
            (
                json!({"type": "object", "required": ["a"], "additionalProperties": {"type": "string", "nullable": true}}),
                json!({"type": "object", "additionalProperties": {}}),
            ),
            (json!({"oneOf": [{"type": "integer"}, {"type": "string"}]}), text.clone()),
            (
                json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true}),
                json!({"x-kubernetes-int-or-string": true}),
            ),
        ] {
            assert_eq!(of(&schema), told, "{schema}");
        }
        assert_eq!(definition(&open), json!({"type": "object"}));
    }
}
