//! Who asks: a front proxy's word, client certificates, then bearer tokens (static ones, then those of service
//! accounts), then whom plugins name, then nobody in particular.
//!
//! A credential that is presented and wrong is never taken for none: it is a 401 even where
//! anonymous requests are welcome.

mod authenticator;
mod certificates;
mod front_proxy;
mod service_accounts;
mod tokens;
mod user;
mod verified;
pub(crate) mod websocket;

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use parking_lot::RwLock;
use prometheus::{Histogram, HistogramOpts, Registry};

pub use authenticator::{Authenticator, Credentials};
pub(crate) use certificates::{Authorities, ClientAuthorities};
pub(crate) use front_proxy::FrontProxy;
pub use front_proxy::FrontProxyHeaders;
pub(crate) use service_accounts::Discovery;
pub use service_accounts::{
    BoundObjects, EXTENDED_SECONDS, IssuedToken, KeyFileError, Reference, ServiceAccountTokens, WantedToken,
};
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
    certificates_left: Histogram,
}

/// How long client certificates may have left, as upstream tells them apart: nothing, half an hour, hours, days, to a year.
const LEFT_SECONDS: [f64; 14] = [
    0.0,
    1_800.0,
    3_600.0,
    7_200.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    345_600.0,
    604_800.0,
    2_592_000.0,
    7_776_000.0,
    15_552_000.0,
    31_104_000.0,
];

/// What the server itself can tell.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) front_proxy: Option<FrontProxy>,
    pub(crate) authorities: Option<Arc<ClientAuthorities>>,
    pub(crate) tokens: Tokens,
    pub(crate) service_accounts: Option<Arc<ServiceAccountTokens>>,
}

/// Whose token it is, and for whom it is meant.
#[derive(Debug, Clone)]
pub struct Recognised {
    pub user: Arc<User>,
    pub audiences: Vec<String>,
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
    /// A service account's.
    #[error("{0}")]
    Token(String),
    #[error("{0}")]
    InvalidCertificate(String),
    #[error("{0}")]
    InvalidProtocol(&'static str),
    /// A plugin's.
    #[error("{authenticator}: {reason}")]
    Plugin { authenticator: String, reason: String },
}

impl Refusal {
    /// What a review says: upstream asks somebody who knows no tokens first.
    fn of_token(&self) -> String {
        match self {
            Self::InvalidToken => self.to_string(),
            other => format!("[{}, {other}]", Self::InvalidToken),
        }
    }
}

impl Authentication {
    pub(crate) fn new(known: Known, anonymous: Anonymous) -> Self {
        let certificates_left = HistogramOpts::new(
            "apiserver_client_certificate_expiration_seconds",
            "Seconds until the client certificates expire that requests come with.",
        );
        let certificates_left = Histogram::with_opts(certificates_left.buckets(LEFT_SECONDS.to_vec()));
        Self {
            known,
            plugins: RwLock::new(Arc::new([])),
            anonymous,
            nobody: Arc::new(User::anonymous()),
            certificates_left: certificates_left.expect("the name is valid"),
        }
    }

    /// What it counts goes to `/metrics`.
    pub(crate) fn register(&self, registry: &Registry) {
        registry.register(Box::new(self.certificates_left.clone())).expect("names are registered once");
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
        if bearer_token.is_none() && has_extra_space(headers) {
            let text = "the provided Authorization header contains extra space before the bearer token, and is ignored";
            context.warnings().add(text);
        }
        if let Some(token) = bearer_token {
            match self.known_token(token, self.audiences(), Some(context)).await {
                Ok(known) => return Ok(known.user),
                Err(reason) => drop(refusal.get_or_insert(reason)),
            }
        }
        match self.ask_plugins(Credentials { bearer_token, headers }).await {
            Ok(Some(user)) => return Ok(user),
            Ok(None) => {}
            Err(reason) => refusal = Some(reason),
        }
        match refusal {
            Some(refusal) => Err(refusal),
            None if self.anonymous.is_welcome(context.info().path()) => Ok(self.nobody.clone()),
            None => Err(Refusal::NoCredentials),
        }
    }

    /// Whose token this is, whoever sent it. It must be meant for one of `audiences`, or for this
    /// server if there are none.
    ///
    /// # Errors
    /// If nobody knows it, or it is not good: why.
    pub async fn review(&self, token: &str, audiences: &[String]) -> Result<Recognised, String> {
        let own = self.audiences();
        let audiences = if audiences.is_empty() { own } else { audiences };
        // As it would be read from a header.
        let token = token.split(' ').next().unwrap_or_default();
        let refusal = match self.known_token(token, audiences, None).await {
            Ok(known) => return Ok(known),
            Err(refusal) => refusal,
        };
        // Those who know nothing of audiences know users of this server.
        let common: Vec<String> = own.iter().filter(|own| audiences.contains(own)).cloned().collect();
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}"))
            && !common.is_empty()
        {
            headers.insert(AUTHORIZATION, value);
            let credentials = Credentials { bearer_token: Some(token), headers: &headers };
            match self.ask_plugins(credentials).await {
                Ok(Some(user)) => return Ok(Recognised { user, audiences: common }),
                Ok(None) => {}
                Err(refusal) => return Err(refusal.of_token()),
            }
        }
        Err(refusal.of_token())
    }

    /// For whom tokens are meant that are meant for this server.
    fn audiences(&self) -> &[String] {
        self.known.service_accounts.as_ref().map_or(&[], |tokens| &tokens.config().audiences)
    }

    async fn known_token(
        &self,
        token: &str,
        audiences: &[String],
        context: Option<&Context>,
    ) -> Result<Recognised, Refusal> {
        let own = self.audiences();
        if let Some(user) = self.known.tokens.user(token) {
            let common: Vec<String> = own.iter().filter(|own| audiences.contains(own)).cloned().collect();
            if !common.is_empty() || own.is_empty() {
                return Ok(Recognised { user, audiences: common });
            }
        }
        let Some(service_accounts) = &self.known.service_accounts else { return Err(Refusal::InvalidToken) };
        let known = service_accounts.recognise(token, audiences, context).await.map_err(Refusal::Token)?;
        known.ok_or(Refusal::InvalidToken)
    }

    async fn ask_plugins(&self, credentials: Credentials<'_>) -> Result<Option<Arc<User>>, Refusal> {
        let plugins = self.plugins.read().clone();
        let mut refusal = None;
        for plugin in plugins.iter() {
            match plugin.authenticate(credentials).await {
                Ok(Some(user)) => return Ok(Some(Arc::new(user.authenticated()))),
                Ok(None) => {}
                Err(reason) => refusal = Some(Refusal::Plugin { authenticator: plugin.name().to_owned(), reason }),
            }
        }
        refusal.map_or(Ok(None), Err)
    }

    /// Verified once for a connection and its authorities: the certificate cannot change.
    fn certificate_user(&self, context: &Context) -> Result<Option<Arc<User>>, Refusal> {
        let Some(authorities) = &self.known.authorities else { return Ok(None) };
        let connection = context.connection();
        if connection.certificates().is_empty() {
            return Ok(None);
        }
        if let Some(left) = connection.certificate_left(context.received()) {
            self.certificates_left.observe(left);
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
    bearer(headers)?.split(' ').next().filter(|token| !token.is_empty())
}

/// Whether there would be a token, but for a space too many before it.
fn has_extra_space(headers: &HeaderMap) -> bool {
    bearer(headers).is_some_and(|value| value.starts_with(' '))
}

/// What comes after the scheme.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(value)
}

#[cfg(test)]
mod tests;
