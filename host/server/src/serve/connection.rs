//! What is known about a connection, and with it about all of its requests.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::authn::{User, Verified};

#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    verified_user: Verified<Option<Arc<User>>>,
    verified_proxy: Verified<()>,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self { peer, certificates, verified_user: Verified::default(), verified_proxy: Verified::default() }
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the client presented: proven to be its own, not that anybody vouches for it.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
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
