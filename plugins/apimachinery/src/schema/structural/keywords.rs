//! What each keyword of a definition's schema may say, structural or not.

use super::props::{Additional, Props, child, index, key};
use super::{Tolerance, internal};
use crate::cel::{Context, Total};
use crate::schema::validate::text::json;
use crate::status::{FieldError, FieldErrorKind};
use crate::tree::Value;
use crate::validation::quoted;

pub(super) const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];

const RULES: &str = "x-kubernetes-validations";
/// Of findings by rules, in upstream's order, which is alphabetical.
const REASONS: [&str; 4] = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Keywords that stay meaningful at the root when the status is validated by itself, in the
/// order and spelling of upstream's message.
const ROOT_KEYWORDS: [(&str, &str); 22] = [
    ("description", "Description"),
    ("type", "Type"),
    ("format", "Format"),
    ("title", "Title"),
    ("maximum", "Maximum"),
    ("exclusiveMaximum", "ExclusiveMaximum"),
    ("minimum", "Minimum"),
    ("exclusiveMinimum", "ExclusiveMinimum"),
    ("maxLength", "MaxLength"),
    ("minLength", "MinLength"),
    ("pattern", "Pattern"),
    ("maxItems", "MaxItems"),
    ("minItems", "MinItems"),
    ("uniqueItems", "UniqueItems"),
    ("multipleOf", "MultipleOf"),
    ("required", "Required"),
    ("items", "Items"),
    ("properties", "Properties"),
    ("externalDocs", "ExternalDocs"),
    ("example", "Example"),
    ("x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"),
    ("x-kubernetes-validations", "XValidations"),
];

/// What the root may not say when there is a status subresource.
pub(super) fn root_errors(root: Props<'_>, schema: &Value, path: &str) -> Vec<FieldError> {
    if !matches!(root.kind(), "" | "object") {
        let why =
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        return vec![FieldError::new(FieldErrorKind::Invalid, child(path, "type"), quoted(root.kind()), why)];
    }
    let allowed = |name: &str| ROOT_KEYWORDS.iter().any(|(keyword, _)| *keyword == name);
    if root.filled().all(allowed) {
        return Vec::new();
    }
    let names: Vec<&str> = ROOT_KEYWORDS.iter().map(|(_, name)| *name).collect();
    let why = format!(
        "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
        names.join(" ")
    );
    vec![FieldError::new(FieldErrorKind::Invalid, path, internal::schema(schema).to_string(), why)]
}

/// All findings below `path`. Rules are compiled if the schema is `structural`.
pub(super) fn check(root: Props<'_>, path: &str, tolerance: Tolerance, structural: bool) -> Vec<FieldError> {
    let mut checker = Checker { tolerance, errors: Vec::new(), of_rules: Vec::new(), costs: Total::default() };
    let place = Place { root: true, metadata: false, no_defaults: None };
    checker.node(root, path, place, structural.then_some(Context::ROOT));
    checker.errors.extend(checker.of_rules);
    checker.errors.extend(checker.costs.findings(path));
    checker.errors
}

struct Checker {
    tolerance: Tolerance,
    errors: Vec<FieldError>,
    /// Findings about rules that were compiled, which are told last.
    of_rules: Vec<FieldError>,
    costs: Total,
}

/// What the surroundings of a schema forbid.
#[derive(Clone, Copy)]
struct Place<'a> {
    root: bool,
    /// Inside of the type or object metadata of a resource.
    metadata: bool,
    /// Where defaults are forbidden, as the message says it.
    no_defaults: Option<&'a str>,
}

impl Checker {
    fn forbid(&mut self, path: String, why: impl Into<String>) {
        self.errors.push(FieldError::forbidden(path, why));
    }

