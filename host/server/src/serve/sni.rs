//! Which certificate a client gets to see.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates by the names that clients ask for, as kube-apiserver picks them: a whole name
/// before one with `*`, and else the default.
#[derive(Debug, Clone)]
pub(super) struct Certificates {
    default: Arc<CertifiedKey>,
    /// For clients that name no server.
    unnamed: Arc<CertifiedKey>,
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    /// Names that were given count before those that certificates have; earlier ones before later.
    pub(super) fn new<'a>(
        default: Arc<CertifiedKey>,
        named: impl DoubleEndedIterator<Item = (&'a [String], &'a [String], &'a Arc<CertifiedKey>)> + Clone,
    ) -> Self {
        let mut by_name = HashMap::new();
        let mut add = |names: &[String], certificate: &Arc<CertifiedKey>| {
            by_name.extend(names.iter().map(|name| (name.to_ascii_lowercase(), certificate.clone())));
        };
        for (given, own, certificate) in named.clone().rev() {
            if given.is_empty() {
                add(own, certificate);
            }
        }
        for (given, _, certificate) in named.rev() {
            add(given, certificate);
        }
        Self { unnamed: default.clone(), default, by_name }
    }

    /// Those for clients that connect to an address and name no server, where that makes a difference.
    pub(super) fn by_address(&self) -> impl Iterator<Item = (IpAddr, Self)> {
        self.by_name.iter().filter_map(|(name, certificate)| {
            let address = name.parse().ok()?;
            Some((address, Self { unnamed: certificate.clone(), ..self.clone() }))
        })
    }

    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.by_name.get(&name).or_else(|| {
            let (_, rest) = name.split_once('.')?;
            self.by_name.get(&format!("*.{rest}"))
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificate = match hello.server_name() {
            Some(name) => self.named(name).unwrap_or(&self.default),
            None => &self.unnamed,
        };
        Some(certificate.clone())
    }
}
