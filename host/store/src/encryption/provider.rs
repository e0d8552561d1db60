//! How one value is encrypted: kube-apiserver's formats, to the byte.
//!
//! ```text
//! k8s:enc:aesgcm:v1:KEY:    nonce 12 | ciphertext | tag 16     the storage key is authenticated
//! k8s:enc:aescbc:v1:KEY:    iv 16    | ciphertext, padded as in PKCS #7
//! k8s:enc:secretbox:v1:KEY: nonce 24 | tag 16 | ciphertext
//! ```

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::consts::U12;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use crypto_secretbox::XSalsa20Poly1305;

/// What every encrypted value begins with.
pub(super) const PREFIX: &[u8] = b"k8s:enc:";
/// The longest name that a key may have.
pub(super) const NAME_BYTES_MAX: usize = 253;
/// What encryption adds at most.
pub(super) const OVERHEAD_MAX: usize = PREFIX.len() + "secretbox:v1::".len() + NAME_BYTES_MAX + 24 + 16;

/// One way to write values, and one or more keys.
#[derive(Debug)]
pub(super) enum Provider {
    /// Values as they are.
    Identity,
    Keyed {
        kind: Kind,
        /// The first one writes.
        keys: Vec<NamedKey>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AesGcm,
    AesCbc,
    Secretbox,
}

pub(super) struct NamedKey {
    name: String,
    cipher: Cipher,
}

enum Cipher {
    Gcm128(Box<Aes128Gcm>),
    Gcm192(Box<AesGcm<Aes192, U12>>),
    Gcm256(Box<Aes256Gcm>),
    /// The key itself: its schedule belongs to one message.
    Cbc(Vec<u8>),
    Secretbox(Box<XSalsa20Poly1305>),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::AesGcm => "aesgcm",
            Self::AesCbc => "aescbc",
            Self::Secretbox => "secretbox",
        }
    }

    fn nonce_bytes(self) -> usize {
        match self {
            Self::AesGcm => 12,
            Self::AesCbc => 16,
            Self::Secretbox => 24,
        }
    }
}

impl Provider {
    /// The encrypted value; none if it stays as it is.
    pub(super) fn seal(&self, storage_key: &str, value: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let Self::Keyed { kind, keys } = self else { return Ok(None) };
        let key = keys.first().ok_or("there is no key")?;
        let mut sealed = Vec::with_capacity(value.len() + OVERHEAD_MAX);
        sealed.extend_from_slice(&head(*kind, &key.name));
        let start = sealed.len();
        sealed.resize(start + kind.nonce_bytes(), 0);
        getrandom::fill(&mut sealed[start..]).map_err(|error| format!("there is no randomness: {error}"))?;
        let ciphertext = key.cipher.encrypt(&sealed[start..], storage_key, value)?;
        sealed.extend(ciphertext);
        Ok(Some(sealed))
    }

    /// Decrypts a value, if this provider has written it.
    pub(super) fn open(&self, storage_key: &str, value: &[u8]) -> Option<Result<Option<Vec<u8>>, String>> {
        match self {
            Self::Identity => (!value.starts_with(PREFIX)).then_some(Ok(None)),
            Self::Keyed { kind, keys } => {
                let found = keys.iter().find_map(|key| value.strip_prefix(&head(*kind, &key.name)[..]).zip(Some(key)));
                let (sealed, key) = found?;
                let opened = match sealed.split_at_checked(kind.nonce_bytes()) {
                    Some((nonce, ciphertext)) => key.cipher.decrypt(nonce, storage_key, ciphertext),
                    None => Err("it is cut off".to_owned()),
                };
                Some(opened.map(Some))
            }
        }
    }
}

fn head(kind: Kind, name: &str) -> Vec<u8> {
    [PREFIX, kind.name().as_bytes(), b":v1:", name.as_bytes(), b":"].concat()
}