    fn node(&mut self, s: Props<'_>, path: &str, place: Place<'_>, context: Option<Context>) {
        let before = self.errors.len();
        let below = context.as_ref().map(|context| context.below(s, path));
        self.standard(s, path, place);
        if s.flag("uniqueItems") {
            let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.forbid(child(path, "uniqueItems"), why);
        }
        let inside = Place { root: false, ..place };
        if let Some(additional) = s.additional() {
            let path = child(path, "additionalProperties");
            if s.named("properties").next().is_some() && !matches!(additional, Additional::Allowed(true)) {
                self.forbid(path.clone(), "additionalProperties and properties are mutual exclusive");
            }
            if let Additional::Schema(schema) = additional {
                let reason = "inside additionalProperties applying to object metadata";
                let place = if place.metadata { Place { no_defaults: Some(reason), ..inside } } else { inside };
                self.node(schema, &path, place, below.clone());
            }
        }
        for (name, property) in s.named("properties") {
            let meta = (place.root || s.is_embedded_resource()) && matches!(name, "metadata" | "kind" | "apiVersion");
            let reason = format!("in top-level {name}");
            let place = match (meta, place.root) {
                (true, true) => Place { metadata: true, no_defaults: Some(&reason), ..inside },
                (true, false) => Place { metadata: true, ..inside },
                (false, _) => inside,
            };
            self.node(property, &key(path, "properties", name), place, below.clone());
        }
        if let Some(not) = s.schema("not") {
            self.node(not, &child(path, "not"), inside, None);
        }
        for junctor in ["allOf", "oneOf", "anyOf"] {
            for (at, schema) in s.schemas(junctor).enumerate() {
                self.node(schema, &index(path, junctor, at), inside, None);
            }
        }
        for (name, schema) in s.named("definitions") {
            self.node(schema, &key(path, "definitions", name), inside, None);
        }
        if let Some(items) = s.schema("items") {
            self.node(items, &child(path, "items"), inside, below.clone());
        }
        for (at, schema) in s.schemas("items").enumerate() {
            self.node(schema, &index(path, "items", at), inside, None);
        }
        for (name, schema) in s.named("dependencies") {
            self.node(schema, &key(path, "dependencies", name), inside, None);
        }
        self.extensions(s, path);
        self.rules(s, path);
        // A schema that is wrong has no types that rules could be checked against.
        if let Some(context) = context.filter(|_| self.errors.len() == before) {
            let root = place.root || s.is_embedded_resource();
            let shown = |at: usize| internal::rule(&s.list(RULES)[at]);
            self.of_rules.extend(self.costs.check(&s.to_value(), root, &context, path, shown));
        }
    }

    /// Keywords of the OpenAPI standard.
    fn standard(&mut self, s: Props<'_>, path: &str, place: Place<'_>) {
        let kind = s.kind();
        if !self.tolerance.unknown_types && !kind.is_empty() && !TYPES.contains(&kind) {
            self.not_supported(child(path, "type"), kind, &TYPES);
        }
        if s.has("default")
            && let Some(reason) = place.no_defaults
        {
            self.forbid(child(path, "default"), format!("must not be set {reason}"));
        }
        let some = |name: &str| s.named(name).next().is_some();
        for (name, present) in [
            ("id", !s.text("id").is_empty()),
            ("additionalItems", s.has("additionalItems")),
            ("patternProperties", some("patternProperties")),
            ("definitions", some("definitions")),
            ("dependencies", s.has("dependencies")),
            ("$ref", s.has("$ref")),
        ] {
            if present {
                self.forbid(child(path, name), format!("{name} is not supported"));
            }
        }
        if kind == "null" {
            self.forbid(child(path, "type"), "type cannot be set to null, use nullable as an alternative");
        }
        if !s.list("items").is_empty() {
            self.forbid(child(path, "items"), "items must be a schema object and not an array");
        }
        if place.metadata && s.is_embedded_resource() {
            self.forbid(child(path, "x-kubernetes-embedded-resource"), "must not be used inside of resource meta");
        }
    }

