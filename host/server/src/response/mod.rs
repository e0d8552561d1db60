//! Responses: bodies, plain texts and `Status` objects.

mod body;
mod gzip;
mod messages;
mod status;

use http::header::{CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode, Uri};

pub(crate) use body::Guards;
pub use body::{Body, BoxError, PACKED_BYTES_MIN};
pub use messages::{WATCH_MESSAGES, append_watch_message};
pub use status::{Failure, not_found};

use crate::authz::escape;

pub type Response = http::Response<Body>;

pub(crate) const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT_PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A text with a line end, as Go's `http.Error` writes it.
pub fn text(code: StatusCode, message: impl std::fmt::Display) -> Response {
    plain(code, format!("{message}\n"))
}

/// What upstream answers where the server itself is at fault: a text, not a `Status`.
pub(crate) fn internal_error(uri: &Uri, reason: impl std::fmt::Display) -> Response {
    let message = format!("Internal Server Error: {:?}: {reason}", uri.to_string());
    text(StatusCode::INTERNAL_SERVER_ERROR, escape(&message))
}

/// A text as it is.
pub(crate) fn plain(code: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, TEXT_PLAIN);
    // Browsers must not guess that an error is a page.
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Metrics, in the format that Prometheus takes by default.
pub(crate) fn exposition(metrics: String) -> Response {
    let mut response = Response::new(Body::from(metrics).packable());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// What was asked for is there.
pub(crate) fn found(path: &'static str) -> Response {
    let mut response = text(StatusCode::FOUND, format_args!("<a href=\"{path}\">Found</a>.\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
    response
}

/// A JSON text, indented as upstream writes its index and version.
pub(crate) fn json(text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_packed_where_there_are_many() {
        for (bytes, is_packed) in [(1_000, false), (PACKED_BYTES_MIN, true)] {
            assert_eq!(exposition("x".repeat(bytes)).body_mut().pack(), is_packed, "{bytes}");
        }
    }
}
