//! `/debug/pprof/`: CPU profiles for who may have them, as Go's servers give them.

use std::time::Duration;

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::director::Director;
use crate::limits::PROFILE_TIME_MAX;
use crate::request::info::first;
use crate::response::{Body, Response, text};

/// Go's, where nobody says how long.
const TIME: Duration = Duration::from_secs(30);

const INDEX: &str = "<html><head><title>/debug/pprof/</title></head><body>\n\
    <p><a href='profile?seconds=30'>profile</a>: what the host and its plugins compute, by function. \
    <code>go tool pprof</code> reads it.</p>\n</body></html>\n";

pub(crate) fn index() -> Response {
    let mut response = Response::new(INDEX.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Takes samples for as long as the query says. They end when the client leaves.
pub(crate) async fn profile(director: &impl Director, query: &str) -> Response {
    let seconds = first(query, "seconds").and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    let time = seconds.map_or(TIME, Duration::from_secs);
    if time > PROFILE_TIME_MAX {
        let most = PROFILE_TIME_MAX.as_secs();
        return text(StatusCode::BAD_REQUEST, format!("a profile lasts at most {most} seconds"));
    }
    let images = director.code();
    let sampling = match host_profile::start(&images) {
        Ok(sampling) => sampling,
        Err(error) => {
            return text(StatusCode::INTERNAL_SERVER_ERROR, format!("Could not enable CPU profiling: {error}"));
        }
    };
    tokio::time::sleep(time).await;
    let written = tokio::task::spawn_blocking(move || {
        let (samples, dropped) = sampling.stop();
        if dropped > 0 {
            tracing::warn!("a profile had no room for {dropped} samples");
        }
        host_profile::write(&samples, &images, time)
    });
    match written.await {
        Ok(bytes) => file(bytes),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

fn file(bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"profile\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
