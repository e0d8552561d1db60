//! Spans, as a collector gets them.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::client::H2;
use crate::director::serve;

/// A collector that takes everything, and the calls that it gets.
async fn collector() -> (SocketAddr, mpsc::Receiver<Bytes>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (calls, receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: Request<Incoming>| {
            let calls = calls.clone();
            async move {
                assert_eq!(request.uri().path(), "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
                calls.send(request.into_body().collect().await.unwrap().to_bytes()).await.unwrap();
                let answer = Response::builder().header("grpc-status", "0").header("content-type", "application/grpc");
                Ok::<_, Infallible>(answer.body(Empty::<Bytes>::new()).unwrap())
            }
        });
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    });
    (address, receiver)
}

#[tokio::test]
async fn the_privileged_say_what_is_traced_and_the_last_spans_are_sent_too() {
    let (address, mut calls) = collector().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = format!("apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\nendpoint: {address}\n");
    std::fs::write(file.path(), config).unwrap();
    let served = serve(&["--tracing-config-file", file.path().to_str().unwrap()]).await;
    let sampled = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")];
    let not_sampled = [("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")];

    let mut admin = served.client(H2).await;
    assert_eq!(admin.get_with("/hello?traced", &sampled).await.unwrap().0, 200);
    assert_eq!(admin.get_with("/who", &not_sampled).await.unwrap().0, 200);
    assert_eq!(admin.get("/version").await.unwrap().0, 200);
    let mut stranger = served.connect(H2, None).await.unwrap();
    assert_eq!(stranger.get_with("/livez", &sampled).await.unwrap().0, 200);

    served.controls.hooks_go.notify_one();
    served.running.handle().shutdown();
    served.running.finished().await;
    let call = calls.recv().await.unwrap();
    let has = |bytes: &[u8]| call.windows(bytes.len()).any(|window| window == bytes);
    assert!(has(b"/hello?traced") && has(&[0x0a, 0xf7, 0x65, 0x19]) && has(&[0xb7, 0xad, 0x6b, 0x71]));
    assert!(!has(b"/who") && !has(b"/version") && !has(b"/livez"));
    assert_eq!(
        call.len(),
        5 + u32::from_be_bytes(call[1..5].try_into().unwrap()) as usize,
        "one message, as announced"
    );
    assert!(calls.recv().await.is_none(), "there is no second call");
}

#[tokio::test]
async fn spans_that_nobody_takes_wait_only_so_far() {
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let kind = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration";
    let config = format!("{kind}\nendpoint: {address}\nsamplingRatePerMillion: 1000000\n");
    std::fs::write(file.path(), config).unwrap();
    let served = serve(&["--tracing-config-file", file.path().to_str().unwrap()]).await;
    let mut client = served.client(H2).await;
    let mut dropped = 0;
    // As many as may wait and as are on their way; and again where those on their way are given up meanwhile.
    for _ in 0..10 {
        for _ in 0..2048 + 512 + 1 {
            assert_eq!(client.get("/hello").await.unwrap().0, 200);
        }
        let (_, _, text) = client.get("/metrics").await.unwrap();
        let counted = text.lines().find_map(|line| line.strip_prefix("host_trace_spans_dropped_total "));
        dropped = counted.unwrap().parse().unwrap();
        if dropped > 0 {
            break;
        }
    }
    assert!(dropped > 0, "all of them wait");
}