    /// `x-kubernetes-*`, without rules.
    fn extensions(&mut self, s: Props<'_>, path: &str) {
        const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
        if s.get(PRESERVE) == Some(&Value::Bool(false)) {
            let error = FieldError::invalid(child(path, PRESERVE), &Value::Bool(false), "must be true or undefined");
            self.errors.push(error);
        }
        if let Some(map_type) = s.maybe("x-kubernetes-map-type") {
            self.must_be(s, path, "object", "x-kubernetes-map-type");
            if !["atomic", "granular"].contains(&map_type) {
                self.not_supported(child(path, "x-kubernetes-map-type"), map_type, &["atomic", "granular"]);
            }
        }
        let list_type = s.maybe("x-kubernetes-list-type");
        if list_type.is_some() {
            self.must_be(s, path, "array", "x-kubernetes-list-type");
        }
        if s.kind() == "array" && !self.tolerance.non_atomic_sets {
            self.errors.extend(atomic_set_errors(s, path));
        }
        if let Some(list_type) = list_type.filter(|list_type| !["atomic", "set", "map"].contains(list_type)) {
            self.not_supported(child(path, "x-kubernetes-list-type"), list_type, &["atomic", "set", "map"]);
        }
        self.list_map_keys(s, path, list_type);
        if !self.tolerance.loose_map_keys {
            self.errors.extend(map_key_errors(s, path));
        }
    }

    fn must_be(&mut self, s: Props<'_>, path: &str, kind: &str, extension: &str) {
        let why = format!("must be {kind} if {extension} is specified");
        let path = child(path, "type");
        match s.kind() {
            actual if actual == kind => {}
            "" => self.errors.push(FieldError::required(path, why)),
            actual => self.errors.push(FieldError::new(FieldErrorKind::Invalid, path, quoted(actual), why)),
        }
    }

    fn list_map_keys(&mut self, s: Props<'_>, path: &str, list_type: Option<&str>) {
        const KEYS: &str = "x-kubernetes-list-map-keys";
        let keys: Vec<&str> = s.texts(KEYS).collect();
        if !keys.is_empty() && list_type != Some("map") {
            let why = "must be map if x-kubernetes-list-map-keys is non-empty";
            let path = child(path, "x-kubernetes-list-type");
            self.errors.push(match list_type {
                None => FieldError::required(path, why),
                Some(other) => FieldError::new(FieldErrorKind::Invalid, path, quoted(other), why),
            });
        }
        if list_type != Some("map") {
            return;
        }
        if keys.is_empty() {
            let why = "must not be empty if x-kubernetes-list-type is map";
            self.errors.push(FieldError::required(child(path, KEYS), why));
        }
        let Some(items) = s.schema("items") else {
            if !s.has("items") {
                let why = "must have a schema if x-kubernetes-list-type is map";
                self.errors.push(FieldError::required(child(path, "items"), why));
            }
            return;
        };
        let items_path = child(path, "items");
        if items.kind() != "object" {
            let why = "must be object if parent array's x-kubernetes-list-type is map";
            let path = child(&items_path, "type");
            self.errors.push(FieldError::new(FieldErrorKind::Invalid, path, quoted(items.kind()), why));
            return;
        }
        for (at, name) in keys.iter().enumerate() {
            let invalid_keys = |why: &str| {
                FieldError::new(FieldErrorKind::Invalid, child(path, KEYS), json(&Value::from(keys.clone())), why)
            };
            match items.property(name) {
                None => self.errors.push(invalid_keys("entries must all be names of item properties")),
                Some(property) if ["array", "object"].contains(&property.kind()) => {
                    let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                    let path = child(&key(&items_path, "properties", name), "type");
                    self.errors.push(FieldError::new(FieldErrorKind::Invalid, path, quoted(items.kind()), why));
                }
                Some(_) => {}
            }
            if keys[..at].contains(name) {
                self.errors.push(invalid_keys("must not contain duplicate entries"));
            }
        }
    }

    /// `x-kubernetes-validations`: their form.
    fn rules(&mut self, s: Props<'_>, path: &str) {
        for (at, rule) in s.schemas(RULES).enumerate() {
            let path = index(path, RULES, at);
            self.rule_texts(rule, &path);
            let reason = rule.maybe("reason");
            if let Some(reason) = reason.filter(|reason| !REASONS.contains(reason)) {
                self.not_supported(child(&path, "reason"), reason, &REASONS);
            }
            let field = rule.text("fieldPath");
            if field.is_empty() {
                continue;
            }
            for (wrong, why) in [
                (field.trim().is_empty(), "must be non-empty if specified"),
                (has_lines(field), "must not contain line breaks"),
                (!is_field_path(s, field), "must be a valid path"),
            ] {
                if wrong {
                    self.errors.push(invalid_text(child(&path, "fieldPath"), field, why));
                }
            }
        }
    }

