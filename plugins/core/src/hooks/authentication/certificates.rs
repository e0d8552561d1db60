//! Certificates of several servers, in one text.

use apimachinery::rest::clock;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::strategies::certificates::asn1::{CONTEXT, INTEGER, Reader, SEQUENCE};
use crate::strategies::certificates::pem;

const CERTIFICATE: &str = "CERTIFICATE";
const UTC_TIME: u32 = 23;
const GENERALIZED_TIME: u32 = 24;
/// Clocks differ.
const SLACK_SECONDS: i64 = 300;
/// Of a line of a PEM block.
const LINE: usize = 64;

/// All certificates of these texts, each once, but those that have expired. An empty text has none; another one without
/// any is an error.
pub(super) fn combined(texts: [&str; 2], now_seconds: i64) -> Result<String, String> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for text in texts.into_iter().filter(|text| !text.is_empty()) {
        let blocks = pem::blocks(text).filter(|block| block.kind == CERTIFICATE && !block.has_headers);
        let found: Vec<Vec<u8>> = blocks.map(|block| block.bytes).collect();
        if found.is_empty() {
            return Err("data does not contain any valid RSA or ECDSA certificates".into());
        }
        for certificate in found {
            if not_after(&certificate)? > now_seconds - SLACK_SECONDS && !all.contains(&certificate) {
                all.push(certificate);
            }
        }
    }
    Ok(all.iter().map(|certificate| written(certificate)).collect())
}

/// The end of a certificate's time, in seconds since 1970.
fn not_after(certificate: &[u8]) -> Result<i64, String> {
    let mut whole = Reader::new(Reader::new(certificate).value(SEQUENCE, "certificate")?.content);
    let mut signed = Reader::new(whole.value(SEQUENCE, "tbsCertificate")?.content);
    // Before the time there are the version, which may be missing, the serial number, the algorithm and the issuer.
    let first = signed.any()?;
    if (first.head.class, first.head.tag) == (CONTEXT, 0) {
        signed.value(INTEGER, "Int")?;
    }
    signed.value(SEQUENCE, "AlgorithmIdentifier")?;
    signed.any()?;
    let mut validity = Reader::new(signed.value(SEQUENCE, "validity")?.content);
    validity.any()?;
    let end = validity.any()?;
    let text = std::str::from_utf8(end.content).unwrap_or_default();
    let read = match (end.head.class, end.head.tag) {
        (0, UTC_TIME) => {
            let century = if text < "5" { "20" } else { "19" };
            seconds(&format!("{century}{text}"))
        }
        (0, GENERALIZED_TIME) => seconds(text),
        _ => None,
    };
    read.ok_or_else(|| "a certificate does not say until when it is valid".to_string())
}

/// Of `YYYYMMDDHHMMSSZ`.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, time) = digits.split_at(8);
    let (date, time) = ((&date[..4], &date[4..6], &date[6..]), (&time[..2], &time[2..4], &time[4..]));
    clock::parse(&format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2))
}

fn written(certificate: &[u8]) -> String {
    let encoded = STANDARD.encode(certificate);
    let mut text = format!("-----BEGIN {CERTIFICATE}-----\n");
    for line in encoded.as_bytes().chunks(LINE) {
        text.extend(line.iter().copied().map(char::from));
        text.push('\n');
    }
    text + "-----END " + CERTIFICATE + "-----\n"
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Valid until January 2046.
    pub(in crate::hooks) const PEM: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBbjCCAROgAwIBAgIUQwAyLssmF6JH42cNZ7jXZsH6blUwCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYTAeFw0yNjExMjMwMjU5NDBaFw00NjAxMjIwMjU5NDBaMAwx\n\
CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS0HFDsk0jxEz8n\n\
kAIkktlrdQMP0vRm7obU1gLqRdbmYXMhnuRMfkTm+WKrmZKPljhAtJWNRkIleUOP\n\
vhWx94U1o1MwUTAdBgNVHQ4EFgQUYBLcnR9sDoq/+HLLsGqvgi2LFEYwHwYDVR0j\n\
BBgwFoAUYBLcnR9sDoq/+HLLsGqvgi2LFEYwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
hkjOPQQDAgNJADBGAiEAzKywPyeO0QzEowKE+tYV/tv2IaS76h0hOhu1UAIxXPEC\n\
IQCYdR9aLDE2E1SYLRm2RMIUYA9w87pGA0WU2XskeUjOSA==\n\
-----END CERTIFICATE-----\n\
";
    pub(in crate::hooks) const OTHER: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBbDCCAROgAwIBAgIUWNYQcY93PXHRd1f1InYhp8ob1D8wCgYIKoZIzj0EAwIw\n\
DDEKMAgGA1UEAwwBYjAeFw0yNjExMjMwMjU5NDBaFw00NjAxMjIwMjU5NDBaMAwx\n\
CjAIBgNVBAMMAWIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAREkI9zmvSwz3tG\n\
tBYLrfxhBJbyGjGrQrlOuNr2PJYrIEh4CGV8q8twX921Jhk62r4DDvmO0QWDioTU\n\
6CIciaDYo1MwUTAdBgNVHQ4EFgQUuLeuo9wP2LksjanQVwM8jmq9aJwwHwYDVR0j\n\
BBgwFoAUuLeuo9wP2LksjanQVwM8jmq9aJwwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n\
hkjOPQQDAgNHADBEAiB501xen/lB613N+6XJbdVFsJHzQ4x/BbY7YNmSrCfDwgIg\n\
GNWGvbxFxxl7KMy7p7EmYnuRS+/Q1725yd7DmF2VmCg=\n\
-----END CERTIFICATE-----\n\
";

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn each_certificate_stands_once_and_until_its_end() {
        let both = format!("{PEM}{OTHER}");
        let with_text = format!("what follows\n{OTHER}\nand no more\n{PEM}");
        for (texts, expected) in [
            (["", ""], Ok("")),
            (["", PEM], Ok(PEM)),
            ([PEM, PEM], Ok(PEM)),
            ([PEM, &with_text], Ok(&both)),
            ([&both, ""], Ok(&both)),
            ([PEM, "no certificate"], Err("data does not contain any valid RSA or ECDSA certificates".to_string())),
        ] {
            assert_eq!(combined(texts, NOW), expected.map(str::to_string), "{texts:?}");
        }
        let end = clock::parse("2046-01-22T02:59:40Z").unwrap();
        assert_eq!(not_after(&pem::blocks(PEM).next().unwrap().bytes), Ok(end));
        assert_eq!(combined([PEM, ""], end + SLACK_SECONDS - 1), Ok(PEM.to_string()));
        assert_eq!(combined([PEM, ""], end + SLACK_SECONDS), Ok(String::new()));
    }

    #[test]
    fn what_is_no_certificate_is_an_error_and_never_a_panic() {
        let good = pem::blocks(PEM).next().unwrap().bytes;
        for length in 0..good.len() {
            assert!(combined([&written(&good[..length]), ""], NOW).is_err(), "{length}");
        }
        for (text, expected) in [
            ("20460122025940Z", Some("2046-01-22T02:59:40Z")),
            ("20460122025940", None),
            ("2046012202594aZ", None),
            ("204601220259Z", None),
        ] {
            assert_eq!(seconds(text).map(clock::rfc3339).as_deref(), expected, "{text}");
        }
    }
}
