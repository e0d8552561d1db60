//! What is gathered about a request while it is served.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use tracing::warn;

use super::Auditor;
use super::event::{
    API_VERSION, AuthenticationMetadata, Event, ObjectReference, ResponseStatus, UserInfo, source_ips, user_agent,
};
use super::policy::{Level, Rulings, Stage};
use crate::authn::User;
use crate::limits::AUDIT_RESPONSE_BYTES_MAX;
use crate::request::{Context, Request};
use crate::response::Response;

/// Says in an event that its objects are not there because they were too large.
pub(super) const TRUNCATED: &str = "audit.k8s.io/truncated";

/// The record of one request.
pub(crate) struct Record {
    auditor: Arc<Auditor>,
    rulings: Rulings,
    received: OffsetDateTime,
    uri: String,
    user: UserInfo,
    source_ips: Vec<IpAddr>,
    user_agent: String,
    annotations: Mutex<BTreeMap<String, String>>,
    impersonation_constraint: OnceLock<String>,
    request_type: Option<HeaderValue>,
    request_body: OnceLock<Bytes>,
    status: OnceLock<ResponseStatus>,
    response_type: OnceLock<HeaderValue>,
    response_body: Mutex<BytesMut>,
}

/// The objects of an event, read.
#[derive(Default)]
struct Objects {
    request: Option<Value>,
    response: Option<Value>,
}

impl Record {
    pub(super) fn new(auditor: Arc<Auditor>, rulings: Rulings, request: &Request, user: &User) -> Self {
        let (context, headers) = (request.context(), request.headers());
        Self {
            auditor,
            rulings,
            received: OffsetDateTime::now_utc() - context.received().elapsed(),
            uri: request.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            user: user.into(),
            source_ips: source_ips(headers, context.connection().peer().ip()),
            user_agent: user_agent(headers),
            annotations: Mutex::default(),
            impersonation_constraint: OnceLock::new(),
            request_type: content_type(headers),
            request_body: OnceLock::new(),
            status: OnceLock::new(),
            response_type: OnceLock::new(),
            response_body: Mutex::default(),
        }
    }

    /// Adds an annotation. The first value stays.
    pub(crate) fn annotate(&self, key: &str, value: &str) {
        let mut annotations = self.annotations.lock();
        match annotations.get(key) {
            Some(other) if other != value => warn!(key, value, other, "an audit annotation is there already"),
            Some(_) => {}
            None => drop(annotations.insert(key.to_owned(), value.to_owned())),
        }
    }

    /// In which narrow way the user is impersonated.
    pub(crate) fn set_impersonation_constraint(&self, verb: &str) {
        if !verb.is_empty() {
            let _ = self.impersonation_constraint.set(verb.to_owned());
        }
    }

    /// The body that the client sent.
    pub(crate) fn set_request_body(&self, context: &Context, body: &Bytes) {
        let info = context.info();
        // The objects that are created and updated also say what they are called.
        let names = matches!(info.verb(), "create" | "update");
        if info.is_resource_request() && (names || self.rulings.level >= Level::Request) {
            let _ = self.request_body.set(body.clone());
        }
    }

    /// Whether the body that a client gets is of interest.
    pub(crate) fn wants_response_body(&self, context: &Context) -> bool {
        let info = context.info();
        self.rulings.level >= Level::RequestResponse && info.is_resource_request() && !info.is_long_running()
    }

    /// A part of the answer. What is too much for an event is left out of it.
    pub(crate) fn add_response_bytes(&self, bytes: &[u8]) {
        let mut body = self.response_body.lock();
        if body.len() + bytes.len() <= AUDIT_RESPONSE_BYTES_MAX {
            body.extend_from_slice(bytes);
        } else {
            self.annotate(TRUNCATED, "true");
        }
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&self, response: &Response) {
        let code = response.status().as_u16();
        let status = response.body().bytes().and_then(|body| status_of(body, code));
        let plain = ResponseStatus { code, ..ResponseStatus::default() };
        let _ = self.status.set(status.unwrap_or(plain));
        if let Some(kind) = content_type(response.headers()) {
            let _ = self.response_type.set(kind);
        }
    }

