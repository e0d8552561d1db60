//! Notes whether all routes were there when a request came in.

use std::sync::Arc;

use super::Filter;
use crate::lifecycle::{Signal, Signals};
use crate::request::Request;
use crate::response::Response;

pub(super) struct CaptureRoutesComplete {
    signals: Arc<Signals>,
}

impl CaptureRoutesComplete {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self { signals }
    }
}

impl Filter for CaptureRoutesComplete {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        request.context().set_routes_complete(self.signals.has_fired(Signal::MuxAndDiscoveryComplete));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{get, read};
    use crate::response::not_found;

    #[tokio::test]
    async fn what_nobody_serves_is_404_only_when_all_routes_are_there() {
        let signals = Arc::new(Signals::default());
        let filter = CaptureRoutesComplete::new(signals.clone());
        let mut early = get("/apis/unknown");
        assert!(filter.before(&mut early).await.is_ok());
        signals.fire(Signal::MuxAndDiscoveryComplete);
        let mut late = get("/apis/unknown");
        assert!(filter.before(&mut late).await.is_ok());

        // It came before, so it counts as such, however long it took.
        let (code, headers, body) = read(not_found(early.context())).await;
        assert_eq!((code, headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert_eq!(
            body,
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\
             \"message\":\"the request has been made before all known HTTP paths have been installed, \
             please try again\",\"reason\":\"ServiceUnavailable\",\"details\":{\"retryAfterSeconds\":5},\
             \"code\":503}\n"
        );
        let (code, _, body) = read(not_found(late.context())).await;
        assert_eq!((code, body.as_str()), (404, "404 page not found\n"));
    }
}