impl NamedKey {
    /// An error says what is wrong with the secret.
    pub(super) fn new(kind: Kind, name: String, secret: &[u8]) -> Result<Self, String> {
        let wrong = |wanted: &str| format!("a secret for {} has {wanted} bytes, not `{}`", kind.name(), secret.len());
        let cipher = match (kind, secret.len()) {
            (Kind::AesGcm, 16) => Cipher::Gcm128(Box::new(Aes128Gcm::new(secret.into()))),
            (Kind::AesGcm, 24) => Cipher::Gcm192(Box::new(AesGcm::new(secret.into()))),
            (Kind::AesGcm, 32) => Cipher::Gcm256(Box::new(Aes256Gcm::new(secret.into()))),
            (Kind::AesCbc, 16 | 24 | 32) => Cipher::Cbc(secret.to_vec()),
            (Kind::Secretbox, 32) => Cipher::Secretbox(Box::new(XSalsa20Poly1305::new(secret.into()))),
            (Kind::Secretbox, _) => return Err(wrong("32")),
            _ => return Err(wrong("16, 24 or 32")),
        };
        Ok(Self { name, cipher })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for NamedKey {
    /// Never the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NamedKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Cipher {
    fn encrypt(&self, nonce: &[u8], storage_key: &str, msg: &[u8]) -> Result<Vec<u8>, String> {
        let payload = Payload { msg, aad: storage_key.as_bytes() };
        let sealed = match self {
            Self::Gcm128(cipher) => cipher.encrypt(nonce.into(), payload),
            Self::Gcm192(cipher) => cipher.encrypt(nonce.into(), payload),
            Self::Gcm256(cipher) => cipher.encrypt(nonce.into(), payload),
            Self::Secretbox(cipher) => cipher.encrypt(nonce.into(), msg),
            Self::Cbc(key) => return cbc_encrypt(key, nonce, msg).ok_or_else(|| "its key is wrong".to_owned()),
        };
        sealed.map_err(|_| "it is too large".to_owned())
    }

    fn decrypt(&self, nonce: &[u8], storage_key: &str, msg: &[u8]) -> Result<Vec<u8>, String> {
        let payload = Payload { msg, aad: storage_key.as_bytes() };
        let opened = match self {
            Self::Gcm128(cipher) => cipher.decrypt(nonce.into(), payload).ok(),
            Self::Gcm192(cipher) => cipher.decrypt(nonce.into(), payload).ok(),
            Self::Gcm256(cipher) => cipher.decrypt(nonce.into(), payload).ok(),
            Self::Secretbox(cipher) => cipher.decrypt(nonce.into(), msg).ok(),
            Self::Cbc(key) => cbc_decrypt(key, nonce, msg),
        };
        opened.ok_or_else(|| "it was changed, moved, or written with another secret".to_owned())
    }
}

fn cbc_encrypt(key: &[u8], iv: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
    Some(match key.len() {
        16 => cbc::Encryptor::<Aes128>::new_from_slices(key, iv).ok()?.encrypt_padded_vec_mut::<Pkcs7>(msg),
        24 => cbc::Encryptor::<Aes192>::new_from_slices(key, iv).ok()?.encrypt_padded_vec_mut::<Pkcs7>(msg),
        _ => cbc::Encryptor::<Aes256>::new_from_slices(key, iv).ok()?.encrypt_padded_vec_mut::<Pkcs7>(msg),
    })
}

fn cbc_decrypt(key: &[u8], iv: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => cbc::Decryptor::<Aes128>::new_from_slices(key, iv).ok()?.decrypt_padded_vec_mut::<Pkcs7>(msg).ok(),
        24 => cbc::Decryptor::<Aes192>::new_from_slices(key, iv).ok()?.decrypt_padded_vec_mut::<Pkcs7>(msg).ok(),
        _ => cbc::Decryptor::<Aes256>::new_from_slices(key, iv).ok()?.decrypt_padded_vec_mut::<Pkcs7>(msg).ok(),
    }
}
