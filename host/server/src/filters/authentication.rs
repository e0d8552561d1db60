//! Finds out who asks.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONNECTION};
use http::{HeaderMap, HeaderValue, Version};
use tracing::info;

use super::{Filter, Handler};
use crate::authn::{Authentication, UNAUTHENTICATED};
use crate::request::Request;
use crate::response::{Failure, Response};

pub(super) struct Authenticate {
    authentication: Arc<Authentication>,
}

impl Authenticate {
    pub(super) fn new(authentication: Arc<Authentication>) -> Self {
        Self { authentication }
    }
}

impl Filter for Authenticate {
    async fn filter<N: Handler>(&self, mut request: Request, next: &N) -> Response {
        let context = request.context().clone();
        let http2 = request.version() == Version::HTTP_2;
        let user = match self.authentication.authenticate(context.connection(), request.headers()) {
            Ok(user) => user,
            Err(reason) => {
                info!(audit_id = context.audit_id(), %reason, "unable to authenticate the request");
                return close_if(http2, Failure::unauthorized().into());
            }
        };
        clear_credentials(request.headers_mut());
        let anonymous = user.is_in(UNAUTHENTICATED);
        context.set_user(user);
        close_if(http2 && anonymous, next.handle(request).await)
    }
}

/// Nobody behind this filter is tempted to use, or to pass on, what has been checked here.
fn clear_credentials(headers: &mut HeaderMap) {
    headers.remove(AUTHORIZATION);
    for name in ["x-remote-user", "x-remote-uid", "x-remote-group"] {
        headers.remove(name);
    }
    super::impersonation::remove_prefixed(headers, "x-remote-extra-");
}

/// HTTP/2 is cheap to abuse (CVE-2023-44487): strangers get one request for each connection.
fn close_if(close: bool, mut response: Response) -> Response {
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
