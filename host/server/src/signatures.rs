//! Whether signatures are good that somebody else's key has made.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1,
    ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA1_ASN1,
    ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why nothing can be said of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unverifiable {
    /// The algorithm is not known, or none for such a key.
    Unsupported,
    /// It is no key.
    MalformedKey,
}

/// What a key is of, as far as an algorithm has to fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// 2048 to 8192 bits.
    Rsa,
    /// 1024 bits and more, which not all algorithms take.
    ShortRsa,
    P256,
    P384,
    P521,
    Ed25519,
}

use Kind::{Ed25519, P256, P384, P521, Rsa, ShortRsa};

/// Each algorithm for each key that it is for.
const ALGORITHMS: [(&str, Kind, &dyn VerificationAlgorithm); 22] = [
    ("rsa-pkcs1-sha1", Rsa, &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
    ("rsa-pkcs1-sha1", ShortRsa, &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
    ("rsa-pkcs1-sha256", Rsa, &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
    ("rsa-pkcs1-sha256", ShortRsa, &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
    ("rsa-pkcs1-sha384", Rsa, &RSA_PKCS1_2048_8192_SHA384),
    ("rsa-pkcs1-sha512", Rsa, &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
    ("rsa-pkcs1-sha512", ShortRsa, &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
    ("rsa-pss-sha256", Rsa, &RSA_PSS_2048_8192_SHA256),
    ("rsa-pss-sha384", Rsa, &RSA_PSS_2048_8192_SHA384),
    ("rsa-pss-sha512", Rsa, &RSA_PSS_2048_8192_SHA512),
    ("ecdsa-sha1", P256, &ECDSA_P256_SHA1_ASN1),
    ("ecdsa-sha1", P521, &ECDSA_P521_SHA1_ASN1),
    ("ecdsa-sha256", P256, &ECDSA_P256_SHA256_ASN1),
    ("ecdsa-sha256", P384, &ECDSA_P384_SHA256_ASN1),
    ("ecdsa-sha256", P521, &ECDSA_P521_SHA256_ASN1),
    ("ecdsa-sha384", P256, &ECDSA_P256_SHA384_ASN1),
    ("ecdsa-sha384", P384, &ECDSA_P384_SHA384_ASN1),
    ("ecdsa-sha384", P521, &ECDSA_P521_SHA384_ASN1),
    ("ecdsa-sha512", P256, &ECDSA_P256_SHA512_ASN1),
    ("ecdsa-sha512", P384, &ECDSA_P384_SHA512_ASN1),
    ("ecdsa-sha512", P521, &ECDSA_P521_SHA512_ASN1),
    ("ed25519", Ed25519, &ED25519),
];

/// Whether a signature of a message was made with the private part of `key`, which is a
/// `SubjectPublicKeyInfo` in DER. `wit/` names the algorithms.
///
/// # Errors
/// If nothing can be said.
pub fn verify_signature(algorithm: &str, key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Unverifiable> {
    let kind = kind(key)?.ok_or(Unverifiable::Unsupported)?;
    let found = ALGORITHMS.into_iter().find(|(name, of, _)| *name == algorithm && *of == kind);
    let (_, _, algorithm) = found.ok_or(Unverifiable::Unsupported)?;
    let key = UnparsedPublicKey::new(algorithm, key).parse().map_err(|_| Unverifiable::MalformedKey)?;
    Ok(key.verify_sig(message, signature).is_ok())
}

/// Nothing if no algorithm is for such a key.
fn kind(key: &[u8]) -> Result<Option<Kind>, Unverifiable> {
    let (rest, info) = SubjectPublicKeyInfo::from_der(key).map_err(|_| Unverifiable::MalformedKey)?;
    if !rest.is_empty() {
        return Err(Unverifiable::MalformedKey);
    }
    let algorithm = &info.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = info.parsed() else { return Err(Unverifiable::MalformedKey) };
        return Ok(match bits(&key) {
            1024..2048 => Some(ShortRsa),
            2048..=8192 => Some(Rsa),
            _ => None,
        });
    }
    if *algorithm == OID_SIG_ED25519 {
        return Ok(Some(Ed25519));
    }
    let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    let Some(curve) = curve.filter(|_| *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY) else { return Ok(None) };
    let known = [(OID_EC_P256, P256), (OID_NIST_EC_P384, P384), (OID_NIST_EC_P521, P521)];
    Ok(known.into_iter().find(|(known, _)| *known == curve).map(|(_, kind)| kind))
}

fn bits(key: &RSAPublicKey<'_>) -> usize {
    let mut bytes = key.modulus.iter().skip_while(|byte| **byte == 0);
    bytes.next().map_or(0, |first| 8 * (bytes.count() + 1) - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
    };
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    const MESSAGE: &[u8] = b"a message";

    /// A signature of [`MESSAGE`], and all that verifies it.
    struct Signed {
        algorithm: &'static str,
        key: Vec<u8>,
        signature: Vec<u8>,
    }

    fn der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
        key.as_der().unwrap().as_ref().to_vec()
    }

    fn decoded(text: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(text).unwrap()
    }

    /// One of each algorithm that the library signs with, and two that it only verifies.
    fn every_algorithm() -> Vec<Signed> {
        let random = SystemRandom::new();
        let mut all = Vec::new();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        for (algorithm, padding) in [
            ("rsa-pkcs1-sha256", &RSA_PKCS1_SHA256),
            ("rsa-pkcs1-sha384", &RSA_PKCS1_SHA384),
            ("rsa-pkcs1-sha512", &RSA_PKCS1_SHA512),
            ("rsa-pss-sha256", &RSA_PSS_SHA256),
            ("rsa-pss-sha384", &RSA_PSS_SHA384),
            ("rsa-pss-sha512", &RSA_PSS_SHA512),
        ] {
            let mut signature = vec![0; rsa.public_modulus_len()];
            rsa.sign(padding, &random, MESSAGE, &mut signature).unwrap();
            all.push(Signed { algorithm, key: der(rsa.public_key()), signature });
        }
        for (algorithm, signing) in [
            ("ecdsa-sha256", &ECDSA_P256_SHA256_ASN1_SIGNING),
            ("ecdsa-sha384", &ECDSA_P384_SHA384_ASN1_SIGNING),
            ("ecdsa-sha256", &ECDSA_P521_SHA256_ASN1_SIGNING),
            ("ecdsa-sha512", &ECDSA_P521_SHA512_ASN1_SIGNING),
        ] {
            let pair = EcdsaKeyPair::generate(signing).unwrap();
            let signature = pair.sign(&random, MESSAGE).unwrap().as_ref().to_vec();
            all.push(Signed { algorithm, key: der(pair.public_key()), signature });
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let signature = pair.sign(MESSAGE).as_ref().to_vec();
        all.push(Signed { algorithm: "ed25519", key: der(pair.public_key()), signature });
        // `openssl dgst -sha1 -sign KEY`.
        for (algorithm, key, signature) in [
            ("rsa-pkcs1-sha1", SHORT_RSA, SHORT_RSA_SHA1),
            ("rsa-pkcs1-sha256", SHORT_RSA, SHORT_RSA_SHA256),
            ("ecdsa-sha1", EC, EC_SHA1),
        ] {
            all.push(Signed { algorithm, key: decoded(key), signature: decoded(signature) });
        }
        all
    }

    /// 1024 bits.
    const SHORT_RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD6Q09KPRV5ZGTqQbVELvQMZ3QLsO3yD3CpwHSg0THgbbJo2xRfZTfpNreC\
        czSrnBdWcV1uisKiv2vZZFO9gwQqweZg6v38tgrO2qx8nWhe7AQ6DldwBi9CU+VOHSNXGq0d0U/tEWcXKkwG6JDtIhN+hy69\
        4SBi+Z/P8wyEpLxMzwIDAQAB";
    const SHORT_RSA_SHA1: &str = "98qls27etyblQd11yekfqotaalPMlKT5tGQNYZwYokIXBveJ1xIxS/CZ1ysVcw1v9U/NKGShQYl+f1Gjtg+wp3e1qr0Pv0vV\
        fL6EdUwD7YoMM7s6MyWZ/pkfR4R/s5+ov2tmBeyAw/mNhH2WeARl4+ot/3A0CPJih4Xk3CKBHEc=";
    const SHORT_RSA_SHA256: &str = "AJntkqZrk/3Ri7b/J8IGq9NnJA8Zhy9A6VR56jJJUQwF0nuE2vfpRUUk7bLukNwzbdac/AwSvl+zKgp6uKnK5dqZZGjacNpd\
        Z3K+0Jl38i6R3MwxzDAAukK/3OgjIOWwwo7EuPFh6vZcpwjmLbBgtd6cnRa4JKUKl/4XLbEorbc=";
    const EC: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETS4YUq0Y7O39DNt+I6J/qXIytp5Zp1j/GJuYMpZDDoPFeZHExmXlZprLLJlc\
        YSyha4nlKvgpUd3vaXhKRZZCbA==";
    const EC_SHA1: &str =
        "MEQCIC+kN+jyfvaUzXJ+2ZwF/5/xurbBxfc/c8/rjuBI1LHZAiB9LSdKtsWWlnw0kJlBj9qnCY73H3AQKc21OMa37adtEg==";

    #[test]
    fn a_signature_is_good_for_its_message_and_its_algorithm() {
        for Signed { algorithm, key, signature } in every_algorithm() {
            let verified = |algorithm, message, signature: &[u8]| verify_signature(algorithm, &key, message, signature);
            assert_eq!(verified(algorithm, MESSAGE, &signature), Ok(true), "{algorithm}");
            assert_eq!(verified(algorithm, b"another", &signature), Ok(false), "{algorithm}");
            assert_eq!(verified(algorithm, MESSAGE, b""), Ok(false), "{algorithm}");
            let longer = [&signature[..], &[0]].concat();
            assert_eq!(verified(algorithm, MESSAGE, &longer), Ok(false), "{algorithm}");
            let mut changed = signature.clone();
            *changed.last_mut().unwrap() ^= 1;
            assert_eq!(verified(algorithm, MESSAGE, &changed), Ok(false), "{algorithm}");
            for (other, ..) in ALGORITHMS.iter().filter(|(other, ..)| *other != algorithm) {
                assert_ne!(verified(other, MESSAGE, &signature), Ok(true), "{algorithm} as {other}");
            }
        }
    }

    #[test]
    fn a_key_is_one_that_the_algorithm_is_for() {
        let ed25519 = der(Ed25519KeyPair::generate().unwrap().public_key());
        let ec = decoded(EC);
        let mut off_curve = ec.clone();
        *off_curve.last_mut().unwrap() ^= 1;
        let longer = [&ec[..], &[0]].concat();
        use Unverifiable::{MalformedKey, Unsupported};
        for (algorithm, key, expected) in [
            ("ed25519", &ec, Unsupported),
            ("ecdsa-sha256", &ed25519, Unsupported),
            ("rsa-pkcs1-sha256", &ec, Unsupported),
            ("rsa-pss-sha256", &decoded(SHORT_RSA), Unsupported),
            ("ecdsa-md5", &ec, Unsupported),
            ("ecdsa-sha256", &off_curve, MalformedKey),
            ("ecdsa-sha256", &longer, MalformedKey),
            ("ecdsa-sha256", &ec[..ec.len() - 1].to_vec(), MalformedKey),
            ("ecdsa-sha256", &Vec::new(), MalformedKey),
        ] {
            assert_eq!(verify_signature(algorithm, key, MESSAGE, b""), Err(expected), "{algorithm} {key:?}");
        }
    }
}
