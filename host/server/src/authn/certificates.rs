//! Client certificates: verified here and not in the handshake, so that a certificate that
//! nobody knows is an answer (401) and not a broken connection.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{DistinguishedName, RootCertStore};
use x509_parser::oid_registry::{Oid, asn1_rs::oid};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::User;

/// Where a certificate may carry its user's uid.
const UID: Oid<'static> = oid!(1.3.6.1.4.1.57683.2);
/// The extra that identifies the credential in audit events.
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientCaError {
    #[error("cannot read client authorities: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("a client authority is not usable: {0}")]
    Authority(#[from] rustls::Error),
    #[error("there is no client authority: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The authorities whose client certificates are accepted now: they change with their files.
#[derive(Debug)]
pub(crate) struct ClientAuthorities(RwLock<Arc<Authorities>>);

impl ClientAuthorities {
    pub(crate) fn new(authorities: Arc<Authorities>) -> Self {
        Self(RwLock::new(authorities))
    }

    pub(crate) fn current(&self) -> Arc<Authorities> {
        self.0.read().clone()
    }

    pub(crate) fn replace(&self, authorities: Arc<Authorities>) {
        *self.0.write() = authorities;
    }
}

/// Authorities whose client certificates are accepted.
#[derive(Debug)]
pub(crate) struct Authorities {
    verifier: Arc<dyn ClientCertVerifier>,
    certificates: Vec<CertificateDer<'static>>,
    pem: String,
}

impl Authorities {
    /// All certificates in `pem`.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, ClientCaError> {
        let mut roots = RootCertStore::empty();
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
        for certificate in &certificates {
            roots.add(certificate.clone())?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { verifier, certificates, pem: String::from_utf8_lossy(pem).into_owned() })
    }

    /// Whether both accept certificates of the same authority.
    pub(crate) fn has_one_of(&self, other: &Self) -> bool {
        self.certificates.iter().any(|certificate| other.certificates.contains(certificate))
    }

    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// What clients are told in the handshake, so that they pick the right certificate.
    pub(crate) fn subjects(&self) -> Vec<DistinguishedName> {
        self.verifier.root_hint_subjects().to_vec()
    }

    fn verify(&self, leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), String> {
        let verified = self.verifier.verify_client_cert(leaf, intermediates, UnixTime::now());
        verified.map(drop).map_err(|error| format!("verifying certificate failed: {error}"))
    }

    /// The common name of a chain; empty if it has none.
    pub(super) fn subject(&self, chain: &[CertificateDer<'_>]) -> Result<String, String> {
        let (leaf, intermediates) = chain.split_first().ok_or("there is no certificate")?;
        self.verify(leaf, intermediates)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
        let name = certificate.subject().iter_common_name().last().and_then(|name| name.as_str().ok());
        Ok(name.unwrap_or_default().to_owned())
    }

    /// The user whom a chain names; nobody if it has no common name.
    pub(super) fn user(&self, chain: &[CertificateDer<'_>]) -> Result<Option<User>, String> {
        let Some((leaf, intermediates)) = chain.split_first() else { return Ok(None) };
        self.verify(leaf, intermediates)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|error| error.to_string())?;
        let subject = certificate.subject();
        // As upstream, the last one where there are several.
        let Some(name) = subject.iter_common_name().last().and_then(|name| name.as_str().ok()) else {
            return Ok(None);
        };
        if name.is_empty() {
            return Ok(None);
        }
        let groups = subject.iter_organization().filter_map(|group| group.as_str().ok()).map(str::to_owned);
        let mut uids = subject.iter_by_oid(&UID).map(|uid| uid.as_str().map_err(|error| error.to_string()));
        let uid = uids.next().transpose()?.unwrap_or_default();
        if uids.next().is_some() {
            return Err("the certificate names more than one uid".to_owned());
        }
        let fingerprint: String = digest(&SHA256, leaf).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(User {
            name: name.to_owned(),
            uid: uid.to_owned(),
            groups: groups.collect(),
            extra: vec![(CREDENTIAL_ID.to_owned(), vec![format!("X509SHA256={fingerprint}")])],
        }))
    }
}
