//! Structurality: every value has one schema that says what it is, found without looking
//! into `allOf`, `anyOf`, `oneOf` and `not`, which may only restrict it further.

use super::props::{Additional, Props, child, index, key};
use crate::schema::pattern::Pattern;
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;
use crate::validation::quoted;

/// All violations, sorted by their texts as upstream has them.
pub(super) fn check(root: Props<'_>, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    structure(root, Level::Root, path, &mut errors);
    completeness(root, root, path, path, &mut errors);
    errors.sort_by_cached_key(FieldError::to_string);
    errors
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Root,
    Item,
    Field,
}

fn structure(s: Props<'_>, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    match s.schema("items") {
        Some(items) => structure(items, Level::Item, &child(path, "items"), errors),
        None if s.kind() == "array" => errors.push(FieldError::required(child(path, "items"), "must be specified")),
        None => {}
    }
    for (name, property) in s.named("properties") {
        structure(property, Level::Field, &key(path, "properties", name), errors);
    }
    let additional = s.additional();
    if additional.is_some() && level == Level::Root {
        errors.push(FieldError::forbidden(child(path, "additionalProperties"), "must not be used at the root"));
    }
    if let Some(Additional::Schema(schema)) = additional {
        structure(schema, Level::Field, &child(path, "additionalProperties"), errors);
    }
    extensions(s, path, errors);
    let [first_any, first_all] = [is_int_or_string_any(s), s.schemas("allOf").next().is_some_and(is_int_or_string_any)];
    junctors(s, first_any, first_all, path, errors);
    kind(s, level, path, errors);

    let embedded = s.is_embedded_resource();
    if embedded && additional.is_some() {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(FieldError::forbidden(child(path, "additionalProperties"), why));
    }
    if level == Level::Root || embedded {
        for name in ["kind", "apiVersion"] {
            if let Some(property) = s.property(name).filter(|property| property.kind() != "string") {
                let path = child(&key(path, "properties", name), "type");
                errors.push(invalid_text(path, property.kind(), "must be string"));
            }
        }
    }
    if let Some(metadata) = s.property("metadata") {
        let path = key(path, "properties", "metadata");
        if (level == Level::Root || embedded) && metadata.kind() != "object" {
            errors.push(invalid_text(child(&path, "type"), metadata.kind(), "must be object"));
        }
        if level == Level::Root && !restricts_names_only(metadata) {
            let why =
                "must not specify anything other than name and generateName, but metadata is implicitly specified";
            errors.push(FieldError::forbidden(path, why));
        }
    }
    if embedded && !s.preserves_unknown() && s.named("properties").next().is_none() {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without \
                   x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(child(path, "properties"), why));
    }
}

fn kind(s: Props<'_>, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let kind = s.kind();
    if s.is_embedded_resource() && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match kind {
            "" => FieldError::required(child(path, "type"), why),
            _ => invalid_text(child(path, "type"), kind, why),
        });
    } else if kind.is_empty() && !s.is_int_or_string() && !s.preserves_unknown() {
        let why = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(child(path, "type"), why));
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(invalid_text(child(path, "type"), kind, "must be object at the root"));
    }
}

fn extensions(s: Props<'_>, path: &str, errors: &mut Vec<FieldError>) {
    for name in ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] {
        if s.is_int_or_string() && s.flag(name) {
            let why = "must be false if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(child(path, name), &Value::Bool(true), why));
        }
    }
}

/// The root's metadata may restrict `name` and `generateName`; it is there anyway.
fn restricts_names_only(metadata: Props<'_>) -> bool {
    metadata.named("properties").all(|(name, _)| matches!(name, "name" | "generateName"))
        && metadata.filled().all(|name| matches!(name, "type" | "properties" | "default"))
}

/// `anyOf: [{type: integer}, {type: string}]`, allowed for the sake of int-or-string.
fn is_int_or_string_any(s: Props<'_>) -> bool {
    let alternatives: Vec<Props<'_>> = s.schemas("anyOf").collect();
    let only = |props: Props<'_>, kind: &str| props.kind() == kind && props.filled().count() == 1;
    matches!(alternatives[..], [integer, string] if only(integer, "integer") && only(string, "string"))
}

