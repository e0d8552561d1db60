//! Clients that mean harm, or are just very slow: each is ended, and nobody else notices.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use host_server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::client::{H1, H2, client_config, handshake};
use crate::director::{FLOOD_CHUNK_BYTES, Served, config, serve_with};

async fn serve_within(change: impl FnOnce(&mut Limits)) -> Served {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path(), &[]);
    change(&mut config.serving.limits);
    serve_with(data, config).await
}

impl Served {
    /// A connection for what no client library would send.
    async fn raw(&self, protocol: &str) -> TlsStream<TcpStream> {
        handshake(self.running.address(), client_config(self.data.path(), protocol, Some(self.admin()))).await.unwrap()
    }

    async fn serves_others(&self) {
        for protocol in [H1, H2] {
            assert_eq!(self.client(protocol).await.get("/hello").await.unwrap().0, 200, "{protocol}");
        }
    }
}

/// What comes until the server ends the connection.
async fn until_end(stream: &mut TlsStream<TcpStream>) -> Vec<u8> {
    let mut answer = Vec::new();
    // Broken off is an end too.
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// One frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const ACK: u8 = 1;

const FLOW_CONTROL_ERROR: u8 = 3;
const REFUSED_STREAM: u8 = 7;
const ENHANCE_YOUR_CALM: u8 = 11;

/// `GET https://x/`, compressed.
const GET: [u8; 6] = [0x82, 0x87, 0x84, 0x41, 1, b'x'];

/// `POST https://x/echo`, compressed.
const POST_ECHO: [&[u8]; 3] = [&[0x83, 0x87, 0x44, 5], b"/echo", &[0x41, 1, b'x']];

/// The preface and the settings with which a client begins.
fn hello() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, 0, &[])[..]].concat()
}

/// Kind and payload of each frame.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        frames.push((head[3], payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// The error code with which the server has said good-bye.
fn goaway(answer: &[u8]) -> Option<u8> {
    frames(answer).into_iter().rev().find(|(kind, _)| *kind == GOAWAY).map(|(_, payload)| payload[7])
}

/// Reads on until there is a frame of a kind.
async fn read_until(stream: &mut TlsStream<TcpStream>, mut answer: Vec<u8>, wanted: u8) -> Vec<u8> {
    while !frames(&answer).iter().any(|(kind, _)| *kind == wanted) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no frame of kind {wanted}");
    }
    answer
}

