//! The client that both are asked by: HTTP/1.1 over TLS (HTTP/2 is in [`super::http2`]), written by
//! hand, since a client that costs more than the server measures itself.

use std::sync::Arc;

use e2e::{Host, connection};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::http2::Http2;
use crate::process;

pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n").into_bytes()
}

/// The same of a client that takes the answer packed, and leaves it so.
pub(super) fn get_packed(path: &str) -> Vec<u8> {
    let accept = "accept: application/json\r\naccept-encoding: gzip";
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{accept}\r\n\r\n").into_bytes()
}

pub(super) fn post(path: &str, object: &Value) -> Vec<u8> {
    with_body("POST", path, "application/json", object)
}

pub(super) fn put(path: &str, object: &Value) -> Vec<u8> {
    with_body("PUT", path, "application/json", object)
}

pub(super) fn patch(path: &str, kind: &str, change: &Value) -> Vec<u8> {
    with_body("PATCH", path, kind, change)
}

fn with_body(method: &str, path: &str, kind: &str, object: &Value) -> Vec<u8> {
    let body = object.to_string();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A server that is measured: where it listens, and the processes that it is made of.
#[derive(Clone)]
pub(super) struct Target {
    processes: Vec<u32>,
    address: String,
    tls: TlsConnector,
    http2: TlsConnector,
}

impl Target {
    pub(super) fn of_host(host: &Host) -> Target {
        Self::new(vec![host.id()], host.address(), connection::administrator(host.data_dir()))
    }

    pub(super) fn new(processes: Vec<u32>, address: String, tls: Arc<ClientConfig>) -> Target {
        let mut http2 = ClientConfig::clone(&tls);
        http2.alpn_protocols = vec![b"h2".to_vec()];
        Target { processes, address, tls: tls.into(), http2: Arc::new(http2).into() }
    }

    pub(super) fn cpu(&self) -> std::time::Duration {
        self.processes.iter().map(|process| process::cpu(*process)).sum()
    }

    pub(super) fn resident_kb(&self) -> u64 {
        self.processes.iter().map(|process| process::memory(*process).resident_kb).sum()
    }

    pub(super) async fn connect(&self) -> Connection {
        self.try_connect()
            .await
            .unwrap_or_else(|error| panic!("`{}` does not take a connection: {error}", self.address))
    }

    /// A connection that many requests share.
    pub(super) async fn connect_http2(&self) -> Http2 {
        Http2::on(self.secure(&self.http2).await.expect("the server takes a connection")).await
    }

    async fn try_connect(&self) -> std::io::Result<Connection> {
        let stream = self.secure(&self.tls).await?;
        Ok(Connection { stream: BufReader::with_capacity(64 << 10, stream), line: Vec::new() })
    }

    async fn secure(&self, tls: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(&self.address).await?;
        tcp.set_nodelay(true)?;
        tls.connect(ServerName::from(std::net::Ipv4Addr::LOCALHOST), tcp).await
    }

    /// Whether it says so itself.
    pub(super) async fn is_ready(&self) -> bool {
        let Ok(mut connection) = self.try_connect().await else { return false };
        connection.ask(&get("/readyz")).await.is_ok_and(|head| head.status == 200)
    }
}

pub(super) struct Connection {
    stream: BufReader<TlsStream<TcpStream>>,
    line: Vec<u8>,
}

pub(super) struct Head {
    pub(super) status: u16,
    /// None for a body in chunks.
    length: Option<usize>,
}

impl Connection {
    /// Writes a request and reads its answer to the end; one that is not a success is a panic.
    pub(super) async fn exchange(&mut self, request: &[u8]) {
        let head = self.ask(request).await.expect("the server answers");
        let refused = !(200..300).contains(&head.status);
        let mut said = Vec::new();
        let mut see = |piece: &[u8]| {
            if refused {
                said.extend_from_slice(piece);
            }
        };
        match head.length {
            Some(length) => self.skip(length, see).await,
            None => while self.chunk(&mut see).await {},
        }
        let text = String::from_utf8_lossy;
        assert!(!refused, "{}: {}\n{}", head.status, text(&said), text(request));
    }

    /// Writes a request and reads the head of its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> std::io::Result<Head> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let status = String::from_utf8_lossy(self.line().await?).split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut head = Head { status: status.ok_or(std::io::ErrorKind::InvalidData)?, length: Some(0) };
        loop {
            let line = String::from_utf8_lossy(self.line().await?).to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", length)) => head.length = length.parse().ok(),
                Some(("transfer-encoding", _)) => head.length = None,
                Some(_) => {}
                None => return Ok(head),
            }
        }
    }

    /// Reads a chunk of the body, piece by piece; false for the last, which is empty.
    pub(super) async fn chunk(&mut self, seen: impl FnMut(&[u8])) -> bool {
        let line = self.line().await.expect("the answer goes on");
        let length = std::str::from_utf8(line).ok().and_then(|line| usize::from_str_radix(line, 16).ok());
        let length = length.expect("a chunk begins with its length");
        self.skip(length, seen).await;
        self.skip(2, |_| ()).await;
        length > 0
    }

    async fn line(&mut self) -> std::io::Result<&[u8]> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line).await?;
        Ok(self.line.trim_ascii_end())
    }

    async fn skip(&mut self, mut bytes: usize, mut seen: impl FnMut(&[u8])) {
        while bytes > 0 {
            let piece = self.stream.fill_buf().await.expect("the server answers");
            assert!(!piece.is_empty(), "the answer ends early");
            let piece = &piece[..piece.len().min(bytes)];
            seen(piece);
            let length = piece.len();
            self.stream.consume(length);
            bytes -= length;
        }
    }
}
