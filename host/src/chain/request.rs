//! One request on its way through the chain.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use host_server::lifecycle::Signal;
use host_server::{BodyError, Failure, REQUEST_BODY_BYTES_MAX, RequestBody, RequestInfo, Response, Upgrade, User};
use host_store::Guard;
use http::{HeaderMap, Method, Uri};
use tokio_util::sync::CancellationToken;

use super::summary::{self, Subject};
use super::{Chain, Matched, Subrequests, Target};
use crate::bindings::host::chain::request::{BodyError as WitBodyError, Head, Summary};
use crate::bindings::host::chain::types;

/// A request, and the chain that it started on.
pub struct RequestState {
    pub chain: Arc<Chain>,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub deadline: Option<Instant>,
    /// Fires when nobody waits for the answer any more.
    pub cancel: CancellationToken,
    info: RequestInfo,
    user: Arc<User>,
    body: tokio::sync::Mutex<BodyState>,
    /// What the request began as; nothing for the server's own.
    context: Option<Arc<host_server::Context>>,
    upgrade: parking_lot::Mutex<Option<Upgrade>>,
    /// Subrequests that come from it, directly or not; made with the first one.
    subrequests: OnceLock<Subrequests>,
}

/// A body is read from the client once, and kept for the next link.
enum BodyState {
    Unread(RequestBody),
    Read(Bytes),
    Broken(WitBodyError),
}

impl RequestState {
    /// A client's request.
    pub fn new(chain: Arc<Chain>, mut request: host_server::Request) -> Self {
        let upgrade = request.take_upgrade();
        let (message, context) = request.into_message();
        let (parts, body) = message.into_parts();
        Self {
            chain,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            deadline: context.deadline(),
            cancel: context.cancellation().clone(),
            info: context.info().clone(),
            user: context.user().clone(),
            body: tokio::sync::Mutex::new(BodyState::Unread(body)),
            context: Some(context),
            upgrade: parking_lot::Mutex::new(upgrade),
            subrequests: OnceLock::new(),
        }
    }

    /// A link's request to the rest of the chain, on behalf of whoever made `self`.
    pub fn derive(&self, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Self, String> {
        let info = RequestInfo::new(&method, &uri).map_err(|error| error.to_string())?;
        Ok(Self {
            chain: self.chain.clone(),
            method,
            uri,
            headers,
            deadline: self.deadline,
            cancel: self.cancel.child_token(),
            info,
            user: self.user.clone(),
            body: tokio::sync::Mutex::new(BodyState::Read(body)),
            context: self.context.clone(),
            upgrade: parking_lot::Mutex::new(None),
            subrequests: self.subrequests().deeper().into(),
        })
    }

    /// A hook's request, on behalf of the server itself.
    pub fn internal(
        chain: Arc<Chain>,
        cancel: CancellationToken,
        subrequests: &Subrequests,
        (method, uri, headers, body): (Method, Uri, HeaderMap, Bytes),
    ) -> Result<Self, String> {
        let info = RequestInfo::new(&method, &uri).map_err(|error| error.to_string())?;
        Ok(Self {
            chain,
            method,
            uri,
            headers,
            deadline: None,
            cancel,
            info,
            user: Arc::new(User::api_server()),
            body: tokio::sync::Mutex::new(BodyState::Read(body)),
            context: None,
            upgrade: parking_lot::Mutex::new(None),
            subrequests: subrequests.deeper().into(),
        })
    }

    pub fn request_info(&self) -> &RequestInfo {
        &self.info
    }

    pub fn subrequests(&self) -> &Subrequests {
        self.subrequests.get_or_init(Subrequests::default)
    }

    /// What has to hold for all that it writes: a hook's request ends with the hook's leadership.
    pub fn fence(&self) -> Option<&Guard> {
        self.subrequests.get().and_then(Subrequests::fence)
    }

    /// Whether the request has no effects, so that it may be tried again.
    pub fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    pub fn target(&self) -> Target<'_> {
        Target::of_message(&self.uri, &self.info)
    }

    /// What a link wants to know that this route led here.
    pub fn summary(&self, route: &Matched) -> Summary {
        let (user, info) = (&self.user, &self.info);
        let mut summary = summary::empty();
        Subject { method: &self.method, uri: &self.uri, headers: &self.headers, user, info }.write(route, &mut summary);
        summary
    }