    /// Nobody got an answer: the deadline passed, or the client left.
    pub(crate) fn given_up(&self, context: &Context) {
        let late = context.deadline().is_some_and(|deadline| deadline <= Instant::now());
        let _ = self.status.set(if late {
            let message = "Timeout: request did not complete within the allotted timeout";
            ResponseStatus::failure(504, "Timeout", message)
        } else {
            ResponseStatus {
                status: "Success".to_owned(),
                message: "Connection closed early".to_owned(),
                code: 200,
                ..ResponseStatus::default()
            }
        });
    }

    pub(crate) fn panicked(self: &Arc<Self>, context: &Arc<Context>, reason: &str) {
        let status = ResponseStatus::failure(500, "InternalError", format!("APIServer panic'd: {reason}"));
        let _ = self.status.set(status);
        self.write(context, Stage::Panic);
    }

    /// Writes the event of a stage. False if that failed and the request must not go on.
    pub(crate) fn write(self: &Arc<Self>, context: &Arc<Context>, stage: Stage) -> bool {
        if !self.rulings.wants(stage) {
            return true;
        }
        // A watch takes as long as it was asked to.
        if stage == Stage::ResponseComplete && context.info().verb() != "watch" {
            self.annotate_latency(context);
        }
        let now = OffsetDateTime::now_utc();
        if stage == Stage::RequestReceived {
            return self.auditor.write(self.event(context, stage, self.received, Objects::default()));
        }
        let Some(decoder) = self.auditor.decoder.get().filter(|_| self.needs_decoder()) else {
            let objects = Objects { request: self.request_json(), response: self.response_json() };
            return self.auditor.write(self.event(context, stage, now, objects));
        };
        let (record, context, decoder) = (self.clone(), context.clone(), decoder.clone());
        self.auditor.decoding.spawn(async move {
            let decode = async |kind: Option<&HeaderValue>, body: Option<Bytes>| {
                let (kind, body) = (kind?.to_str().ok()?, body?);
                decoder.decode(context.info(), kind, body).await
            };
            let request = match record.request_json() {
                Some(object) => Some(object),
                None => decode(record.request_type.as_ref(), record.request_body.get().cloned()).await,
            };
            let response = match record.response_json() {
                Some(object) => Some(object),
                None => decode(record.response_type.get(), record.response_bytes()).await,
            };
            let event = record.event(&context, stage, now, Objects { request, response });
            record.auditor.write(event);
        });
        true
    }

    pub(crate) fn count_rejected(&self) {
        self.auditor.metrics.rejected();
    }

    fn event(&self, context: &Context, stage: Stage, now: OffsetDateTime, objects: Objects) -> Event {
        let info = context.info();
        let mut object_ref = ObjectReference::new(info);
        if let Some(object_ref) = &mut object_ref
            && let Some(names) = self.names(context, objects.request.as_ref())
        {
            names.fill(object_ref);
        }
        let mut objects = objects;
        if self.rulings.omit_managed_fields {
            objects.request.iter_mut().chain(&mut objects.response).for_each(remove_managed_fields);
        }
        Event {
            kind: "Event",
            api_version: API_VERSION,
            level: self.rulings.level,
            audit_id: context.audit_id().to_owned(),
            stage,
            request_uri: self.uri.clone(),
            verb: info.verb().to_owned(),
            user: self.user.clone(),
            impersonated_user: context.impersonated_user().map(|user| UserInfo::from(&**user)),
            authentication_metadata: self
                .impersonation_constraint
                .get()
                .map(|verb| AuthenticationMetadata { impersonation_constraint: verb.clone() }),
            source_ips: self.source_ips.clone(),
            user_agent: self.user_agent.clone(),
            object_ref,
            response_status: self.status.get().cloned(),
            request_object: objects.request.filter(|_| self.rulings.level >= Level::Request),
            response_object: objects.response,
            request_received_timestamp: self.received,
            stage_timestamp: now,
            annotations: self.annotations.lock().clone(),
        }
    }

