//! What a link forwards: to whom it may, with what, and out of HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use e2e::connection::{self, Connection};
use e2e::{Host, Setup};

/// A server for one request: answers with `answer`, then echoes what comes if `echoes`. Gives its
/// address, and later what it was sent.
fn upstream(answer: &'static str, echoes: bool) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has one");
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let request = head(&mut stream);
        stream.write_all(answer.as_bytes()).expect("it reads");
        if echoes {
            let mut echoed = [0; 5];
            stream.read_exact(&mut echoed).expect("it writes");
            stream.write_all(&echoed).expect("it reads");
        }
        request
    });
    (address, served)
}

/// A message's first line and its headers, in lower case.
fn head(stream: &mut impl std::io::Read) -> String {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let head: Vec<String> = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    head.join("\n").to_lowercase()
}

fn forwarding_to(address: SocketAddr) -> Option<Host> {
    let grant = format!("forwarding=proxy:{address}");
    Some(Setup::bare()?.link("forwarding", "prefix /a")?.with(&["--plugin-grant", &grant]).start())
}

#[test]
fn a_request_is_forwarded_without_credentials_and_on_the_links_behalf() {
    let (address, served) =
        upstream("HTTP/1.1 201 Created\r\ncontent-length: 5\r\nx-own: yes\r\nconnection: close\r\n\r\nhello", false);
    let Some(host) = forwarding_to(address) else { return };
    let mut connection = connect(&host);
    let request = format!(
        "GET /a/forward?http://{address}/b/c?d=e HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic c2VjcmV0\r\n\
         cookie: secret\r\nx-remote-user: forged\r\nx-remote-group: system:masters\r\nx-other: stays\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).expect("it reads");
    let answer = head(&mut connection);
    assert!(answer.starts_with("http/1.1 201") && answer.contains("x-own: yes"), "{answer}");
    assert!(!answer.contains("connection: close"), "a hop's header went through: {answer}");

    let request = served.join().expect("it was asked");
    assert!(request.starts_with("get /b/c?d=e http/1.1\n"), "{request}");
    for header in ["x-remote-user: forwarding", "x-other: stays", &format!("host: {address}")] {
        assert!(request.lines().any(|line| line == header), "no `{header}` in:\n{request}");
    }
    for secret in ["secret", "c2vjcmv0", "forged", "masters"] {
        assert!(!request.contains(secret), "`{secret}` went through:\n{request}");
    }
}

#[test]
fn a_destination_that_is_not_granted_is_not_asked_and_the_log_says_how_to_grant_it() {
    let (granted, _) = upstream("", false);
    let Some(host) = forwarding_to(granted) else { return };
    host.client().get("/a/forward?http://127.0.0.1:9/b").expect(503);
    host.wait_for_log("--plugin-grant forwarding=proxy:127.0.0.1:9");
    host.client().get("/a/forward?http://[::1]:9/b").expect(503);
    host.wait_for_log("--plugin-grant forwarding=proxy:[::1]:9");
}

#[test]
fn nobody_there_is_unavailable() {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let Some(host) = forwarding_to(address) else { return };
    host.client().get(&format!("/a/forward?http://{address}/b")).expect(503);
}

#[test]
fn an_upgrade_leaves_http_on_both_sides() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    let (address, served) = upstream(answer, true);
    let Some(host) = forwarding_to(address) else { return };
    let mut connection = connect(&host);
    let request = format!(
        "GET /a/upgrade?http://{address}/echo HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).expect("it reads");
    let answer = head(&mut connection);
    assert!(answer.starts_with("http/1.1 101") && answer.contains("upgrade: echo"), "{answer}");
    connection.write_all(b"hello").expect("it reads");
    let mut echoed = [0; 5];
    connection.read_exact(&mut echoed).expect("it writes");
    assert_eq!(&echoed, b"hello");
    let request = served.join().expect("it was asked");
    assert!(request.contains("connection: upgrade") && request.contains("upgrade: echo"), "{request}");
}

/// A connection of the administrator's.
fn connect(host: &Host) -> Connection {
    connection::connect(&host.address(), &connection::administrator(host.data_dir()))
}
