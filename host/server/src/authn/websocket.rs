//! Bearer tokens of browsers, whose WebSockets cannot send `Authorization`: as one of the
//! subprotocols that they offer.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{CONNECTION, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Refusal;

const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// The token, if a request for a WebSocket has one.
pub(super) fn token(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    if !is_websocket(headers) {
        return Ok(None);
    }
    let refuse = |reason| Err(Refusal::InvalidProtocol(reason));
    let mut tokens = protocols(headers).filter_map(|protocol| protocol.strip_prefix(PREFIX));
    let Some(token) = tokens.next() else { return Ok(None) };
    if tokens.next().is_some() {
        return refuse("multiple base64.bearer.authorization tokens specified");
    }
    let Ok(token) = BASE64_URL_SAFE_NO_PAD.decode(token) else {
        return refuse("invalid base64.bearer.authorization token encoding");
    };
    let Ok(token) = String::from_utf8(token) else {
        return refuse("invalid base64.bearer.authorization token");
    };
    // The server has to agree to one, and not to the token's.
    if !token.is_empty() && protocols(headers).all(|protocol| protocol.starts_with(PREFIX)) {
        return refuse("missing additional subprotocol");
    }
    Ok(Some(token).filter(|token| !token.is_empty()))
}

/// Takes the token away from those who come after authentication.
pub(crate) fn remove_token(headers: &mut HeaderMap) {
    if protocols(headers).any(|protocol| protocol.starts_with(PREFIX)) {
        let others: Vec<&str> = protocols(headers).filter(|protocol| !protocol.starts_with(PREFIX)).collect();
        let others = HeaderValue::from_str(&others.join(",")).expect("they have been in one before");
        headers.insert(SEC_WEBSOCKET_PROTOCOL, others);
    }
}

fn is_websocket(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, word: &str| words(headers, name).any(|other| other.eq_ignore_ascii_case(word));
    headers.contains_key(UPGRADE) && has(UPGRADE, "websocket") && has(CONNECTION, "upgrade")
}

fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    words(headers, SEC_WEBSOCKET_PROTOCOL)
}

fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::testing::request;

    fn headers(protocols: &[&str]) -> HeaderMap {
        let mut pairs = vec![("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")];
        pairs.extend(protocols.iter().map(|protocol| ("sec-websocket-protocol", *protocol)));
        request("GET", "/", &pairs).headers().clone()
    }

    #[test]
    fn a_token_is_one_of_the_protocols() {
        let token_of = |protocols: &[&str]| match token(&headers(protocols)) {
            Ok(token) => token.unwrap_or_default(),
            Err(refusal) => refusal.to_string(),
        };
        // `c2VjcmV0` is `secret`.
        let good = "base64url.bearer.authorization.k8s.io.c2VjcmV0";
        let cases: [(&[&str], &str); 7] = [
            (&["v5.channel.k8s.io"], ""),
            (&[good, "v5.channel.k8s.io"], "secret"),
            (&[&format!("v5.channel.k8s.io, {good}")], "secret"),
            (&[good], "missing additional subprotocol"),
            (&[good, good, "v5"], "multiple base64.bearer.authorization tokens specified"),
            (&["base64url.bearer.authorization.k8s.io.*", "v5"], "invalid base64.bearer.authorization token encoding"),
            (&["base64url.bearer.authorization.k8s.io._w", "v5"], "invalid base64.bearer.authorization token"),
        ];
        for (protocols, expected) in cases {
            assert_eq!(token_of(protocols), expected, "{protocols:?}");
        }
        let plain = request("GET", "/", &[("sec-websocket-protocol", good)]);
        assert_eq!(token(plain.headers()), Ok(None), "nobody asks for a WebSocket");

        let mut headers = headers(&[good, "v5.channel.k8s.io", "v4.channel.k8s.io"]);
        remove_token(&mut headers);
        let left: Vec<_> = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().collect();
        assert_eq!(left, ["v5.channel.k8s.io,v4.channel.k8s.io"]);
    }
}
