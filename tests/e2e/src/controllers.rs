//! The real kube-controller-manager, beside a host.

use std::path::PathBuf;
use std::process::Command;

use crate::Host;
use crate::host::Running;
use crate::tools::{checkout, require};

/// What it says at the level of errors on every kube-apiserver, and what follows from there being
/// neither nodes nor metrics: nothing that a host could do better.
const EXPECTED: [&str; 6] = [
    "The manifest file is empty",
    // Races between its own writes and its caches, which it runs again.
    "the object has been modified",
    "is not as new as written version",
    // The status of a replica set that its garbage collector has just deleted.
    "failed with replicasets.apps \\\"",
    // Nobody notes here when tokens of secrets were last used, so nobody cleans them up.
    "legacy_serviceaccount_token_cleaner",
    "unable to fetch metrics from resource metrics API",
];

/// A kube-controller-manager that runs. Ends with its owner.
#[derive(Debug)]
pub struct Controllers {
    running: Running,
    _plugins: tempfile::TempDir,
}

impl Controllers {
    /// Every controller with a service account of its own, so that each has a token of the host's;
    /// `None` where it has not been built.
    pub fn start(host: &Host) -> Option<Controllers> {
        let binary = require(checkout().join(".cache/clients/bin/kube-controller-manager"), "run `make clients`")?;
        let plugins = tempfile::tempdir().expect("a temporary directory can be made");
        let mut command = Command::new(binary);
        let mut with = |flag: &str, path: PathBuf| {
            command.arg(format!("--{flag}={}", path.display()));
        };
        for flag in ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"] {
            with(flag, host.kubeconfig());
        }
        with("service-account-private-key-file", host.data_dir().join("pki/sa.key"));
        with("root-ca-file", host.data_dir().join("pki/ca.crt"));
        with("flex-volume-plugin-dir", plugins.path().into());
        command.args(["--use-service-account-credentials", "--secure-port=0"]);
        // No kubelet says that a node is there: it stays as ready as a test says that it is.
        command.arg("--node-monitor-grace-period=1h");
        // Nobody else would lead: a busy machine is no reason to end.
        command.args(["--leader-elect-lease-duration=10m", "--leader-elect-renew-deadline=9m"]);
        Some(Controllers { running: Running::spawn(&mut command), _plugins: plugins })
    }

    /// What it has complained about.
    pub fn errors(&self) -> Vec<String> {
        let log = self.running.log();
        let errors = log.lines().filter(|line| line.starts_with('E') || line.starts_with('F'));
        errors
            .filter(|line| !EXPECTED.iter().any(|known| line.contains(known)) && !is_of_what_is_gone(line))
            .map(str::to_owned)
            .collect()
    }
}

/// Whether it is about a job, a quota or a replica set that went with its namespace while it was looked at.
fn is_of_what_is_gone(line: &str) -> bool {
    let kinds = ["replicasets.apps \\\"", "jobs.batch \\\"", "resourcequotas \\\""];
    line.contains("\\\" not found") && kinds.iter().any(|kind| line.contains(kind))
}
