//! Base64 as Go's standard encoding reads it.

use ::base64::alphabet::STANDARD;
use ::base64::engine::{Engine, GeneralPurpose, GeneralPurposeConfig};
use ::base64::prelude::BASE64_STANDARD;

const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Line breaks are skipped.
///
/// # Errors
/// Go's words for the first byte that does not fit.
pub fn decode(text: &str) -> Result<Vec<u8>, String> {
    let unbroken;
    let text = match text.contains(['\r', '\n']) {
        true => {
            unbroken = text.replace(['\r', '\n'], "");
            &unbroken
        }
        false => text,
    };
    LENIENT.decode(text).map_err(|_| format!("illegal base64 data at input byte {}", first_misfit(text.as_bytes())))
}

/// Where Go's decoder stops: at a byte that does not fit, or at the start of an unfinished
/// group of four.
fn first_misfit(text: &[u8]) -> usize {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let at = text.iter().position(|&byte| !fits(byte)).unwrap_or(text.len());
    match (text.get(at), at % 4) {
        (None, open) => at - open,
        (Some(b'='), 2) => match text.get(at + 1) {
            None => text.len(),
            Some(b'=') => at + 2,
            Some(_) => at,
        },
        (Some(b'='), 3) => at + 1,
        (Some(_), _) => at,
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_go_reads_it() {
        for (text, expected) in [
            ("", Ok(vec![])),
            ("aGk=", Ok(b"hi".to_vec())),
            ("aG\nk=\r\n", Ok(b"hi".to_vec())),
            ("aGl=", Ok(b"hi".to_vec())),
        ] {
            assert_eq!(decode(text), expected, "{text:?}");
        }
        assert_eq!(encode(b"hi"), "aGk=");
    }

    #[test]
    fn errors_tell_the_byte_that_go_tells() {
        for (text, at) in [
            ("!", 0),
            ("abc", 0),
            ("a", 0),
            ("ab=", 3),
            ("abcd=", 4),
            ("ab==x", 4),
            ("aGkaGk", 4),
            ("a!bc", 1),
            ("ab!=", 2),
            ("aGk==", 4),
            ("=", 0),
            ("abcda", 4),
        ] {
            assert_eq!(decode(text), Err(format!("illegal base64 data at input byte {at}")), "{text}");
        }
    }
}
