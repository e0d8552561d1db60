//! `wasi:http` as a plugin sees it: requests to the destinations that it is granted.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::State;
use crate::answer::Destination;
use crate::chain::{Fault, Link};

/// The requests of one instance.
pub(super) struct Http {
    context: WasiHttpCtx,
    requests: Requests,
}

struct Requests {
    link: Arc<Link>,
    /// One permit for each that is under way.
    room: Arc<Semaphore>,
}

/// The answer, and what has to be polled until that has been read.
type Sent = Result<(Response<WasiBody>, Rest), Error>;
type Rest = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl Http {
    pub(super) fn new(link: Arc<Link>) -> Self {
        let room = Arc::new(Semaphore::new(link.limits().http_requests_max));
        Self { context: WasiHttpCtx::new(), requests: Requests { link, room } }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let Http { context, requests } = &mut self.http;
        WasiHttpCtxView { hooks: requests, table: &mut self.table, ctx: context }
    }
}

impl WasiHttpHooks for Requests {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Rest,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (link, permit) = (self.link.clone(), self.room.clone().try_acquire_owned());
        Box::new(async move {
            let Ok(permit) = permit else {
                let limit = link.limits().http_requests_max;
                let text = format!("more requests than `http_requests_max` ({limit}) are under way");
                link.conduct().fault(Fault::Subrequest, &text);
                return Err(Error::ConnectionLimitReached);
            };
            send(&link, request, options.unwrap_or_default(), permit).await
        })
    }
}

/// Sends a request on a connection of its own.
async fn send(
    link: &Link,
    mut request: Request<WasiBody>,
    options: RequestOptions,
    permit: OwnedSemaphorePermit,
) -> Sent {
    let destination = Destination::of(request.uri()).map_err(|_| Error::HttpRequestUriInvalid)?;
    if !destination.is_granted_to_fetch(&link.options().grants.http) {
        let name = link.name();
        let text = format!(
            "`{destination}` is not granted to plugin `{name}`: start with `--plugin-grant {name}=http:{destination}`"
        );
        link.conduct().fault(Fault::Grant, &text);
        return Err(Error::HttpRequestDenied);
    }
    let most = Duration::from_millis(link.limits().http_ms_max);
    let within = |wanted: Option<Duration>| wanted.map_or(most, |wanted| wanted.min(most));
    let connected = timeout(within(options.connect_timeout), async {
        let stream = destination.connect().await.map_err(|error| {
            link.log().host(tracing::Level::WARN, &format!("`{destination}`: {error}"));
            Error::DestinationUnavailable
        })?;
        Ok::<_, Error>(http1::handshake(TokioIo::new(stream)).await?)
    });
    let (mut sender, connection) = connected.await.map_err(|_| Error::ConnectionTimeout)??;
    // Whom it is for is in the header `host`; only proxies are told in the first line.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;

    let mut connection = Box::pin(connection);
    let mut over = false;
    let sent = timeout(within(options.first_byte_timeout), async {
        let mut answer = pin!(sender.send_request(request));
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                // Its answer may be there all the same.
                _ = &mut connection, if !over => over = true,
            }
        }
    });
    let answer = sent.await.map_err(|_| Error::ConnectionReadTimeout)??;
    let between = within(options.between_bytes_timeout);
    let answer = answer.map(|body| Timed::new(body, between).boxed_unsync());
    let rest: Rest = Box::new(async move {
        let _permit = permit;
        if over { Ok(()) } else { connection.await.map_err(Error::from) }
    });
    Ok((answer, rest))
}

/// A body whose next piece has to come in time.
struct Timed {
    body: Incoming,
    between: Duration,
    next: Pin<Box<tokio::time::Sleep>>,
}

impl Timed {
    fn new(body: Incoming, between: Duration) -> Self {
        Self { body, between, next: Box::pin(tokio::time::sleep(between)) }
    }
}

impl http_body::Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                this.next.as_mut().reset(tokio::time::Instant::now() + this.between);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => this.next.as_mut().poll(context).map(|()| Some(Err(Error::ConnectionReadTimeout))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
