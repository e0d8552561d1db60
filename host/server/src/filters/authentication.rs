//! Finds out who asks.

use std::sync::Arc;
use std::time::Instant;

use http::header::{AUTHORIZATION, CONNECTION};
use http::{HeaderValue, Version};
use tracing::info;

use super::Filter;
use super::audit::refused;
use super::headers::remove_matching;
use crate::audit::Auditor;
use crate::authn::{Authentication, Refusal, UNAUTHENTICATED, websocket};
use crate::observe::{AccessMetrics, Authenticated};
use crate::request::{Context, Request, Step};
use crate::response::{Failure, Response};

pub(super) struct Authenticate {
    authentication: Arc<Authentication>,
    auditor: Option<Arc<Auditor>>,
    metrics: Arc<AccessMetrics>,
}

impl Authenticate {
    pub(super) fn new(
        authentication: Arc<Authentication>,
        auditor: Option<Arc<Auditor>>,
        metrics: Arc<AccessMetrics>,
    ) -> Self {
        Self { authentication, auditor, metrics }
    }
}

impl Filter for Authenticate {
    /// Whether the connection ends with this request.
    type Held = bool;

    async fn before(&self, request: &mut Request) -> Result<bool, Response> {
        let http2 = request.version() == Version::HTTP_2;
        let context = request.context();
        let started = Instant::now();
        let user = self.authentication.authenticate(context, request.headers()).await;
        let time = started.elapsed();
        context.latency().set(Step::Authentication, time);
        self.metrics.authenticated(
            match &user {
                Ok(_) => Authenticated::Known,
                Err(Refusal::NoCredentials) => Authenticated::Unknown,
                Err(_) => Authenticated::Refused,
            },
            time,
        );
        let user = match user {
            Ok(user) => user,
            Err(reason) => {
                info!(audit_id = context.audit_id(), %reason, "unable to authenticate the request");
                let mut response = Failure::unauthorized().into();
                close_if(http2, &mut response);
                refused(self.auditor.as_ref(), request, &response);
                return Err(response);
            }
        };
        let anonymous = user.is_in(UNAUTHENTICATED);
        self.metrics.user(&user.name);
        context.set_user(user);
        let proxy = self.authentication.front_proxy_headers();
        // Nobody behind this filter is tempted to use, or to pass on, what has been checked here.
        websocket::remove_token(request.headers_mut());
        remove_matching(request.headers_mut(), |name| {
            *name == AUTHORIZATION
                || name.as_str().starts_with("x-remote-")
                || proxy.is_some_and(|headers| headers.has(name))
        });
        Ok(http2 && anonymous)
    }

    fn after(&self, close: bool, _: &Arc<Context>, response: &mut Response) {
        close_if(close, response);
    }
}

/// HTTP/2 is cheap to abuse (CVE-2023-44487): strangers get one request for each connection.
fn close_if(close: bool, response: &mut Response) {
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::{Anonymous, Known};
    use crate::filters::testing::{Inside, access_metrics, get, request, through};

    fn filter(anonymous: bool) -> Authenticate {
        let anonymous = if anonymous { Anonymous::Everywhere } else { Anonymous::Nowhere };
        Authenticate::new(Arc::new(Authentication::new(Known::default(), anonymous)), None, access_metrics())
    }

    #[tokio::test]
    async fn strangers_are_anonymous_or_refused() {
        let inside = Inside::default();
        let (code, _, _) = through(filter(true), get("/api"), &inside).await;
        assert_eq!((code, inside.user().name.as_str()), (200, "system:anonymous"));
        assert_eq!(inside.user().groups, ["system:unauthenticated"]);

        let (code, _, body) = through(filter(false), get("/api"), &inside).await;
        let expected = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\
                        \"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}\n";
        assert_eq!((code, body.as_str(), inside.seen()), (401, expected, 1));
    }

    #[tokio::test]
    async fn a_wrong_token_is_refused_even_where_anonymous_is_welcome() {
        let wrong = request("GET", "/livez", &[("authorization", "Bearer wrong")]);
        let (code, _, _) = through(filter(true), wrong, &Inside::default()).await;
        assert_eq!(code, 401);
    }

    #[tokio::test]
    async fn credentials_go_no_further() {
        let inside = Inside::default();
        let headers = [
            ("authorization", "Basic abc"),
            ("x-remote-user", "root"),
            ("x-remote-group", "system:masters"),
            ("x-remote-extra-scopes", "all"),
            ("accept", "*/*"),
        ];
        through(filter(true), request("GET", "/api", &headers), &inside).await;
        assert_eq!(inside.headers().keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["accept"]);
    }
}
