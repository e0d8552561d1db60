//! Finds out what a request is about.

use http::StatusCode;

use super::Filter;
use crate::request::{Request, RequestInfo};
use crate::response::{Response, text};

pub(super) struct FindRequestInfo;

impl Filter for FindRequestInfo {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        match RequestInfo::new(request.method(), request.uri()) {
            Ok(info) => {
                request.context().set_info(info);
                Ok(())
            }
            Err(error) => {
                let uri = request.uri().to_string();
                let message = format!("Internal Server Error: {uri:?}: failed to create RequestInfo: {error}");
                Err(text(StatusCode::INTERNAL_SERVER_ERROR, message))
            }
        }
    }
}
