//! Lets those who may act as somebody else.

mod modes;
mod wanted;

use std::sync::Arc;
use std::time::Instant;

use http::HeaderName;
use tracing::{debug, info};

use super::Filter;
use super::headers::remove_matching;
use crate::authz::{Attributes, Authorization};
use crate::request::{Request, Step};
use crate::response::Response;

pub(super) struct Impersonate {
    authorization: Arc<Authorization>,
}

impl Impersonate {
    pub(super) fn new(authorization: Arc<Authorization>) -> Self {
        Self { authorization }
    }
}

impl Filter for Impersonate {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        // Almost nobody does this: one look must tell.
        if !request.headers().keys().any(is_impersonation) {
            return Ok(());
        }
        let Some(wanted) = wanted::user(request.headers())? else { return Ok(()) };
        let context = request.context();
        let attributes = Attributes::new(context.user(), context.info());
        let started = Instant::now();
        // Boxed: hardly anybody comes here, and all would carry it around.
        let impersonated = Box::pin(modes::impersonate(&self.authorization, wanted, &attributes)).await;
        context.latency().set(Step::Impersonation, started.elapsed());
        let impersonated = impersonated.inspect_err(|failure| {
            debug!(audit_id = context.audit_id(), "{}", failure.message);
        })?;
        let (user, as_user) = (&context.user().name, &impersonated.user.name);
        info!(audit_id = context.audit_id(), user, as_user, "impersonating");
        if let Some(record) = context.audit() {
            record.set_impersonation_constraint(&impersonated.constraint);
        }
        context.impersonate(Arc::new(impersonated.user));

        remove_matching(request.headers_mut(), is_impersonation);
        Ok(())
    }
}

fn is_impersonation(name: &HeaderName) -> bool {
    name.as_str().starts_with("impersonate-")
}

#[cfg(test)]
mod tests;
