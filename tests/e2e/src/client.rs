//! An HTTPS client that trusts a host's own authority and is its administrator.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request, Response};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// No answer takes longer, unless the host hangs.
const REQUEST_SECONDS_MAX: u64 = 60;

#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    server: String,
    /// Sent with each request.
    header: Option<(String, String)>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// What was asked, for messages.
    request: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body, which has to be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// This answer, which has to have a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}: {}", self.request, self.text());
        self
    }
}

impl Client {
    /// The administrator of a data directory, at an address (`HOST:PORT`) that is not its host's own.
    pub fn at(address: &str, data_dir: &Path) -> Client {
        Client::administrator(&format!("https://{address}"), &data_dir.join("pki"))
    }

    /// A client of `server` with the certificates in the `pki` directory of a host.
    pub(crate) fn administrator(server: &str, pki: &Path) -> Client {
        let read = |name: &str| fs::read(pki.join(name)).unwrap_or_else(|error| panic!("pki/{name}: {error}"));
        let certificate = |name| Certificate::from_pem(&read(name)).expect("it is a certificate").to_owned();
        let key = PrivateKey::from_pem(&read("admin.key")).expect("it is a key").to_owned();
        let identity = ClientCert::new_with_certs(&[certificate("admin.crt")], key);
        Client::new(server, RootCerts::new_with_certs(&[certificate("ca.crt")]), Some(identity))
    }

    /// The same server, with no credentials.
    pub fn anonymous(server: &str, authority: &Path) -> Client {
        let read = fs::read(authority).unwrap_or_else(|error| panic!("{}: {error}", authority.display()));
        let authority = Certificate::from_pem(&read).expect("it is a certificate").to_owned();
        Client::new(server, RootCerts::new_with_certs(&[authority]), None)
    }

    fn new(server: &str, roots: RootCerts, identity: Option<ClientCert>) -> Client {
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .client_cert(identity)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(REQUEST_SECONDS_MAX)))
            .build()
            .new_agent();
        Client { agent, server: server.to_owned(), header: None }
    }

    /// The same client, that sends this header with each request.
    pub fn with_header(&self, name: &str, value: &str) -> Client {
        Client { header: Some((name.to_owned(), value.to_owned())), ..self.clone() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    /// Sends a request whose failure the caller expects: a host that is killed answers nothing.
    pub fn try_send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> io::Result<Reply> {
        let response = self.response(method, path, content_type, body)?;
        let (head, body) = response.into_parts();
        let mut reply = Reply {
            request: format!("{method} {path}"),
            status: head.status.as_u16(),
            headers: head.headers,
            body: Vec::new(),
        };
        body.into_reader().read_to_end(&mut reply.body)?;
        Ok(reply)
    }

    fn response(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Response<ureq::Body>> {
        self.response_as("application/json", method, path, kind, body)
    }

    fn response_as(
        &self,
        accept: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> io::Result<Response<ureq::Body>> {
        let mut request = Request::builder().method(method).uri(self.url(path));
        if let Some((name, value)) = &self.header {
            request = request.header(name, value);
        }
        // Of several the first counts.
        let request = request.header("accept", accept);
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).map_err(io::Error::other)?)
        } else {
            self.agent.run(request.header("content-type", kind).body(body).map_err(io::Error::other)?)
        };
        sent.map_err(io::Error::other)
    }

    #[track_caller]
    pub fn send(&self, method: &str, path: &str, content_type: &str, body: &[u8]) -> Reply {
        self.try_send(method, path, content_type, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", b"")
    }

    #[track_caller]
    pub fn post(&self, path: &str, object: &Value) -> Reply {
        self.send("POST", path, "application/json", object.to_string().as_bytes())
    }

    /// Opens a stream, such as a watch, whose lines arrive as they are written.
    #[track_caller]
    pub fn stream(&self, path: &str) -> impl Iterator<Item = Value> + Send + use<> {
        self.stream_as("application/json", path)
    }

    /// The same in another form, such as a table.
    #[track_caller]
    pub fn stream_as(&self, accept: &str, path: &str) -> impl Iterator<Item = Value> + Send + use<> {
        let response = self.response_as(accept, "GET", path, "", b"");
        let response = response.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        assert_eq!(response.status(), 200, "GET {path}");
        let lines = io::BufRead::lines(io::BufReader::new(response.into_body().into_reader()));
        lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).expect("a line is JSON"))
    }
}
