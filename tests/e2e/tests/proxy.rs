//! What a link forwards: to whom it may, with what, and out of HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
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
    // The near end of a connection: as long as there is one, nobody else listens there.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let connection = TcpStream::connect(listener.local_addr().expect("it has one")).expect("it listens");
    let address = connection.local_addr().expect("it is connected");
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

#[test]
fn what_is_passed_on_is_as_it_was_sent() {
    let body = "some words ".repeat(40_000);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let (address, served) = upstream(answer.leak(), false);
    let Some(host) = forwarding_to(address) else { return };
    let client = host.client().with_header("accept-encoding", "gzip");
    let reply = client.get(&format!("/a/forward?http://{address}/b")).expect(200);
    assert!(reply.text() == body && !reply.headers.contains_key("content-encoding"), "{:?}", reply.headers);
    assert!(served.join().expect("it was asked").contains("accept-encoding: gzip"));
}

/// A connection of the administrator's.
fn connect(host: &Host) -> Connection {
    connection::connect(&host.address(), &connection::administrator(host.data_dir()))
}

#[test]
fn a_plugin_asks_over_http_whom_it_may() {
    let answer = "HTTP/1.1 203 Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let (address, served) = upstream(answer, false);
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("asking", "prefix /a")) else { return };
    let host = setup.with(&["--plugin-grant", &format!("asking=http:{address}")]).start();
    let said = host.client().get(&format!("/a/fetch?http://{address}/b/c?d=e")).expect(200).text();
    assert_eq!(said, "203 hello\n");
    let request = served.join().expect("it was asked");
    assert!(request.starts_with("get /b/c?d=e http/1.1\n"), "{request}");
    assert!(request.lines().any(|line| line == format!("host: {address}")), "{request}");

    // Another port of the same host is somebody else.
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one");
    let refused = host.client().get(&format!("/a/fetch?http://{other}/")).expect(500);
    assert!(refused.text().contains("HttpRequestDenied"), "{}", refused.text());
    let words = format!("`{other}` is not granted to plugin `asking`: start with `--plugin-grant asking=http:{other}`");
    host.wait_for_log(&words);
    assert_eq!(host.metric(r#"host_plugin_faults_total{fault="grant",plugin="asking"}"#), 1.0);
}

#[test]
fn what_a_plugin_asks_over_http_is_bounded() {
    // Takes connections, and answers nobody.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it has one");
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("asking", "prefix /a")) else { return };
    let grants = ["--plugin-grant", &format!("asking=http:{address}")];
    let limits = ["--plugin-limit", "asking=http_ms_max=2000", "--plugin-limit", "asking=http_requests_max=9"];
    let host = setup.with(&grants).with(&limits).start();
    for (word, expected) in [("fetch", "ConnectionReadTimeout"), ("fetch-often", "ConnectionLimitReached")] {
        let said = host.client().get(&format!("/a/{word}?http://{address}/")).expect(500).text();
        assert!(said.contains(expected), "{word}: {said}");
    }
    host.wait_for_log("`http_requests_max` (9)");
    // The requests that were given up have made room.
    let said = host.client().get(&format!("/a/fetch?http://{address}/")).expect(500).text();
    assert!(said.contains("ConnectionReadTimeout"), "{said}");
}

#[test]
fn a_plugin_that_asks_over_http_without_a_grant_is_told_how_to_get_one() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("asking", "prefix /a")) else { return };
    let host = setup.start();
    let refused = host.client().get("/a/fetch?https://example.com/").expect(500);
    assert!(refused.text().contains("HttpRequestDenied"), "{}", refused.text());
    host.wait_for_log("`--plugin-grant asking=http:example.com:443`");
}
