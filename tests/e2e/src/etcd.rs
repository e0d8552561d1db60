//! A real etcd.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::eventually;
use crate::tools::{checkout, require};

/// One member on this machine. It ends with its owner.
#[derive(Debug)]
pub struct Etcd {
    child: Child,
    url: String,
    _directory: TempDir,
}

impl Etcd {
    /// Starts the etcd that `scripts/etcd` has built, and waits until it answers; `None` where it has
    /// not been built.
    #[track_caller]
    pub fn start() -> Option<Etcd> {
        let binary = require(checkout().join(".cache/etcd/etcd"), "run `scripts/etcd`")?;
        // Held until both are known, so that none is given twice.
        let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let [url, peer] = held.each_ref().map(|held| format!("http://{}", held.local_addr().expect("it is bound")));
        drop(held);
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = Command::new(binary);
        command.arg("--data-dir").arg(directory.path()).args(["--log-level", "error"]);
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it can be run");
        let etcd = Etcd { child, url, _directory: directory };
        eventually(|| etcd.is_healthy(), || "etcd does not get healthy".to_owned());
        Some(etcd)
    }

    /// What a host is told.
    pub fn servers(&self) -> &str {
        &self.url
    }

    /// Whether it says so, which it does when it has a leader.
    fn is_healthy(&self) -> bool {
        let ask = || -> io::Result<String> {
            let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))?;
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
