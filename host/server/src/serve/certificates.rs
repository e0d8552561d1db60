//! Reads the certificates that the operator brings.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[derive(Debug, thiserror::Error)]
#[error("--{flag} cannot be used: `{}`: {reason}", .path.display())]
pub struct CertificateError {
    flag: &'static str,
    path: PathBuf,
    reason: String,
}

pub(super) struct ServingCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl ServingCertificate {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let certificates = read(FLAG_CERTIFICATE, certificate)?;
        let keys = read(FLAG_KEY, key)?;
        let chain = chain(&certificates).map_err(|error| wrong(FLAG_CERTIFICATE, certificate, error))?;
        if chain.is_empty() {
            return Err(wrong(FLAG_CERTIFICATE, certificate, "it has no certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&keys).map_err(|error| wrong(FLAG_KEY, key, error))?;
        Ok(Self { chain, key })
    }

    pub(super) fn from_pem(certificate: &str, key: &str) -> Result<Self, pem::Error> {
        Ok(Self { chain: chain(certificate.as_bytes())?, key: PrivateKeyDer::from_pem_slice(key.as_bytes())? })
    }
}

const FLAG_CERTIFICATE: &str = "tls-cert-file";
const FLAG_KEY: &str = "tls-private-key-file";

pub(super) fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| wrong(flag, path, error))
}

pub(super) fn wrong(flag: &'static str, path: &Path, reason: impl ToString) -> CertificateError {
    CertificateError { flag, path: path.to_owned(), reason: reason.to_string() }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}