    /// What a new object is called, which its path does not say.
    fn names(&self, context: &Context, decoded: Option<&Value>) -> Option<Names> {
        if !matches!(context.info().verb(), "create" | "update") {
            return None;
        }
        match decoded {
            Some(object) => Some(Names::of(object)),
            None => serde_json::from_slice(self.request_body.get()?).ok(),
        }
    }

    fn request_json(&self) -> Option<Value> {
        if self.rulings.level < Level::Request {
            return None;
        }
        serde_json::from_slice(self.request_body.get()?).ok()
    }

    fn response_json(&self) -> Option<Value> {
        serde_json::from_slice(&self.response_bytes()?).ok()
    }

    fn response_bytes(&self) -> Option<Bytes> {
        let body = self.response_body.lock();
        let whole = !body.is_empty() && !self.annotations.lock().contains_key(TRUNCATED);
        whole.then(|| body.clone().freeze())
    }

    fn needs_decoder(&self) -> bool {
        let is_foreign = |kind: Option<&HeaderValue>| {
            kind.is_some_and(|kind| !kind.to_str().is_ok_and(|kind| kind.contains("json")))
        };
        (self.request_body.get().is_some_and(|body| !body.is_empty()) && is_foreign(self.request_type.as_ref()))
            || (!self.response_body.lock().is_empty() && is_foreign(self.response_type.get()))
    }

    /// Where the time of a slow request went.
    fn annotate_latency(&self, context: &Context) {
        const SLOW: Duration = Duration::from_millis(500);
        let total = context.received().elapsed();
        if total > SLOW {
            for (what, time) in context.latency().all() {
                self.annotate(&format!("apiserver.latency.k8s.io/{what}"), &format!("{time:?}"));
            }
            self.annotate("apiserver.latency.k8s.io/total", &format!("{total:?}"));
        }
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("rulings", &self.rulings).finish_non_exhaustive()
    }
}

fn content_type(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(CONTENT_TYPE).cloned()
}

/// What is kept of an answer that is a `Status`.
fn status_of(body: &[u8], code: u16) -> Option<ResponseStatus> {
    const BEGINNING: usize = 128;
    let beginning = &body[..body.len().min(BEGINNING)];
    // Before it is read whole: most answers are something else.
    let may_be = beginning.windows(8).any(|window| window == b"\"Status\"");
    let status: Value = may_be.then(|| serde_json::from_slice(body).ok()).flatten()?;
    (status["kind"] == "Status").then(|| ResponseStatus::of(&status, code))
}

/// The part of an object that says which one it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    metadata: ObjectNames,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectNames {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
}

impl Names {
    fn of(object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let metadata = ObjectNames {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
        };
        Self { metadata }
    }

    fn fill(self, object_ref: &mut ObjectReference) {
        let ObjectNames { name, namespace, uid, resource_version } = self.metadata;
        let fill = |field: &mut String, value: Option<String>| {
            if field.is_empty() {
                *field = value.unwrap_or_default();
            }
        };
        fill(&mut object_ref.name, name);
        fill(&mut object_ref.namespace, namespace);
        fill(&mut object_ref.uid, uid);
        fill(&mut object_ref.resource_version, resource_version);
    }
}

/// Of an object, of a list's items and of a table's rows.
fn remove_managed_fields(object: &mut Value) {
    let remove = |object: &mut Value| {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.shift_remove("managedFields");
        }
    };
    remove(object);
    for items in ["items", "rows"] {
        for item in object.get_mut(items).and_then(Value::as_array_mut).into_iter().flatten() {
            remove(item);
            if let Some(object) = item.get_mut("object") {
                remove(object);
            }
        }
    }
}
