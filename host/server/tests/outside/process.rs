//! A server in a process of its own: signals of the operating system, the service manager, and
//! what the log says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use host_server::lifecycle::{notify_ready, obey_signals};
use host_server::{Server, init_logging};
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, ChildStderr, Command};

use crate::authority::{Authority, write};
use crate::client::{Client, H1, H2, admin, connect, request};
use crate::director::{Controls, Told, config};
use crate::reload::{der, shown};

const DATA: &str = "HOST_SERVER_TEST_DATA";
const ARGUMENTS: &str = "HOST_SERVER_TEST_ARGUMENTS";
const HOOK_HANGS: &str = "HOST_SERVER_TEST_HOOK_HANGS";

/// Not a test: the process that the tests start.
#[tokio::test]
#[ignore = "the tests of this file start it"]
async fn server() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let arguments: Vec<&str> = arguments.split_whitespace().chain(["--log-format=json"]).collect();
    let config = config(Path::new(&data), &arguments);
    init_logging(&config.logging).unwrap();
    let controls = Arc::new(Controls::default());
    if std::env::var_os(HOOK_HANGS).is_none() {
        controls.hooks_go.notify_one();
    }
    let running = Server::new(config).unwrap().bind().await.unwrap().serve(Arc::new(Told(controls)));
    obey_signals(running.handle()).unwrap();
    eprintln!("{}", running.address());
    notify_ready();
    running.finished().await;
    std::process::exit(0);
}

/// A server in its process.
struct Process {
    data: TempDir,
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
    manager: UnixDatagram,
}

impl Process {
    async fn start(arguments: &str, hook_hangs: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let socket = data.path().join("notify");
        let manager = UnixDatagram::bind(&socket).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "process::server", "--ignored", "--nocapture"]);
        command.env(DATA, data.path()).env(ARGUMENTS, arguments).env("NOTIFY_SOCKET", &socket);
        if hook_hangs {
            command.env(HOOK_HANGS, "1");
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).await.unwrap(), 0, "the server has ended");
            if let Ok(address) = line.trim().parse() {
                break address;
            }
        };
        let process = Self { data, child, log, address, manager };
        assert_eq!(process.told().await, "READY=1");
        process
    }

    async fn client(&self, protocol: &str) -> Client {
        connect(self.data.path(), self.address, protocol, Some(admin(self.data.path()))).await.unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The next line that the service manager gets.
    async fn told(&self) -> String {
        let mut message = [0; 256];
        let length = self.manager.recv(&mut message).await.unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap().trim().to_owned()
    }

    /// The exit code, and the life cycle signals in the order in which the log has them, from now on.
    async fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).await.unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let signals = lines.filter(|line| line["message"] == "life cycle signal");
        let signals = signals.map(|line| line["signal"].as_str().unwrap().to_owned()).collect();
        (self.child.wait().await.unwrap().code(), signals)
    }
}

#[tokio::test]
async fn a_signal_ends_the_server_in_order_while_requests_and_watches_are_under_way() {
    const FIRST: [&str; 4] =
        ["ShutdownInitiated", "PreShutdownHooksStopped", "AfterShutdownDelayDuration", "NotAcceptingNewRequest"];
    let cases = [
        ("", "SIGTERM", ["HTTPServerStoppedListening", "InFlightRequestsDrained"]),
        ("--shutdown-send-retry-after", "SIGINT", ["InFlightRequestsDrained", "HTTPServerStoppedListening"]),
    ];
    for (arguments, signal, last) in cases {
        let process = Process::start(&format!("--shutdown-delay-duration=100ms {arguments}"), false).await;
        let mut clients = [process.client(H1).await, process.client(H2).await];
        let watches = [process.client(H1).await, process.client(H2).await].map(|mut client| async move {
            let watch = request(Method::GET, "/api/v1/pods?watch=1", Bytes::new());
            (client.send(watch).await.unwrap(), client)
        });
        let [one, two] = watches;
        let ((one, _one), (two, _two)) = tokio::join!(one, two);
        let [first, second] = &mut clients;
        let (codes, ()) = tokio::join!(
            async { tokio::join!(first.get("/wait?timeout=400ms"), second.get("/wait?timeout=400ms")) },
            async {
                // The requests are there when later ones have been answered.
                process.client(H2).await.get("/hello").await.unwrap();
                process.signal(signal);
            },
        );
        // Whoever was there is answered, if only that it took too long, and no watch is broken off.
        assert_eq!((codes.0.unwrap().0, codes.1.unwrap().0), (504, 504));
        for watch in [one, two] {
            assert_eq!(watch.into_body().collect().await.unwrap().to_bytes(), "{\"type\":\"ADDED\"}\n");
        }
        assert_eq!(process.told().await, "STOPPING=1");
        drop((clients, _one, _two));
        let (code, signals) = process.end().await;
        assert_eq!(code, Some(0), "{arguments}");
        assert_eq!(signals, [&FIRST[..], &last].concat(), "{arguments}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let process = Process::start("", true).await;
    process.signal("SIGTERM");
    assert_eq!(process.told().await, "STOPPING=1");
    // The hook hangs: nothing is refused until it ends.
    for (path, code) in [("/readyz", 500), ("/hello", 200)] {
        assert_eq!(process.client(H2).await.get(path).await.unwrap().0, code);
    }
    process.signal("SIGTERM");
    let (code, signals) = process.end().await;
    assert_eq!(code, Some(1));
    assert_eq!(signals, ["ShutdownInitiated", "AfterShutdownDelayDuration"]);
}

#[tokio::test]
async fn a_hang_up_makes_the_server_read_its_files_again() {
    let process = Process::start("", false).await;
    let new = Authority::new("tests").server(&["example.com"]);
    write(&process.data.path().join("pki"), "apiserver", &new);
    process.signal("SIGHUP");
    let told = process.told().await;
    assert!(told.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{told}");
    assert_eq!(process.told().await, "READY=1");
    assert_eq!(shown(process.address, "example.com").await, der(&new));
}
