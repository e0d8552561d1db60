//! Bounds how many requests are worked on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};

use super::Filter;
use crate::authn::PRIVILEGED;
use crate::request::{Context, Request};
use crate::response::{Response, text};

/// How many requests are under way, by kind.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) reading: Arc<Limit>,
    pub(crate) mutating: Arc<Limit>,
}

#[derive(Debug)]
pub(crate) struct Limit {
    /// 0 is no limit.
    most: usize,
    current: AtomicUsize,
    /// The most at once since somebody asked.
    peak: AtomicUsize,
}

impl Limits {
    pub(crate) fn new(reading: usize, mutating: usize) -> Self {
        Self { reading: Arc::new(Limit::new(reading)), mutating: Arc::new(Limit::new(mutating)) }
    }
}

impl Limit {
    fn new(most: usize) -> Self {
        Self { most, current: AtomicUsize::new(0), peak: AtomicUsize::new(0) }
    }

    /// Nothing if the house is full.
    fn enter(self: &Arc<Self>, privileged: bool) -> Option<Guest> {
        let before = self.current.fetch_add(1, Ordering::Relaxed);
        let guest = Guest(self.clone());
        if self.most != 0 && before >= self.most && !privileged {
            return None;
        }
        if before >= self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(before + 1, Ordering::Relaxed);
        }
        Some(guest)
    }

    /// The most at once since the last call.
    pub(crate) fn take_peak(&self) -> usize {
        self.peak.swap(self.current.load(Ordering::Relaxed), Ordering::Relaxed)
    }
}

/// Somebody inside.
pub(super) struct Guest(Arc<Limit>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.current.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) struct InFlight {
    limits: Arc<Limits>,
}

impl InFlight {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self { limits }
    }
}

impl Filter for InFlight {
    /// Nothing for those who are not counted.
    type Held = Option<Guest>;

    async fn before(&self, request: &mut Request) -> Result<Self::Held, Response> {
        if request.info().is_long_running() {
            return Ok(None);
        }
        let limit = if request.info().is_reading() { &self.limits.reading } else { &self.limits.mutating };
        // An administrator must get in to see what is wrong.
        let guest = limit.enter(request.context().user().is_in(PRIVILEGED));
        guest.map(Some).ok_or_else(|| {
            request.context().set_terminated();
            let mut response = text(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        })
    }

    fn after(&self, guest: Self::Held, _: &Arc<Context>, response: &mut Response) {
        response.body_mut().hold(guest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, request_of, through};

    #[tokio::test]
    async fn a_full_house_lets_in_whom_it_must() {
        let limits = Arc::new(Limits::new(1, 0));
        let filter = || InFlight::new(limits.clone());
        let inside = Inside::default();
        let held = filter().before(&mut request_of("a", &[], "GET", "/api/v1/pods", &[])).await.ok().unwrap();
        let cases = [
            ("a second reader", &[] as &[&str], "GET", "/api/v1/pods", 429),
            ("a writer, who has no limit", &[], "POST", "/api/v1/pods", 200),
            ("a watch", &[], "GET", "/api/v1/pods?watch=1", 200),
            ("an administrator", &["system:masters"], "GET", "/api/v1/pods", 200),
        ];
        for (who, groups, method, uri, expected) in cases {
            let request = request_of("b", groups, method, uri, &[]);
            let (code, headers, body) = through(filter(), request, &inside).await;
            assert_eq!(code, expected, "{who}");
            if code == 429 {
                assert_eq!(headers[RETRY_AFTER], "1");
                assert_eq!(body, "Too many requests, please try again later.\n");
            }
        }
        drop(held);
        let (code, _, _) = through(filter(), request_of("b", &[], "GET", "/api/v1/pods", &[]), &inside).await;
        assert_eq!(code, 200);
        assert_eq!((limits.reading.take_peak(), limits.reading.take_peak()), (2, 0));
    }
}
