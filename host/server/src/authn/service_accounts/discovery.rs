//! What tells others how to verify tokens: OpenID discovery, and the set of keys.

use std::collections::BTreeSet;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Uri};
use serde_json::{Value, json};

use super::keys::PublicKey;
use crate::response::{APPLICATION_JSON, Failure, Response};

const CONFIGURATION: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/openid/v1/jwks";

/// Keys do not change while a server runs.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const JWK_SET: HeaderValue = HeaderValue::from_static("application/jwk-set+json");

/// Both documents, ready to be sent.
#[derive(Debug)]
pub(crate) struct Discovery {
    configuration: String,
    keys: String,
}

impl Discovery {
    pub(crate) const PATHS: [&str; 2] = [CONFIGURATION, KEYS];

    /// For those who reach this server at `address`, unless the keys are somewhere else.
    ///
    /// # Errors
    /// If OpenID does not allow such an issuer: why.
    pub(super) fn new(issuer: &str, keys_at: Option<&str>, keys: &[PublicKey], address: &str) -> Result<Self, String> {
        check_issuer(issuer)?;
        let algorithms: BTreeSet<&str> = keys.iter().map(PublicKey::algorithm).collect();
        let configuration = json!({
            "issuer": issuer,
            "jwks_uri": keys_at.map_or_else(|| format!("https://{address}{KEYS}"), str::to_owned),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
        });
        let keys: Vec<&Value> = keys.iter().map(PublicKey::jwk).collect();
        Ok(Self { configuration: configuration.to_string(), keys: json!({"keys": keys}).to_string() })
    }

    /// Nothing if this is none of its paths.
    pub(crate) fn respond(&self, method: &Method, path: &str) -> Option<Response> {
        let (media_type, text) = match path.strip_suffix('/').unwrap_or(path) {
            CONFIGURATION => (APPLICATION_JSON, &self.configuration),
            KEYS => (JWK_SET, &self.keys),
            _ => return None,
        };
        if method != Method::GET {
            return Some(Failure::method_not_allowed().into());
        }
        let mut response = Response::new(text.clone().into());
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response.headers_mut().insert(CACHE_CONTROL, CACHED);
        Some(response)
    }
}

fn check_issuer(issuer: &str) -> Result<(), String> {
    let uri: Uri = issuer.parse().map_err(|error| format!("`{issuer}` is no URL: {error}"))?;
    if uri.scheme_str() != Some("https") {
        return Err(format!("`{issuer}` does not begin with `https://`"));
    }
    if uri.query().is_some() || issuer.contains('#') {
        return Err(format!("`{issuer}` has a query or a fragment"));
    }
    Ok(())
}
