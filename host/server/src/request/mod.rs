//! A request as filters and the director see it: the message, and what is known about it.

mod body;
mod cancellation;
mod context;
pub(crate) mod info;
mod latency;
mod upgrade;
mod warnings;

use std::sync::Arc;

use http::{HeaderMap, Method, Uri, Version};

pub use body::{Arriving, BodyError, RequestBody};
pub(crate) use context::CancelOnDrop;
pub use context::Context;
pub use info::{RequestInfo, RequestInfoError};
pub(crate) use latency::Step;
pub use upgrade::{Upgrade, UpgradedConnection};
pub use warnings::Warnings;

/// A request on its way. Two pointers, since each filter hands it on.
#[derive(Debug)]
pub struct Request {
    message: Box<http::Request<RequestBody>>,
    context: Arc<Context>,
}

impl Request {
    pub(crate) fn new(message: http::Request<RequestBody>, context: Arc<Context>) -> Self {
        Self { message: Box::new(message), context }
    }

    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub fn info(&self) -> &RequestInfo {
        self.context.info()
    }

    pub fn method(&self) -> &Method {
        self.message.method()
    }

    pub fn uri(&self) -> &Uri {
        self.message.uri()
    }

    /// Without the `?`; empty if there is none.
    pub fn query(&self) -> &str {
        self.message.uri().query().unwrap_or_default()
    }

    pub fn version(&self) -> Version {
        self.message.version()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.message.headers()
    }

    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.message.headers_mut()
    }

    /// Takes the body away. A second call gives an empty one.
    pub fn take_body(&mut self) -> RequestBody {
        std::mem::take(self.message.body_mut())
    }

    /// The connection, if the client asks to leave HTTP and it can. A second call gives nothing.
    pub fn take_upgrade(&mut self) -> Option<Upgrade> {
        self.message.extensions_mut().remove().map(Upgrade::new)
    }

    /// The message, for proxies.
    pub fn into_message(self) -> (http::Request<RequestBody>, Arc<Context>) {
        (*self.message, self.context)
    }
}