#[tokio::test]
async fn a_handshake_has_its_time() {
    let served = serve_within(|limits| limits.handshake_ms_max = 1_000).await;
    for begins in [&b""[..], b"\x16\x03\x01\x02"] {
        let mut silent = TcpStream::connect(served.running.address()).await.unwrap();
        silent.write_all(begins).await.unwrap();
        assert_eq!(silent.read(&mut [0]).await.unwrap_or_default(), 0);
    }
    served.serves_others().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_its_time() {
    let served = serve_within(|limits| limits.request_head_ms_max = 3_000).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = served.raw(H1).await;
        stream.write_all(b"GET /hello HTTP/1.1\r\nhost:").await.unwrap();
        slow.push(stream);
    }
    served.serves_others().await;
    for mut stream in slow {
        stream.write_all(b" ").await.unwrap_or_default();
        until_end(&mut stream).await;
    }
    served.serves_others().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_has_its_time() {
    let data = tempfile::tempdir().unwrap();
    let config = config(data.path(), &["--request-timeout=1s"]);
    let served = serve_with(data, config).await;
    let mut stream = served.raw(H1).await;
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this").await.unwrap();
    let answer = until_end(&mut stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 504 "), "{}", String::from_utf8_lossy(&answer));
    // On HTTP/2 others use the connection, which stays.
    let mut stream = served.raw(H2).await;
    stream.write_all(&[hello(), frame(HEADERS, END_HEADERS, 1, &POST_ECHO.concat())].concat()).await.unwrap();
    let answer = read_until(&mut stream, Vec::new(), DATA).await;
    let bodies: Vec<_> = frames(&answer).into_iter().filter(|(kind, _)| *kind == DATA).collect();
    assert!(String::from_utf8_lossy(&bodies[0].1).contains("\"code\":504"));
    served.serves_others().await;
}

#[tokio::test]
async fn an_idle_connection_has_its_time() {
    let served = serve_within(|limits| limits.idle_ms_max = 3_000).await;
    let idle = [H1, H2].map(|protocol| async {
        let mut client = served.client(protocol).await;
        assert_eq!(client.get("/hello").await.unwrap().0, 200);
        client.ended().await;
        // Also before its first request.
        served.client(protocol).await.ended().await;
    });
    // One that does not even say what it speaks.
    let silent = async { until_end(&mut served.raw(H2).await).await };
    // One that takes no notice of being asked to go.
    let deaf = async {
        let mut deaf = served.raw(H2).await;
        deaf.write_all(&hello()).await.unwrap();
        until_end(&mut deaf).await
    };
    tokio::join!(join_all(idle), silent, deaf);
    served.serves_others().await;
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait() {
    let served = serve_within(|limits| limits.connections_max = 1).await;
    let mut first = served.client(H2).await;
    let mut second = Box::pin(served.connect(H2, Some(served.admin())));
    let waits = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(waits.is_err(), "there is no place");
    assert_eq!(first.get("/hello").await.unwrap().0, 200);
    drop(first);
    assert_eq!(second.await.unwrap().get("/hello").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let served = serve_within(|_| {}).await;
    let mut stream = served.raw(H2).await;
    let mut flood = hello();
    for request in 0..5_000 {
        let id = 2 * request + 1;
        flood.extend(frame(HEADERS, END_STREAM | END_HEADERS, id, &GET));
        flood.extend(frame(RST_STREAM, 0, id, &[0, 0, 0, 8]));
    }
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let mut answer = Vec::new();
    let (_, _) = tokio::join!(writer.write_all(&flood), reader.read_to_end(&mut answer));
    assert_eq!(goaway(&answer), Some(ENHANCE_YOUR_CALM));
    served.serves_others().await;
}

/// `GET https://x/wait`, compressed.
const GET_WAIT: [&[u8]; 3] = [&[0x82, 0x87, 0x44, 5], b"/wait", &[0x41, 1, b'x']];

#[tokio::test]
async fn more_streams_than_a_connection_may_have_are_refused() {
    let served = serve_within(|limits| limits.http2_streams_max = 2).await;
    let mut stream = served.raw(H2).await;
    let requests = [1, 3, 5].map(|id| frame(HEADERS, END_STREAM | END_HEADERS, id, &GET_WAIT.concat()));
    stream.write_all(&[hello(), requests.concat()].concat()).await.unwrap();
    let mut answer = Vec::new();
    let refused = loop {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no answer");
        if let Some((_, payload)) = frames(&answer).into_iter().find(|(kind, _)| *kind == RST_STREAM) {
            break payload[3];
        }
    };
    assert_eq!(refused, REFUSED_STREAM);
    served.serves_others().await;
}

#[tokio::test]
async fn a_flood_of_requests_that_are_none_ends_the_connection() {
    let served = serve_within(|limits| limits.http2_broken_streams_max = 10).await;
    let mut stream = served.raw(H2).await;
    // Without a path.
    let broken = [0x82, 0x87, 0x41, 1, b'x'];
    let flood = (0..100).flat_map(|request| frame(HEADERS, END_STREAM | END_HEADERS, 2 * request + 1, &broken));
    let flood: Vec<u8> = hello().into_iter().chain(flood).collect();
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let mut answer = Vec::new();
    let (_, _) = tokio::join!(writer.write_all(&flood), reader.read_to_end(&mut answer));
    assert_eq!(goaway(&answer), Some(ENHANCE_YOUR_CALM));
    served.serves_others().await;
}

#[tokio::test]
async fn a_peer_that_does_not_say_that_it_lives_has_its_time() {
    let served = serve_within(|limits| (limits.http2_ping_ms, limits.http2_ping_answer_ms_max) = (100, 100)).await;
    let mut silent = served.raw(H2).await;
    // It waits for an answer, so it is not idle.
    let request = frame(HEADERS, END_STREAM | END_HEADERS, 1, &GET_WAIT.concat());
    silent.write_all(&[hello(), request].concat()).await.unwrap();
    served.controls.waiting.notified().await;
    let answer = until_end(&mut silent).await;
    assert!(frames(&answer).iter().any(|(kind, _)| *kind == PING), "nobody has asked");
    served.controls.cancelled.notified().await;
    served.serves_others().await;
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_buffered_only_so_far() {
    let served = serve_within(|limits| limits.http2_stream_window_bytes = 1_000).await;
    let mut stream = served.raw(H2).await;
    let post_wait = [&[0x83, 0x87, 0x44, 5], &b"/wait"[..], &[0x41, 1, b'x']].concat();
    stream.write_all(&[hello(), frame(HEADERS, END_HEADERS, 1, &post_wait)].concat()).await.unwrap();
    let mut answer = Vec::new();
    while !frames(&answer).iter().any(|(kind, _)| *kind == SETTINGS) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no answer");
    }
    // The window is agreed on, and not kept.
    let flood = [frame(SETTINGS, ACK, 0, &[]), frame(DATA, 0, 1, &[b'x'; 2_000])].concat();
    stream.write_all(&flood).await.unwrap();
    let refused = loop {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no answer");
        let all = frames(&answer);
        if let Some((_, payload)) = all.iter().find(|(kind, _)| *kind == RST_STREAM) {
            break payload[3];
        }
        if let Some(code) = goaway(&answer) {
            break code;
        }
    };
    assert_eq!(refused, FLOW_CONTROL_ERROR);
    served.serves_others().await;
}

#[tokio::test]
async fn the_bodies_of_a_connection_have_a_bound_together() {
    let change = |limits: &mut Limits| {
        (limits.http2_stream_window_bytes, limits.http2_connection_window_bytes) = (1 << 20, 100_000);
    };
    let served = serve_within(change).await;
    let mut stream = served.raw(H2).await;
    let post_wait = [&[0x83, 0x87, 0x44, 5], &b"/wait"[..], &[0x41, 1, b'x']].concat();
    // Seven frames as large as frames may be, of a body that nobody reads: more than the connection has room for.
    let body: Vec<u8> = [0; 7].iter().flat_map(|_| frame(DATA, 0, 1, &[b'x'; 1 << 14])).collect();
    let request = [hello(), frame(SETTINGS, ACK, 0, &[]), frame(HEADERS, END_HEADERS, 1, &post_wait), body].concat();
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let mut answer = Vec::new();
    let (_, _) = tokio::join!(writer.write_all(&request), reader.read_to_end(&mut answer));
    assert_eq!(goaway(&answer), Some(FLOW_CONTROL_ERROR));
    served.serves_others().await;
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_made_only_so_far() {
    let most = 64 << 10;
    let served = serve_within(|limits| limits.http2_send_buffer_bytes_max = most).await;
    let mut stream = served.raw(H2).await;
    // `GET https://x/flood`
    let flood = [&[0x82, 0x87, 0x44, 6], &b"/flood"[..], &[0x41, 1, b'x']].concat();
    let request = frame(HEADERS, END_STREAM | END_HEADERS, 1, &flood);
    stream.write_all(&[hello(), frame(SETTINGS, ACK, 0, &[]), request].concat()).await.unwrap();
    let mut answer = Vec::new();
    while !frames(&answer).iter().any(|(kind, _)| *kind == DATA) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no answer");
    }
    // It goes on until the peer's window is full, and what may wait for it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let made = served.controls.flooded_bytes.load(Ordering::Relaxed);
    assert!(made <= (1 << 16) + most + 2 * FLOOD_CHUNK_BYTES, "{made}");
    served.serves_others().await;
}

#[tokio::test]
async fn a_body_that_was_refused_is_read_only_so_far() {
    let served = serve_within(|_| {}).await;
    let stream = served.raw(H1).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sending = tokio::spawn(async move {
        let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        let piece = [&b"100000\r\n"[..], &[b'x'; 1 << 20], b"\r\n"].concat();
        let mut sent = writer.write_all(head.as_bytes()).await;
        // More than anybody reads, and without an end.
        for _ in 0..100 {
            sent = sent.and(writer.write_all(&piece).await);
        }
        sent
    });
    let mut answer = Vec::new();
    // Broken off is an end too.
    let _ = reader.read_to_end(&mut answer).await;
    assert!(sending.await.unwrap().is_err(), "all of it was read");
    served.serves_others().await;
}

#[tokio::test]
async fn a_client_that_is_answered_before_it_has_sent_its_body_is_not_interrupted() {
    let served = serve_within(|limits| limits.refused_body_ms_max = 60_000).await;
    let post_hello = [&[0x83, 0x87, 0x44, 6][..], b"/hello", &[0x41, 1, b'x']].concat();
    let mut stream = served.raw(H2).await;
    stream.write_all(&[hello(), frame(HEADERS, END_HEADERS, 1, &post_hello)].concat()).await.unwrap();
    let mut answer = read_until(&mut stream, Vec::new(), DATA).await;
    stream.write_all(&frame(DATA, 0, 1, b"all")).await.unwrap();
    stream.write_all(&[frame(DATA, END_STREAM, 1, b" of it"), frame(PING, 0, 0, &[0; 8])].concat()).await.unwrap();
    answer = read_until(&mut stream, answer, PING).await;
    assert!(frames(&answer).iter().all(|(kind, _)| *kind != RST_STREAM));
    // One who goes on and on is.
    let served = serve_within(|limits| limits.refused_body_ms_max = 100).await;
    let mut stream = served.raw(H2).await;
    stream.write_all(&hello()).await.unwrap();
    stream.write_all(&frame(HEADERS, END_HEADERS, 1, &post_hello)).await.unwrap();
    read_until(&mut stream, Vec::new(), RST_STREAM).await;
    served.serves_others().await;
}

#[tokio::test]
async fn a_head_that_goes_on_and_on_ends_the_connection() {
    let served = serve_within(|_| {}).await;
    let mut stream = served.raw(H2).await;
    let mut flood = hello();
    flood.extend(frame(HEADERS, END_STREAM, 1, &GET));
    // Literal fields that nobody has to remember, and never the end.
    let field = [&[0, 1, b'a', 100][..], &[b'x'; 100]].concat();
    for _ in 0..10_000 {
        flood.extend(frame(CONTINUATION, 0, 1, &field));
    }
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let mut answer = Vec::new();
    let (_, _) = tokio::join!(writer.write_all(&flood), reader.read_to_end(&mut answer));
    assert_eq!(goaway(&answer), Some(ENHANCE_YOUR_CALM));
    served.serves_others().await;
}

#[tokio::test]
async fn a_small_head_that_unpacks_to_a_large_one_is_refused() {
    let served = serve_within(|_| {}).await;
    let mut stream = served.raw(H2).await;
    // A field of 4 000 bytes that the server remembers, and then a byte for each repetition.
    let remembered = [&[0x40, 1, b'a', 0x7f, 0xa1, 0x1e][..], &[b'x'; 4_000]].concat();
    let bomb = [&GET[..], &remembered, &[0xbe; 8_000]].concat();
    stream.write_all(&[hello(), frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)].concat()).await.unwrap();
    let mut answer = Vec::new();
    while !frames(&answer).iter().any(|(kind, _)| matches!(*kind, HEADERS | RST_STREAM | GOAWAY | DATA)) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap_or_default(), 0, "no answer");
    }
    let refused = frames(&answer).into_iter().any(|(kind, payload)| match kind {
        // `:status 431`, which is in no table.
        HEADERS => payload.windows(3).any(|text| text == b"431") || payload.starts_with(&[0x48]),
        kind => kind != DATA,
    });
    assert!(refused, "{:?}", frames(&answer));
    served.serves_others().await;
}

#[tokio::test]
async fn a_head_is_taken_up_to_a_mebibyte() {
    let served = serve_within(|_| {}).await;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let mut neighbour = served.client(protocol).await;
        let large = "y".repeat(900 << 10);
        assert_eq!(client.get_with("/hello", &[("x", &large)]).await.unwrap().0, 200, "{protocol}");
        // On HTTP/1.1 what came last may complete a head that is a little larger before anybody has counted.
        let too_large = "y".repeat(if protocol == H1 { 2 << 20 } else { (1 << 20) + 1 });
        let refused = client.get_with("/hello", &[("x", &too_large)]).await;
        // HTTP/1.1 may break off before all of it was written.
        let code = refused.map(|(code, ..)| code);
        assert!(matches!(code, Ok(431)) || protocol == H1 && code.is_err(), "{protocol}: {code:?}");
        if protocol == H2 {
            assert_eq!(client.get("/hello").await.unwrap().0, 200, "the connection goes on");
        }
        assert_eq!(neighbour.get("/hello").await.unwrap().0, 200, "{protocol}");
    }
}

