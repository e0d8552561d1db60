//! Lets pass who may.

use tracing::debug;

use super::{Filter, Handler};
use crate::authz::{Attributes, Decision, authorize};
use crate::request::Request;
use crate::response::Response;

pub(super) struct Authorize;

impl Filter for Authorize {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        let forbidden = {
            let attributes = Attributes::new(request.context().user(), request.info());
            match authorize(&attributes) {
                Decision::Allow => None,
                Decision::NoOpinion => Some(attributes.forbidden()),
            }
        };
        match forbidden {
            None => next.handle(request).await,
            Some(failure) => {
                debug!(audit_id = request.context().audit_id(), "{}", failure.message);
                failure.into()
            }
        }
    }
}
