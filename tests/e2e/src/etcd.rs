//! A real etcd.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ports::free_port;
use serde_json::Value;
use tempfile::TempDir;

use crate::eventually;
use crate::tools::{checkout, require};

/// One member on this machine. It ends with its owner.
#[derive(Debug)]
pub struct Etcd {
    child: Child,
    /// For clients.
    url: String,
    /// Where it says how it is, in the clear.
    health: String,
    _directory: TempDir,
}

impl Etcd {
    /// Starts the etcd that `scripts/etcd` has built, and waits until it answers; `None` where it has
    /// not been built.
    #[track_caller]
    pub fn start() -> Option<Etcd> {
        Self::start_with("http", &[])
    }

    /// The same over TLS, with the certificates of a host's data directory, for clients that have
    /// one of the same authority.
    #[track_caller]
    pub fn start_secure(data_dir: &Path) -> Option<Etcd> {
        let file = |name: &str| data_dir.join("pki").join(name).display().to_string();
        let (authority, certificate, key) = (file("ca.crt"), file("apiserver.crt"), file("apiserver.key"));
        let arguments = ["--trusted-ca-file", &authority, "--cert-file", &certificate, "--key-file", &key];
        Self::start_with("https", &[&["--client-cert-auth"], &arguments[..]].concat())
    }

    #[track_caller]
    fn start_with(scheme: &str, arguments: &[&str]) -> Option<Etcd> {
        let binary = require(checkout().join(".cache/etcd/etcd"), "run `scripts/etcd`")?;
        let [client, peer, health] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
        let (url, peer) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = Command::new(binary);
        command.arg("--data-dir").arg(directory.path()).args(["--log-level", "error"]);
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        command.args(["--listen-metrics-urls", &format!("http://{health}")]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it can be run");
        let etcd = Etcd { child, url, health, _directory: directory };
        eventually(|| etcd.is_healthy(), || "etcd does not get healthy".to_owned());
        Some(etcd)
    }

    /// What a host is told.
    pub fn servers(&self) -> &str {
        &self.url
    }

    /// Asks its gateway, behind everybody's back. Keys and values are base64 there.
    #[track_caller]
    pub fn ask(&self, path: &str, body: &Value) {
        let body = body.to_string();
        let address = self.url.trim_start_matches("http://");
        let request = format!("POST {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let asked = TcpStream::connect(address).and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        let answer = asked.expect("etcd answers");
        assert!(answer.split(' ').nth(1) == Some("200"), "{answer}");
    }

    /// Whether it says so, which it does when it has a leader.
    fn is_healthy(&self) -> bool {
        let ask = || -> io::Result<String> {
            let mut stream = TcpStream::connect(&self.health)?;
            stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.contains(r#""health":"true""#))
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
