//! Finds out who asks.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONNECTION};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use tracing::info;

use super::Filter;
use super::headers::remove_matching;
use crate::authn::{Authentication, UNAUTHENTICATED};
use crate::request::{Context, Request};
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
    /// Whether the connection ends with this request.
    type Held = bool;

    async fn before(&self, request: &mut Request) -> Result<bool, Response> {
        let http2 = request.version() == Version::HTTP_2;
        let context = request.context();
        let user = self.authentication.authenticate(context, request.headers()).map_err(|reason| {
            info!(audit_id = context.audit_id(), %reason, "unable to authenticate the request");
            let mut response = Failure::unauthorized().into();
            close_if(http2, &mut response);
            response
        })?;
        let anonymous = user.is_in(UNAUTHENTICATED);
        context.set_user(user);
        clear_credentials(request.headers_mut());
        Ok(http2 && anonymous)
    }

    fn after(&self, close: bool, _: &Arc<Context>, response: &mut Response) {
        close_if(close, response);
    }
}

/// Nobody behind this filter is tempted to use, or to pass on, what has been checked here.
fn clear_credentials(headers: &mut HeaderMap) {
    let is_credential = |name: &HeaderName| *name == AUTHORIZATION || name.as_str().starts_with("x-remote-");
    remove_matching(headers, is_credential);
}

/// HTTP/2 is cheap to abuse (CVE-2023-44487): strangers get one request for each connection.
fn close_if(close: bool, response: &mut Response) {
    if close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}
