//! Who asks: a front proxy's word, client certificates, then bearer tokens, then whom plugins name, then nobody in
//! particular.
//!
//! A credential that is presented and wrong is never taken for none: it is a 401 even where
//! anonymous requests are welcome.

mod authenticator;
mod certificates;
mod front_proxy;
mod tokens;
mod user;
mod verified;
pub(crate) mod websocket;

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use parking_lot::RwLock;

pub use authenticator::{Authenticator, Credentials};
pub(crate) use certificates::{Authorities, ClientAuthorities};
pub(crate) use front_proxy::FrontProxy;
pub use front_proxy::FrontProxyHeaders;
pub use tokens::TokenFileError;
pub(crate) use tokens::Tokens;
pub(crate) use user::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED};
pub use user::{API_SERVER, PRIVILEGED, User};
pub(crate) use verified::Verified;

use crate::request::Context;

/// How requests prove whose they are.
pub struct Authentication {
    known: Known,
    plugins: RwLock<Arc<[Arc<dyn Authenticator>]>>,
    anonymous: Anonymous,
    nobody: Arc<User>,
}

/// What the server itself can tell.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) front_proxy: Option<FrontProxy>,
    pub(crate) authorities: Option<Arc<ClientAuthorities>>,
    pub(crate) tokens: Tokens,
}

/// Which requests need no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anonymous {
    Everywhere,
    Nowhere,
    /// Those for these paths.
    Paths(Vec<String>),
}

/// Why a request is answered 401: for the log only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no credentials")]
    NoCredentials,
    #[error("invalid bearer token")]
    InvalidToken,
    #[error("{0}")]
    InvalidCertificate(String),
    #[error("{0}")]
    InvalidProtocol(&'static str),
    /// A plugin's.
    #[error("{authenticator}: {reason}")]
    Plugin { authenticator: String, reason: String },
}

impl Authentication {
    pub(crate) fn new(known: Known, anonymous: Anonymous) -> Self {
        Self { known, plugins: RwLock::new(Arc::new([])), anonymous, nobody: Arc::new(User::anonymous()) }
    }

    /// In which headers a front proxy says who asks.
    pub(crate) fn front_proxy_headers(&self) -> Option<&FrontProxyHeaders> {
        self.known.front_proxy.as_ref().map(|proxy| &proxy.headers)
    }

    /// Adds an authenticator, at any time, in place of one of the same name.
    pub fn add(&self, authenticator: Arc<dyn Authenticator>) {
        let mut plugins = self.plugins.write();
        let others = plugins.iter().filter(|other| other.name() != authenticator.name()).cloned();
        *plugins = others.chain([authenticator.clone()]).collect();
    }

    /// Removes the authenticator of a link that has gone.
    pub fn remove(&self, name: &str) {
        let mut plugins = self.plugins.write();
        *plugins = plugins.iter().filter(|other| other.name() != name).cloned().collect();
    }

    /// A good credential counts, wherever it is; else a bad one is refused; else it is anonymous.
    pub(crate) async fn authenticate(&self, context: &Context, headers: &HeaderMap) -> Result<Arc<User>, Refusal> {
        let mut refusal = None;
        if let Some(proxy) = &self.known.front_proxy {
            match proxy.user(context, headers) {
                Ok(Some(user)) => return Ok(user),
                Ok(None) => {}
                Err(reason) => refusal = Some(reason),
            }
        }
        match self.certificate_user(context) {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => {}
            Err(reason) => refusal = Some(reason),
        }
        let protocol_token = websocket::token(headers).unwrap_or_else(|reason| {
            refusal.get_or_insert(reason);
            None
        });
        let bearer_token = bearer_token(headers).or(protocol_token.as_deref());
        if let Some(token) = bearer_token {
            match self.known.tokens.user(token) {
                Some(user) => return Ok(user),
                None => drop(refusal.get_or_insert(Refusal::InvalidToken)),
            }
        }
        let plugins = self.plugins.read().clone();
        for plugin in plugins.iter() {
            match plugin.authenticate(Credentials { bearer_token, headers }).await {
                Ok(Some(user)) => return Ok(Arc::new(user.authenticated())),
                Ok(None) => {}
                Err(reason) => {
                    refusal = Some(Refusal::Plugin { authenticator: plugin.name().to_owned(), reason });
                }
            }
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None if self.anonymous.is_welcome(context.info().path()) => Ok(self.nobody.clone()),
            None => Err(Refusal::NoCredentials),
        }
    }

    /// Verified once for a connection and its authorities: the certificate cannot change.
    fn certificate_user(&self, context: &Context) -> Result<Option<Arc<User>>, Refusal> {
        let Some(authorities) = &self.known.authorities else { return Ok(None) };
        let connection = context.connection();
        if connection.certificates().is_empty() {
            return Ok(None);
        }
        let authorities = authorities.current();
        connection.verified_user().get(context.received(), &authorities, || {
            let user = authorities.user(connection.certificates()).map_err(Refusal::InvalidCertificate)?;
            Ok(user.map(|user| Arc::new(user.authenticated())))
        })
    }
}

impl Anonymous {
    fn is_welcome(&self, path: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Nowhere => false,
            Self::Paths(paths) => paths.iter().any(|other| other == path),
        }
    }
}

impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authentication").field("anonymous", &self.anonymous).finish_non_exhaustive()
    }
}

/// The token of `Authorization: Bearer TOKEN`; an empty one is none.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let mut words = value.splitn(3, ' ');
    let scheme = words.next()?;
    let token = words.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests;
