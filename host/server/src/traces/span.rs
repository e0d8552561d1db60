//! What is known of one request when it is over.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::parent::Parent;
use crate::request::Context;

#[derive(Debug)]
pub(crate) struct Span {
    pub(super) trace: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    /// A span of somebody else that led to this one.
    pub(super) link: Option<Parent>,
    pub(super) name: String,
    pub(super) audit_id: String,
    pub(super) target: String,
    pub(super) method: String,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) code: u16,
}

impl Span {
    pub(super) fn root(link: Option<&Parent>, context: &Context, name: String) -> Self {
        Self { link: link.cloned(), ..Self::new(fastrand::u128(1..).to_be_bytes(), None, context, name) }
    }

    pub(super) fn below(parent: &Parent, context: &Context, name: String) -> Self {
        Self::new(parent.trace, Some(parent.span), context, name)
    }

    fn new(trace: [u8; 16], parent: Option<[u8; 8]>, context: &Context, name: String) -> Self {
        let start = SystemTime::now() - context.received().elapsed();
        Self {
            trace,
            id: fastrand::u64(1..).to_be_bytes(),
            parent,
            link: None,
            name,
            audit_id: context.audit_id().to_owned(),
            target: String::new(),
            method: String::new(),
            start,
            end: start,
            code: 0,
        }
    }

    /// What the request's first line says.
    pub(crate) fn with_target(self, method: &http::Method, uri: &http::Uri) -> Self {
        let target = uri.path_and_query().map(|target| target.as_str().to_owned()).unwrap_or_default();
        Self { method: method.to_string(), target, ..self }
    }

    /// The `traceparent` of what happens below this span.
    pub(crate) fn header(&self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("00-{}-{}-01", hex(&self.trace), hex(&self.id))
    }

    pub(crate) fn answered(&mut self, code: StatusCode) {
        self.code = code.as_u16();
    }

    pub(crate) fn ended(&mut self) {
        self.end = SystemTime::now();
    }
}

pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos() as u64
}
