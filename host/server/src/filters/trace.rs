//! With `--tracing-config-file`: the span of a request.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::Filter;
use crate::request::{Context, Request, RequestInfo};
use crate::response::Response;
use crate::traces::{Span, Tracer};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

pub(super) struct Trace {
    tracer: Option<Arc<Tracer>>,
}

impl Trace {
    /// Nobody is traced without a tracer.
    pub(super) fn new(tracer: Option<Arc<Tracer>>) -> Self {
        Self { tracer }
    }
}

impl Filter for Trace {
    /// Nothing for requests that are not sampled.
    type Held = Option<Box<Open>>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        let Some(tracer) = &self.tracer else { return Ok(None) };
        let name = || name(request.method(), request.info());
        let Some(span) = tracer.sample(request.context(), request.headers(), name) else { return Ok(None) };
        let span = span.with_target(request.method(), request.uri());
        if let Ok(value) = HeaderValue::try_from(span.header()) {
            request.headers_mut().insert(TRACEPARENT, value);
        }
        Ok(Some(Box::new(Open { tracer: tracer.clone(), span: Some(span) })))
    }

    fn after(&self, open: Self::Held, _: &Arc<Context>, response: &mut Response) {
        let Some(mut open) = open else { return };
        if let Some(span) = &mut open.span {
            span.answered(response.status());
        }
        response.body_mut().hold(open);
    }
}

/// A span that ends when it is dropped: with the last byte.
pub(super) struct Open {
    tracer: Arc<Tracer>,
    span: Option<Span>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.ended();
            self.tracer.send(span);
        }
    }
}

/// kube-apiserver's: what is asked for, without the names that make each request another one.
fn name(method: &Method, info: &RequestInfo) -> String {
    if !info.is_resource_request() {
        return method.to_string();
    }
    let mut name = format!("{method} /{}", info.api_prefix());
    let mut add = |part: &str| {
        if !part.is_empty() {
            name.push('/');
            name.push_str(part);
        }
    };
    add(info.api_group());
    add(info.api_version());
    add(if info.namespace().is_empty() { "" } else { "namespaces/{:namespace}" });
    add(info.resource());
    add(if info.name().is_empty() { "" } else { "{:name}" });
    add(info.subresource());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_routes_and_not_of_objects() {
        let cases = [
            ("/healthz", "GET"),
            ("/api/v1/nodes", "GET /api/v1/nodes"),
            ("/api/v1/namespaces/ns/pods/web/log", "GET /api/v1/namespaces/{:namespace}/pods/{:name}/log"),
            ("/apis/apps/v1/namespaces/ns/deployments", "GET /apis/apps/v1/namespaces/{:namespace}/deployments"),
        ];
        for (uri, expected) in cases {
            let info = RequestInfo::new(&Method::GET, &uri.parse().unwrap()).unwrap();
            assert_eq!(name(&Method::GET, &info), expected);
        }
    }
}
