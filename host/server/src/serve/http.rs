//! One connection from its first byte to its last: TLS, then HTTP/2 or 1.1.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Instant;

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::IntCounter;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::activity::{Activity, Watched};
use super::connection::Connection;
use super::cork::cork;
use super::streams::{end_current_stream_at, share_current_stream, streams};
use super::tls::HTTP2;
use super::trust::Trust;
use crate::filters::Handler;
use crate::limits::Limits;
use crate::request::{Arriving, Context, Request, RequestBody};
use crate::response::{Body, BoxError, plain, text};

/// What all connections share.
pub(super) struct Shared<H> {
    pub(super) trust: Arc<Trust>,
    pub(super) handler: H,
    pub(super) limits: Limits,
    pub(super) handshake_errors: IntCounter,
    /// Finish what is under way, and take nothing new.
    pub(super) closing: CancellationToken,
    /// Finish now.
    pub(super) abort: CancellationToken,
}

impl<H: Handler> Shared<H> {
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let abort = self.abort.clone();
        // Ends whatever the connection is at; there is nothing to clean up.
        let _ = abort.run_until_cancelled(self.serve_to_end(stream, peer, place)).await;
    }

    async fn serve_to_end(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        // Answers are written whole: waiting for more helps nobody.
        let keep_alive = TcpKeepalive::new().with_time(self.limits.tcp_keep_alive());
        let set = stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keep_alive));
        if let Err(error) = set {
            debug!(%peer, "cannot set the options of the socket: {error}");
        }
        // The socket keeps its place also where it leaves HTTP.
        let activity = Activity::new(Some(place));
        // One listener may serve both families, and then IPv4's addresses come wrapped.
        let local = stream.local_addr().ok().map(|address| address.ip().to_canonical());
        let acceptor = TlsAcceptor::from(self.trust.config(local));
        let stream = Watched::new(stream, activity.clone());
        let stream = match timeout(self.limits.handshake(), acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.handshake_errors.inc();
                return debug!(%peer, "TLS handshake failed: {error}");
            }
            Err(_) => {
                self.handshake_errors.inc();
                return debug!(%peer, "TLS handshake took too long");
            }
        };
        activity.start();

        let (_, session) = stream.get_ref();
        let certificates = session.peer_certificates().map(|chain| chain.iter().cloned().map(|c| c.into_owned()));
        let certificates = certificates.map(Iterator::collect).unwrap_or_default();
        let http2 = session.alpn_protocol() == Some(HTTP2);
        let connection = Arc::new(Connection::new(peer, certificates));
        let service = self.service(connection, activity.clone());
        let result = if http2 {
            self.serve_http2(stream, service, &activity).await
        } else {
            self.serve_http1(stream, service, &activity).await
        };
        if let Err(error) = result {
            debug!(%peer, "connection ended: {error}");
        }
    }

    /// Gives each request its context, and the filters.
    fn service(
        self: &Arc<Self>,
        connection: Arc<Connection>,
        activity: Arc<Activity>,
    ) -> impl Service<
        http::Request<Incoming>,
        Response = Response<Body>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + Send
    + use<H> {
        let shared = self.clone();
        service_fn(move |message: http::Request<Incoming>| {
            let shared = shared.clone();
            let context = Arc::new(Context::new(Instant::now(), connection.clone()));
            let known = context.clone();
            let http2 = message.version() == Version::HTTP_2;
            let head = message.method() == Method::HEAD;
            // HTTP/1.1 has one head at a time.
            let active = activity.request(if http2 { head_bytes(&message) } else { 0 });
            let unasked = message.headers().contains_key(EXPECT);
            let message =
                message.map(|body| RequestBody::Incoming(Arriving::new(body, unasked, shared.limits.refused_body())));
            // hyper and tokio move it several times before they run it: as a pointer.
            Box::pin(async move {
                if active.all_head_bytes() > shared.limits.http2_heads_bytes_max {
                    let mut response = text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too large with the others");
                    response.body_mut().hold(active);
                    return Ok(response);
                }
                if !is_escaped(message.uri().path()) {
                    let mut response = unreadable();
                    if http2 {
                        response.headers_mut().remove(CONNECTION);
                    }
                    if head {
                        without_body(&mut response);
                    }
                    response.body_mut().hold(active);
                    return Ok(response);
                }
                let mut response = shared.handler.handle(Request::new(message, context)).await;
                // HTTP/2 has no such header: there it means GOAWAY.
                if http2 && response.headers_mut().remove(CONNECTION).is_some() {
                    active.end_connection();
                }
                if head {
                    without_body(&mut response);
                }
                // Who does not read what he asked for must not keep its place for ever.
                if let Some(deadline) = known.deadline()
                    && response.body().is_stream()
                {
                    if http2 { end_current_stream_at(deadline) } else { active.read_by(deadline) }
                }
                if http2 && known.info().verb() == "watch" {
                    share_current_stream();
                }
                response.body_mut().hold(active);
                Ok(response)
            })
        })
    }

    async fn serve_http2<S>(&self, stream: TlsStream<Watched>, service: S, activity: &Activity) -> Result<(), BoxError>
    where
        S: Service<http::Request<Incoming>, Response = Response<Body>, Error = std::convert::Infallible>,
        S::Future: Send + 'static,
    {
        let limits = &self.limits;
        let (executor, mut streams) = streams();
        let (stream, cork) = cork(stream);
        let connection = hyper::server::conn::http2::Builder::new(executor)
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.http2_streams_max)
            .max_header_list_size(limits.http2_head_bytes_max)
            .initial_stream_window_size(limits.http2_stream_window_bytes)
            .initial_connection_window_size(limits.http2_connection_window_bytes)
            .max_pending_accept_reset_streams(limits.http2_early_resets_max)
            .max_local_error_reset_streams(limits.http2_broken_streams_max)
            .max_send_buf_size(limits.http2_send_buffer_bytes_max)
            .keep_alive_interval(limits.http2_ping())
            .keep_alive_timeout(limits.http2_ping_answer())
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        // One turn: what the watches have to say, all that there is to read and to write, to the socket.
        let mut turn = |connection: Pin<&mut _>, context: &mut task::Context<'_>| {
            streams.poll(context);
            let result: Poll<Result<(), hyper::Error>> = Future::poll(connection, context);
            match cork.poll_flush(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(BoxError::from(error))),
                _ => result.map_err(BoxError::from),
            }
        };
        tokio::select! {
            result = poll_fn(|context| turn(connection.as_mut(), context)) => return result,
            () = self.closing.cancelled() => {}
            () = activity.end_asked() => {}
            () = activity.over(limits.idle(), None) => {}
        }
        connection.as_mut().graceful_shutdown();
        activity.start();
        tokio::select! {
            result = poll_fn(|context| turn(connection.as_mut(), context)) => result,
            // It has been told, and has nothing to do here.
            () = activity.over(limits.idle(), None) => Ok(()),
        }
    }

    async fn serve_http1<S>(&self, stream: TlsStream<Watched>, service: S, activity: &Activity) -> Result<(), BoxError>
    where
        S: Service<http::Request<Incoming>, Response = Response<Body>, Error = std::convert::Infallible>,
        S::Future: Send + 'static,
    {
        let limits = &self.limits;
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            // `activity` does both: hyper's own would be a timer for each request, and end idle
            // connections as if they were slow.
            .header_read_timeout(None)
            .max_buf_size(limits.request_head_bytes_max)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        tokio::select! {
            result = connection.as_mut() => return result.map_err(BoxError::from),
            () = self.closing.cancelled() => {}
            // Nothing is under way, so nothing is lost.
            () = activity.over(limits.idle(), Some(limits.request_head())) => return Ok(()),
            () = activity.unread() => return Ok(()),
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            result = connection => result.map_err(BoxError::from),
            () = activity.over(limits.idle(), Some(limits.request_head())) => Ok(()),
            () = activity.unread() => Ok(()),
        }
    }
}

