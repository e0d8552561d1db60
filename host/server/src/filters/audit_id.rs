//! Gives each request an id, which the client may choose.

use http::{HeaderName, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::{Filter, Handler};
use crate::request::Request;
use crate::response::Response;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

pub(super) struct AuditId;

impl Filter for AuditId {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        let id = match request.headers().get(AUDIT_ID) {
            Some(id) if !id.is_empty() => id.clone(),
            _ => new_id(),
        };
        request.context().set_audit_id(id.clone());
        let mut response = next.handle(request).await;
        // One that comes from a server behind this one stays.
        response.headers_mut().entry(AUDIT_ID).or_insert(id);
        response
    }
}

fn new_id() -> HeaderValue {
    let mut text = [0; Hyphenated::LENGTH];
    let text = Uuid::new_v4().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
