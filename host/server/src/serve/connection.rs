//! What is known about a connection, and with it about all of its requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use rustls::pki_types::CertificateDer;

use crate::authn::{Authorities, Refusal, User};

/// How long a certificate that was verified counts as such: it may expire while the connection lives.
const VERIFIED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    verified: RwLock<Option<Verified>>,
}

#[derive(Debug, Clone)]
struct Verified {
    at: Instant,
    by: Arc<Authorities>,
    user: Result<Option<Arc<User>>, Refusal>,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self { peer, certificates, verified: RwLock::new(None) }
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// What the client presented: proven to be its own, not that anybody vouches for it.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Whom the certificate names, by `verify` or as the same `authorities` had it a moment ago.
    pub(crate) fn certificate_user(
        &self,
        now: Instant,
        authorities: &Arc<Authorities>,
        verify: impl FnOnce(&[CertificateDer<'static>]) -> Result<Option<Arc<User>>, Refusal>,
    ) -> Result<Option<Arc<User>>, Refusal> {
        if let Some(verified) = &*self.verified.read()
            && now.saturating_duration_since(verified.at) < VERIFIED_FOR
            && Arc::ptr_eq(&verified.by, authorities)
        {
            return verified.user.clone();
        }
        let user = verify(&self.certificates);
        *self.verified.write() = Some(Verified { at: now, by: authorities.clone(), user: user.clone() });
        user
    }
}
