//! Requests without a network: what the tests of the filters share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Around, Filter, Handler};
use crate::authn::User;
use crate::observe::AccessMetrics;
use crate::request::{Context, Request, RequestBody, RequestInfo};
use crate::response::{Response, text};
use crate::serve::Connection;

/// Names and values.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// A request with its info, as it is below the filter that finds that.
pub(crate) fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
    let mut message = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        message = message.header(*name, *value);
    }
    let message = message.body(RequestBody::Empty).unwrap();
    let connection = Arc::new(Connection::new(([127, 0, 0, 1], 1).into(), Vec::new()));
    let context = Arc::new(Context::new(Instant::now().into_std(), connection));
    if let Ok(info) = RequestInfo::new(message.method(), message.uri()) {
        context.set_info(info);
    }
    Request::new(message, context)
}

pub(crate) fn get(uri: &str) -> Request {
    request("GET", uri, &[])
}

pub(super) fn get_by(version: http::Version) -> Request {
    let (mut message, context) = get("/").into_message();
    *message.version_mut() = version;
    Request::new(message, context)
}

/// A request of somebody in these groups.
pub(crate) fn request_of(user: &str, groups: &[&str], method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
    let request = request(method, uri, headers);
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    request.context().set_user(Arc::new(User { name: user.to_owned(), groups, ..User::default() }));
    request
}

pub(crate) fn access_metrics() -> Arc<AccessMetrics> {
    Arc::new(AccessMetrics::new(&prometheus::Registry::new()))
}

/// What stands behind the filter under test: answers `done`, and remembers what came.
#[derive(Default)]
pub(crate) struct Inside {
    seen: AtomicUsize,
    headers: Mutex<HeaderMap>,
    user: Mutex<Arc<User>>,
    /// How long it takes to answer.
    takes: Duration,
}

impl Inside {
    pub(crate) fn slow(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    pub(crate) fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.lock().clone()
    }

    pub(crate) fn user(&self) -> Arc<User> {
        self.user.lock().clone()
    }
}

impl Handler for Inside {
    async fn handle(&self, request: Request) -> Response {
        self.seen.fetch_add(1, Ordering::Relaxed);
        *self.headers.lock() = request.headers().clone();
        *self.user.lock() = request.context().user().clone();
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        text(StatusCode::OK, "done")
    }
}

/// Status and body of the answer that `filter` lets through or gives.
pub(crate) async fn through<F: Filter>(filter: F, request: Request, inside: &Inside) -> (u16, HeaderMap, String) {
    read(super::chain::Filters(filter).around(request, inside).await).await
}

pub(crate) async fn read(response: Response) -> (u16, HeaderMap, String) {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
}

/// The message of a `Status`.
pub(crate) fn message(body: &str) -> String {
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    status["message"].as_str().unwrap().to_owned()
}