    fn rule_texts(&mut self, rule: Props<'_>, path: &str) {
        let (text, message, expression) = (rule.text("rule"), rule.text("message"), rule.text("messageExpression"));
        let found = if text.trim().is_empty() {
            Some(FieldError::required(child(path, "rule"), "rule is not specified"))
        } else if !message.is_empty() && message.trim().is_empty() {
            Some(invalid_text(child(path, "message"), message, "must be non-empty if specified"))
        } else if has_lines(message.trim()) {
            Some(invalid_text(child(path, "message"), message, "must not contain line breaks"))
        } else if has_lines(text.trim()) && message.trim().is_empty() {
            let why = "message must be specified if rule contains line breaks";
            Some(FieldError::required(child(path, "message"), why))
        } else {
            None
        };
        self.errors.extend(found);
        if !expression.is_empty() && expression.trim().is_empty() {
            let why = "messageExpression must be non-empty if specified";
            self.errors.push(FieldError::required(child(path, "messageExpression"), why));
        }
    }

    fn not_supported(&mut self, path: String, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|name| quoted(name)).collect();
        let why = format!("supported values: {}", supported.join(", "));
        self.errors.push(FieldError::new(FieldErrorKind::NotSupported, path, quoted(value), why));
    }
}

fn has_lines(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

fn invalid_text(path: String, text: &str, why: &str) -> FieldError {
    FieldError::new(FieldErrorKind::Invalid, path, quoted(text), why)
}

/// Whether a path like `.a['b'].c` leads to a field below a schema.
fn is_field_path(schema: Props<'_>, path: &str) -> bool {
    let (name, rest) = if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        (name.to_string(), rest)
    } else if let Some((name, rest)) = path.strip_prefix("['").and_then(|path| path.split_once("']")) {
        (name.replace("\\'", "'"), rest)
    } else {
        return false;
    };
    let below = match schema.additional() {
        Some(Additional::Schema(values)) if !schema.has("properties") => Some(values),
        _ => schema.property(&name),
    };
    !name.is_empty() && below.is_some_and(|below| rest.is_empty() || is_field_path(below, rest))
}

/// Items of a set must be atomic.
pub(super) fn atomic_set_errors(s: Props<'_>, path: &str) -> Option<FieldError> {
    let items = s.schema("items").filter(|_| s.maybe("x-kubernetes-list-type") == Some("set"))?;
    let list_type = items.maybe("x-kubernetes-list-type");
    let extension = match items.kind() {
        "array" if list_type.is_some_and(|list_type| list_type != "atomic") => "x-kubernetes-list-type",
        "object" if items.maybe("x-kubernetes-map-type") != Some("atomic") => "x-kubernetes-map-type",
        _ => return None,
    };
    let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    let value = list_type.map_or("null".to_string(), quoted);
    Some(FieldError::new(FieldErrorKind::Invalid, child(&child(path, "items"), extension), value, why))
}

/// Items of sets and maps are never null, and keys of maps always there.
pub(super) fn map_key_errors(s: Props<'_>, path: &str) -> Vec<FieldError> {
    let list_type = s.maybe("x-kubernetes-list-type").unwrap_or_default();
    let Some(items) = s.schema("items").filter(|_| ["set", "map"].contains(&list_type)) else { return Vec::new() };
    let path = child(path, "items");
    let mut errors = Vec::new();
    if items.flag("nullable") {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(FieldError::forbidden(child(&path, "nullable"), why));
    }
    if list_type == "set" {
        return errors;
    }
    for name in s.texts("x-kubernetes-list-map-keys") {
        let Some(property) = items.property(name) else { continue };
        let path = key(&path, "properties", name);
        if !items.texts("required").any(|required| required == name) && !property.has("default") {
            let why =
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            errors.push(FieldError::required(child(&path, "default"), why));
        }
        if property.flag("nullable") {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(child(&path, "nullable"), why));
        }
    }
    errors
}
