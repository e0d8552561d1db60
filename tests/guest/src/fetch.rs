//! Asking somebody else over HTTP.

use plugin_sdk::Result;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, FutureIncomingResponse, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// The status and the body of what is at an address.
pub(crate) fn fetched(address: &str) -> Result<String> {
    let answer = asked(address)?;
    answer.subscribe().block();
    let answer = answer.get().ok_or("there is no answer")?.map_err(|()| "it was taken")?;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let body = answer.consume().map_err(|()| "there is no body")?;
    let stream = body.stream().map_err(|()| "it was taken")?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}").into()),
        }
    }
    Ok(format!("{} {}", answer.status(), String::from_utf8_lossy(&bytes)))
}

/// Asks ten times at once, and says what became of the last.
pub(crate) fn fetched_often(address: &str) -> Result<String> {
    let answers = (0..10).map(|_| asked(address)).collect::<Result<Vec<_>>>()?;
    let last = answers.last().ok_or("there is none")?;
    last.subscribe().block();
    let answer = last.get().ok_or("there is no answer")?.map_err(|()| "it was taken")?;
    Ok(answer.map_err(|error| format!("{error:?}"))?.status().to_string())
}

fn asked(address: &str) -> Result<FutureIncomingResponse> {
    let (scheme, rest) = address.split_once("://").ok_or("an address has a scheme")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&scheme)).and(request.set_authority(Some(authority)));
    set.and(request.set_path_with_query(Some(path))).map_err(|()| "the address is wrong")?;
    Ok(handle(request, None).map_err(|error| format!("{error:?}"))?)
}
