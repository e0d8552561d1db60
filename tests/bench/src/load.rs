//! Requests over TLS from a few connections, each written and read by a thread of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Host, connection};
use rustls::ClientConfig;

use crate::process;

/// As many as keep two cores busy without a queue that hides what one request costs.
pub(crate) const CONNECTIONS: usize = 8;

/// What a run of requests came to.
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) took: Duration,
    /// CPU time of the server.
    pub(crate) cpu: Duration,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }
}

/// A `GET` as it is written on the wire.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n").into_bytes()
}

/// A `HEAD` as it is written on the wire.
pub(crate) fn head(path: &str) -> Vec<u8> {
    format!("HEAD {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\r\n").into_bytes()
}

/// A `POST` as it is written on the wire.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    with_body("POST", path, "application/json", body)
}

/// A `PATCH` as it is written on the wire.
pub(crate) fn patch(path: &str, kind: &str, body: &str) -> Vec<u8> {
    with_body("PATCH", path, kind, body)
}

fn with_body(method: &str, path: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The server that is measured.
pub(crate) struct Target {
    process: u32,
    address: String,
    tls: Arc<ClientConfig>,
}

impl Target {
    pub(crate) fn of(host: &Host) -> Target {
        let tls = connection::administrator(host.data_dir());
        Target { process: host.id(), address: host.address(), tls }
    }

    /// Sends one request again and again for a while.
    pub(crate) fn run(&self, request: &[u8], time: Duration) -> Load {
        let over = AtomicBool::new(false);
        let requests = AtomicUsize::new(0);
        let cpu = process::cpu(self.process);
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut connection = self.connect();
                    while !over.load(Ordering::Relaxed) {
                        connection.exchange(request);
                        requests.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            thread::sleep(time);
            over.store(true, Ordering::Relaxed);
        });
        Load { requests: requests.into_inner(), took: start.elapsed(), cpu: process::cpu(self.process) - cpu }
    }

    /// Sends `count` different requests, each once.
    pub(crate) fn each(&self, count: usize, request: impl Fn(usize) -> Vec<u8> + Sync) {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut connection = self.connect();
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        if i >= count {
                            break;
                        }
                        connection.exchange(&request(i));
                    }
                });
            }
        });
    }

    fn connect(&self) -> Connection {
        let stream = connection::connect(&self.address, &self.tls);
        Connection { stream: BufReader::with_capacity(64 * 1024, stream), line: String::new() }
    }
}

struct Connection {
    stream: BufReader<connection::Connection>,
    line: String,
}

impl Connection {
    /// Writes a request and reads its answer to the end; one that is not a success is a panic.
    fn exchange(&mut self, request: &[u8]) {
        self.stream.get_mut().write_all(request).expect("the host reads");
        let status = self.line();
        assert!(status.starts_with("HTTP/1.1 2"), "{status}");
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = self.line().to_ascii_lowercase();
            match header.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().expect("a length is a number"),
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(_) => {}
                None => break,
            }
        }
        if request.starts_with(b"HEAD ") {
            return;
        }
        if !chunked {
            return self.skip(length);
        }
        loop {
            let length = u64::from_str_radix(&self.line(), 16).expect("a chunk begins with its length");
            self.skip(length + 2);
            if length == 0 {
                return;
            }
        }
    }

    fn line(&mut self) -> String {
        self.line.clear();
        self.stream.read_line(&mut self.line).expect("the host answers");
        self.line.trim_end().to_owned()
    }

    fn skip(&mut self, bytes: u64) {
        let read = std::io::copy(&mut self.stream.by_ref().take(bytes), &mut std::io::sink());
        assert_eq!(read.expect("the host answers"), bytes, "the answer ends early");
    }
}
