//! kube-apiserver on etcd, as one would run it: every write on disk, certificates for clients.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::connection;
use tempfile::TempDir;

use super::client::Target;
use super::options::Options;

pub(super) const NAME: &str = "kubernetes";
const START_TIME_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(5);

pub(super) struct Kubernetes {
    etcd: Process,
    apiserver: Process,
    address: String,
    /// The host's authority and certificates: the same client for both.
    host_data_dir: PathBuf,
    _directory: TempDir,
}

impl Kubernetes {
    pub(super) async fn start(options: &Options, host_data_dir: &Path) -> Kubernetes {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let [client, peer, secure] = free_addresses();
        let [client, peer] = [client, peer].map(|address| format!("http://{address}"));
        let data = directory.path().join("etcd").display().to_string();
        let etcd = [
            ("--data-dir", &*data),
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &format!("default={peer}")),
            ("--log-level", "error"),
        ];
        let pki = |name: &str| host_data_dir.join("pki").join(name).display().to_string();
        let apiserver = [
            ("--etcd-servers", &*client),
            ("--bind-address", "127.0.0.1"),
            ("--secure-port", secure.rsplit(':').next().expect("it has a port")),
            ("--cert-dir", &directory.path().join("certificates").display().to_string()),
            ("--tls-cert-file", &pki("apiserver.crt")),
            ("--tls-private-key-file", &pki("apiserver.key")),
            ("--client-ca-file", &pki("ca.crt")),
            ("--service-account-key-file", &pki("apiserver.crt")),
            ("--service-account-signing-key-file", &pki("apiserver.key")),
            ("--service-account-issuer", "https://kubernetes.default.svc"),
            ("--service-cluster-ip-range", "10.0.0.0/24"),
            ("--authorization-mode", "RBAC"),
            // There is no controller that makes the accounts that it waits for.
            ("--disable-admission-plugins", "ServiceAccount"),
        ];
        let log = |name: &str| directory.path().join(name);
        let mut kubernetes = Kubernetes {
            etcd: Process::start(&options.etcd, &etcd, log("etcd.log")),
            apiserver: Process::start(&options.kube_apiserver, &apiserver, log("kube-apiserver.log")),
            address: secure,
            host_data_dir: host_data_dir.to_owned(),
            _directory: directory,
        };
        kubernetes.until_ready().await;
        kubernetes
    }

    pub(super) fn target(&self) -> Target {
        let processes = vec![self.apiserver.child.id(), self.etcd.child.id()];
        Target::new(processes, self.address.clone(), connection::administrator(&self.host_data_dir))
    }

    /// Ends both, starts both, and says how long that took until they were ready.
    pub(super) async fn restart(mut self) -> Duration {
        self.apiserver.terminate();
        self.etcd.terminate();
        let begun = Instant::now();
        self.etcd.start_again();
        self.apiserver.start_again();
        self.until_ready().await;
        begun.elapsed()
    }

    async fn until_ready(&mut self) {
        let (target, begun) = (self.target(), Instant::now());
        while !target.is_ready().await {
            assert!(begun.elapsed() < START_TIME_MAX, "not ready in time: {}", self.apiserver.last_words());
            self.etcd.must_run();
            self.apiserver.must_run();
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A child process that ends with its owner.
struct Process {
    child: Child,
    command: Command,
    log: PathBuf,
}

impl Process {
    fn start(binary: &Path, arguments: &[(&str, &str)], log: PathBuf) -> Process {
        let mut command = Command::new(binary);
        for (name, value) in arguments {
            command.args([name, value]);
        }
        let file = File::create(&log).expect("a temporary directory can be written");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let child = spawn(&mut command);
        Process { child, command, log }
    }

    fn start_again(&mut self) {
        self.child = spawn(&mut self.command);
    }

    fn terminate(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "`kill` asks it to end");
        self.child.wait().expect("a child can be waited for");
    }

    fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
            panic!("`{}` ended: {status}\n{}", self.command.get_program().display(), self.last_words());
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command) -> Child {
    let program = command.get_program().display().to_string();
    command.spawn().unwrap_or_else(|error| panic!("`{program}` does not start: {error}"))
}

/// Held until all are known, so that none is given twice.
fn free_addresses<const N: usize>() -> [String; N] {
    let held: [_; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
    held.each_ref().map(|held| held.local_addr().expect("it is bound").to_string())
}
