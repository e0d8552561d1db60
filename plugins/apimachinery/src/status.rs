//! Errors as clients see them: `metav1.Status` with upstream's reasons and wording.

use crate::definition::Definition;
use crate::tree::{Map, Value, json};
use crate::validation::quoted;

/// A request that failed, and what its `Status` says.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    pub code: u16,
    /// `NotFound`, `Invalid`, ...; empty for upstream's errors without one.
    pub reason: &'static str,
    pub message: String,
    /// `details`, without `causes` and `retryAfterSeconds`.
    pub group: String,
    /// The resource, or the kind for `Invalid`.
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: u32,
    /// `details` is there even if it is empty, as upstream has it for some.
    pub with_details: bool,
    /// `metadata.continue` (410 for a compacted page).
    pub continue_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// `FieldValueRequired`, ...
    pub reason: String,
    pub message: String,
    pub field: String,
}

/// One finding of validation, as upstream's `field.Error`.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    pub kind: FieldErrorKind,
    /// `spec.containers[0].name`.
    pub field: String,
    /// The value as it stands in the message (`"x"`, `11`, `{...}`); unused for some kinds.
    pub value: String,
    pub detail: String,
    /// The client is warned of it and not refused: it was so before.
    pub tolerated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    /// As `Invalid`, where upstream does not show the value.
    InvalidOmitted,
    /// `Unsupported value`; `detail` holds `supported values: "a", "b"`.
    NotSupported,
    Forbidden,
    TooLong,
    TooMany,
    Internal,
    /// Wrong type: `Invalid value: "string": ...`, cause `FieldValueTypeInvalid`.
    TypeInvalid,
}