/// Restrictions by `anyOf`, `allOf`, `oneOf`, `not` and `pattern`.
fn junctors(s: Props<'_>, skip_any: bool, skip_first_all: bool, path: &str, errors: &mut Vec<FieldError>) {
    if !skip_any {
        for (at, schema) in s.schemas("anyOf").enumerate() {
            restriction(schema, false, &index(path, "anyOf", at), errors);
        }
    }
    for (at, schema) in s.schemas("allOf").enumerate() {
        restriction(schema, skip_first_all && at == 0, &index(path, "allOf", at), errors);
    }
    for (at, schema) in s.schemas("oneOf").enumerate() {
        restriction(schema, false, &index(path, "oneOf", at), errors);
    }
    if let Some(schema) = s.schema("not") {
        restriction(schema, false, &child(path, "not"), errors);
    }
    let pattern = s.text("pattern");
    if !pattern.is_empty()
        && let Some(why) = Pattern::new(pattern).error()
    {
        let why = format!("must be a valid regular expression, but isn't: {why}");
        errors.push(invalid_text(child(path, "pattern"), pattern, &why));
    }
}

/// A schema below a junctor, which may restrict values but not say what they are.
fn restriction(v: Props<'_>, skip_any: bool, path: &str, errors: &mut Vec<FieldError>) {
    junctors(v, skip_any, false, path, errors);
    if let Some(items) = v.schema("items") {
        restriction(items, false, &child(path, "items"), errors);
    }
    for (name, property) in v.named("properties") {
        restriction(property, false, &key(path, "properties", name), errors);
    }
    let filled = |name: &str| v.filled().any(|filled| filled == name);
    let extra = matches!(v.additional(), Some(Additional::Schema(_) | Additional::Allowed(true)));
    for (name, present, must) in [
        ("type", filled("type"), "empty"),
        ("additionalProperties", extra, "undefined"),
        ("default", v.has("default"), "undefined"),
        ("title", filled("title"), "empty"),
        ("description", filled("description"), "empty"),
        ("nullable", filled("nullable"), "false"),
        ("x-kubernetes-preserve-unknown-fields", v.preserves_unknown(), "false"),
        ("x-kubernetes-embedded-resource", v.is_embedded_resource(), "false"),
        ("x-kubernetes-int-or-string", v.is_int_or_string(), "false"),
        ("x-kubernetes-list-map-keys", filled("x-kubernetes-list-map-keys"), "empty"),
        ("x-kubernetes-list-type", v.has("x-kubernetes-list-type"), "undefined"),
        ("x-kubernetes-map-type", v.has("x-kubernetes-map-type"), "undefined"),
        ("x-kubernetes-validations", filled("x-kubernetes-validations"), "empty"),
    ] {
        if present {
            errors.push(FieldError::forbidden(child(path, name), format!("must be {must} to be structural")));
        }
    }
    if v.property("metadata").is_some() {
        let path = key(path, "properties", "metadata");
        errors.push(FieldError::forbidden(path, "must not be specified in a nested context"));
    }
}

/// Whatever a restriction `v` at `v_path` speaks of, the schema `s` at `s_path` specifies.
fn completeness(v: Props<'_>, s: Props<'_>, s_path: &str, v_path: &str, errors: &mut Vec<FieldError>) {
    if let Some(not) = v.schema("not") {
        restriction_completeness(not, s, s_path, &child(v_path, "not"), errors);
    }
    for junctor in ["allOf", "anyOf", "oneOf"] {
        for (at, schema) in v.schemas(junctor).enumerate() {
            restriction_completeness(schema, s, s_path, &index(v_path, junctor, at), errors);
        }
    }
}

fn restriction_completeness(v: Props<'_>, s: Props<'_>, s_path: &str, v_path: &str, errors: &mut Vec<FieldError>) {
    completeness(v, s, s_path, v_path, errors);
    let missing = |path: String, v_path: &str| FieldError::required(path, format!("because it is defined in {v_path}"));
    if let Some(items) = v.schema("items") {
        let (s_path, v_path) = (child(s_path, "items"), child(v_path, "items"));
        match s.schema("items") {
            Some(structural) => restriction_completeness(items, structural, &s_path, &v_path, errors),
            None => errors.push(missing(s_path, &v_path)),
        }
    }
    for (name, property) in v.named("properties") {
        let (s_path, v_path) = (key(s_path, "properties", name), key(v_path, "properties", name));
        match s.property(name) {
            Some(structural) => restriction_completeness(property, structural, &s_path, &v_path, errors),
            None => errors.push(missing(s_path, &v_path)),
        }
    }
}

fn invalid_text(path: String, value: &str, why: &str) -> FieldError {
    FieldError::new(FieldErrorKind::Invalid, path, quoted(value), why)
}
