//! Finds out what a request is about.

use super::Filter;
use crate::request::{Request, RequestInfo};
use crate::response::{Response, internal_error};

pub(super) struct FindRequestInfo;

impl Filter for FindRequestInfo {
    type Held = ();

    async fn before(&self, request: &mut Request) -> Result<(), Response> {
        match RequestInfo::new(request.method(), request.uri()) {
            Ok(info) => {
                request.context().set_info(info);
                Ok(())
            }
            Err(error) => Err(internal_error(request.uri(), format_args!("failed to create RequestInfo: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::{Inside, get, through};

    #[tokio::test]
    async fn a_path_that_cannot_be_is_an_error() {
        let inside = Inside::default();
        let (code, _, body) = through(FindRequestInfo, get("/api/v1/watch"), &inside).await;
        let expected = "Internal Server Error: \"/api/v1/watch\": failed to create RequestInfo: \
                        unable to determine kind and namespace from url, /api/v1/watch\n";
        assert_eq!((code, body.as_str(), inside.seen()), (500, expected, 0));
    }
}
