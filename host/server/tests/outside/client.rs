//! Connections to a server under test.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::director::Served;

pub(crate) const H1: &str = "http/1.1";
pub(crate) const H2: &str = "h2";

/// One connection.
pub(crate) struct Client {
    sender: Sender,
    connection: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Certificate and key, PEM.
pub(crate) type Identity = (String, String);

impl Served {
    pub(crate) fn admin(&self) -> Identity {
        admin(self.data.path())
    }

    /// A connection of the administrator.
    pub(crate) async fn client(&self, protocol: &str) -> Client {
        self.connect(protocol, Some(self.admin())).await.unwrap()
    }

    pub(crate) async fn connect(&self, protocol: &str, identity: Option<Identity>) -> std::io::Result<Client> {
        connect(self.data.path(), self.running.address(), protocol, identity).await
    }
}

/// The administrator of a data directory.
pub(crate) fn admin(data: &Path) -> Identity {
    let file = |name: &str| std::fs::read_to_string(data.join("pki").join(name)).unwrap();
    (file("admin.crt"), file("admin.key"))
}

pub(crate) async fn connect(
    data: &Path,
    address: SocketAddr,
    protocol: &str,
    identity: Option<Identity>,
) -> std::io::Result<Client> {
    let stream = handshake(address, client_config(data, protocol, identity)).await?;
    Ok(Client::new(stream, protocol).await)
}

pub(crate) async fn handshake(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::from(address.ip()), stream).await
}

pub(crate) fn client_config(data: &Path, protocol: &str, identity: Option<Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data.join("pki/ca.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
    };
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config
}

impl Client {
    async fn new(stream: TlsStream<TcpStream>, protocol: &str) -> Self {
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        let io = TokioIo::new(stream);
        if protocol == H2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            let connection = tokio::spawn(async move { drop(connection.await) });
            Self { sender: Sender::Http2(sender), connection }
        } else {
            let (sender, connection) = http1::handshake(io).await.unwrap();
            let connection = tokio::spawn(async move { drop(connection.with_upgrades().await) });
            Self { sender: Sender::Http1(sender), connection }
        }
    }

    /// Somebody else who uses the same connection, which has to be HTTP/2.
    pub(crate) fn beside(&self) -> Client {
        let Sender::Http2(sender) = &self.sender else { panic!("HTTP/1.1 has one request at a time") };
        Client { sender: Sender::Http2(sender.clone()), connection: tokio::spawn(async {}) }
    }

    /// The head of the answer as soon as it is there.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<(u16, HeaderMap, String)> {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> hyper::Result<(u16, HeaderMap, String)> {
        let mut request = request(Method::GET, path, Bytes::new());
        for (name, value) in headers {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        read(self.send(request).await?).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Bytes) -> hyper::Result<(u16, HeaderMap, String)> {
        read(self.send(request(Method::POST, path, body)).await?).await
    }

    /// Resolves when the server has closed the connection.
    pub(crate) async fn ended(&mut self) {
        (&mut self.connection).await.unwrap();
    }

    /// Whether the server takes no more requests on the connection.
    pub(crate) async fn closed(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_err(),
            Sender::Http2(sender) => sender.ready().await.is_err(),
        }
    }
}

pub(crate) fn request(method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let uri = format!("https://localhost{path}");
    Request::builder().method(method).uri(uri).header("host", "localhost").body(Full::new(body)).unwrap()
}

pub(crate) async fn read(response: Response<Incoming>) -> hyper::Result<(u16, HeaderMap, String)> {
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok((head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap()))
}
