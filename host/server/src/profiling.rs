//! `/debug/pprof/`: CPU profiles for who may have them, as Go's servers give them.

use std::time::{Duration, Instant};

use host_profile::Image;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::lifecycle::{Signal, Signals};
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

/// Takes samples for as long as the query says, but holds up no shutdown. They end when the client
/// leaves. `images` is compiled code that is no part of the executable.
pub(crate) async fn profile(images: Vec<Image>, query: &str, signals: &Signals) -> Response {
    let seconds = first(query, "seconds").and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
    let time = seconds.map_or(TIME, Duration::from_secs);
    if time > PROFILE_TIME_MAX {
        let most = PROFILE_TIME_MAX.as_secs();
        return text(StatusCode::BAD_REQUEST, format!("a profile lasts at most {most} seconds"));
    }
    // It makes room for all samples first, which takes a while.
    let begun = tokio::task::spawn_blocking(move || host_profile::start(&images).map(|sampling| (sampling, images)));
    let (sampling, images) = match begun.await.map_err(|error| error.to_string()) {
        Ok(Ok(begun)) => begun,
        Ok(Err(error)) => return not_enabled(error),
        Err(error) => return not_enabled(error),
    };
    let started = Instant::now();
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = signals.wait(Signal::NotAcceptingNewRequest) => {}
    }
    let time = started.elapsed();
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

fn not_enabled(error: impl std::fmt::Display) -> Response {
    text(StatusCode::INTERNAL_SERVER_ERROR, format!("Could not enable CPU profiling: {error}"))
}

fn file(bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"profile\""));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_profile_holds_up_no_shutdown() {
        let (signals, started) = (Signals::default(), Instant::now());
        signals.fire(Signal::NotAcceptingNewRequest);
        let response = profile(Vec::new(), "seconds=60", &signals).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