#[tokio::test]
async fn heads_of_one_connection_are_bounded_together() {
    let served = serve_within(|limits| limits.http2_heads_bytes_max = 100_000).await;
    let mut client = served.client(H2).await;
    let head = "y".repeat(60_000);
    let held = tokio::spawn({
        let (mut beside, head) = (client.beside(), head.clone());
        async move { beside.get_with("/wait", &[("x", &head)]).await.unwrap().0 }
    });
    served.controls.waiting.notified().await;
    assert_eq!(client.get_with("/hello", &[("x", &head)]).await.unwrap().0, 431);
    assert_eq!(client.get("/hello").await.unwrap().0, 200, "what is small has room");
    served.serves_others().await;
    served.controls.go.notify_one();
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(client.get_with("/hello", &[("x", &head)]).await.unwrap().0, 200, "there is room again");
}

#[tokio::test]
async fn a_large_head_is_refused_on_http1_too() {
    let served = serve_within(|_| {}).await;
    let many: String = (0..200).map(|field| format!("x-{field}: y\r\n")).collect();
    let large = format!("x: {}\r\n", "y".repeat(2 << 20));
    for (what, fields) in [("many fields", many), ("large ones", large)] {
        let mut stream = served.raw(H1).await;
        let request = format!("GET /hello HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
        let (mut reader, mut writer) = tokio::io::split(&mut stream);
        let mut answer = Vec::new();
        let (_, _) = tokio::join!(writer.write_all(request.as_bytes()), reader.read_to_end(&mut answer));
        assert!(answer.starts_with(b"HTTP/1.1 431 "), "{what}: {}", String::from_utf8_lossy(&answer));
    }
    served.serves_others().await;
}
