//! OpenAPI v2: one document, made of all those of version 3, for clients that know no other.

use crate::negotiate;
use crate::tree::{Map, Value, json};

/// What a method's parameters say in one object with their schemas here.
const SCHEMA_WORDS: [&str; 4] = ["type", "format", "uniqueItems", "items"];
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// In which form the document is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Protobuf,
}

impl Form {
    /// Nothing if the client takes none.
    pub(super) fn of(accept: &str) -> Option<Self> {
        let accept = if accept.trim().is_empty() { "*/*" } else { accept };
        negotiate::preferences(accept).into_iter().find_map(|media_type| match media_type.as_str() {
            "*/*" | "application/*" | "*/json" | "application/json" => Some(Self::Json),
            // `@` came first; clients that are older than its successor name it.
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
            | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" => Some(Self::Protobuf),
            _ => None,
        })
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        }
    }
}

/// The document that says what these say, which are of version 3.
pub(super) fn document(server: &str, documents: &[Value]) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for document in documents {
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            paths.insert(path.clone(), path_item(item));
        }
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            if !definitions.contains_key(name) {
                definitions.insert(name.clone(), of_schema(schema));
            }
        }
    }
    paths.sort_keys();
    definitions.sort_keys();
    json!({
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": server},
        "paths": paths,
        "definitions": definitions,
        "securityDefinitions": {
            "BearerToken": {"description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"},
        },
        "security": [{"BearerToken": []}],
    })
}

fn path_item(item: &Value) -> Value {
    let mut out = Map::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "parameters" => parameters(value, &Value::Null),
            method if METHODS.contains(&method) => operation(value),
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

fn operation(operation: &Value) -> Value {
    let mut out = Map::new();
    let media = |content: &Value| -> Vec<String> {
        content.as_object().into_iter().flatten().map(|(name, _)| name.to_string()).collect()
    };
    out.insert("schemes", json!(["https"]));
    out.insert("consumes", json!(media(&operation["requestBody"]["content"])));
    let mut produces: Vec<String> = Vec::new();
    let mut responses = Map::new();
    for (code, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = &response["content"];
        produces.extend(media(content).into_iter().filter(|name| !produces.contains(name)).collect::<Vec<_>>());
        let mut told = json!({"description": response["description"]});
        if let Some(first) = content.as_object().and_then(|content| content.values().next()) {
            told["schema"] = of_schema(&first["schema"]);
        }
        responses.insert(code.clone(), told);
    }
    out.insert("produces", json!(produces));
    for (name, value) in operation.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "requestBody" | "responses" | "parameters") {
            out.insert(name.clone(), value.clone());
        }
    }
    out.insert("parameters", parameters(&operation["parameters"], &operation["requestBody"]));
    out.insert("responses", Value::Object(responses));
    Value::Object(out)
}

fn parameters(parameters: &Value, body: &Value) -> Value {
    let mut out = Vec::new();
    if let Some(first) = body["content"].as_object().and_then(|content| content.values().next()) {
        out.push(json!({"name": "body", "in": "body", "required": true, "schema": of_schema(&first["schema"])}));
    }
    for parameter in parameters.as_array().into_iter().flatten() {
        let mut told = parameter.as_object().cloned().unwrap_or_default();
        let schema = told.remove("schema").unwrap_or_default();
        for word in SCHEMA_WORDS {
            if let Some(value) = schema.get(word) {
                told.insert(word, value.clone());
            }
        }
        out.push(Value::Object(told));
    }
    Value::Array(out)
}

/// A schema with references to where they are here, and without what version 2 has no words for.
fn of_schema(schema: &Value) -> Value {
    let members = match schema {
        Value::Object(members) => members,
        Value::Array(items) => return items.iter().map(of_schema).collect(),
        other => return other.clone(),
    };
    let mut out = Map::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("$ref", Value::String(to)) => {
                out.insert("$ref", to.replace("#/components/schemas/", "#/definitions/").into());
            }
            ("allOf", Value::Array(all)) if all.len() == 1 && all[0].get("$ref").is_some() => {
                out.extend(of_schema(&all[0]).as_object().cloned().unwrap_or_default());
            }
            ("oneOf" | "anyOf" | "not" | "nullable" | "default", _) => {}
            ("properties", Value::Object(fields)) => {
                let fields = fields.iter().map(|(name, field)| (name.clone(), of_schema(field)));
                out.insert("properties", Value::Object(fields.collect()));
            }
            ("items" | "additionalProperties" | "allOf", value) => {
                out.insert(name.clone(), of_schema(value));
            }
            (_, value) => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_first_that_the_client_likes() {
        for (accept, form) in [
            ("", Some(Form::Json)),
            ("*/*", Some(Form::Json)),
            ("application/json, */*", Some(Form::Json)),
            ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", Some(Form::Protobuf)),
            (
                "application/com.github.proto-openapi.spec.v2.v1.0+protobuf;q=0.9, application/json;q=0.5",
                Some(Form::Protobuf),
            ),
            ("text/plain", None),
        ] {
            assert_eq!(Form::of(accept), form, "{accept}");
        }
    }

    #[test]
    fn the_old_version_says_the_same() {
        let reference = json!({"$ref": "#/components/schemas/io.k8s.A"});
        let document = document(
            "v1.36.3",
            &[json!({
            "paths": {"/api/v1/as": {"post": {"operationId": "createA", "parameters": [{"name": "dryRun", "in": "query",
                "schema": {"type": "string", "uniqueItems": true}}], "requestBody": {"content": {"*/*": {"schema": reference}}},
                "responses": {"201": {"description": "Created", "content": {"application/json": {"schema": reference}}}}}}},
            "components": {"schemas": {"io.k8s.A": {"type": "object", "properties": {
                "default": {"type": "string", "default": ""}, "meta": {"allOf": [reference], "default": {}}}}}}})],
        );
        let post = &document["paths"]["/api/v1/as"]["post"];
        let there = json!({"$ref": "#/definitions/io.k8s.A"});
        assert_eq!(post["parameters"][0]["schema"], there);
        assert_eq!(
            post["parameters"][1],
            json!({"name": "dryRun", "in": "query", "type": "string", "uniqueItems": true})
        );
        assert_eq!(post["responses"]["201"]["schema"], there);
        let properties = &document["definitions"]["io.k8s.A"]["properties"];
        assert_eq!(properties, &json!({"default": {"type": "string"}, "meta": there}));
    }
}
