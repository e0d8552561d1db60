//! What is known about a connection, and with it about all of its requests.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authn::{User, Verified};

#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    verified_user: Verified<Option<Arc<User>>>,
    verified_proxy: Verified<()>,
    expires: OnceLock<Option<Expiry>>,
}

/// When a certificate was looked at, and how many seconds it had left.
#[derive(Debug, Clone, Copy)]
struct Expiry {
    at: Instant,
    left: f64,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            peer,
            certificates,
            verified_user: Verified::default(),
            verified_proxy: Verified::default(),
            expires: OnceLock::new(),
        }
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the client presented: proven to be its own, not that anybody vouches for it.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Seconds until the certificate expires, or below 0 since it has. Nothing if there is none that can be read.
    pub(crate) fn certificate_left(&self, now: Instant) -> Option<f64> {
        let expires = self.expires.get_or_init(|| {
            let (_, certificate) = X509Certificate::from_der(self.certificates.first()?).ok()?;
            let today = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let expires = certificate.validity().not_after.timestamp();
            Some(Expiry { at: now, left: expires as f64 - today.as_secs_f64() })
        });
        expires.map(|Expiry { at, left }| left - now.saturating_duration_since(at).as_secs_f64())
    }

    /// Whom the certificate names.
    pub(crate) fn verified_user(&self) -> &Verified<Option<Arc<User>>> {
        &self.verified_user
    }

    /// Whether it is the front proxy's.
    pub(crate) fn verified_proxy(&self) -> &Verified<()> {
        &self.verified_proxy
    }
}
