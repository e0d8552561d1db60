//! What a plugin implements to say who asks.

use futures_util::future::BoxFuture;
use http::HeaderMap;

use super::User;

/// Somebody who knows whose credentials are. Asked for each request whose sender neither a
/// certificate nor a static token names.
pub trait Authenticator: Send + Sync + 'static {
    /// What log lines call it: the plugin's name.
    fn name(&self) -> &str;

    /// Nothing if the credentials are none of his.
    ///
    /// # Errors
    /// When they are his and wrong, or he cannot tell. Others are asked then; if nobody knows the
    /// user the request is answered 401, even where anonymous ones are welcome.
    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> BoxFuture<'a, Result<Option<User>, String>>;
}

/// What a request brings to prove whose it is. Not to be logged.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Of `Authorization: Bearer TOKEN`, or a subprotocol of a WebSocket.
    pub bearer_token: Option<&'a str>,
    pub headers: &'a HeaderMap,
}
