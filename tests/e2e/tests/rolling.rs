//! Two hosts on one etcd behind a load balancer: each is restarted, and nobody notices.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use e2e::connection::{self, Connection};
use e2e::{Balancer, Client, Etcd, Host, Setup, eventually};
use rustls::ClientConfig;
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const WRITERS: usize = 4;

#[test]
fn a_rolling_restart_of_two_hosts_fails_no_request_and_breaks_no_watch() {
    let Some(etcd) = Etcd::start() else { return };
    let Some(setup) = Setup::default_chain() else { return };
    let shared = ["--etcd-servers", etcd.servers(), "--shutdown-delay-duration", "3s"];
    let first = setup.with(&shared).start();
    let second = Setup::default_chain().expect("it was there before").with(&shared);
    // One authority and one certificate for both: clients do not know which one they talk to.
    fs::create_dir(second.data_dir()).expect("a temporary directory can be written");
    fs::create_dir(second.data_dir().join("pki")).expect("a temporary directory can be written");
    for file in fs::read_dir(first.data_dir().join("pki")).expect("it is there") {
        let file = file.expect("it can be read").path();
        let name = file.file_name().expect("it has a name");
        fs::copy(&file, second.data_dir().join("pki").join(name)).expect("it can be copied");
    }
    let second = second.start();

    let balancer = Balancer::start(&[&first, &second]);
    let data_dir = first.data_dir().to_owned();
    // Each on a connection of its own.
    let client = || Client::at(balancer.address(), &data_dir);
    let from = client().get(CONFIG_MAPS).expect(200).json()["metadata"]["resourceVersion"].clone();
    let tls = connection::administrator(&data_dir);
    let over = AtomicBool::new(false);
    let (written, seen) = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(client, from.as_str().expect("it is text"), &over));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let caller = Caller::new(balancer.address(), &tls);
                let over = &over;
                scope.spawn(move || write(caller, &format!("roll-{writer}"), over))
            })
            .collect();
        let _restarted = [first, second].map(|host| restart(host, &balancer));
        over.store(true, Ordering::Relaxed);
        let mut written = BTreeMap::new();
        for writer in writers {
            written.extend(writer.join().expect("no request has failed"));
        }
        // The end of the watch.
        client().post(CONFIG_MAPS, &config_map(LAST)).expect(201);
        (written, watcher.join().expect("no event is told twice"))
    });
    assert!(written.len() > WRITERS * 10, "only {} were written", written.len());
    assert_eq!(seen, written, "the watch has missed something");
}

fn restart(host: Host, balancer: &Balancer) -> Host {
    let (setup, status) = host.terminate();
    assert_eq!(status.code(), Some(0));
    let host = setup.start();
    balancer.add(&host);
    eventually(|| balancer.ready() == 2, || "the host is not ready again".to_owned());
    host
}

const LAST: &str = "last";

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
}

/// Creates, reads back and lists until it is over. Gives the revision of each object.
fn write(mut caller: Caller, prefix: &str, over: &AtomicBool) -> BTreeMap<String, u64> {
    let mut written = BTreeMap::new();
    while !over.load(Ordering::Relaxed) {
        let name = format!("{prefix}-{}", written.len());
        let created = caller.call("POST", CONFIG_MAPS, &config_map(&name).to_string(), 201);
        // Whichever host is asked: what was acknowledged is there.
        let read = caller.call("GET", &format!("{CONFIG_MAPS}/{name}"), "", 200);
        assert_eq!(read["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"], "{name}");
        written.insert(name, revision(&created));
    }
    written
}

/// Everything that is created, from a revision on, over as many watches as it takes.
fn watch(client: impl Fn() -> Client, from: &str, over: &AtomicBool) -> BTreeMap<String, u64> {
    let (mut seen, mut newest) = (BTreeMap::new(), from.to_owned());
    loop {
        for event in client().stream(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={newest}")) {
            assert_eq!(event["type"], "ADDED", "{event}");
            let object = &event["object"];
            let name = object["metadata"]["name"].as_str().expect("it has a name");
            if name == LAST {
                assert!(over.load(Ordering::Relaxed));
                return seen;
            }
            newest = object["metadata"]["resourceVersion"].as_str().expect("it has one").to_owned();
            assert!(seen.insert(name.to_owned(), revision(object)).is_none(), "`{name}` is told twice");
        }
    }
}

#[track_caller]
fn revision(object: &Value) -> u64 {
    let revision = object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok());
    revision.unwrap_or_else(|| panic!("no revision in {object}"))
}

/// A client that keeps its connection, as most do. When that was closed before a request on it was
/// answered at all, it asks once more on a new one, as Go's does.
struct Caller {
    address: String,
    tls: Arc<ClientConfig>,
    connection: Option<BufReader<Connection>>,
}

impl Caller {
    fn new(address: &str, tls: &Arc<ClientConfig>) -> Self {
        Self { address: address.to_owned(), tls: Arc::clone(tls), connection: None }
    }

    fn call(&mut self, method: &str, path: &str, body: &str, expected: u16) -> Value {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let reused = self.connection.take().map(|connection| self.exchange(connection, &request));
        let answer = match reused {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(Failed::After(error))) => Err(error),
            Some(Err(Failed::Before(_))) | None => {
                let connection = BufReader::new(connection::connect(&self.address, &self.tls));
                self.exchange(connection, &request).map_err(|(Failed::Before(error) | Failed::After(error))| error)
            }
        };
        let (status, body) = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(status, expected, "{method} {path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("it is JSON")
    }

    fn exchange(&mut self, mut connection: BufReader<Connection>, request: &str) -> Result<(u16, Vec<u8>), Failed> {
        connection.get_mut().write_all(request.as_bytes()).map_err(Failed::Before)?;
        let mut line = String::new();
        match connection.read_line(&mut line) {
            Ok(0) => return Err(Failed::Before(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err(Failed::Before(error)),
        }
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an answer has a status");
        let (mut length, mut closes) = (0, false);
        loop {
            line.clear();
            connection.read_line(&mut line).map_err(Failed::After)?;
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().expect("a length is a number"),
                Some(("connection", "close")) => closes = true,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).map_err(Failed::After)?;
        self.connection = (!closes).then_some(connection);
        Ok((status, body))
    }
}

/// Whether anything was answered.
enum Failed {
    Before(io::Error),
    After(io::Error),
}
