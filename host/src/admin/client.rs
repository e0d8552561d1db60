//! The operator's side of the socket.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::message::Refusal;
use super::socket;

/// Asks the host that serves a data directory. What it refuses is returned in its words.
pub(super) fn ask<T: DeserializeOwned>(
    data_dir: &Path,
    method: Method,
    path: &str,
    message: Option<&impl Serialize>,
) -> Result<T, String> {
    let body = message.map(|message| serde_json::to_vec(message).map_err(|error| error.to_string())).transpose()?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(|error| format!("`{path}` cannot be asked for: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let (status, answer) = runtime.block_on(send(data_dir, request))?;
    if status == StatusCode::OK {
        return serde_json::from_slice(&answer).map_err(|error| format!("the answer is not understood: {error}"));
    }
    let refusal = serde_json::from_slice::<Refusal>(&answer);
    Err(refusal.map_or_else(|_| format!("the host answered {status}"), |refusal| refusal.error))
}

async fn send(data_dir: &Path, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
    let socket = socket::path(data_dir);
    let connection = UnixStream::connect(&socket).await.map_err(|error| {
        format!(
            "no host that serves `{}` can be asked: `{}`: {error}\n\nhint: name its directory with `--data-dir`, and \
             ask as the user that runs it",
            data_dir.display(),
            socket.display()
        )
    })?;
    let broken = |error: hyper::Error| format!("the host did not answer: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(connection)).await.map_err(broken)?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    Ok((head.status, body.collect().await.map_err(broken)?.to_bytes()))
}
