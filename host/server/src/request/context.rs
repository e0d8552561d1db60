//! What is known about a request beside its message. Each filter fills in its own part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use super::cancellation::Cancellation;
use super::info::RequestInfo;
use super::latency::Latency;
use super::warnings::Warnings;
use crate::audit::Record;
use crate::authn::User;
use crate::serve::Connection;

/// What is known about a request. Shared by everybody who works for it.
#[derive(Debug)]
pub struct Context {
    received: Instant,
    connection: Arc<Connection>,
    audit_id: OnceLock<HeaderValue>,
    routes_complete: OnceLock<bool>,
    info: OnceLock<RequestInfo>,
    deadline: OnceLock<Instant>,
    authenticated: OnceLock<Arc<User>>,
    impersonated: OnceLock<Arc<User>>,
    warnings: Warnings,
    terminated: AtomicBool,
    latency: Latency,
    /// Nothing for requests that are not recorded.
    audit: OnceLock<Arc<Record>>,
    cancellation: Cancellation,
}

impl Context {
    pub(crate) fn new(received: Instant, connection: Arc<Connection>) -> Self {
        Self {
            received,
            connection,
            audit_id: OnceLock::new(),
            routes_complete: OnceLock::new(),
            info: OnceLock::new(),
            deadline: OnceLock::new(),
            authenticated: OnceLock::new(),
            impersonated: OnceLock::new(),
            warnings: Warnings::default(),
            terminated: AtomicBool::new(false),
            latency: Latency::default(),
            audit: OnceLock::new(),
            cancellation: Cancellation::default(),
        }
    }

    /// When the request's head had been read.
    pub fn received(&self) -> Instant {
        self.received
    }

    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn audit_id(&self) -> &str {
        self.audit_id.get().and_then(|id| id.to_str().ok()).unwrap_or_default()
    }

    /// Whether all routes were complete when the request came in: what nobody serves is 404
    /// then, and 503 before.
    pub fn routes_complete(&self) -> bool {
        self.routes_complete.get().copied().unwrap_or_default()
    }

    pub fn info(&self) -> &RequestInfo {
        static UNKNOWN: OnceLock<RequestInfo> = OnceLock::new();
        self.info.get().unwrap_or_else(|| UNKNOWN.get_or_init(RequestInfo::default))
    }

    /// When the request must be answered; nothing for long-running ones.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }

    /// Who asks: the impersonated user if there is one. Nobody before authentication.
    pub fn user(&self) -> &Arc<User> {
        static NOBODY: OnceLock<Arc<User>> = OnceLock::new();
        let user = self.impersonated.get().or_else(|| self.authenticated.get());
        user.unwrap_or_else(|| NOBODY.get_or_init(Arc::default))
    }

    /// Who has proved who he is, whomever he impersonates.
    pub fn authenticated_user(&self) -> Option<&Arc<User>> {
        self.authenticated.get()
    }

    pub(crate) fn impersonated_user(&self) -> Option<&Arc<User>> {
        self.impersonated.get()
    }

    pub fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    /// Adds an annotation to the audit event, if there will be one. The first value of a key stays.
    pub fn annotate_audit(&self, key: &str, value: &str) {
        if let Some(record) = self.audit.get() {
            record.annotate(key, value);
        }
    }

    /// Notes the body for the audit event, if that is to have it. Whoever reads the body whole
    /// tells.
    pub fn record_body(&self, body: &Bytes) {
        if let Some(record) = self.audit.get() {
            record.set_request_body(self, body);
        }
    }

    pub(crate) fn audit(&self) -> Option<&Arc<Record>> {
        self.audit.get()
    }

    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    /// Fires when nobody waits for the answer any more: the client left, the deadline passed, or
    /// the last byte was written.
    pub fn cancellation(&self) -> &CancellationToken {
        self.cancellation.token()
    }

    /// Whether the server refused or ended the request to protect itself.
    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Relaxed)
    }

    pub(crate) fn set_terminated(&self) {
        self.terminated.store(true, Ordering::Relaxed);
    }

    pub(crate) fn cancel(&self) {
        self.cancellation.cancel();
    }

    pub(crate) fn set_audit_id(&self, id: HeaderValue) {
        let _ = self.audit_id.set(id);
    }

    pub(crate) fn set_routes_complete(&self, complete: bool) {
        let _ = self.routes_complete.set(complete);
    }

    pub(crate) fn set_info(&self, info: RequestInfo) {
        let _ = self.info.set(info);
    }

    pub(crate) fn set_deadline(&self, deadline: Instant) {
        let _ = self.deadline.set(deadline);
    }

    pub(crate) fn set_user(&self, user: Arc<User>) {
        let _ = self.authenticated.set(user);
    }

    pub(crate) fn set_audit(&self, record: Arc<Record>) {
        let _ = self.audit.set(record);
    }

    pub(crate) fn impersonate(&self, user: Arc<User>) {
        let _ = self.impersonated.set(user);
    }
}

/// Ends a request when it is dropped: with its last byte, or when the client leaves.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) Arc<Context>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
