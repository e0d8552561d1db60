//! Where events go, and in which pieces, as the options say.

use std::convert::Infallible;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::client::{Client, H1, H2};
use crate::director::{Served, serve_in};

/// One event for each request, when it is answered.
const POLICY: &str = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n\
                      rules: [{level: Metadata, nonResourceURLs: [/hello]}, {level: None}]\n";

/// Long enough for an event that ought not to come.
const WHILE: Duration = Duration::from_millis(200);

/// A server that records requests for `/hello`, with these arguments; `DATA` in them is its
/// directory.
async fn recording(arguments: &[&str]) -> Served {
    recording_in(tempfile::tempdir().unwrap(), arguments).await
}

async fn recording_in(data: TempDir, arguments: &[&str]) -> Served {
    let path = data.path().to_str().unwrap().to_owned();
    std::fs::write(data.path().join("policy.yaml"), POLICY).unwrap();
    let always = ["--audit-policy-file=DATA/policy.yaml", "--authorization-mode=AlwaysAllow"];
    let arguments: Vec<String> = always.iter().chain(arguments).map(|text| text.replace("DATA", &path)).collect();
    serve_in(data, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
}

async fn hello(client: &mut Client, times: usize) {
    for _ in 0..times {
        assert_eq!(client.get("/hello").await.unwrap().0, 200);
    }
}

/// A request whose event has as many bytes.
async fn hello_of(client: &mut Client, bytes: usize) {
    let path = format!("/hello?{}", "x".repeat(bytes));
    assert_eq!(client.get(&path).await.unwrap().0, 200);
}

fn lines(served: &Served, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(served.data.path().join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

async fn eventually(is_so: impl AsyncFn() -> bool) {
    let so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), so).await.expect("within a minute");
}

async fn lost(served: &Served) -> f64 {
    let (_, _, text) = served.client(H2).await.get("/metrics").await.unwrap();
    let of_audit = text.lines().filter(|line| line.starts_with("apiserver_audit_error_total{"));
    of_audit.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

fn backups(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("audit-")).collect()
}

#[tokio::test]
async fn a_full_log_is_put_aside_packed_and_the_oldest_removed() {
    let options = ["--audit-log-maxsize=1", "--audit-log-maxbackup=1", "--audit-log-compress", "--audit-log-maxage=1"];
    let served = recording(&[&["--audit-log-path=DATA/audit.log"], &options[..]].concat()).await;
    let mut client = served.client(H1).await;
    for _ in 0..80 {
        hello_of(&mut client, 50 << 10).await;
    }
    // Four megabytes are four files, of which one is kept beside the one that is written.
    let is_kept = async || matches!(&backups(served.data.path())[..], [name] if name.ends_with(".log.gz"));
    eventually(is_kept).await;
    let packed = std::fs::read(served.data.path().join(&backups(served.data.path())[0])).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert!((900_000..=1 << 20).contains(&text.len()), "{}", text.len());
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["verb"] == "get"));
}

#[tokio::test]
async fn events_are_written_in_the_format_and_version_that_are_asked_for() {
    let served = recording(&["--audit-log-path=DATA/a", "--audit-log-version=audit.k8s.io/v1"]).await;
    hello(&mut served.client(H1).await, 1).await;
    let event: Value = serde_json::from_str(&lines(&served, "a")[0]).unwrap();
    assert_eq!((event["apiVersion"].as_str(), event["kind"].as_str()), (Some("audit.k8s.io/v1"), Some("Event")));

    let served = recording(&["--audit-log-path=DATA/a", "--audit-log-format=legacy"]).await;
    hello(&mut served.client(H1).await, 1).await;
    let line = lines(&served, "a")[0].clone();
    assert!(line.contains(" AUDIT: id=\"") && line.contains(" uri=\"/hello\""), "{line}");
}

#[tokio::test]
async fn an_event_is_written_before_its_answer_or_with_others_later() {
    let served = recording(&["--audit-log-path=DATA/a", "--audit-log-mode=blocking-strict"]).await;
    hello(&mut served.client(H1).await, 1).await;
    assert_eq!(lines(&served, "a").len(), 1);

    let batches = ["--audit-log-mode=batch", "--audit-log-batch-max-size=2", "--audit-log-batch-max-wait=1h"];
    let served = recording(&[&["--audit-log-path=DATA/a"], &batches[..]].concat()).await;
    let mut client = served.client(H1).await;
    hello(&mut client, 1).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(lines(&served, "a").len(), 0, "it waits for another");
    hello(&mut client, 1).await;
    eventually(async || lines(&served, "a").len() == 2).await;
    // What waits at the end is written then.
    hello(&mut client, 1).await;
    drop(client);
    let data = served.data;
    served.running.handle().shutdown();
    served.controls.hooks_go.notify_one();
    served.running.finished().await;
    assert_eq!(std::fs::read_to_string(data.path().join("a")).unwrap().lines().count(), 3);
}

