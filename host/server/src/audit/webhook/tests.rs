use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::audit::batch::{Batches, Delegate};
use crate::audit::testing::event;
use crate::limits::AUDIT_SENDS_MAX;
use crate::options::AuditBatch;

/// Whose events go to this address.
fn destination(address: SocketAddr) -> Destination {
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: x, user: u}}}}]\n\
         clusters: [{{name: x, cluster: {{server: 'http://{address}/events'}}}}]\n\
         users: [{{name: u, user: {{token: secret}}}}]"
    );
    std::fs::write(kubeconfig.path(), text).unwrap();
    Destination::read(kubeconfig.path()).unwrap()
}

/// Takes events, and answers with these codes; 200 after them.
struct Receiver {
    destination: Destination,
    lists: mpsc::UnboundedReceiver<(HeaderMap, Value)>,
}

async fn receive(codes: &'static [u16]) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, lists) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (sender, count) = (sender.clone(), count.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (sender, count) = (sender.clone(), count.clone());
                async move {
                    let (head, body) = request.into_parts();
                    let list = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
                    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/events"));
                    let _ = sender.send((head.headers, list));
                    let code = codes.get(count.fetch_add(1, Ordering::Relaxed)).copied().unwrap_or(200);
                    let mut response = Response::new(Full::new(Bytes::new()));
                    *response.status_mut() = StatusCode::from_u16(code).unwrap();
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Receiver { destination: destination(address), lists }
}

fn batches(destination: Destination, batch: &AuditBatch, backoff: Duration) -> (Batches, Arc<AuditMetrics>) {
    let metrics = crate::audit::testing::metrics();
    let options = AuditWebhook { destination, initial_backoff: backoff, batch: batch.clone(), truncate: None };
    let webhook = Arc::new(Webhook::new(&options, metrics.clone()).unwrap());
    (Batches::start(Delegate::Webhook { webhook, most_bytes: None }, batch, metrics.clone()), metrics)
}

fn entry() -> Arc<Entry> {
    Arc::new(Entry::new(event()))
}

const BATCH: AuditBatch =
    AuditBatch { buffer_size: 4, batch_size: 2, max_wait: Duration::from_secs(3600), throttle: None };
const SHORT: Duration = Duration::from_millis(1);

#[tokio::test]
async fn events_are_posted_as_lists() {
    let mut receiver = receive(&[]).await;
    let (batches, _) = batches(receiver.destination, &BATCH, SHORT);
    (0..3).for_each(|_| batches.add(entry()));
    // A full one comes at once, the rest when the server ends.
    let (headers, list) = receiver.lists.recv().await.unwrap();
    assert_eq!(
        (&headers["authorization"], &headers["content-type"]),
        (&"Bearer secret".parse().unwrap(), &"application/json".parse().unwrap())
    );
    assert_eq!((&list["kind"], &list["apiVersion"]), (&"EventList".into(), &"audit.k8s.io/v1".into()));
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert_eq!(list["items"][0], serde_json::to_value(event()).unwrap());
    batches.close().await;
    assert_eq!(receiver.lists.recv().await.unwrap().1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_accepted_is_sent_again() {
    // The codes of the first answers; how often it is sent, and what is lost.
    let cases: [(&'static [u16], usize, u64); 3] =
        [(&[500, 429, 404], 4, 0), (&[503; 4], 5, 0), (&[503; 9], AUDIT_SEND_ATTEMPTS_MAX as usize, 2)];
    for (codes, sent, lost) in cases {
        let mut receiver = receive(codes).await;
        let (batches, metrics) = batches(receiver.destination, &BATCH, SHORT);
        (0..2).for_each(|_| batches.add(entry()));
        for _ in 0..sent {
            receiver.lists.recv().await.unwrap();
        }
        batches.close().await;
        assert!(receiver.lists.try_recv().is_err(), "{codes:?}");
        assert_eq!(metrics.lost_by("webhook"), lost, "{codes:?}");
    }
}

#[tokio::test]
async fn what_overflows_is_counted() {
    let receiver = receive(&[]).await;
    let (batches, metrics) = batches(receiver.destination, &BATCH, SHORT);
    // Nobody takes them away meanwhile: this thread is the only one.
    (0..7).for_each(|_| batches.add(entry()));
    assert_eq!(metrics.lost_by("buffered"), 3);
    batches.close().await;
    batches.add(entry());
    assert_eq!((metrics.lost_by("buffered"), metrics.lost_by("webhook")), (4, 0));
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_ever() {
    let receiver = receive(&[503; 9]).await;
    let mut lists = receiver.lists;
    let (batches, metrics) = batches(receiver.destination, &BATCH, Duration::from_secs(3600));
    (0..2).for_each(|_| batches.add(entry()));
    lists.recv().await.unwrap();
    tokio::time::pause();
    // The clock moves by itself from here on: to the end of what a shutdown waits.
    batches.close().await;
    assert_eq!(metrics.lost_by("webhook"), 2);
}

#[tokio::test]
async fn so_many_batches_are_on_their_way_at_once() {
    // It answers nobody.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let batch = AuditBatch { buffer_size: 1000, batch_size: 1, ..BATCH };
    let (batches, _) = batches(destination(silent.local_addr().unwrap()), &batch, SHORT);
    (0..2 * AUDIT_SENDS_MAX).for_each(|_| batches.add(entry()));
    let mut held = Vec::new();
    for _ in 0..AUDIT_SENDS_MAX {
        held.push(silent.accept().await.unwrap());
    }
    assert!(tokio::time::timeout(Duration::from_millis(100), silent.accept()).await.is_err(), "one more came");
    drop(held);
    silent.accept().await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_read_only_so_far() {
    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (batches, metrics) = batches(destination(endless.local_addr().unwrap()), &BATCH, SHORT);
    (0..2).for_each(|_| batches.add(entry()));
    let (mut stream, _) = endless.accept().await.unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [&b"10000\r\n"[..], &[b'x'; 1 << 16], b"\r\n"].concat();
    let mut sent = 0;
    while stream.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
        // What lies in sockets is more than what is read.
        assert!(sent < 64 << 20, "it is read for ever");
    }
    batches.close().await;
    assert_eq!(metrics.lost_by("webhook"), 0);
}
