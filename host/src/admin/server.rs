//! The host's side of the socket.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use host_server::options::PluginChoice;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio_util::task::AbortOnDropHandle;

use super::message::{Add, Chain, Refusal, Swap};
use super::socket::Socket;
use crate::assembly::{Assembly, ChangeError, Place};
use crate::limits::Limits;

/// The socket is there; who connects waits.
pub struct Bound {
    socket: Socket,
    listener: UnixListener,
}

/// Listens until it is dropped.
pub struct Listening {
    _socket: Socket,
    _accepting: AbortOnDropHandle<()>,
}

/// Makes the data directory's socket. A host that cannot serves all the same: it says so, and its
/// chain stays as it is.
pub fn bind(data_dir: &Path) -> Option<Bound> {
    match Socket::bind(data_dir) {
        Ok((socket, listener)) => Some(Bound { socket, listener }),
        Err(error) => {
            let path = super::socket::path(data_dir);
            tracing::error!(
                "`host plugin` and `host chain` will not work: cannot listen on `{}`: {error}",
                path.display()
            );
            None
        }
    }
}

impl Bound {
    /// Takes requests, those of who waits first.
    pub fn listen(self, assembly: &Arc<Assembly>) -> Listening {
        let Self { socket, listener } = self;
        let assembly = assembly.clone();
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((connection, _)) => drop(tokio::spawn(serve(connection, assembly.clone()))),
                    Err(error) => {
                        tracing::warn!("`admin.sock`: {error}");
                        // Out of file descriptors, most likely: not worth a busy loop.
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    }
                }
            }
        });
        Listening { _socket: socket, _accepting: AbortOnDropHandle::new(accepting) }
    }
}

async fn serve(connection: tokio::net::UnixStream, assembly: Arc<Assembly>) {
    let service = service_fn(|request| {
        let assembly = assembly.clone();
        // On a task of its own: a change is not left half made because nobody waits for it.
        let answer = tokio::spawn(answer(request, assembly));
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|error| refusal(500, error.to_string()))) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
    if let Err(error) = served {
        tracing::debug!("`admin.sock`: {error}");
    }
}

async fn answer(request: Request<Incoming>, assembly: Arc<Assembly>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let segments: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
    match (&head.method, &segments[..]) {
        (&Method::GET, ["chain"]) => json(StatusCode::OK, &Chain { links: assembly.report() }),
        (&Method::POST, ["plugins"]) => match read::<Add>(body).await {
            Ok(message) => result(add(&assembly, message).await),
            Err(why) => refusal(400, why),
        },
        (&Method::POST, ["plugins", name, "swap"]) => match read::<Swap>(body).await {
            Ok(message) => result(assembly.swap(name, &message.path).await),
            Err(why) => refusal(400, why),
        },
        (&Method::DELETE, ["plugins", name]) => result(assembly.remove(name).await),
        (method, _) => refusal(404, format!("this host does not know `{method} {}`", head.uri.path())),
    }
}

async fn add(assembly: &Arc<Assembly>, message: Add) -> Result<crate::assembly::LinkReport, ChangeError> {
    let Add { name, path, config, grants, limits, before, after } = message;
    let place = match (before, after) {
        (Some(name), _) => Place::Before(name),
        (None, Some(name)) => Place::After(name),
        (None, None) => Place::Outermost,
    };
    assembly.add(PluginChoice { name, path, config, grants, limits }, &place).await
}

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, String> {
    let body =
        Limited::new(body, Limits::ADMIN_MESSAGE_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| format!("the message is not understood: {error}"))
}

fn result(result: Result<impl Serialize, ChangeError>) -> Response<Full<Bytes>> {
    match result {
        Ok(value) => json(StatusCode::OK, &value),
        Err(error) => refusal(status(&error), error.to_string()),
    }
}

fn status(error: &ChangeError) -> u16 {
    match error {
        ChangeError::Unknown { .. } => 404,
        ChangeError::Present(_) | ChangeError::Last(_) => 409,
        ChangeError::Name(_) | ChangeError::Load(_) | ChangeError::Start { .. } | ChangeError::Refused { .. } => 422,
        ChangeError::Ending => 503,
    }
}

fn refusal(status: u16, error: String) -> Response<Full<Bytes>> {
    json(StatusCode::from_u16(status).expect("a status"), &Refusal { error })
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let text = serde_json::to_vec(value).expect("what is sent can be written as JSON");
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
