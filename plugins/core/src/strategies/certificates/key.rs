//! The public key of a request, with what upstream's library says of those that it does not take.

use super::asn1::{INTEGER, NULL, Reader, SEQUENCE, is_minimal, signed};

/// Identifiers of the algorithms whose keys are looked at, encoded.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// Their points take twice as many bytes and one.
const CURVES: [(&[u8], &str, usize); 4] = [
    (&[0x2b, 0x81, 4, 0, 0x21], "P224", 28),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P256", 32),
    (&[0x2b, 0x81, 4, 0, 0x22], "P384", 48),
    (&[0x2b, 0x81, 4, 0, 0x23], "P521", 66),
];
const UNCOMPRESSED: u8 = 4;
/// Of RSA.
const BITS_MIN: usize = 1024;

/// What keys and signatures are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    Dsa,
    Ecdsa,
    Ed25519,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    Rsa {
        bits: usize,
        is_odd: bool,
        exponent: i64,
    },
    Ecdsa {
        curve: &'static str,
    },
    Ed25519,
    /// Nobody verifies with it.
    Other,
}

impl Key {
    /// Keys of algorithms that are not known are not looked at.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Result<Self, String> {
        match algorithm {
            RSA => rsa(parameters, key),
            DSA => dsa(parameters, key),
            ECDSA => ecdsa(parameters, key),
            ED25519 if !parameters.is_empty() => refuse("Ed25519 key encoded with illegal parameters"),
            ED25519 if key.len() != 32 => refuse("wrong Ed25519 public key size"),
            ED25519 => Ok(Self::Ed25519),
            _ => Ok(Self::Other),
        }
    }

    /// # Errors
    /// If signatures of that kind are not made with such a key, or it is too weak.
    pub(super) fn must_fit(&self, signed_with: Family) -> Result<(), String> {
        let (of, shown) = match self {
            Self::Rsa { .. } => (Family::Rsa, "*rsa.PublicKey"),
            Self::Ecdsa { .. } => (Family::Ecdsa, "*ecdsa.PublicKey"),
            Self::Ed25519 => (Family::Ed25519, "ed25519.PublicKey"),
            Self::Other => return Err(super::algorithm::UNIMPLEMENTED.to_string()),
        };
        if of != signed_with {
            return refuse(&format!(
                "signature algorithm specifies an {} public key, but have public key of type {shown}",
                signed_with.name()
            ));
        }
        let why = match *self {
            Self::Rsa { bits, .. } if bits < BITS_MIN => {
                format!("{bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)")
            }
            Self::Rsa { is_odd: false, .. } => "public modulus is even".to_string(),
            Self::Rsa { exponent: 1, .. } => "public exponent too small or negative".to_string(),
            Self::Rsa { exponent, .. } if exponent % 2 == 0 => "public exponent is even".to_string(),
            Self::Rsa { exponent, .. } if i32::try_from(exponent).is_err() => "public exponent too large".to_string(),
            _ => return Ok(()),
        };
        Err(format!("crypto/rsa: {why}"))
    }

    /// What is said of a signature that it did not make.
    pub(super) fn unverified(&self) -> String {
        match self {
            Self::Rsa { .. } => "crypto/rsa: verification error".to_string(),
            Self::Ecdsa { .. } => "x509: ECDSA verification failure".to_string(),
            Self::Ed25519 | Self::Other => "x509: Ed25519 verification failure".to_string(),
        }
    }

    /// What is said of one that only looks like a key.
    pub(super) fn malformed(&self) -> String {
        match self {
            Self::Ecdsa { curve } => format!("{curve} point not on curve"),
            _ => self.unverified(),
        }
    }
}

impl Family {
    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Dsa => "DSA",
            Self::Ecdsa => "ECDSA",
            Self::Ed25519 => "Ed25519",
        }
    }
}

fn rsa(parameters: &[u8], key: &[u8]) -> Result<Key, String> {
    if parameters != NULL {
        return refuse("RSA key missing NULL parameters");
    }
    let Ok(numbers) = Reader::new(key).value(SEQUENCE, "") else { return refuse("invalid RSA public key") };
    let mut numbers = Reader::new(numbers.content);
    let Some(modulus) = number(&mut numbers) else { return refuse("invalid RSA modulus") };
    let Some(exponent) = number(&mut numbers).and_then(signed) else { return refuse("invalid RSA public exponent") };
    if !is_positive(modulus) {
        return refuse("RSA modulus is not a positive number");
    }
    if exponent <= 0 {
        return refuse("RSA public exponent is not a positive number");
    }
    let digits = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let bits = 8 * digits.len() - digits.first().map_or(0, |first| first.leading_zeros() as usize);
    Ok(Key::Rsa { bits, is_odd: digits.last().is_some_and(|last| last % 2 == 1), exponent })
}

