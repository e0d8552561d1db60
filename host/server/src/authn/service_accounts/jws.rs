//! The compact form of signed tokens: header, payload and signature, each in base64, with dots between.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::keys::{PublicKey, SigningKey};

/// As upstream's library says it.
const UNVERIFIED: &str = "go-jose/go-jose: error in cryptographic primitive";

/// A token that somebody sent. Nothing in it is to be believed before it is verified.
pub(super) struct Token<'a> {
    signed: &'a str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    kid: String,
    /// Extensions that must be understood: there are none that are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

impl<'a> Token<'a> {
    /// Nothing if this has another form.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.').filter(|(_, payload)| !payload.contains('.'))?;
        Some(Self {
            signed,
            header: serde_json::from_slice(&decode(header)?).ok()?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn into_payload(self) -> Vec<u8> {
        self.payload
    }

    /// Whether one of the keys signed it: the one that it names, if it names one.
    pub(super) fn verify(&self, keys: &[PublicKey]) -> Result<(), &'static str> {
        let Header { alg, kid, crit } = &self.header;
        if crit.is_some() {
            return Err(UNVERIFIED);
        }
        let mut named = keys.iter().filter(|key| kid.is_empty() || key.id() == kid).peekable();
        if named.peek().is_none() {
            return Err("invalid signature, no keys found");
        }
        // The key says how it signs: a header that says otherwise is a trick.
        let signed = self.signed.as_bytes();
        match named.any(|key| key.algorithm() == alg && key.verifies(signed, &self.signature)) {
            true => Ok(()),
            false => Err(UNVERIFIED),
        }
    }
}

/// A token with this payload.
pub(super) fn sign(key: &SigningKey, payload: &impl Serialize) -> Result<String, String> {
    let (alg, kid) = (key.public().algorithm().to_owned(), key.public().id().to_owned());
    let part = |part: serde_json::Result<Vec<u8>>| part.map(encode).map_err(|error| error.to_string());
    let header = part(serde_json::to_vec(&Header { alg, kid, crit: None }))?;
    let signed = format!("{header}.{}", part(serde_json::to_vec(payload))?);
    let signature = encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

fn encode(bytes: Vec<u8>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
