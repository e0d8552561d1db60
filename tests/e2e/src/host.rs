//! The real `host` as a child process.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::Client;
use crate::tools::{Output, checkout, release_directory, require, run};

/// How long a start may take: on a fresh machine each plugin is compiled first.
const START_SECONDS_MAX: u64 = 180;
/// How long a process may take to end once it is asked to.
const STOP_SECONDS_MAX: u64 = 90;
/// How long anything else may take that happens by itself.
const EVENTUALLY_SECONDS_MAX: u64 = 60;
/// Between two looks at something that has no other way to say it has changed.
const POLL: Duration = Duration::from_millis(1);

/// The name by which a host is a kube-apiserver.
const KUBE_APISERVER: &str = "kube-apiserver";

/// What a host is started with. It outlives the process, so that the same data directory
/// can be served again.
#[derive(Clone, Debug)]
pub struct Setup {
    binary: PathBuf,
    /// Holds the data directory, and beside it what only the tests need.
    directory: Arc<TempDir>,
    data_dir: PathBuf,
    arguments: Vec<String>,
}

/// Grants of a scripted link: it imports all of this, and most scripts use none of it.
pub const WITHOUT: [&str; 3] = ["without:dir", "without:net", "without:http"];

impl Setup {
    /// A fresh data directory and no plugin. `None` where the host has not been built.
    pub fn bare() -> Option<Setup> {
        let binary = require(release_directory().join("host"), "run `make build`")?;
        let directory = Arc::new(tempfile::tempdir().expect("a temporary directory can be made"));
        let data_dir = directory.path().join("data");
        Some(Setup { binary, directory, data_dir, arguments: Vec::new() })
    }

    /// A fresh data directory and the default chain.
    pub fn default_chain() -> Option<Setup> {
        let names = ["extensions.wasm", "core.wasm", "aggregator.wasm"];
        for name in names {
            require(release_directory().join("plugins").join(name), "run `make build`")?;
        }
        Some(names.iter().fold(Setup::bare()?, |setup, name| setup.with(&["--plugin", name])))
    }

