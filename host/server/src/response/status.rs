//! Errors as clients read them: `metav1.Status` with upstream's reasons and wording.

use forms::json::escape_from;
use forms::{Encoding, Notation, yaml};
use http::header::{CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::{APPLICATION_JSON, Body, Response};
use crate::request::{BodyError, Context};

/// A failure that the server itself answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub code: StatusCode,
    pub reason: &'static str,
    pub message: String,
    /// `details`; nothing if upstream sends none.
    pub details: Option<Map<String, Value>>,
    pub retry_after_seconds: Option<u32>,
}

impl Failure {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after_seconds: None }
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::routed(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// Nothing is at this path, below one where something is.
    pub(crate) fn unknown_resource() -> Self {
        Self::routed(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::routed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", "415: Unsupported Media Type")
    }

    pub(crate) fn not_acceptable(message: String) -> Self {
        Self::routed(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message)
    }

    /// What upstream's router says, which has details and nothing in them.
    fn routed(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { details: Some(Map::new()), ..Self::new(code, reason, message) }
    }

    /// `details` are what the forbidden request was about; see [`crate::authz`].
    pub(crate) fn forbidden(message: String, details: Map<String, Value>) -> Self {
        Self { details: Some(details), ..Self::new(StatusCode::FORBIDDEN, "Forbidden", message) }
    }

    /// The deadline passed.
    pub fn timeout() -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        Self { details: Some(Map::new()), ..Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message) }
    }

    pub fn too_large(limit: u64) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// Not now; clients retry only if they are told when.
    pub fn unavailable(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
        }
    }

    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self {
            details: details("causes", json!([{ "message": message.to_string() }])),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                format!("Internal error occurred: {message}"),
            )
        }
    }

    /// The `Status` object as JSON in one line, with the line end that upstream writes.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = self.to_value().to_string().into_bytes();
        escape_from(0, &mut json);
        json.push(b'\n');
        json
    }

    /// The `Status` object. Upstream ends neither indented JSON nor protobuf by a line end.
    pub(crate) fn write(&self, notation: Notation) -> Vec<u8> {
        match notation.encoding {
            Encoding::Json if notation.pretty => {
                let mut json = format!("{:#}", self.to_value()).into_bytes();
                escape_from(0, &mut json);
                json
            }
            Encoding::Json => self.to_json(),
            Encoding::Yaml => yaml::encode(&self.to_value()),
            Encoding::Protobuf => self.to_protobuf(),
        }
    }

    fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
        });
        if let Some(details) = &self.details {
            status["details"] = Value::Object(details.clone());
        }
        status["code"] = self.code.as_u16().into();
        status
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        let mut response = Response::new(Body::from(failure.to_json()));
        *response.status_mut() = failure.code;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, APPLICATION_JSON);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(seconds) = failure.retry_after_seconds {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        // In JSON until it is known what its client takes.
        response.extensions_mut().insert(failure);
        response
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(limit) => Self::too_large(limit),
            BodyError::Broken(reason) => Self::bad_request(reason),
        }
    }
}

/// The end of the chain: nobody serves this path, or nobody serves it yet.
pub fn not_found(context: &Context) -> Response {
    if context.routes_complete() {
        return super::text(StatusCode::NOT_FOUND, "404 page not found");
    }
    // A 404 before all routes are there makes controllers delete what they believe is gone.
    let mut failure = Failure::unavailable(
        "the request has been made before all known HTTP paths have been installed, please try again",
        5,
    );
    failure.details = details("retryAfterSeconds", 5.into());
    failure.into()
}

fn details(key: &str, value: Value) -> Option<Map<String, Value>> {
    Some(Map::from_iter([(key.to_owned(), value)]))
}
