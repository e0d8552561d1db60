//! Lets pass who may.

use tracing::debug;

use super::Filter;
use crate::authz::{Attributes, Decision, authorize};
use crate::request::Request;
use crate::response::Response;

pub(super) struct Authorize;

impl Filter for Authorize {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        let attributes = Attributes::new(request.context().user(), request.info());
        match authorize(&attributes) {
            Decision::Allow => Ok(()),
            Decision::NoOpinion => {
                let failure = attributes.forbidden();
                debug!(audit_id = request.context().audit_id(), "{}", failure.message);
                Err(failure.into())
            }
        }
    }
}
