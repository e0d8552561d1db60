//! What tells others how to verify tokens: OpenID discovery, and the set of keys.

use std::collections::BTreeSet;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Uri};
use serde_json::{Value, json};

use super::keys::PublicKey;
use crate::request::Request;
use crate::response::Response;
use crate::routed::Routed;

const CONFIGURATION: Routed =
    Routed { path: "/.well-known/openid-configuration", media_type: "application/json", takes_json: false };
const KEYS: Routed = Routed { path: "/openid/v1/jwks", media_type: "application/jwk-set+json", takes_json: false };

/// Keys do not change while a server runs.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Both documents, ready to be sent.
#[derive(Debug)]
pub(crate) struct Discovery {
    configuration: String,
    keys: String,
}

impl Discovery {
    pub(crate) const PATHS: [&str; 2] = [CONFIGURATION.path, KEYS.path];

    /// For those who reach this server at `address`, unless the keys are somewhere else.
    ///
    /// # Errors
    /// If OpenID does not allow such an issuer: why.
    pub(super) fn new(issuer: &str, keys_at: Option<&str>, keys: &[PublicKey], address: &str) -> Result<Self, String> {
        check_issuer(issuer)?;
        let algorithms: BTreeSet<&str> = keys.iter().map(PublicKey::algorithm).collect();
        let configuration = json!({
            "issuer": issuer,
            "jwks_uri": keys_at.map_or_else(|| format!("https://{address}{}", KEYS.path), str::to_owned),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
        });
        let keys: Vec<&Value> = keys.iter().map(PublicKey::jwk).collect();
        Ok(Self { configuration: configuration.to_string(), keys: json!({"keys": keys}).to_string() })
    }

    /// Nothing if this is none of its paths.
    pub(crate) fn respond(&self, request: &Request) -> Option<Response> {
        let documents = [(CONFIGURATION, &self.configuration), (KEYS, &self.keys)];
        let (route, text, admitted) =
            documents.into_iter().find_map(|(route, text)| Some((route, text, route.admit(request)?)))?;
        if let Err(failure) = admitted {
            return Some(failure.into());
        }
        let mut response = Response::new(text.clone().into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(route.media_type));
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