/// What a head takes in memory, counted as HTTP/2 counts it.
fn head_bytes<B>(message: &http::Request<B>) -> usize {
    /// What a field takes beside its texts (RFC 9113, 6.5.2).
    const FIELD: usize = 32;
    let path = message.uri().path_and_query().map_or(0, |path| path.as_str().len());
    message.headers().iter().fold(path, |sum, (name, value)| sum + name.as_str().len() + value.len() + FIELD)
}

/// The answer to a HEAD says how long the body would be. On HTTP/2 hyper sends one that is there,
/// which clients take for a broken stream.
fn without_body(response: &mut Response<Body>) {
    let length = response.body().size_hint().exact();
    *response.body_mut() = Body::default();
    if let Some(length) = length {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
    }
}

/// Whether two hexadecimal digits are behind each `%` of a path: upstream's HTTP reads no other.
fn is_escaped(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// What upstream's HTTP says of a request that it cannot read, before any filter. Over HTTP/2 it resets the stream
/// without a word; here the client is told as well.
fn unreadable() -> Response<Body> {
    let mut response = plain(StatusCode::BAD_REQUEST, "400 Bad Request");
    response.headers_mut().remove(X_CONTENT_TYPE_OPTIONS);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_escaped_by_two_digits() {
        for (path, want) in
            [("/a", true), ("/a%2Fb%00", true), ("/%", false), ("/a%2", false), ("/%zz/b", false), ("/%%20", false)]
        {
            assert_eq!(is_escaped(path), want, "{path}");
        }
    }
}
