//! Users whom a proxy in front of the server has authenticated: `--requestheader-client-ca-file`.
//!
//! The proxy proves who it is with a client certificate, and says in headers for whom it asks.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::{ClientAuthorities, Refusal, User};
use crate::request::Context;

/// The headers in which a proxy says who asks.
#[derive(Debug, Clone, Default)]
pub struct FrontProxyHeaders {
    pub user: Vec<HeaderName>,
    pub uid: Vec<HeaderName>,
    pub group: Vec<HeaderName>,
    /// What the names of headers begin with whose rest is a key; in lower case.
    pub extra_prefixes: Vec<String>,
}

impl FrontProxyHeaders {
    /// Whether it says who asks, so that nobody behind authentication may see it.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        [&self.user, &self.uid, &self.group].into_iter().flatten().any(|other| other == name)
            || self.extra_prefixes.iter().any(|prefix| name.as_str().starts_with(prefix))
    }
}

/// A proxy that may say who asks.
pub(crate) struct FrontProxy {
    pub(crate) authorities: Arc<ClientAuthorities>,
    /// Common names of its certificate; any if there are none.
    pub(crate) names: Vec<String>,
    pub(crate) headers: FrontProxyHeaders,
}

impl FrontProxy {
    /// The user whom the headers name, if the connection is the proxy's.
    pub(super) fn user(&self, context: &Context, headers: &HeaderMap) -> Result<Option<Arc<User>>, Refusal> {
        // Before the certificate is looked at: most connections are not the proxy's.
        let Some(name) = first(headers, &self.headers.user) else { return Ok(None) };
        let connection = context.connection();
        if connection.certificates().is_empty() {
            return Ok(None);
        }
        let authorities = self.authorities.current();
        connection.verified_proxy().get(context.received(), &authorities, || {
            let invalid = |reason| Refusal::InvalidCertificate(format!("front proxy: {reason}"));
            let subject = authorities.subject(connection.certificates()).map_err(invalid)?;
            if self.names.is_empty() || self.names.contains(&subject) {
                return Ok(());
            }
            Err(invalid(format!("`{subject}` is not in --requestheader-allowed-names")))
        })?;
        let mut extra: Vec<(String, Vec<String>)> = Vec::new();
        for prefix in &self.headers.extra_prefixes {
            for (header, value) in headers {
                let Some(key) = header.as_str().strip_prefix(prefix.as_str()) else { continue };
                let key = percent_decode_str(key).decode_utf8().map_or_else(|_| key.to_owned(), Into::into);
                match extra.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, values)) => values.push(text(value)),
                    None => extra.push((key, vec![text(value)])),
                }
            }
        }
        let groups = self.headers.group.iter().flat_map(|name| headers.get_all(name)).map(text);
        let user = User {
            name,
            uid: first(headers, &self.headers.uid).unwrap_or_default(),
            groups: groups.filter(|group| !group.is_empty()).collect(),
            extra,
        };
        Ok(Some(Arc::new(user.authenticated())))
    }
}

impl std::fmt::Debug for FrontProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrontProxy").field("names", &self.names).field("headers", &self.headers).finish_non_exhaustive()
    }
}

/// The first of these headers that says something.
fn first(headers: &HeaderMap, names: &[HeaderName]) -> Option<String> {
    names.iter().filter_map(|name| headers.get(name)).map(text).find(|text| !text.is_empty())
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
