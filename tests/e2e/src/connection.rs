//! A TLS connection without an HTTP client on it, for what such a client does not do.

use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub type Connection = StreamOwned<ClientConnection, TcpStream>;

/// How the administrator of a data directory connects; no protocol is negotiated, so HTTP/1.1.
pub fn administrator(data_dir: &Path) -> Arc<ClientConfig> {
    let pki = data_dir.join("pki");
    let certificate = |name| CertificateDer::from_pem_file(pki.join(name)).expect("it is a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.crt")).expect("it is an authority");
    let key = PrivateKeyDer::from_pem_file(pki.join("admin.key")).expect("it is a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate("admin.crt")], key);
    Arc::new(config.expect("the key fits the certificate"))
}

/// Connects to `HOST:PORT`.
pub fn connect(address: &str, config: &Arc<ClientConfig>) -> Connection {
    let tcp = TcpStream::connect(address).expect("the host listens");
    tcp.set_nodelay(true).expect("a socket takes the option");
    let name = address.rsplit_once(':').expect("it has a port").0.to_owned();
    let name = ServerName::try_from(name).expect("it is an address");
    let tls = ClientConnection::new(Arc::clone(config), name).expect("the configuration is valid");
    StreamOwned::new(tls, tcp)
}
