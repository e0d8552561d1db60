//! The certificates of a data directory: an authority, the serving certificate and the
//! administrator's client certificate, made once and used again until they are about to expire.
//!
//! Owns `DATA/pki/` and `DATA/admin.kubeconfig`. Keys never leave files that only their owner
//! may read.

mod files;
mod from_files;
mod inspect;
mod issue;
mod kubeconfig;
mod unvouched;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

pub use files::FileError;
pub use from_files::CertificateError;
pub(crate) use from_files::{FromFiles, Source, wrong};
pub(crate) use inspect::dns_names;
pub use unvouched::AnyCertificate;

use crate::options::PairFiles;
use inspect::{Inspected, inspect};
use issue::Pair;

/// Who holds the certificate in `admin.kubeconfig`.
pub const ADMIN_USER: &str = "kubernetes-admin";
/// The group that may do everything.
pub const ADMIN_GROUP: &str = "system:masters";

/// What is nearer to its end than this is made anew.
const RENEW_BEFORE: Duration = Duration::days(30);

/// Names that clients inside of a cluster use, and the one that people use.
const SERVING_NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("cannot make a certificate: {0}")]
    Issue(#[from] rcgen::Error),
    #[error("{0}")]
    Unreadable(String),
    #[error("`{}` is not usable: {reason}; remove it and its key to have new ones made", .path.display())]
    Unusable { path: PathBuf, reason: String },
}

/// The certificates of one data directory.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    kubeconfig: PathBuf,
    /// Those by which clients reach the server.
    addresses: Vec<IpAddr>,
    authority: Pair,
    admin: Pair,
}

impl Pki {
    /// Reads what is in `DATA/pki`, and makes what is missing, about to expire, or does not fit
    /// the addresses.
    pub fn open(data_dir: &Path, reached_at: &[IpAddr]) -> Result<Self, PkiError> {
        let dir = data_dir.join("pki");
        files::private_dir(&dir)?;
        // Two hosts that start at once must not mix their keys.
        let _lock = files::lock(&dir)?;
        let now = OffsetDateTime::now_utc();
        let authority = match load(&dir, "ca")? {
            // A new authority invalidates what clients hold, so an unreadable one is a person's decision.
            Some((pair, inspected)) if inspected.not_after - RENEW_BEFORE > now => pair,
            Some((_, inspected)) => {
                warn!(
                    expires = %inspected.not_after,
                    "the certificate authority is about to expire: clients need the new admin.kubeconfig"
                );
                store(&dir, "ca", issue::authority("kubernetes")?)?
            }
            None => {
                info!(dir = %dir.display(), "making a certificate authority");
                store(&dir, "ca", issue::authority("kubernetes")?)?
            }
        };
        let addresses = serving_addresses(reached_at);
        let admin = leaves(&dir, &authority, &addresses)?;
        Ok(Self { kubeconfig: data_dir.join("admin.kubeconfig"), dir, addresses, authority, admin })
    }

    /// Makes anew what is about to expire while the server serves; the authority is no part of
    /// that, since its clients would have to know. True if the administrator's is another one.
    pub(crate) fn renew(&mut self) -> Result<bool, PkiError> {
        let _lock = files::lock(&self.dir)?;
        let admin = leaves(&self.dir, &self.authority, &self.addresses)?;
        let is_another = admin.certificate != self.admin.certificate;
        self.admin = admin;
        Ok(is_another)
    }

    /// The authority's certificate, PEM.
    pub fn authority(&self) -> &str {
        &self.authority.certificate
    }

    /// The key that signs tokens of service accounts, for an operator who has given none. Made once:
    /// with another one all tokens are void.
    pub(crate) fn service_account_key(&self) -> Result<PathBuf, PkiError> {
        let _lock = files::lock(&self.dir)?;
        let path = self.dir.join("sa.key");
        if files::read(&path)?.is_none() {
            info!(key = %path.display(), "making a key for tokens of service accounts");
            files::write(&path, 0o600, &rcgen::KeyPair::generate()?.serialize_pem())?;
        }
        Ok(path)
    }

