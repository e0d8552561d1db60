//! With `--shutdown-send-retry-after`: refuses new requests politely while the server drains.

use std::sync::Arc;

use http::header::{CONNECTION, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, StatusCode};

use super::Filter;
use crate::lifecycle::{Signal, Signals};
use crate::request::Request;
use crate::response::{Response, text};

pub(super) struct RetryAfter {
    signals: Arc<Signals>,
    enabled: bool,
}

impl RetryAfter {
    pub(super) fn new(signals: Arc<Signals>, enabled: bool) -> Self {
        Self { signals, enabled }
    }
}

impl Filter for RetryAfter {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        if !self.enabled || !self.signals.has_fired(Signal::NotAcceptingNewRequest) || is_exempt(request) {
            return Ok(());
        }
        let mut response =
            text(StatusCode::TOO_MANY_REQUESTS, "The apiserver is shutting down, please try again later.");
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        // The next connection may lead to another server.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Err(response)
    }
}

/// Probes, metrics and the server's own requests are served to the end.
pub(super) fn is_exempt(request: &Request) -> bool {
    const PATHS: [&str; 4] = ["/readyz", "/livez", "/healthz", "/metrics"];
    let agent = request.headers().get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    agent.starts_with(b"kube-apiserver/") || PATHS.iter().any(|path| request.info().path().starts_with(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Headers, Inside, request, through};

    #[tokio::test]
    async fn new_requests_are_sent_elsewhere() {
        let cases: [(bool, bool, &str, Headers, u16); 6] = [
            (false, true, "/api", &[], 200),
            (true, false, "/api", &[], 200),
            (true, true, "/api", &[], 429),
            (true, true, "/readyz/ping", &[], 200),
            (true, true, "/metrics", &[], 200),
            (true, true, "/api", &[("user-agent", "kube-apiserver/v1")], 200),
        ];
        for (enabled, ending, path, headers, expected) in cases {
            let signals = Arc::new(Signals::default());
            if ending {
                signals.fire(Signal::NotAcceptingNewRequest);
            }
            let filter = RetryAfter::new(signals, enabled);
            let (code, headers, body) = through(filter, request("GET", path, headers), &Inside::default()).await;
            assert_eq!(code, expected, "{path}");
            if code == 429 {
                assert_eq!(
                    (&headers["retry-after"], &headers["connection"]),
                    (&"5".parse().unwrap(), &"close".parse().unwrap())
                );
                assert_eq!(body, "The apiserver is shutting down, please try again later.\n");
            }
        }
    }
}