    /// The same with more arguments.
    pub fn with(mut self, arguments: &[&str]) -> Setup {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// The same with one more link, outermost, that does what `script` says (`tests/guest`).
    /// `None` where it has not been built.
    pub fn link(self, name: &str, script: &str) -> Option<Setup> {
        let component = Self::scripted_component()?;
        Some(self.scripted(&component, name, script))
    }

    /// The build of `tests/guest`; `None` where it has not been built.
    pub fn scripted_component() -> Option<PathBuf> {
        let built = release_directory().join("../wasm32-wasip2/release/scripted_link.wasm");
        require(built, "run `scripts/components --package scripted-link`")
    }

    /// The same with a link made of this component, which has to be a build of `tests/guest`.
    pub fn scripted(self, component: &Path, name: &str, script: &str) -> Setup {
        let configuration = self.file(&format!("{name}.script"), script.as_bytes());
        let plugin = format!("{name}={}", component.display());
        let setup = self.with(&["--plugin", &plugin, "--plugin-config", &format!("{name}={configuration}")]);
        WITHOUT.iter().fold(setup, |setup, grant| setup.with(&["--plugin-grant", &format!("{name}={grant}")]))
    }

    /// The same with one more link, outermost, that decides who gets in (`tests/doorman`). `None`
    /// where it has not been built.
    pub fn doorman(self) -> Option<Setup> {
        let built = release_directory().join("../wasm32-wasip2/release/doorman.wasm");
        let component = require(built, "run `scripts/components --package doorman`")?;
        Some(self.with(&["--plugin", &component.display().to_string()]))
    }

    /// The same with `examples/hello` as the outermost link. `None` where it has not been built.
    pub fn hello(self) -> Option<Setup> {
        let built = checkout().join("examples/hello/target/wasm32-wasip2/release/hello.wasm");
        let component = require(built, "run `scripts/components --manifest-path examples/hello/Cargo.toml`")?;
        Some(self.with(&["--plugin", &component.display().to_string()]))
    }

    /// The same for somebody who expects a kube-apiserver: through a link of that name, with flags
    /// alone, and a directory for certificates.
    pub fn as_kube_apiserver(mut self) -> Setup {
        let certificates = self.directory.path().join("certificates");
        fs::create_dir(&certificates).expect("a temporary directory can be written");
        let link = self.directory.path().join(KUBE_APISERVER);
        std::os::unix::fs::symlink(&self.binary, &link).expect("a temporary directory can be written");
        self.binary = link;
        self.data_dir = certificates.join("host-data");
        let certificates = format!("--cert-dir={}", certificates.display());
        self.with(&[&certificates])
    }

    /// The same in a shell that allows so many open files, and more for who asks.
    pub fn in_shell_with_open_files(mut self, files: u64) -> Setup {
        let script = format!("#!/bin/sh\nulimit -S -n {files}\nexec '{}' \"$@\"\n", self.binary.display());
        let path = PathBuf::from(self.file("in-shell", script.as_bytes()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        self.binary = path;
        self
    }

    /// Runs it with nothing but these arguments, to its end.
    pub fn run_alone(&self, arguments: &[&str]) -> Output {
        run(Command::new(&self.binary).args(arguments), "")
    }

    /// Writes a file that lives as long as the setup, and gives its path.
    pub fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, content).expect("a temporary directory can be written");
        path.display().to_string()
    }

    /// Another build of a component: the same code with another digest.
    pub fn rebuilt(&self, component: &Path, name: &str) -> PathBuf {
        let mut bytes = fs::read(component).unwrap_or_else(|error| panic!("`{}`: {error}", component.display()));
        // A custom section with nothing but a name.
        let length = |bytes: usize| u8::try_from(bytes).expect("the name is short");
        bytes.extend([0, length(name.len() + 1), length(name.len())]);
        bytes.extend(name.as_bytes());
        self.file(name, &bytes).into()
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        if !self.binary.ends_with(KUBE_APISERVER) {
            command.arg("run").arg("--data-dir").arg(self.data_dir());
        }
        if !self.arguments.iter().any(|argument| argument == "--secure-port") {
            command.args(["--secure-port", "0"]);
        }
        // Plugins are compiled once for all tests, and not into the cache of whoever runs them.
        command.args(&self.arguments).env("XDG_CACHE_HOME", release_directory().join("e2e-cache"));
        command
    }

    /// Runs a host that has to end by itself.
    #[track_caller]
    pub fn refused(&self) -> Output {
        let mut child = Running::spawn(&mut self.command());
        let status = child.wait(Duration::from_secs(START_SECONDS_MAX));
        Output { code: status.code(), stdout: String::new(), stderr: child.log() }
    }

    /// Starts a host and waits until it is ready.
    #[track_caller]
    pub fn start(&self) -> Host {
        self.start_until("/readyz")
    }

    /// Starts a host and waits until it answers 200 at `path`.
    #[track_caller]
    pub fn start_until(&self, path: &str) -> Host {
        // What is read below is what this process wrote, not one before it.
        let kubeconfig = self.data_dir().join("admin.kubeconfig");
        let _ = fs::remove_file(&kubeconfig);
        let begun = Instant::now();
        let mut running = Running::spawn(&mut self.command());
        let deadline = begun + Duration::from_secs(START_SECONDS_MAX);
        let mut client = None;
        loop {
            if let Some(status) = running.child.try_wait().expect("a child can be waited for") {
                panic!("the host ended before it was ready: {status}\n{}", running.log());
            }
            client = client.or_else(|| {
                let server = served_address(&fs::read_to_string(&kubeconfig).ok()?)?;
                Some(Client::administrator(&server, &self.data_dir().join("pki")))
            });
            let answer = client.as_ref().map(|client| client.try_send("GET", path, "", b""));
            if matches!(&answer, Some(Ok(reply)) if reply.status == 200) {
                break;
            }
            assert!(Instant::now() < deadline, "not ready in time: {answer:?}\n{}", running.log());
            thread::sleep(POLL);
        }
        let ready_after = begun.elapsed();
        Host { setup: self.clone(), running, ready_after, client: client.expect("it has answered") }
    }
}

/// Waits until something holds that has no way to say so.
#[track_caller]
pub fn eventually(holds: impl Fn() -> bool, otherwise: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(EVENTUALLY_SECONDS_MAX);
    while !holds() {
        assert!(Instant::now() < deadline, "{}", otherwise());
        thread::sleep(POLL);
    }
}

/// The address in a kubeconfig, once it is written as a whole.
fn served_address(kubeconfig: &str) -> Option<String> {
    let (_, rest) = kubeconfig.split_once("server:")?;
    let (address, _) = rest.split_once('\n')?;
    Some(address.trim().trim_matches('"').to_owned())
}

/// A host that is ready.
#[derive(Debug)]
pub struct Host {
    setup: Setup,
    running: Running,
    ready_after: Duration,
    client: Client,
}

impl Host {
    /// The default chain on a fresh data directory; `None` where it has not been built.
    #[track_caller]
    pub fn start() -> Option<Host> {
        Some(Setup::default_chain()?.start())
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.client.url(""), &self.data_dir().join("pki/ca.crt"))
    }

