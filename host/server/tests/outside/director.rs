//! A director whose requests do what a test wants, and a server around it.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use clap::Parser;
use host_server::lifecycle::Signals;
use host_server::options::{RunConfig, RunOptions};
use host_server::{Body, BoxError, Director, Request, Response, Running, Server, not_found};
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, StatusCode};
use http_body::Frame;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

/// What the tests and their director tell each other.
#[derive(Default)]
pub(crate) struct Controls {
    /// A request for `/wait` has come.
    pub(crate) waiting: Notify,
    /// It may be answered.
    pub(crate) go: Notify,
    /// A request was given up.
    pub(crate) cancelled: Notify,
    /// Nobody writes an answer to `/flood` any more.
    pub(crate) flood_ended: Notify,
    /// What has been made of it.
    pub(crate) flooded_bytes: AtomicUsize,
    /// The pre-shutdown hooks have started.
    pub(crate) hooks_started: Notify,
    /// They may end.
    pub(crate) hooks_go: Notify,
}

pub(crate) struct Told(pub(crate) Arc<Controls>);

impl Director for Told {
    async fn serve(&self, mut request: Request) -> Response {
        let path = request.info().path().to_owned();
        match path.as_str() {
            "/hello" => Response::new("hello".into()),
            "/who" => {
                let user = request.context().user();
                Response::new(format!("{} {}", user.name, user.groups.join(",")).into())
            }
            "/who-else" => {
                let user = request.context().user();
                let extra = user.extra.iter().map(|(key, values)| format!("{key}={}", values.join(",")));
                Response::new(format!("{} {}", user.uid, extra.collect::<Vec<_>>().join(" ")).into())
            }
            "/echo" => match request.take_body().read(host_server::REQUEST_BODY_BYTES_MAX).await {
                Ok(body) => Response::new(body.into()),
                Err(error) => host_server::Failure::from(error).into(),
            },
            "/hello-after-body" => {
                let _ = request.take_body().read(host_server::REQUEST_BODY_BYTES_MAX).await;
                Response::new("hello".into())
            }
            "/panic" => panic!("somebody asked for it"),
            "/wait" => {
                self.tell_cancelled(&request);
                self.0.waiting.notify_one();
                self.0.go.notified().await;
                Response::new("waited".into())
            }
            "/flood" => Response::new(Body::stream(Flood(self.0.clone()))),
            "/upgrade" => {
                self.tell_cancelled(&request);
                let upgrade = request.take_upgrade().unwrap();
                let mut response = Response::new(upgrade.body());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
                response.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
                tokio::spawn(async move {
                    let (mut reader, mut writer) = tokio::io::split(upgrade.connection().await.unwrap());
                    tokio::io::copy(&mut reader, &mut writer).await
                });
                response
            }
            _ if request.info().verb() == "watch" && path.ends_with("/floods") => {
                Response::new(Body::stream(Flood(self.0.clone())))
            }
            _ if request.info().verb() == "watch" && path.ends_with("/panics") => {
                Response::new(Body::stream(Panics::default()))
            }
            _ if request.info().verb() == "watch" => {
                let (events, receiver) = mpsc::channel(1);
                let _ = events.try_send("{\"type\":\"ADDED\"}\n");
                Response::new(Body::stream(Events { receiver, _events: events }))
            }
            _ => not_found(request.context()),
        }
    }

    fn paths(&self) -> Vec<String> {
        vec!["/hello".to_owned()]
    }

    async fn pre_shutdown(&self) {
        self.0.hooks_started.notify_one();
        self.0.hooks_go.notified().await;
    }
}

impl Told {
    fn tell_cancelled(&self, request: &Request) {
        let cancelled = request.context().cancellation().clone();
        let controls = self.0.clone();
        tokio::spawn(async move {
            cancelled.cancelled().await;
            controls.cancelled.notify_one();
        });
    }
}

/// Has something to say, has to wait, and panics.
#[derive(Default)]
struct Panics(usize);

impl http_body::Body for Panics {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.0 += 1;
        match self.0 {
            1 => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"type\":\"ADDED\"}\n"))))),
            2 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => panic!("somebody asked for it"),
        }
    }
}

pub(crate) const FLOOD_CHUNK_BYTES: usize = 16 << 10;

/// Bytes without end.
struct Flood(Arc<Controls>);

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        static CHUNK: [u8; FLOOD_CHUNK_BYTES] = [b'x'; FLOOD_CHUNK_BYTES];
        self.0.flooded_bytes.fetch_add(CHUNK.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK)))))
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.0.flood_ended.notify_one();
    }
}

/// One event, and then none for ever.
struct Events {
    receiver: mpsc::Receiver<&'static str>,
    _events: mpsc::Sender<&'static str>,
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let event = self.receiver.poll_recv(context);
        event.map(|event| event.map(|event| Ok(Frame::data(Bytes::from_static(event.as_bytes())))))
    }
}

/// A server, its data, and the way to its director.
pub(crate) struct Served {
    pub(crate) data: TempDir,
    pub(crate) controls: Arc<Controls>,
    pub(crate) signals: Arc<Signals>,
    pub(crate) running: Running,
}

pub(crate) fn config(data: &Path, arguments: &[&str]) -> RunConfig {
    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        run: RunOptions,
    }
    let data = data.to_str().unwrap();
    let always = ["host", "--data-dir", data, "--secure-port", "0", "--plugin", "told"];
    Command::parse_from([&always, arguments].concat()).run.complete().unwrap()
}

pub(crate) async fn serve_with(data: TempDir, config: RunConfig) -> Served {
    serve_changed(data, config, |_| {}).await
}

pub(crate) async fn serve_changed(data: TempDir, config: RunConfig, change: impl FnOnce(&Server)) -> Served {
    let server = Server::new(config).unwrap();
    change(&server);
    let signals = server.signals().clone();
    let controls = Arc::new(Controls::default());
    let bound = server.bind().await.unwrap();
    let running = bound.serve(Arc::new(Told(controls.clone())));
    Served { data, controls, signals, running }
}

pub(crate) async fn serve_in(data: TempDir, arguments: &[&str]) -> Served {
    let config = config(data.path(), arguments);
    serve_with(data, config).await
}

pub(crate) async fn serve(arguments: &[&str]) -> Served {
    serve_in(tempfile::tempdir().unwrap(), arguments).await
}