fn dsa(parameters: &[u8], key: &[u8]) -> Result<Key, String> {
    let Some(key) = number(&mut Reader::new(key)) else { return refuse("invalid DSA public key") };
    let Ok(numbers) = Reader::new(parameters).value(SEQUENCE, "") else { return refuse("invalid DSA parameters") };
    let mut numbers = Reader::new(numbers.content);
    let mut all_positive = is_positive(key);
    for _ in ["p", "q", "g"] {
        let Some(number) = number(&mut numbers) else { return refuse("invalid DSA parameters") };
        all_positive &= is_positive(number);
    }
    if all_positive { Ok(Key::Other) } else { refuse("zero or negative DSA parameter") }
}

fn ecdsa(parameters: &[u8], key: &[u8]) -> Result<Key, String> {
    let Ok(curve) = Reader::new(parameters).identifier() else { return refuse("invalid ECDSA parameters") };
    let Some((_, curve, bytes)) = CURVES.iter().find(|(known, ..)| *known == curve) else {
        return refuse("unsupported elliptic curve");
    };
    if key.first() != Some(&UNCOMPRESSED) {
        return Err("ecdsa: invalid uncompressed public key".to_string());
    }
    if key.len() != 1 + 2 * bytes {
        return Err(format!("invalid {curve} point encoding"));
    }
    Ok(Key::Ecdsa { curve })
}

fn number<'a>(numbers: &mut Reader<'a>) -> Option<&'a [u8]> {
    let content = numbers.value(INTEGER, "").ok()?.content;
    is_minimal(content).ok()?.then_some(content)
}

fn is_positive(number: &[u8]) -> bool {
    number.first().is_some_and(|first| *first < 0x80) && number != [0]
}

fn refuse<T>(why: &str) -> Result<T, String> {
    Err(format!("x509: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    #[test]
    fn keys_are_refused_in_upstreams_words() {
        let point = |first: u8, length: usize| [&[first][..], &vec![1; length]].concat();
        for (algorithm, parameters, key, expected) in [
            (RSA, &[][..], vec![], "x509: RSA key missing NULL parameters"),
            (RSA, NULL, vec![4, 0], "x509: invalid RSA public key"),
            (RSA, NULL, vec![0x30, 4, 2, 2, 0, 1], "x509: invalid RSA modulus"),
            (RSA, NULL, vec![0x30, 3, 2, 1, 5], "x509: invalid RSA public exponent"),
            (RSA, NULL, vec![0x30, 6, 2, 1, 0xff, 2, 1, 3], "x509: RSA modulus is not a positive number"),
            (RSA, NULL, vec![0x30, 6, 2, 1, 5, 2, 1, 0], "x509: RSA public exponent is not a positive number"),
            (DSA, NULL, vec![2, 1, 1], "x509: invalid DSA parameters"),
            (DSA, &[0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 0], vec![2, 1, 1], "x509: zero or negative DSA parameter"),
            (ECDSA, NULL, vec![], "x509: invalid ECDSA parameters"),
            (ECDSA, &[6, 1, 0x2a], vec![], "x509: unsupported elliptic curve"),
            (ECDSA, CURVE, point(2, 32), "ecdsa: invalid uncompressed public key"),
            (ECDSA, CURVE, point(4, 63), "invalid P256 point encoding"),
            (ED25519, NULL, vec![0; 32], "x509: Ed25519 key encoded with illegal parameters"),
            (ED25519, &[], vec![0; 31], "x509: wrong Ed25519 public key size"),
        ] {
            assert_eq!(Key::parse(algorithm, parameters, &key).unwrap_err(), expected, "{algorithm:?} {key:?}");
        }
        assert_eq!(Key::parse(ECDSA, CURVE, &point(4, 64)), Ok(Key::Ecdsa { curve: "P256" }));
        assert_eq!(Key::parse(b"?", NULL, b"?"), Ok(Key::Other));
    }

    #[test]
    fn weak_keys_of_rsa_are_refused() {
        let good = |bits, is_odd, exponent| Key::Rsa { bits, is_odd, exponent }.must_fit(Family::Rsa);
        for (bits, is_odd, exponent, expected) in [
            (1024, true, 3, ""),
            (1023, true, 3, "1023-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"),
            (2048, false, 3, "public modulus is even"),
            (2048, true, 1, "public exponent too small or negative"),
            (2048, true, 4, "public exponent is even"),
            (2048, true, 0x8000_0001, "public exponent too large"),
        ] {
            let why = good(bits, is_odd, exponent).err().unwrap_or_default();
            assert_eq!(why.strip_prefix("crypto/rsa: ").unwrap_or_default(), expected, "{bits} {is_odd} {exponent}");
        }
        let (bits, exponent) = Key::parse(RSA, NULL, &[0x30, 8, 2, 3, 0, 0x80, 1, 2, 1, 3])
            .map(|key| match key {
                Key::Rsa { bits, exponent, .. } => (bits, exponent),
                _ => (0, 0),
            })
            .unwrap();
        assert_eq!((bits, exponent), (16, 3));
    }
}