    /// The first value of a header that guests may see, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        if CREDENTIALS.contains(&name) { None } else { summary::text_of(&self.headers, name) }
    }

    pub fn head(&self) -> Head {
        Head {
            method: self.method.to_string(),
            path: self.uri.path().to_string(),
            query: self.uri.query().unwrap_or_default().to_string(),
            headers: self
                .headers
                .iter()
                .filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()))
                .filter_map(|(name, value)| {
                    Some((name.to_string(), std::str::from_utf8(value.as_bytes()).ok()?.into()))
                })
                .collect(),
        }
    }

    pub fn info(&self) -> types::RequestInfo {
        let info = &self.info;
        types::RequestInfo {
            is_resource_request: info.is_resource_request(),
            verb: info.verb().into(),
            api_prefix: info.api_prefix().into(),
            api_group: info.api_group().into(),
            api_version: info.api_version().into(),
            namespace: info.namespace().into(),
            resource: info.resource().into(),
            subresource: info.subresource().into(),
            name: info.name().into(),
            parts: info.parts().map(str::to_string).collect(),
        }
    }

    pub fn user(&self) -> types::User {
        let user = &*self.user;
        types::User {
            name: user.name.clone(),
            uid: user.uid.clone(),
            groups: user.groups.clone(),
            extra: user.extra.clone(),
        }
    }

    pub fn audit_id(&self) -> String {
        self.context.as_ref().map(|context| context.audit_id().to_string()).unwrap_or_default()
    }

    pub fn warn(&self, text: &str) {
        if let Some(context) = &self.context {
            context.warnings().add(text);
        }
    }

    pub fn annotate_audit(&self, key: String, value: String) {
        if let Some(context) = &self.context {
            context.annotate_audit(&key, &value);
        }
    }

    /// The whole body, read at most once from the client.
    pub async fn body(&self) -> Result<Bytes, WitBodyError> {
        let mut state = self.body.lock().await;
        if let BodyState::Unread(body) = &mut *state {
            let body = std::mem::take(body);
            // What a reader leaves that gives up in the middle is no body.
            *state = BodyState::Broken(WitBodyError::Cancelled);
            let read = body.read(REQUEST_BODY_BYTES_MAX).await;
            *state = match read {
                Ok(bytes) => {
                    if let Some(context) = &self.context {
                        context.record_body(&bytes);
                    }
                    BodyState::Read(bytes)
                }
                Err(BodyError::TooLarge(limit)) => BodyState::Broken(WitBodyError::TooLarge(limit)),
                Err(BodyError::Broken(reason)) => BodyState::Broken(WitBodyError::Broken(reason)),
            };
        }
        match &*state {
            BodyState::Read(bytes) => Ok(bytes.clone()),
            BodyState::Broken(error) => Err(error.clone()),
            BodyState::Unread(_) => Err(WitBodyError::Cancelled),
        }
    }

    /// The body for a proxy: as it comes, or what a link has read of it. Once.
    ///
    /// # Errors
    /// If it could not be read whole.
    pub async fn take_body(&self) -> Result<RequestBody, String> {
        let mut state = self.body.lock().await;
        match std::mem::replace(&mut *state, BodyState::Broken(WitBodyError::Cancelled)) {
            BodyState::Unread(body) => Ok(body),
            BodyState::Read(bytes) => Ok(RequestBody::Bytes(bytes)),
            BodyState::Broken(WitBodyError::TooLarge(limit)) => Err(format!("the body is larger than {limit} bytes")),
            BodyState::Broken(WitBodyError::Broken(reason)) => Err(reason),
            BodyState::Broken(WitBodyError::Cancelled) => {
                Err("the body was read in part or sent on already".to_string())
            }
        }
    }

    /// The client's connection, once it has left HTTP.
    pub fn take_upgrade(&self) -> Option<Upgrade> {
        self.upgrade.lock().take()
    }

    /// The answer when no link has a route: 404, or 503 while routes may still come.
    pub fn not_found(&self) -> Response {
        match &self.context {
            Some(context) => host_server::not_found(context),
            None if self.routes_complete() => host_server::text(http::StatusCode::NOT_FOUND, "404 page not found"),
            // A hook must not take what is not there yet for what is gone.
            None => Failure::unavailable("not all routes of the chain are there yet", 1).into(),
        }
    }

    fn routes_complete(&self) -> bool {
        let services = self.chain.entries().first().map(|entry| entry.link.services());
        services.is_none_or(|services| services.signals.has_fired(Signal::MuxAndDiscoveryComplete))
    }
}

/// Headers that no guest sees: whoever needs to know who asks has `user`.
const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