    pub(crate) fn authority_file(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    pub(crate) fn serving_files(&self) -> PairFiles {
        PairFiles { certificate: self.dir.join("apiserver.crt"), key: self.dir.join("apiserver.key") }
    }

    /// The administrator's certificate and its key, PEM.
    pub fn admin(&self) -> (&str, &str) {
        (&self.admin.certificate, &self.admin.key)
    }

    /// Writes `DATA/admin.kubeconfig`, which names the address that is served now, and returns its path.
    ///
    /// `trusted` are the authorities by which clients know the server, PEM: this one's, unless the
    /// operator brought a serving certificate.
    pub fn write_kubeconfig(&self, served: SocketAddr, trusted: &str) -> Result<PathBuf, PkiError> {
        let text = kubeconfig::text(reachable(served), trusted, &self.admin.certificate, &self.admin.key);
        files::write(&self.kubeconfig, 0o600, &text)?;
        Ok(self.kubeconfig.clone())
    }
}

/// Clients cannot connect to the address that means all addresses.
pub(crate) fn reachable(served: SocketAddr) -> SocketAddr {
    let ip = match served.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, served.port())
}

fn serving_addresses(reached_at: &[IpAddr]) -> Vec<IpAddr> {
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for address in reached_at {
        if !address.is_unspecified() && !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    addresses
}

/// What the authority signs: the serving certificate, and the administrator's, which is returned.
fn leaves(dir: &Path, authority: &Pair, addresses: &[IpAddr]) -> Result<Pair, PkiError> {
    let signer = inspect(&authority.certificate)?;
    let now = OffsetDateTime::now_utc();
    let serving = leaf(dir, "apiserver", &signer, now, |old| {
        let missing = SERVING_NAMES.iter().find(|name| !old.names.contains(**name)).map(|name| (*name).to_owned());
        missing
            .or_else(|| addresses.iter().find(|a| !old.addresses.contains(a)).map(IpAddr::to_string))
            .map(|name| format!("does not name `{name}`"))
    });
    if serving?.is_none() {
        store(dir, "apiserver", issue::serving(authority, &SERVING_NAMES, addresses)?)?;
    }
    match leaf(dir, "admin", &signer, now, |_| None)? {
        Some(pair) => Ok(pair),
        None => store(dir, "admin", issue::client(authority, ADMIN_USER, ADMIN_GROUP)?),
    }
}

/// A certificate that can be used again, or nothing, with a line in the log that says why.
fn leaf(
    dir: &Path,
    name: &str,
    authority: &Inspected,
    now: OffsetDateTime,
    unfit: impl FnOnce(&Inspected) -> Option<String>,
) -> Result<Option<Pair>, PkiError> {
    let (pair, inspected) = match load(dir, name) {
        Ok(Some(found)) => found,
        Ok(None) => {
            info!(certificate = name, "making a certificate");
            return Ok(None);
        }
        Err(PkiError::Unusable { reason, .. }) => {
            warn!(certificate = name, "making a new certificate: the old one is not usable: {reason}");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let reason = if inspected.not_after - RENEW_BEFORE <= now {
        Some(format!("expires at {}", inspected.not_after))
    } else if !authority.signed(&inspected) {
        Some("is signed by another authority".to_owned())
    } else {
        unfit(&inspected)
    };
    match reason {
        None => Ok(Some(pair)),
        Some(reason) => {
            info!(certificate = name, "making a new certificate: the old one {reason}");
            Ok(None)
        }
    }
}

/// `NAME.crt` and `NAME.key`; nothing if either is missing.
fn load(dir: &Path, name: &str) -> Result<Option<(Pair, Inspected)>, PkiError> {
    let path = dir.join(name).with_extension("crt");
    let key = files::read(&dir.join(name).with_extension("key"))?;
    let Some((certificate, key)) = files::read(&path)?.zip(key) else { return Ok(None) };
    let unusable = |reason: String| PkiError::Unusable { path: path.clone(), reason };
    let inspected = inspect(&certificate).map_err(|error| unusable(error.to_string()))?;
    let parsed = rcgen::KeyPair::from_pem(&key).map_err(|error| unusable(format!("its key: {error}")))?;
    if !inspected.has_key(&parsed) {
        return Err(unusable("its key is another certificate's".to_owned()));
    }
    Ok(Some((Pair { certificate, key }, inspected)))
}

fn store(dir: &Path, name: &str, pair: Pair) -> Result<Pair, PkiError> {
    files::write(&dir.join(name).with_extension("key"), 0o600, &pair.key)?;
    files::write(&dir.join(name).with_extension("crt"), 0o644, &pair.certificate)?;
    Ok(pair)
}

#[cfg(test)]
mod tests;
