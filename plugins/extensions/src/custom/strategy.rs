//! What data cannot say of custom resources.

use apimachinery::cel;
use apimachinery::rest::object::{carry_over, meta_list};
use apimachinery::schema::Schema;
use apimachinery::schema::validate::{embedded, lists};
use apimachinery::status::{ApiError, FieldError, FieldErrorKind};
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names::qualified_name;
use apimachinery::validation::quoted;
use plugin_sdk::Store;

/// Of a definition in use.
pub(super) static CUSTOM: Custom = Custom { terminating: false };
/// Of a definition that is being deleted: nothing new is made.
pub(super) static TERMINATING: Custom = Custom { terminating: true };

pub(super) struct Custom {
    terminating: bool,
}

impl Strategy for Custom {
    fn prepare_for_create(&self, operation: &Operation<'_>, object: &mut Value) {
        if operation.definition.subresource("status").is_some() {
            carry_over(object, &Value::Null, "status");
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        _store: &'a Store,
        _object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        let result = match old {
            None if self.terminating => {
                let why = "create not allowed while custom resource definition is terminating";
                Err(ApiError::forbidden(operation.definition, operation.name, why))
            }
            _ => Ok(Companions::default()),
        };
        Box::pin(std::future::ready(result))
    }

    fn validate(&self, operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let schema = &operation.definition.schema;
        scale(operation, object, true, errors);
        embedded::validate(schema, object, "", errors);
        lists::validate(schema, object, "", errors);
        rules(schema, object, None, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        let schema = &operation.definition.schema;
        let whole = operation.subresource != "status";
        scale(operation, object, whole, errors);
        if whole {
            embedded::validate(schema, object, "", errors);
        }
        // An object that was stored with repetitions may keep them.
        let mut before = Vec::new();
        lists::validate(schema, old, "", &mut before);
        if before.is_empty() {
            lists::validate(schema, object, "", errors);
        }
        rules(schema, object, Some(old), errors);
    }

    fn warnings(&self, _: &Operation<'_>, object: &Value, _: Option<&Value>) -> Vec<String> {
        meta_list(object, "finalizers").into_iter().flat_map(finalizer_warnings).collect()
    }

    fn knows_finalizers(&self) -> bool {
        false
    }

    fn unconditional_update(&self) -> bool {
        false
    }

    fn generation(&self) -> bool {
        true
    }

    /// All but metadata is desired state, the status too unless it is written by itself.
    fn desires_differ(&self, object: &Value, old: &Value) -> bool {
        let desired = |value: &Value| {
            let mut members = value.as_object().cloned().unwrap_or_default();
            members.remove("metadata");
            members
        };
        desired(object) != desired(old)
    }
}

/// Rules are for objects that are otherwise as their schema wants them.
fn rules(schema: &Schema, object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    use FieldErrorKind::{NotSupported, Required, TooLong, TooMany, TypeInvalid};
    if !schema.has_validations {
        return;
    }
    if errors.iter().any(|error| matches!(error.kind, NotSupported | Required | TooLong | TooMany | TypeInvalid)) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors \
                   to complete validation";
        errors.push(FieldError::new(FieldErrorKind::Invalid, "<nil>", "null", why));
        return;
    }
    cel::validate(schema, object, old, errors);
}

/// The replicas that a scale reads must be numbers that it can show.
fn scale(operation: &Operation<'_>, object: &Value, spec: bool, errors: &mut Vec<FieldError>) {
    let Some(paths) = operation.definition.subresource("scale").and_then(|sub| sub.scale.as_ref()) else { return };
    if spec {
        replicas(object, &paths.spec_replicas, errors);
    }
    replicas(object, &paths.status_replicas, errors);
    let Some(path) = &paths.label_selector else { return };
    let wrong = match at(object, path) {
        Ok(found) => found.filter(|value| !value.is_string()).map(|value| wrong_type(path, value, "string")),
        Err(why) => Some(why),
    };
    errors.extend(wrong.map(|why| FieldError::invalid(field(path), &json!(""), why)));
}

fn replicas(object: &Value, path: &[Box<str>], errors: &mut Vec<FieldError>) {
    let found = at(object, path).and_then(|found| match found {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(path, value, "int64")),
    });
    let (value, why) = match found {
        Ok(Some(number)) if number < 0 => (number, "should be a non-negative integer".to_string()),
        Ok(Some(number)) if number > i32::MAX.into() => {
            (number, format!("should be less than or equal to {}", i32::MAX))
        }
        Ok(_) => return,
        Err(why) => (0, why),
    };
    errors.push(FieldError::invalid(field(path), &json!(value), why));
}

/// The value at the end of a path, which leads through objects.
fn at<'a>(object: &'a Value, path: &[Box<str>]) -> Result<Option<&'a Value>, String> {
    let mut found = object;
    for (depth, key) in path.iter().enumerate() {
        found = match found {
            Value::Object(members) => match members.get(key) {
                Some(member) => member,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            other => return Err(wrong_type(&path[..=depth], other, "map[string]interface{}")),
        };
    }
    Ok(Some(found))
}

fn field(path: &[Box<str>]) -> String {
    format!(".{}", path.join("."))
}

fn wrong_type(path: &[Box<str>], value: &Value, expected: &str) -> String {
    let actual = match value {
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::Array(_) => "[]interface {}",
        Value::Null => "<nil>",
        Value::Object(_) | Value::Raw(_) => "map[string]interface {}",
    };
    format!("{} accessor error: {} is of the type {actual}, expected {expected}", field(path), as_go_prints(value))
}

fn as_go_prints(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Null => "<nil>".to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_go_prints).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| name.as_str());
            let shown = members.into_iter().map(|(name, value)| format!("{name}:{}", as_go_prints(value)));
            format!("map[{}]", shown.collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

/// Finalizers of others that may one day collide.
fn finalizer_warnings(name: &str) -> Vec<String> {
    const STANDARD: [&str; 3] = ["orphan", "foregroundDeletion", "kubernetes"];
    let place = format!("metadata.finalizers: {}", quoted(name));
    let mut warnings: Vec<String> =
        qualified_name(name).into_iter().map(|message| format!("{place}: {message}")).collect();
    if !name.contains('/') && !STANDARD.contains(&name) {
        let including = if name.contains('.') { " including a path (/)" } else { "" };
        warnings.push(format!(
            "{place}: prefer a domain-qualified finalizer name{including} to avoid accidental conflicts with other \
             finalizer writers"
        ));
    }
    warnings
}
