//! What stands behind the filters.

use std::future::Future;

use host_profile::Image;

use crate::request::Request;
use crate::response::Response;

/// Answers what has passed the filters: the chain of links.
///
/// The future is dropped when the client leaves or the deadline passes;
/// [`Context::cancellation`](crate::Context::cancellation) fires then for whatever goes on
/// outside of it. It ends with [`not_found`](crate::not_found) where nobody has a route.
pub trait Director: Send + Sync + 'static {
    fn serve(&self, request: Request) -> impl Future<Output = Response> + Send;

    /// What `/` lists beside the server's own paths.
    fn paths(&self) -> Vec<String>;

    /// Compiled code that it runs, for profiles.
    fn code(&self) -> Vec<Image> {
        Vec::new()
    }

    /// Runs once at shutdown, before new requests are refused. Its time is its own to bound.
    fn pre_shutdown(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
