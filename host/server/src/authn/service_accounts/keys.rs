//! The keys that sign tokens and that verify them: read from PEM, and named as upstream names them.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde_json::{Value, json};
use x509_parser::oid_registry::{OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key file `{}` cannot be used: {reason}", .path.display())]
pub struct KeyFileError {
    path: PathBuf,
    reason: String,
}

/// Signs tokens.
pub(super) struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// Verifies tokens.
#[derive(Clone)]
pub(super) struct PublicKey {
    /// The `kid` of what it verifies: says which key it is, and nothing else about it.
    id: String,
    algorithm: &'static Algorithm,
    key: ParsedPublicKey,
    /// Its entry in the key set that others verify tokens with.
    jwk: Value,
}

struct Algorithm {
    /// In the header of a token.
    name: &'static str,
    verification: &'static dyn VerificationAlgorithm,
}

/// Its name in a key set, how it signs, and the bytes of a coordinate.
struct Curve {
    name: &'static str,
    algorithm: Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    coordinate_bytes: usize,
}

static RS256: Algorithm = Algorithm { name: "RS256", verification: &RSA_PKCS1_2048_8192_SHA256 };
static CURVES: [Curve; 3] = [
    Curve {
        name: "P-256",
        algorithm: Algorithm { name: "ES256", verification: &ECDSA_P256_SHA256_FIXED },
        signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
        coordinate_bytes: 32,
    },
    Curve {
        name: "P-384",
        algorithm: Algorithm { name: "ES384", verification: &ECDSA_P384_SHA384_FIXED },
        signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
        coordinate_bytes: 48,
    },
    Curve {
        name: "P-521",
        algorithm: Algorithm { name: "ES512", verification: &ECDSA_P521_SHA512_FIXED },
        signing: &ECDSA_P521_SHA512_FIXED_SIGNING,
        coordinate_bytes: 66,
    },
];

impl SigningKey {
    /// The first private key of a file.
    pub(super) fn read(path: &Path) -> Result<Self, KeyFileError> {
        from_file(path, Self::from_pem)
    }

    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let private = sections(pem)?.into_iter().find(|(kind, _)| is_private(*kind));
        let (_, der) = private.ok_or("it has no private key")?;
        Self::from_der(&der)
    }

    fn from_der(der: &[u8]) -> Result<Self, String> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)) {
            let public = spki(pair.public_key())?;
            return Ok(Self { pair: Pair::Rsa(pair), public });
        }
        for curve in &CURVES {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve.signing, der) {
                let public = spki(pair.public_key())?;
                return Ok(Self { pair: Pair::Ecdsa(pair), public });
            }
        }
        Err("its private key is neither RSA of 2048 to 8192 bits nor ECDSA on P-256, P-384 or P-521".to_owned())
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let signed = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
            Pair::Ecdsa(pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
        };
        signed.map_err(|_| "the key does not sign".to_owned())
    }
}

impl PublicKey {
    /// All keys of a file: public ones, those of certificates, and those that belong to private ones.
    pub(super) fn read_all(path: &Path) -> Result<Vec<Self>, KeyFileError> {
        from_file(path, Self::all_from_pem)
    }

    pub(super) fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for (kind, der) in sections(pem)? {
            match kind {
                SectionKind::PublicKey => keys.push(Self::from_spki(&der)?),
                SectionKind::Certificate => {
                    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
                    keys.push(Self::from_spki(certificate.public_key().raw)?);
                }
                kind if is_private(kind) => keys.push(SigningKey::from_der(&der)?.public),
                _ => {}
            }
        }
        if keys.is_empty() {
            return Err("it has neither a key nor a certificate".to_owned());
        }
        Ok(keys)
    }

    fn from_spki(der: &[u8]) -> Result<Self, String> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|error| error.to_string())?;
        let id = encode(digest(&SHA256, der).as_ref());
        let (algorithm, jwk) = match info.parsed().map_err(|error| error.to_string())? {
            Parsed::RSA(key) => {
                let (n, e) = (encode(unsigned(key.modulus)), encode(unsigned(key.exponent)));
                let jwk = json!({"use": "sig", "kty": "RSA", "kid": id, "alg": RS256.name, "n": n, "e": e});
                (&RS256, jwk)
            }
            Parsed::EC(point) => {
                let curve = curve_of(&info).ok_or("its curve is none of P-256, P-384 and P-521")?;
                let size = curve.coordinate_bytes;
                // Uncompressed: 4, x, y.
                let coordinates = point.data().strip_prefix(&[4]).filter(|both| both.len() == 2 * size);
                let (x, y) = coordinates.ok_or("its point is compressed")?.split_at(size);
                let (algorithm, x, y) = (&curve.algorithm, encode(x), encode(y));
                let (kty, crv, alg) = ("EC", curve.name, algorithm.name);
                (algorithm, json!({"use": "sig", "kty": kty, "kid": id, "crv": crv, "alg": alg, "x": x, "y": y}))
            }
            _ => return Err("it is neither RSA nor ECDSA".to_owned()),
        };
        let key = UnparsedPublicKey::new(algorithm.verification, der).parse();
        let key = key.map_err(|error| format!("it cannot verify with {}: {error}", algorithm.name))?;
        Ok(Self { id, algorithm, key, jwk })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> &'static str {
        self.algorithm.name
    }

    pub(super) fn jwk(&self) -> &Value {
        &self.jwk
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.public.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn from_file<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, KeyFileError> {
    let text = std::fs::read(path).map_err(|error| error.to_string());
    text.and_then(|pem| read(&pem)).map_err(|reason| KeyFileError { path: path.to_owned(), reason })
}

fn sections(pem: &[u8]) -> Result<Vec<(SectionKind, Vec<u8>)>, String> {
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
    sections.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn is_private(kind: SectionKind) -> bool {
    matches!(kind, SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey)
}

fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<PublicKey, String> {
    let der = key.as_der().map_err(|_| "its public key cannot be written".to_owned())?;
    PublicKey::from_spki(der.as_ref())
}

fn curve_of(info: &SubjectPublicKeyInfo<'_>) -> Option<&'static Curve> {
    let oid = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let known = [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521];
    known.iter().zip(&CURVES).find(|(known, _)| **known == oid).map(|(_, curve)| curve)
}

/// Without the zero that keeps a positive number of DER from being read as a negative one.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
