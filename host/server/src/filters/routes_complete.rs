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