impl FieldError {
    pub fn new(
        kind: FieldErrorKind,
        field: impl Into<String>,
        value: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, field: field.into(), value: value.into(), detail: detail.into(), tolerated: false }
    }

    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, "", detail)
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, Self::shown(value), detail)
    }

    /// A value as it stands in messages: a text as Go quotes it, anything else as JSON.
    pub fn shown(value: &Value) -> String {
        match value {
            Value::String(text) => quoted(text),
            other => other.to_text_as_go(),
        }
    }

    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, "", detail)
    }

    /// The message without the field, as it stands in a cause.
    pub fn body(&self) -> String {
        use FieldErrorKind::*;
        let title = match self.kind {
            NotFound => "Not found",
            Required => "Required value",
            Duplicate => "Duplicate value",
            Invalid | InvalidOmitted | TypeInvalid => "Invalid value",
            NotSupported => "Unsupported value",
            Forbidden => "Forbidden",
            TooLong => "Too long",
            TooMany => "Too many",
            Internal => "Internal error",
        };
        let mut body = match self.kind {
            Required | Forbidden | TooLong | Internal | InvalidOmitted => title.to_string(),
            Duplicate if self.value.is_empty() => title.to_string(),
            _ => format!("{title}: {}", self.value),
        };
        if !self.detail.is_empty() {
            body.push_str(": ");
            body.push_str(&self.detail);
        }
        body
    }

    pub fn cause(&self) -> Cause {
        use FieldErrorKind::*;
        let reason = match self.kind {
            NotFound => "FieldValueNotFound",
            Required => "FieldValueRequired",
            Duplicate => "FieldValueDuplicate",
            Invalid | InvalidOmitted => "FieldValueInvalid",
            NotSupported => "FieldValueNotSupported",
            Forbidden => "FieldValueForbidden",
            TooLong => "FieldValueTooLong",
            TooMany => "FieldValueTooMany",
            Internal => "InternalError",
            TypeInvalid => "FieldValueTypeInvalid",
        };
        Cause { reason: reason.to_string(), message: self.body(), field: self.field.clone() }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

impl ApiError {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            group: String::new(),
            kind: String::new(),
            name: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
            with_details: false,
            continue_token: None,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// An object that calls another namespace its own than the one that it is sent to.
    pub fn other_namespace() -> Self {
        Self::bad_request("the namespace of the provided object does not match the namespace sent on the request")
    }

    pub fn internal(message: impl std::fmt::Display) -> Self {
        let mut error = Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        error.causes.push(Cause { reason: String::new(), message: message.to_string(), field: String::new() });
        error
    }

    pub fn not_found(definition: &Definition, name: &str) -> Self {
        let message = format!("{} {} not found", definition.qualified_resource(), quoted(name));
        Self::new(404, "NotFound", message).about(definition, name)
    }

    pub fn already_exists(definition: &Definition, name: &str) -> Self {
        let message = format!("{} {} already exists", definition.qualified_resource(), quoted(name));
        Self::new(409, "AlreadyExists", message).about(definition, name)
    }

    pub fn conflict(definition: &Definition, name: &str, why: impl std::fmt::Display) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {}: {why}", definition.qualified_resource(), quoted(name));
        Self::new(409, "Conflict", message).about(definition, name)
    }

    pub fn forbidden(definition: &Definition, name: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("{} {} is forbidden: {why}", definition.qualified_resource(), quoted(name));
        Self::new(403, "Forbidden", message).about(definition, name)
    }

    /// 422 with every finding: its causes, and all of them in the message. A finding that is
    /// there twice stands in the message once, as upstream has it.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::with_capacity(errors.len());
        for text in errors.iter().map(FieldError::to_string) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = match texts.len() {
            1 => texts[0].clone(),
            _ => format!("[{}]", texts.join(", ")),
        };
        let qualified = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
        let mut error = Self::new(422, "Invalid", format!("{qualified} {} is invalid: {list}", quoted(name)));
        error.group = group.to_string();
        error.kind = kind.to_string();
        error.name = name.to_string();
        error.causes = errors.iter().map(FieldError::cause).collect();
        error
    }

    pub fn method_not_allowed() -> Self {
        let mut error =
            Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        error.with_details = true;
        error
    }

    /// As [`Self::method_not_allowed`], by a handler that knows the resource.
    pub fn method_not_supported(definition: &Definition, verb: &str) -> Self {
        let message =
            format!("{verb} is not supported on resources of kind {}", quoted(&definition.qualified_resource()));
        Self::new(405, "MethodNotAllowed", message).about(definition, "")
    }

    /// The 404 of a path below a served group version.
    pub fn unknown_resource() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.with_details = true;
        error
    }

    /// Sets `details` to the resource and name.
    pub fn about(mut self, definition: &Definition, name: &str) -> Self {
        self.group = definition.group.to_string();
        self.kind = definition.resource.to_string();
        self.name = name.to_string();
        self
    }

    /// The `Status` object.
    pub fn to_value(&self) -> Value {
        let mut details = Map::new();
        for (key, text) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !text.is_empty() {
                details.insert(key, json!(text));
            }
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(|cause| {
                let mut out = Map::new();
                for (key, text) in [("reason", &cause.reason), ("message", &cause.message), ("field", &cause.field)] {
                    if !text.is_empty() {
                        out.insert(key, json!(text));
                    }
                }
                Value::Object(out)
            });
            details.insert("causes", causes.collect());
        }
        if self.retry_after_seconds > 0 {
            details.insert("retryAfterSeconds", json!(self.retry_after_seconds));
        }
        let mut metadata = Map::new();
        if let Some(token) = &self.continue_token {
            metadata.insert("continue", json!(token));
        }
        let mut status = Map::new();
        status.insert("kind", json!("Status"));
        status.insert("apiVersion", json!("v1"));
        status.insert("metadata", Value::Object(metadata));
        status.insert("status", json!("Failure"));
        status.insert("message", json!(self.message));
        if !self.reason.is_empty() {
            status.insert("reason", json!(self.reason));
        }
        if !details.is_empty() || self.with_details {
            status.insert("details", Value::Object(details));
        }
        status.insert("code", json!(self.code));
        Value::Object(status)
    }
}
