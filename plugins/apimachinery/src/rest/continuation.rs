//! Continue tokens: where the next page of a list starts, and at which revision. The form is
//! upstream's, since clients print and compare tokens, and tools decode them.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::codec;
use crate::status::ApiError;
use crate::tree::{Value, json};

/// As Go reads it: what is left over in the last byte may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

const VERSION: &str = "meta.k8s.io/v1";

/// A decoded token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Continuation {
    /// The revision of the first page; nothing to go on with what is there now, after the
    /// first page's revision was compacted.
    pub(super) revision: Option<u64>,
    /// The key to start at, below the prefix of the list.
    pub(super) start: String,
}

impl Continuation {
    pub(super) fn encode(&self) -> String {
        let revision = self.revision.map_or(-1, |revision| revision as i64);
        let token = json!({"v": VERSION, "rv": revision, "start": self.start});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    pub(super) fn decode(token: &str) -> Result<Self, ApiError> {
        Self::parse(token)
            .map_err(|why| ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}")))
    }

    fn parse(token: &str) -> Result<Self, String> {
        let bytes = LENIENT.decode(token).map_err(|error| {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                // What would fill the last group up, and may not be there; else the group that is not whole.
                _ => token.find('=').unwrap_or(token.len() - token.len() % 4),
            };
            format!("illegal base64 data at input byte {at}")
        })?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| json_error(&bytes))?;
        if !matches!(token, Value::Object(_) | Value::Null) {
            let kind = codec::json::kind(&token);
            return Err(format!("json: cannot unmarshal {kind} into Go value of type storage.continueToken"));
        }
        match token["v"].as_str().unwrap_or_default() {
            VERSION => {}
            other => return Err(format!("server does not recognize this encoded version {other}")),
        }
        let revision = match token["rv"].as_i64().unwrap_or(0) {
            0 => return Err(format!("incorrect encoded start resourceVersion (version {VERSION})")),
            revision => u64::try_from(revision).ok(),
        };
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(format!("encoded start key empty (version {VERSION})"));
        }
        // A token must not lead out of the list that it is for; one slash before it is a matter of spelling.
        let below = start.strip_prefix('/').unwrap_or(start);
        if !below.is_empty() && below.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(start.to_string());
        }
        Ok(Self { revision, start: below.to_string() })
    }
}

/// What Go's decoder says of bytes that are not JSON. Tokens that clients make up are never
/// nearly right, so the first byte is the one that matters.
fn json_error(bytes: &[u8]) -> String {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => "unexpected end of JSON input".to_string(),
        Some(byte) => {
            let shown = match byte {
                0x20..0x7f => char::from(*byte).to_string(),
                0..0x20 | 0x7f => format!("\\x{byte:02x}"),
                0x80.. => format!("\\u{byte:04x}"),
            };
            format!("invalid character '{shown}' looking for beginning of value")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for token in [
            Continuation { revision: Some(12), start: "b\0".into() },
            Continuation { revision: None, start: "ns/a\0".into() },
        ] {
            assert_eq!(Continuation::decode(&token.encode()).unwrap(), token);
        }
        let plain = URL_SAFE_NO_PAD.decode(Continuation { revision: Some(1), start: "a\0".into() }.encode()).unwrap();
        assert_eq!(plain, br#"{"v":"meta.k8s.io/v1","rv":1,"start":"a\u0000"}"#);
    }

    #[test]
    fn a_token_may_start_with_a_slash() {
        for (start, want) in [("/b\\u0000", "b\0"), ("/ns/b", "ns/b"), ("/", "")] {
            let token = format!("{{\"v\":\"meta.k8s.io/v1\",\"rv\":12,\"start\":\"{start}\"}}");
            let read = Continuation::decode(&URL_SAFE_NO_PAD.encode(token)).unwrap();
            assert_eq!(read, Continuation { revision: Some(12), start: want.into() });
        }
    }

    #[test]
    fn a_made_up_token_is_refused() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for (token, want) in [
            ("nonsense".to_string(), "invalid character '\\u009e' looking for beginning of value"),
            ("!".to_string(), "illegal base64 data at input byte 0"),
            (encoded("{\"v\":\"v9\"}"), "server does not recognize this encoded version v9"),
            (
                encoded("{\"v\":\"meta.k8s.io/v1\",\"start\":\"a\"}"),
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
            ),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1}"), "encoded start key empty (version meta.k8s.io/v1)"),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1,\"start\":\"a/../../b\"}"), "a/../../b"),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1,\"start\":\"/../b\"}"), "/../b"),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1,\"start\":\"//b\"}"), "//b"),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1,\"start\":\"./b\"}"), "./b"),
            (encoded("{\"v\":\"meta.k8s.io/v1\",\"rv\":1,\"start\":\"a/\"}"), "a/"),
            (encoded("[]"), "json: cannot unmarshal array into Go value of type storage.continueToken"),
            (encoded("null"), "server does not recognize this encoded version "),
            ("e30=".to_string(), "illegal base64 data at input byte 3"),
        ] {
            let error = Continuation::decode(&token).unwrap_err();
            assert_eq!(error.message, format!("invalid continue token: continue key is not valid: {want}"));
        }
    }
}
