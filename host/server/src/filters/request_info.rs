//! Finds out what a request is about.

use http::StatusCode;

use super::{Filter, Handler};
use crate::request::{Request, RequestInfo};
use crate::response::{Response, text};

pub(super) struct FindRequestInfo;

impl Filter for FindRequestInfo {
    async fn filter<N: Handler>(&self, request: Request, next: &N) -> Response {
        match RequestInfo::new(request.method(), request.uri()) {
            Ok(info) => {
                request.context().set_info(info);
                next.handle(request).await
            }
            Err(error) => {
                let uri = request.uri().to_string();
                let message = format!("Internal Server Error: {uri:?}: failed to create RequestInfo: {error}");
                text(StatusCode::INTERNAL_SERVER_ERROR, message)
            }
        }
    }
}
