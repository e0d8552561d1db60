//! Forwarding a request to an address that a link named, and copying bytes where both sides
//! leave HTTP (exec, attach, port-forward, websockets).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_server::RequestBody;
use host_server::pki::AnyCertificate;
use host_server::{Body as HttpBody, BoxError, Failure, Response, Upgrade};
use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::chain::{Fault, Link, RequestState};
use crate::guest::ProxyOrder;

/// How long a connection to the destination may take, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Forwards a request, and streams back what comes.
pub(super) async fn forward(
    request: &Arc<RequestState>,
    link: &Arc<Link>,
    order: ProxyOrder,
    upgrade: bool,
) -> Response {
    match try_forward(request, link, order, upgrade).await {
        Ok(response) => response,
        Err(reason) => {
            link.log().host(tracing::Level::WARN, &format!("a request could not be forwarded: {reason}"));
            host_server::text(StatusCode::SERVICE_UNAVAILABLE, "service unavailable")
        }
    }
}

async fn try_forward(
    request: &Arc<RequestState>,
    link: &Arc<Link>,
    order: ProxyOrder,
    upgrade: bool,
) -> Result<Response, String> {
    let uri: Uri = order.uri.parse().map_err(|error| format!("`{}` is not an address: {error}", order.uri))?;
    let destination = Destination::of(&uri)?;
    if !destination.is_granted(&link.options().grants.proxy) {
        let name = link.name();
        link.conduct().count(Fault::Grant);
        return Err(format!(
            "`{destination}` is not granted to plugin `{name}`: start with `--plugin-grant {name}=proxy:{destination}`"
        ));
    }
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, connect(&destination, &order))
        .await
        .map_err(|_| format!("`{destination}` did not accept a connection in {} s", CONNECT_TIMEOUT.as_secs()))?
        .map_err(|error| format!("`{destination}`: {error}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection))
        .await
        .map_err(|error| format!("`{destination}`: {error}"))?;
    tokio::spawn(connection.with_upgrades());

    let outgoing = outgoing(request, &uri, &destination, &order, upgrade).await?;
    let mut answer = sender.send_request(outgoing).await.map_err(|error| format!("`{destination}`: {error}"))?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        if !upgrade {
            return Err(format!("`{destination}` left HTTP where it was not asked to"));
        }
        let Some(client) = request.take_upgrade() else {
            return Ok(Failure::bad_request("unable to upgrade: the connection cannot leave HTTP").into());
        };
        let server = hyper::upgrade::on(&mut answer);
        let (parts, _) = answer.into_parts();
        let response = Response::from_parts(parts, client.body());
        tokio::spawn(copy_both_ways(client, server));
        return Ok(response);
    }
    let (mut parts, body) = answer.into_parts();
    strip_hop_by_hop(&mut parts.headers);
    Ok(Response::from_parts(parts, HttpBody::stream(body.map_err(|error| Box::new(error) as BoxError))))
}

/// Where a request goes.
pub(crate) struct Destination {
    host: String,
    port: u16,
    tls: bool,
}

impl Destination {
    pub(crate) fn of(uri: &Uri) -> Result<Self, String> {
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(format!("`{uri}` is neither `https` nor `http`")),
        };
        let host = uri.host().ok_or_else(|| format!("`{uri}` names no host"))?.trim_matches(['[', ']']).to_string();
        Ok(Self { host, port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }), tls })
    }

    fn is_granted(&self, grants: &[String]) -> bool {
        let both = self.to_string();
        grants.iter().any(|grant| grant == "*" || *grant == self.host || *grant == both)
    }

    /// As for what a guest asks itself: a host without a port is granted at the port of the scheme.
    pub(crate) fn is_granted_to_fetch(&self, grants: &[String]) -> bool {
        let both = self.to_string();
        let is_usual = self.port == if self.tls { 443 } else { 80 };
        grants.iter().any(|grant| grant == "*" || *grant == both || is_usual && *grant == self.host)
    }

    /// Connects to whom the system's authorities vouch for.
    pub(crate) async fn connect(&self) -> Result<Box<dyn Connection>, BoxError> {
        let order = ProxyOrder {
            uri: String::new(),
            headers: Vec::new(),
            ca_bundle: None,
            server_name: None,
            insecure_skip_verify: false,
        };
        connect(self, &order).await
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An address of IPv6 stands in brackets before a port (RFC 3986, 3.2.2).
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

async fn connect(destination: &Destination, order: &ProxyOrder) -> Result<Box<dyn Connection>, BoxError> {
    let stream = TcpStream::connect((destination.host.as_str(), destination.port)).await?;
    stream.set_nodelay(true)?;
    if !destination.tls {
        return Ok(Box::new(stream));
    }
    let name = order.server_name.clone().unwrap_or_else(|| destination.host.clone());
    let connector = tokio_rustls::TlsConnector::from(Arc::new(tls(order)?));
    Ok(Box::new(connector.connect(ServerName::try_from(name)?, stream).await?))
}

fn tls(order: &ProxyOrder) -> Result<ClientConfig, BoxError> {
    let builder = ClientConfig::builder();
    if order.insecure_skip_verify {
        let verifier = AnyCertificate::new(builder.crypto_provider());
        return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    match &order.ca_bundle {
        Some(bundle) => {
            for certificate in CertificateDer::pem_slice_iter(bundle) {
                roots.add(certificate?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The client's request as the destination gets it: without its credentials, with what the
/// link adds.
async fn outgoing(
    request: &Arc<RequestState>,
    uri: &Uri,
    destination: &Destination,
    order: &ProxyOrder,
    upgrade: bool,
) -> Result<Request<UnsyncBoxBody<Bytes, BoxError>>, String> {
    let mut headers = request.headers.clone();
    let wanted = headers.get(UPGRADE).cloned();
    strip_hop_by_hop(&mut headers);
    for name in [AUTHORIZATION, COOKIE, HOST] {
        headers.remove(name);
    }
    // Who asks is said by the link alone.
    let forged: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-remote-")).cloned().collect();
    for name in forged {
        headers.remove(name);
    }
    let mut seen = Vec::new();
    for (name, value) in &order.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| format!("`{name}` is not a header's name"))?;
        let value =
            HeaderValue::try_from(value.as_str()).map_err(|_| format!("the value of `{name}` is not a header's"))?;
        if !seen.contains(&name) {
            headers.remove(&name);
            seen.push(name.clone());
        }
        headers.append(name, value);
    }
    headers.insert(HOST, HeaderValue::try_from(destination.to_string()).map_err(|error| error.to_string())?);
    if let (true, Some(protocol)) = (upgrade, wanted) {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let body = match request.take_body().await? {
        RequestBody::Incoming(body) => body.map_err(|error| Box::new(error) as BoxError).boxed_unsync(),
        RequestBody::Bytes(bytes) => Full::new(bytes).map_err(|never| match never {}).boxed_unsync(),
        RequestBody::Empty => Full::default().map_err(|never| match never {}).boxed_unsync(),
    };
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = path.parse().map_err(|error| format!("`{path}` is not a path: {error}"))?;
    *outgoing.headers_mut() = headers;
    Ok(outgoing)
}

/// RFC 9110, 7.6.1: what is meant for one connection only.
fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        headers.remove(name);
    }
}

async fn copy_both_ways(client: Upgrade, server: hyper::upgrade::OnUpgrade) {
    let (Ok(mut client), Ok(server)) = tokio::join!(client.connection(), server) else {
        return;
    };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut TokioIo::new(server)).await;
}
