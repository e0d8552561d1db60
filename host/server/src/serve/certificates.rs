//! Certificates and their keys, as they come from files.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::options::PairFiles;
use crate::pki::{CertificateError, FromFiles, Source, dns_names, wrong};

/// A certificate and its key.
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// The names that the certificate has.
    pub(super) names: Vec<String>,
    pub(super) pem: String,
}

/// The pair in two files, which `flags` name.
pub(super) fn pair(flags: [&'static str; 2], files: &PairFiles) -> Result<FromFiles<Pair>, CertificateError> {
    let certificate = Source { flag: flags[0], path: files.certificate.clone() };
    let key = Source { flag: flags[1], path: files.key.clone() };
    FromFiles::read(vec![certificate.clone(), key.clone()], move |contents| {
        let [chain_pem, key_pem] = contents else { unreachable!("there is a content for each source") };
        let chain = CertificateDer::pem_slice_iter(chain_pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| wrong(&certificate, error))?;
        let leaf = chain.first().ok_or_else(|| wrong(&certificate, "it has no certificate"))?;
        let names = dns_names(leaf).map_err(|error| wrong(&certificate, error))?;
        let private = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| wrong(&key, error))?;
        let pair = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider());
        let pair = pair.map_err(|error| wrong(&key, error))?;
        Ok(Pair { key: Arc::new(pair), names, pem: String::from_utf8_lossy(chain_pem).into_owned() })
    })
}
