//! What the tests of this room share.

use std::sync::Arc;

use time::macros::datetime;

use super::event::{API_VERSION, Event, ObjectReference, ResponseStatus};
use super::metrics::AuditMetrics;
use super::policy::{Level, Stage};
use crate::authn::User;

pub(super) fn metrics() -> Arc<AuditMetrics> {
    Arc::new(AuditMetrics::new(&prometheus::Registry::new()))
}

/// Somebody has listed something.
pub(super) fn event() -> Event {
    let user = User {
        name: "eve".into(),
        groups: vec!["a".into(), "b".into()],
        extra: vec![("k".into(), vec!["v".into()])],
        ..User::default()
    };
    Event {
        kind: "Event",
        api_version: API_VERSION,
        level: Level::Metadata,
        audit_id: "id".to_owned(),
        stage: Stage::ResponseComplete,
        request_uri: "/api/v1/namespaces/ns/pods?limit=1".to_owned(),
        verb: "list".to_owned(),
        user: (&user).into(),
        impersonated_user: None,
        authentication_metadata: None,
        source_ips: vec![[10, 0, 0, 9].into()],
        user_agent: "curl/8".to_owned(),
        object_ref: Some(ObjectReference {
            resource: "pods".to_owned(),
            namespace: "ns".to_owned(),
            api_version: "v1".to_owned(),
            ..ObjectReference::default()
        }),
        response_status: Some(ResponseStatus { code: 200, ..ResponseStatus::default() }),
        request_object: None,
        response_object: None,
        request_received_timestamp: datetime!(2026-02-03 04:05:06.000789 UTC),
        stage_timestamp: datetime!(2026-02-03 04:05:06.000789 UTC),
        annotations: [("authorization.k8s.io/decision".to_owned(), "allow".to_owned())].into(),
    }
}
