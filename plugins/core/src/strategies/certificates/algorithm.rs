//! What a request is signed with: identifiers of X.509, and the names that the contract has for them.

use super::asn1::{NULL, Reader, SEQUENCE};
use super::key::Family;

pub(super) const UNIMPLEMENTED: &str = "x509: cannot verify signature: algorithm unimplemented";

/// Identifiers that are looked for apart, encoded.
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const MASKS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What is known of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Unknown,
    /// Its name.
    Insecure(&'static str),
    Known {
        of: Family,
        /// In the contract.
        name: &'static str,
    },
}

const fn known(of: Family, name: &'static str) -> Algorithm {
    Algorithm::Known { of, name }
}

const ALGORITHMS: [(&[u8], Algorithm); 13] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], Algorithm::Insecure("MD5-RSA")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], known(Family::Rsa, "rsa-pkcs1-sha1")),
    // Of ISO.
    (&[0x2b, 14, 3, 2, 29], known(Family::Rsa, "rsa-pkcs1-sha1")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], known(Family::Rsa, "rsa-pkcs1-sha256")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], known(Family::Rsa, "rsa-pkcs1-sha384")),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], known(Family::Rsa, "rsa-pkcs1-sha512")),
    // Known so that a key of something else is told from it; no key of DSA verifies.
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], known(Family::Dsa, "")),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], known(Family::Dsa, "")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], known(Family::Ecdsa, "ecdsa-sha1")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], known(Family::Ecdsa, "ecdsa-sha256")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], known(Family::Ecdsa, "ecdsa-sha384")),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], known(Family::Ecdsa, "ecdsa-sha512")),
    (ED25519, known(Family::Ed25519, "ed25519")),
];

/// Hashes of RSA-PSS, whose salt is as long as they are.
const HASHES: [(&[u8], i64, &str); 3] = [
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], 32, "rsa-pss-sha256"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], 48, "rsa-pss-sha384"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], 64, "rsa-pss-sha512"),
];

impl Algorithm {
    /// Which one an identifier and its parameters name, both encoded.
    pub(super) fn named(identifier: &[u8], parameters: &[u8]) -> Self {
        match identifier {
            RSA_PSS => pss(parameters).map_or(Self::Unknown, |name| known(Family::Rsa, name)),
            ED25519 if !parameters.is_empty() => Self::Unknown,
            _ => {
                let found = ALGORITHMS.iter().find(|(known, _)| *known == identifier);
                found.map_or(Self::Unknown, |(_, algorithm)| *algorithm)
            }
        }
    }
}

/// Of all that its parameters can say, upstream takes what is recommended: one hash for the message and
/// its masks, a salt of that length, the usual trailer.
fn pss(parameters: &[u8]) -> Option<&'static str> {
    let mut parameters = Reader::new(Reader::new(parameters).value(SEQUENCE, "").ok()?.content);
    let (hash, hash_parameters) = identifier(&mut parameters.tagged(0).ok()?)?;
    let (masks, masks_parameters) = identifier(&mut parameters.tagged(1).ok()?)?;
    let salt = parameters.tagged(2).ok()?.integer().ok()?;
    let trailer = if parameters.is_empty() { 1 } else { parameters.tagged(3).ok()?.integer().ok()? };
    let (masks_hash, masks_hash_parameters) = identifier(&mut Reader::new(masks_parameters))?;
    let no_more = |parameters: &[u8]| parameters.is_empty() || parameters == NULL;
    if masks != MASKS || masks_hash != hash || trailer != 1 {
        return None;
    }
    if !no_more(hash_parameters) || !no_more(masks_hash_parameters) {
        return None;
    }
    HASHES.iter().find(|(known, length, _)| *known == hash && *length == salt).map(|(_, _, name)| *name)
}

fn identifier<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut algorithm = Reader::new(reader.value(SEQUENCE, "").ok()?.content);
    let identifier = algorithm.identifier().ok()?;
    Some((identifier, algorithm.optional().ok()?.map_or(&[], |parameters| parameters.whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl req -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sha256`
    const PSS_SHA256: [u8; 54] = [
        48, 52, 160, 15, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 1, 5, 0, 161, 28, 48, 26, 6, 9, 42, 134, 72, 134,
        247, 13, 1, 1, 8, 48, 13, 6, 9, 96, 134, 72, 1, 101, 3, 4, 2, 1, 5, 0, 162, 3, 2, 1, 32,
    ];

    #[test]
    fn algorithms_are_known_with_their_parameters() {
        let with = |at: usize, byte: u8| {
            let mut changed = PSS_SHA256;
            changed[at] = byte;
            changed
        };
        for (identifier, parameters, expected) in [
            (ED25519, &[][..], known(Family::Ed25519, "ed25519")),
            (ED25519, NULL, Algorithm::Unknown),
            (&[0x2b, 14, 3, 2, 29], NULL, known(Family::Rsa, "rsa-pkcs1-sha1")),
            (RSA_PSS, &PSS_SHA256, known(Family::Rsa, "rsa-pss-sha256")),
            (RSA_PSS, NULL, Algorithm::Unknown),
            // Another hash for the masks, another salt, other masks.
            (RSA_PSS, &with(46, 2), Algorithm::Unknown),
            (RSA_PSS, &with(53, 20), Algorithm::Unknown),
            (RSA_PSS, &with(33, 9), Algorithm::Unknown),
        ] {
            assert_eq!(Algorithm::named(identifier, parameters), expected, "{identifier:?} {parameters:?}");
        }
        for length in 0..PSS_SHA256.len() {
            assert_eq!(Algorithm::named(RSA_PSS, &PSS_SHA256[..length]), Algorithm::Unknown, "{length}");
        }
    }
}
