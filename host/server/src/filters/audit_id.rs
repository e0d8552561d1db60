//! Gives each request an id, which the client may choose.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::Filter;
use crate::request::{Context, Request};
use crate::response::Response;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

pub(super) struct AuditId;

impl Filter for AuditId {
    type Held = HeaderValue;

    async fn before(&self, request: &mut Request) -> Result<HeaderValue, Response> {
        let mut id = match request.headers().get(AUDIT_ID) {
            Some(id) if !id.is_empty() => id.clone(),
            _ => new_id(),
        };
        // Not a secret, but HTTP/2 remembers what is not: ids, each there once, would push
        // everything else out of its table, and be compared with each other there.
        id.set_sensitive(true);
        request.context().set_audit_id(id.clone());
        Ok(id)
    }

    fn after(&self, id: HeaderValue, _: &Arc<Context>, response: &mut Response) {
        // One that comes from a server behind this one stays.
        response.headers_mut().entry(AUDIT_ID).or_insert(id);
    }
}

fn new_id() -> HeaderValue {
    let mut text = [0; Hyphenated::LENGTH];
    let text = Uuid::new_v4().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).expect("digits and dashes are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Headers, Inside, request, through};

    #[tokio::test]
    async fn the_clients_id_is_kept_and_others_get_one() {
        let cases: [(Headers, Option<&str>); 3] =
            [(&[("Audit-ID", "mine")], Some("mine")), (&[("Audit-ID", "")], None), (&[], None)];
        for (headers, expected) in cases {
            let request = request("GET", "/", headers);
            let context = request.context().clone();
            let (_, headers, _) = through(AuditId, request, &Inside::default()).await;
            assert_eq!(headers["audit-id"], context.audit_id());
            match expected {
                Some(expected) => assert_eq!(context.audit_id(), expected),
                None => assert!(Uuid::try_parse(context.audit_id()).is_ok()),
            }
        }
    }
}
