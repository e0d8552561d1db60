//! A path and its operations, as version 2 tells them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::schema;
use crate::openapi::Texts;
use crate::openapi::operation::METHODS;
use crate::tree::{Map, Value, json};

/// What a method's parameters say in one object with their schemas here.
const SCHEMA_WORDS: [&str; 4] = ["type", "format", "uniqueItems", "items"];

/// Media types in the order in which they are told, where there is one: the first is what generated
/// clients ask for.
const MEDIA: &[&str] = &[
    "text/plain",
    "application/json",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf;stream=watch",
];

/// Parameters that may be those of many operations are added to `shared`.
pub(super) fn path_item(item: &Value, shared: &mut Texts) -> Value {
    let mut out = Map::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "parameters" => parameters(value, None, shared),
            method if METHODS.contains(&method) => operation(value, shared),
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

fn operation(operation: &Value, shared: &mut Texts) -> Value {
    let mut responses = Map::new();
    let mut produces = Vec::new();
    let mut answers_kind = false;
    for (code, response) in operation["responses"].as_object().into_iter().flatten() {
        let content = &response["content"];
        produces.extend(media(content).into_iter().filter(|name| !produces.contains(name)).collect::<Vec<_>>());
        let mut told = json!({"description": response["description"]});
        if let Some(schema) = schema_of(content) {
            answers_kind |= schema.get("$ref").is_some();
            told["schema"] = schema::of(schema);
        }
        responses.insert(code.clone(), told);
    }
    let body = operation.get("requestBody");
    let consumes = match body {
        Some(body) => media(&body["content"]),
        // What has no body is said to take all that its neighbours take.
        None if operation.get("x-kubernetes-action").is_none() => match answers_kind {
            true => produces.clone(),
            false => Vec::new(),
        },
        None if produces == ["application/json", "application/yaml"] => produces.clone(),
        None => vec!["*/*"],
    };
    let mut out = Map::new();
    if !consumes.is_empty() {
        out.insert("consumes", json!(consumes));
    }
    out.insert("produces", json!(produces));
    out.insert("schemes", json!(["https"]));
    for (name, value) in operation.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "requestBody" | "responses" | "parameters") {
            out.insert(name.clone(), value.clone());
        }
    }
    if body.is_some() || operation.get("parameters").is_some() {
        out.insert("parameters", parameters(&operation["parameters"], body, shared));
    }
    out.insert("responses", Value::Object(responses));
    Value::Object(out)
}

fn media(content: &Value) -> Vec<&str> {
    let place = |name: &str| MEDIA.iter().position(|known| *known == name).unwrap_or(MEDIA.len());
    let mut names: Vec<&str> = content.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_by_key(|name| place(name));
    names
}

fn schema_of(content: &Value) -> Option<&Value> {
    content.as_object()?.values().next().map(|media| &media["schema"])
}

fn parameters(parameters: &Value, body: Option<&Value>, shared: &mut Texts) -> Value {
    let mut all = Vec::new();
    if let Some(body) = body {
        let mut told = json!({"name": "body", "in": "body"});
        if body["required"] == true {
            told["required"] = true.into();
        }
        told["schema"] = schema::of(schema_of(&body["content"]).unwrap_or(&Value::Null));
        all.push(told);
    }
    for parameter in parameters.as_array().into_iter().flatten() {
        let mut told = parameter.as_object().cloned().unwrap_or_default();
        let schema = told.remove("schema").unwrap_or_default();
        for word in SCHEMA_WORDS {
            if let Some(value) = schema.get(word) {
                told.insert(word, value.clone());
            }
        }
        all.push(Value::Object(told));
    }
    // A body of the machinery may stand among the shared ones; its place is that of its name.
    all.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
    all.into_iter().map(|parameter| share(parameter, shared)).collect()
}

/// A reference to the parameter, if it may be shared.
fn share(parameter: Value, shared: &mut Texts) -> Value {
    let is_own = match parameter["name"].as_str() {
        // It names the kind. By the others kubectl finds out what a server can do, and follows no reference.
        Some("name" | "fieldValidation" | "dryRun") => true,
        Some("body") => {
            let reference = parameter["schema"]["$ref"].as_str().unwrap_or_default();
            !reference.starts_with("#/definitions/io.k8s.apimachinery")
        }
        _ => false,
    };
    if is_own {
        return parameter;
    }
    let text = parameter.to_string();
    let name = format!("{}-{}", parameter["name"].as_str().unwrap_or_default(), hash(&text));
    let reference = json!({"$ref": format!("#/parameters/{name}")});
    shared.insert(name, text);
    reference
}

/// Eight characters that tell parameters of one name apart: FNV-1, as upstream has it.
fn hash(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
    URL_SAFE.encode(&hash.to_be_bytes()[..6])
}
