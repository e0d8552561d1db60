//! Sends spans to the collector, many at once: gRPC without TLS, which is what kube-apiserver's
//! configuration means by an endpoint.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prometheus::IntCounter;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::otlp;
use super::span::Span;
use crate::limits::{TRACE_ANSWER_BYTES_MAX, TRACE_SPANS_SENT_MAX};

/// Spans wait this long for others.
const EVERY: Duration = Duration::from_secs(5);
/// Connecting included.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

type Connection = SendRequest<Full<Bytes>>;

/// Exports until nobody sends spans any more, and all have been sent.
pub(super) async fn run(endpoint: String, mut spans: mpsc::Receiver<Span>, dropped: IntCounter) {
    let mut collector = Collector { endpoint, connection: None };
    loop {
        let Some(first) = spans.recv().await else { return };
        let mut batch = vec![first];
        // Ends early when there is enough, or nobody is left.
        let _ = timeout(EVERY, async {
            while batch.len() < TRACE_SPANS_SENT_MAX {
                let Some(span) = spans.recv().await else { return };
                batch.push(span);
            }
        })
        .await;
        let count = batch.len() as u64;
        let sent = timeout(CALL_TIMEOUT, collector.send(otlp::call(batch))).await;
        if let Err(reason) = sent.unwrap_or_else(|_| Err("it took too long".to_owned())) {
            dropped.inc_by(count);
            collector.connection = None;
            warn!(endpoint = collector.endpoint, spans = count, "the collector did not take spans: {reason}");
        }
    }
}

struct Collector {
    endpoint: String,
    connection: Option<Connection>,
}

impl Collector {
    async fn send(&mut self, call: Bytes) -> Result<(), String> {
        let mut request = Request::new(Full::new(call));
        *request.method_mut() = http::Method::POST;
        let uri = format!("http://{}/opentelemetry.proto.collector.trace.v1.TraceService/Export", self.endpoint);
        *request.uri_mut() = uri.parse().map_err(|error| format!("`{}` is no endpoint: {error}", self.endpoint))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));

        let response = self.connection().await?.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, TRACE_ANSWER_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
        // Without a body it is among the headers.
        match status(body.trailers().unwrap_or(&head.headers)).or_else(|| status(&head.headers)) {
            Some("0") => Ok(()),
            Some(status) => Err(format!("it answered with gRPC's status {status}")),
            None => Err(format!("it does not speak gRPC: it answered {}", head.status)),
        }
    }

    async fn connection(&mut self) -> Result<&mut Connection, String> {
        if self.connection.as_ref().is_none_or(Connection::is_closed) {
            let stream = TcpStream::connect(&self.endpoint).await.map_err(|error| error.to_string())?;
            let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
            let (sender, connection) = handshake.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            self.connection = Some(sender);
        }
        Ok(self.connection.as_mut().expect("it has just been made"))
    }
}

fn status(headers: &HeaderMap) -> Option<&str> {
    headers.get("grpc-status")?.to_str().ok()
}
