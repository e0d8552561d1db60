//! Lets the pages of other origins use the API (`--cors-allowed-origins`).

use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use regex::RegexSet;

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

/// What every answer to an allowed origin says beside its name.
const ALLOWED: [(HeaderName, HeaderValue); 4] = [
    (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, GET, OPTIONS, PUT, DELETE, PATCH")),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, \
             If-Modified-Since",
        ),
    ),
    (ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Date")),
    (ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")),
];

pub(super) struct Cors {
    origins: Option<RegexSet>,
}

impl Cors {
    pub(super) fn new(origins: Option<RegexSet>) -> Self {
        Self { origins }
    }

    fn allowed(&self, request: &Request) -> Option<HeaderValue> {
        let origins = self.origins.as_ref()?;
        let origin = request.headers().get(ORIGIN)?;
        origins.is_match(origin.to_str().ok()?).then(|| origin.clone())
    }
}

impl Filter for Cors {
    /// The origin, if it is an allowed one.
    type Held = Option<HeaderValue>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        let origin = self.allowed(request);
        match origin {
            Some(origin) if request.method() == Method::OPTIONS => {
                // Asked before the credentials are sent.
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                allow(origin, &mut response);
                Err(response)
            }
            origin => Ok(origin),
        }
    }

    fn after(&self, origin: Self::Held, _: &Arc<Context>, response: &mut Response) {
        if let Some(origin) = origin {
            allow(origin, response);
        }
    }
}

fn allow(origin: HeaderValue, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.extend(ALLOWED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Headers, Inside, request, through};

    #[tokio::test]
    async fn pages_of_allowed_origins_may_use_the_api() {
        const GOOD: Headers = &[("origin", "https://example.com:8080")];
        const BAD: Headers = &[("origin", "https://example.com.evil.org")];
        let allowed = r"//example\.com(:|$)";
        // Whether it is answered here; whether it is allowed.
        let cases: [(&[&str], &str, Headers, u16, bool); 7] = [
            (&[], "GET", GOOD, 200, false),
            (&[], "OPTIONS", GOOD, 200, false),
            (&[allowed], "GET", &[], 200, false),
            (&[allowed], "GET", GOOD, 200, true),
            (&[allowed], "GET", BAD, 200, false),
            (&[allowed], "OPTIONS", BAD, 200, false),
            (&["^nobody$", allowed], "OPTIONS", GOOD, 204, true),
        ];
        for (origins, method, headers, code, is_allowed) in cases {
            let origins = (!origins.is_empty()).then(|| RegexSet::new(origins).unwrap());
            let inside = Inside::default();
            let (got, answer, _) = through(Cors::new(origins), request(method, "/api", headers), &inside).await;
            assert_eq!((got, inside.seen()), (code, usize::from(code == 200)), "{method} {headers:?}");
            let names = ["methods", "headers", "credentials", "origin"];
            for name in names.map(|name| format!("access-control-allow-{name}")) {
                assert_eq!(answer.contains_key(&name), is_allowed, "{method} {headers:?} {name}");
            }
            let origin = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|origin| origin.to_str().unwrap());
            assert_eq!(origin, is_allowed.then(|| headers[0].1));
        }
    }
}