#[tokio::test]
async fn batches_are_held_back_and_what_overflows_is_counted() {
    let options = [
        "--audit-log-path=DATA/a",
        "--audit-log-mode=batch",
        "--audit-log-batch-throttle-enable",
        // The next one in a quarter of an hour.
        "--audit-log-batch-throttle-qps=0.001",
        "--audit-log-batch-throttle-burst=1",
        "--audit-log-batch-buffer-size=1",
    ];
    let served = recording(&options).await;
    let mut client = served.client(H1).await;
    hello(&mut client, 1).await;
    eventually(async || lines(&served, "a").len() == 1).await;
    hello(&mut client, 10).await;
    eventually(async || lost(&served).await > 0.0).await;
    assert_eq!(lines(&served, "a").len(), 1);
}

#[tokio::test]
async fn events_that_are_too_large_are_left_out_and_counted() {
    let options = [
        "--audit-log-path=DATA/a",
        "--audit-log-truncate-enabled",
        "--audit-log-truncate-max-event-size=4096",
        "--audit-log-truncate-max-batch-size=8192",
    ];
    let served = recording(&options).await;
    let mut client = served.client(H1).await;
    hello_of(&mut client, 10).await;
    hello_of(&mut client, 5000).await;
    hello_of(&mut client, 20).await;
    assert_eq!(lines(&served, "a").len(), 2);
    assert_eq!(lost(&served).await, 1.0);
}

/// Takes events at a kubeconfig's server, refuses the first list, and gives the lists.
async fn receiver(directory: &Path) -> mpsc::UnboundedReceiver<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: x, user: u}}}}]\n\
         clusters: [{{name: x, cluster: {{server: 'http://{}/events'}}}}]\nusers: [{{name: u, user: {{}}}}]",
        listener.local_addr().unwrap()
    );
    std::fs::write(directory.join("webhook"), kubeconfig).unwrap();
    let (sender, lists) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (sender, count) = (sender.clone(), count.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (sender, count) = (sender.clone(), count.clone());
                async move {
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let code = if count.fetch_add(1, Ordering::Relaxed) == 0 { 500 } else { 200 };
                    if code == 200 {
                        let _ = sender.send(serde_json::from_slice(&body).unwrap());
                    }
                    Ok::<_, Infallible>(Response::builder().status(code).body(Empty::<Bytes>::new()).unwrap())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    lists
}

#[tokio::test]
async fn a_webhook_gets_lists_of_events_again_until_it_takes_them() {
    let data = tempfile::tempdir().unwrap();
    let mut lists = receiver(data.path()).await;
    let options = [
        "--audit-webhook-config-file=DATA/webhook",
        "--audit-webhook-version=audit.k8s.io/v1",
        "--audit-webhook-mode=batch",
        "--audit-webhook-initial-backoff=10ms",
        "--audit-webhook-batch-max-size=2",
        "--audit-webhook-batch-max-wait=1h",
        "--audit-webhook-truncate-enabled",
        "--audit-webhook-truncate-max-event-size=4096",
        "--audit-webhook-truncate-max-batch-size=8192",
    ];
    let served = recording_in(data, &options).await;
    let mut client = served.client(H1).await;
    hello(&mut client, 2).await;
    let list = lists.recv().await.unwrap();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().unwrap().len()), (Some("EventList"), 2));
    // One that is too large is not sent, nor counted among those of a list.
    hello(&mut client, 1).await;
    hello_of(&mut client, 5000).await;
    hello(&mut client, 1).await;
    assert_eq!(lists.recv().await.unwrap()["items"].as_array().unwrap().len(), 2);
    assert_eq!(lost(&served).await, 1.0);
}

#[tokio::test]
async fn a_webhook_is_asked_as_often_as_it_may_be() {
    let data = tempfile::tempdir().unwrap();
    let mut lists = receiver(data.path()).await;
    let options = [
        "--audit-webhook-config-file=DATA/webhook",
        "--audit-webhook-initial-backoff=10ms",
        "--audit-webhook-batch-max-size=1",
        "--audit-webhook-batch-throttle-enable",
        "--audit-webhook-batch-throttle-qps=0.001",
        "--audit-webhook-batch-throttle-burst=1",
        "--audit-webhook-batch-buffer-size=1",
    ];
    let served = recording_in(data, &options).await;
    let mut client = served.client(H1).await;
    hello(&mut client, 1).await;
    lists.recv().await.unwrap();
    hello(&mut client, 10).await;
    eventually(async || lost(&served).await > 0.0).await;
    assert!(tokio::time::timeout(WHILE, lists.recv()).await.is_err(), "it was asked again");
}
