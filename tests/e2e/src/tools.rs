//! Where the programs are that the tests run, and how one is run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io::Write as _};

use crate::Host;

/// The root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The directory `cargo build --release` writes to.
pub(crate) fn release_directory() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => checkout().join(target).join("release"),
        None => checkout().join("target/release"),
    }
}

/// A file that a test cannot do without. A person is told what is missing and how to get it;
/// in CI its absence is a failure, so that a test that does not run is never green.
pub(crate) fn require(path: PathBuf, remedy: &str) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    let message = format!("NOT RUN: `{}` does not exist: {remedy}\n", path.display());
    assert!(env::var_os("CI").is_none(), "{message}");
    // Past the test harness, which shows the output of a passing test to nobody.
    std::io::stderr().write_all(message.as_bytes()).expect("standard error is open");
    None
}

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The standard output of a program that has to succeed.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The standard error of a program that has to fail.
    #[track_caller]
    pub fn failure(self) -> String {
        assert_ne!(self.code, Some(0), "succeeded, with stdout:\n{}", self.stdout);
        self.stderr
    }
}

/// Runs a program to its end, with `input` on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`{}` does not start: {error}", command.get_program().display()));
    // A program that reads no input may have closed it already.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("a child can be waited for");
    Output {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The pinned kubectl, with the kubeconfig of one host and caches of its own.
#[derive(Debug)]
pub struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    home: tempfile::TempDir,
}

impl Kubectl {
    /// `None` where it has not been built.
    pub fn of(host: &Host) -> Option<Kubectl> {
        let binary = require(checkout().join(".cache/clients/bin/kubectl"), "run `make clients`")?;
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        Some(Kubectl { binary, kubeconfig: host.kubeconfig(), home })
    }

    /// The command, for what [`run`](Kubectl::run) does not offer.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("HOME", self.home.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments), "")
    }

    /// Runs it with a manifest on its standard input.
    pub fn run_with(&self, arguments: &[&str], manifest: &str) -> Output {
        run(&mut self.command(arguments), manifest)
    }

    /// Runs `kubectl edit` with an editor that puts `to` in the place of `from`.
    pub fn edit(&self, arguments: &[&str], from: &str, to: &str) -> Output {
        let script = self.home.path().join("editor");
        fs::write(&script, format!("#!/bin/sh\nsed -i 's/{from}/{to}/' \"$1\"\n")).expect("the home can be written");
        let mut command = self.command(&[&["edit"], arguments].concat());
        run(command.env("KUBE_EDITOR", format!("sh {}", script.display())), "")
    }
}

/// The pinned helm, with the kubeconfig of one host and a home of its own.
#[derive(Debug)]
pub struct Helm {
    binary: PathBuf,
    kubeconfig: PathBuf,
    home: tempfile::TempDir,
}

impl Helm {
    /// `None` where it has not been built.
    pub fn of(host: &Host) -> Option<Helm> {
        let binary = require(checkout().join(".cache/clients/bin/helm"), "run `make clients`")?;
        let home = tempfile::tempdir().expect("a temporary directory can be made");
        Some(Helm { binary, kubeconfig: host.kubeconfig(), home })
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        run(command.args(arguments).env("KUBECONFIG", &self.kubeconfig).env("HOME", self.home.path()), "")
    }
}

/// Runs our session in Go; `None` where it has not been built.
pub fn typed(host: &Host) -> Option<Output> {
    let binary = require(checkout().join(".cache/clients/bin/typed"), "run `make clients`")?;
    Some(run(Command::new(binary).env("KUBECONFIG", host.kubeconfig()), ""))
}

/// Runs a script with the pinned Python client; `None` where it has not been installed.
pub fn python(script: &Path, host: &Host) -> Option<Output> {
    let python = require(checkout().join(".cache/clients/venv/bin/python"), "run `make clients`")?;
    Some(run(Command::new(python).arg(script).env("KUBECONFIG", host.kubeconfig()), ""))
}

/// The system's openssl, which verifies what we sign without code of ours.
pub fn openssl() -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders).map(|folder| folder.join("openssl")).find(|path| path.exists());
    require(found.unwrap_or_else(|| "openssl".into()), "install OpenSSL")
}

/// Plays one scenario of the differential test against a host.
pub fn differential(scenario: &str, host: &Host) -> Output {
    recorded("differential.py", &["--only", scenario], host)
}

/// Compares what a host says with what a kube-apiserver said, by a script of the differential test.
pub fn recorded(script: &str, arguments: &[&str], host: &Host) -> Output {
    let mut command = Command::new("python3");
    command.arg(checkout().join("tests/differential").join(script)).arg("run").args(arguments);
    command.args(["--server", &host.client().url("")]);
    for (option, file) in [("--cert", "admin.crt"), ("--key", "admin.key"), ("--ca", "ca.crt")] {
        command.arg(option).arg(host.data_dir().join("pki").join(file));
    }
    run(&mut command, "")
}

/// Runs a script of `tests/` that has kubectl talk to a host, and compares what it says with what it says of a
/// kube-apiserver; `None` where kubectl has not been built.
pub fn compared(script: &str, arguments: &[&str], host: &Host) -> Option<Output> {
    let kubectl = require(checkout().join(".cache/clients/bin/kubectl"), "run `make clients`")?;
    let mut command = Command::new("python3");
    command.arg(checkout().join("tests").join(script)).arg("check").args(arguments);
    Some(run(command.arg("--kubectl").arg(kubectl).arg("--kubeconfig").arg(host.kubeconfig()), ""))
}

/// Where the sources are of a module that `tests/projects/go.mod` pins.
pub fn module_directory(module: &str) -> Option<PathBuf> {
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", module]).current_dir(checkout().join("tests/projects"));
    let described = run(&mut command, "").success();
    let described: serde_json::Value = serde_json::from_str(&described).expect("go answers JSON");
    require(described["Dir"].as_str().unwrap_or_default().into(), "`go mod download` has to find it")
}