    /// Where it listens: `HOST:PORT`.
    pub fn address(&self) -> String {
        self.client.url("").trim_start_matches("https://").to_owned()
    }

    pub fn data_dir(&self) -> &Path {
        self.setup.data_dir()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.data_dir().join("admin.kubeconfig")
    }

    pub fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// What it was started with.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Runs another command of the binary on the data directory: `plugin ls`.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.setup.binary);
        run(command.args(arguments).arg("--data-dir").arg(self.data_dir()), "")
    }

    /// A link as `host chain` shows it.
    #[track_caller]
    pub fn link(&self, name: &str) -> Value {
        let links = self.links();
        links.iter().find(|link| link["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {links:?}")).clone()
    }

    /// The chain as `host chain` shows it, outermost first.
    #[track_caller]
    pub fn links(&self) -> Vec<Value> {
        let chain = self.command(&["chain", "-o", "json"]).success();
        let chain: Value = serde_json::from_str(&chain).unwrap_or_else(|error| panic!("{error}: {chain}"));
        chain["links"].as_array().expect("it has links").clone()
    }

    /// The value of a metric, given with its labels; 0 if there is none.
    #[track_caller]
    pub fn metric(&self, series: &str) -> f64 {
        let metrics = self.client.get("/metrics").expect(200).text();
        let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("it is a number"))
    }

    /// Its memory that is resident now.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process runs, on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") << 10
    }

    /// From its start to the first `/readyz` that was ok.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Waits until what it has written to standard error holds `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        eventually(|| self.log().contains(text), || format!("no {text:?} in its log"));
    }

    /// Asks it to end, and waits until it has; gives back what it was started with.
    #[track_caller]
    pub fn terminate(mut self) -> (Setup, ExitStatus) {
        self.running.signal(Signal::TERM);
        let status = self.running.wait(Duration::from_secs(STOP_SECONDS_MAX));
        (self.setup.clone(), status)
    }

    /// Stands it still: it computes nothing until [`Host::go_on`].
    pub fn pause(&self) {
        self.running.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.running.signal(Signal::CONT);
    }

    /// Ends it in the middle of what it does, as a power failure would.
    pub fn kill(mut self) -> Setup {
        self.running.end();
        self.setup.clone()
    }
}

/// A child process and what it says. Ends with its owner.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{}` does not start: {error}", command.get_program().display()));
        let log = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let reader = thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in lines.map_while(Result::ok) {
                    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        Running { child, log, reader: Some(reader) }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().cast_signed()).expect("a process has an id");
        // It may have ended by itself.
        let _ = kill_process(id, signal);
    }

    #[track_caller]
    fn wait(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                // Its last words are part of its log.
                if let Some(reader) = self.reader.take() {
                    let _ = reader.join();
                }
                return status;
            }
            assert!(Instant::now() < deadline, "the host runs on after {patience:?}\n{}", self.log());
            thread::sleep(POLL);
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            eprintln!("---- log of process {}\n{}----", self.child.id(), self.log());
        }
    }
}
