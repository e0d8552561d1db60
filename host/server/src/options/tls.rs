//! With which certificates the server proves who it is, and what it takes for secure.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use rustls::CipherSuite;

use super::check::{Checks, absolute};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Secure serving")]
pub struct TlsOptions {
    /// PEM file with the serving certificate and the chain behind it; without one the host makes its own
    #[arg(long, value_name = "FILE")]
    pub tls_cert_file: Option<PathBuf>,

    /// PEM file with the key of --tls-cert-file
    #[arg(long, value_name = "FILE")]
    pub tls_private_key_file: Option<PathBuf>,

    /// Directory whose apiserver.crt and apiserver.key are served if they are there and --tls-cert-file is not given
    #[arg(long, value_name = "DIR")]
    pub cert_dir: Option<PathBuf>,

    /// Certificate and key for clients that ask for one of these names, or else for one that the certificate has; can
    /// be given more than once
    #[arg(long, value_name = "CERT,KEY[:NAME,...]")]
    pub tls_sni_cert_key: Vec<String>,

    /// Oldest version of TLS that is accepted: VersionTLS12 or VersionTLS13
    #[arg(long, value_name = "VERSION", default_value = "VersionTLS12")]
    pub tls_min_version: String,

    /// Cipher suites for TLS 1.2, by their names in Go; those of TLS 1.3 are always offered
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub tls_cipher_suites: Vec<String>,

    /// Serve HTTP/1.1 only
    #[arg(
        long,
        value_name = "BOOL",
        default_value = "false",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true
    )]
    pub disable_http2_serving: String,
}

/// What [`TlsOptions`] say, checked.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Without it the data directory's own is used.
    pub certificate: Option<PairFiles>,
    pub named: Vec<NamedPair>,
    pub tls_13_only: bool,
    /// For TLS 1.2; empty for all.
    pub(crate) cipher_suites: Vec<CipherSuite>,
    pub http2: bool,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate for clients that ask for certain names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPair {
    pub files: PairFiles,
    /// Those of the certificate, if empty.
    pub names: Vec<String>,
}

/// Go's names, its old ones at the end. The others that Go knows are not offered: they are broken,
/// or have no forward secrecy.
const CIPHER_SUITES: [(&str, CipherSuite); 11] = [
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

impl TlsOptions {
    pub(super) fn complete(&self, checks: &mut Checks) -> Tls {
        Tls {
            certificate: self.certificate(checks),
            named: self.tls_sni_cert_key.iter().filter_map(|text| named_pair(text, checks)).collect(),
            tls_13_only: self.tls_13_only(checks),
            cipher_suites: self.tls_cipher_suites.iter().filter_map(|name| cipher_suite(name, checks)).collect(),
            http2: !checks.flag("disable-http2-serving", &self.disable_http2_serving),
        }
    }

    fn certificate(&self, checks: &mut Checks) -> Option<PairFiles> {
        let (certificate_flag, key_flag) = ("tls-cert-file", "tls-private-key-file");
        let missing =
            |given, missing| format!("--{given} needs --{missing}: a certificate is of no use without its key");
        match (&self.tls_cert_file, &self.tls_private_key_file) {
            (Some(certificate), Some(key)) => {
                checks.file(certificate_flag, certificate);
                checks.file(key_flag, key);
                return Some(PairFiles { certificate: absolute(certificate), key: absolute(key) });
            }
            (Some(_), None) => checks.error(missing(certificate_flag, key_flag)),
            (None, Some(_)) => checks.error(missing(key_flag, certificate_flag)),
            (None, None) => return self.certificate_of_dir(checks),
        }
        None
    }

    fn certificate_of_dir(&self, checks: &mut Checks) -> Option<PairFiles> {
        let file = |name| self.cert_dir.as_ref().map(|dir| dir.join(name));
        let (certificate, key) = file("apiserver.crt").zip(file("apiserver.key"))?;
        if !(certificate.exists() && key.exists()) {
            return None;
        }
        checks.file("cert-dir", &certificate);
        checks.file("cert-dir", &key);
        Some(PairFiles { certificate: absolute(&certificate), key: absolute(&key) })
    }

    fn tls_13_only(&self, checks: &mut Checks) -> bool {
        match self.tls_min_version.as_str() {
            "VersionTLS12" => false,
            "VersionTLS13" => true,
            other => {
                checks.error(format!("--tls-min-version must be `VersionTLS12` or `VersionTLS13`: `{other}`"));
                false
            }
        }
    }
}

/// `CERT,KEY` or `CERT,KEY:NAME,NAME`.
fn named_pair(text: &str, checks: &mut Checks) -> Option<NamedPair> {
    let flag = "tls-sni-cert-key";
    let (files, names) = match text.split_once(':') {
        Some((files, names)) => (files, names.split(',').map(str::trim).map(str::to_owned).collect()),
        None => (text, Vec::new()),
    };
    let mut files = files.split(',').map(str::trim);
    let (Some(certificate), Some(key), None) = (files.next(), files.next(), files.next()) else {
        checks.error(format!("--{flag} must have the form `CERT,KEY` or `CERT,KEY:NAME,...`: `{text}`"));
        return None;
    };
    if let Some(name) = names.iter().find(|name| !is_pattern(name)) {
        checks.error(format!("--{flag} needs names such as `example.com`, `*.example.com` or `10.0.0.1`: `{name}`"));
        return None;
    }
    let [certificate, key] = [certificate, key].map(|path| {
        checks.file(flag, Path::new(path));
        absolute(Path::new(path))
    });
    Some(NamedPair { files: PairFiles { certificate, key }, names })
}

/// A name that a client may ask for, an address, or one name with `*` for its first label.
fn is_pattern(name: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let rest = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_ok() || name == "*" || rest.split('.').all(is_label)
}

fn cipher_suite(name: &str, checks: &mut Checks) -> Option<CipherSuite> {
    let found = CIPHER_SUITES.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite);
    if found.is_none() {
        let known: Vec<_> = CIPHER_SUITES.iter().map(|(name, _)| format!("`{name}`")).collect();
        checks.error(format!("--tls-cipher-suites does not offer `{name}`: choose from {}", known.join(", ")));
    }
    found
}
