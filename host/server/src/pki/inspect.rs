//! Reads from a certificate what decides whether it can be used again.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::PkiError;

pub(super) struct Inspected {
    pub(super) not_after: OffsetDateTime,
    pub(super) names: BTreeSet<String>,
    pub(super) addresses: BTreeSet<IpAddr>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    key: Vec<u8>,
    der: CertificateDer<'static>,
}

pub(super) fn inspect(pem: &str) -> Result<Inspected, PkiError> {
    let unreadable = |reason: String| PkiError::Unreadable(reason);
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| unreadable(e.to_string()))?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|e| unreadable(e.to_string()))?;
    let mut names = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    let alternatives = certificate.subject_alternative_name().map_err(|e| unreadable(e.to_string()))?;
    for name in alternatives.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => drop(names.insert((*name).to_owned())),
            GeneralName::IPAddress(bytes) => addresses.extend(address(bytes)),
            _ => {}
        }
    }
    Ok(Inspected {
        not_after: certificate.validity().not_after.to_datetime(),
        names,
        addresses,
        issuer: certificate.issuer().as_raw().to_vec(),
        subject: certificate.subject().as_raw().to_vec(),
        key: certificate.public_key().raw.to_vec(),
        der: der.clone(),
    })
}

impl Inspected {
    /// Whether this authority has signed `leaf`.
    pub(super) fn signed(&self, leaf: &Inspected) -> bool {
        let Ok((_, leaf_certificate)) = X509Certificate::from_der(&leaf.der) else { return false };
        let Ok((_, authority)) = X509Certificate::from_der(&self.der) else { return false };
        leaf.issuer == self.subject && leaf_certificate.verify_signature(Some(authority.public_key())).is_ok()
    }

    /// Whether `key` is this certificate's.
    pub(super) fn has_key(&self, key: &rcgen::KeyPair) -> bool {
        use rcgen::PublicKeyData;
        key.subject_public_key_info() == self.key
    }
}

/// The names for which a certificate is, as kube-apiserver takes them for `--tls-sni-cert-key`: its
/// common name, unless that is an address, and its DNS names.
pub(crate) fn dns_names(der: &CertificateDer<'_>) -> Result<Vec<String>, PkiError> {
    let unreadable = |reason: String| PkiError::Unreadable(reason);
    let (_, certificate) = X509Certificate::from_der(der).map_err(|e| unreadable(e.to_string()))?;
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let common = common.filter(|name| name.parse::<IpAddr>().is_err()).map(str::to_owned);
    let mut names: Vec<String> = common.collect();
    let alternatives = certificate.subject_alternative_name().map_err(|e| unreadable(e.to_string()))?;
    for name in alternatives.iter().flat_map(|extension| &extension.value.general_names) {
        if let GeneralName::DNSName(name) = name {
            names.push((*name).to_owned());
        }
    }
    Ok(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}
