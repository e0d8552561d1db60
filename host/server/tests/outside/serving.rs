//! Requests through the whole stack.

use bytes::Bytes;
use futures_util::FutureExt;
use http::Method;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::client::{H1, H2, request};
use crate::director::serve;

#[tokio::test]
async fn an_answer_has_what_every_answer_has() {
    let served = serve(&[]).await;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let (code, headers, body) = client.get_with("/hello", &[("audit-id", "mine")]).await.unwrap();
        assert_eq!((code, body.as_str()), (200, "hello"), "{protocol}");
        assert_eq!(headers["audit-id"], "mine");
        assert_eq!(headers["cache-control"], "no-cache, private");
        assert!(headers.contains_key("date"));

        // Refusals and panics too, and the connection survives them.
        let (code, headers, _) = client.get("/panic").await.unwrap();
        assert_eq!((code, headers.contains_key("audit-id")), (500, true), "{protocol}");
        let (code, headers, _) = client.get("/hello?timeout=soon").await.unwrap();
        assert_eq!((code, &headers["cache-control"]), (400, &"no-cache, private".parse().unwrap()));
        let (code, _, body) = client.get("/nonsense").await.unwrap();
        assert_eq!((code, body.as_str()), (404, "404 page not found\n"));
        assert_eq!(client.get("/hello").await.unwrap().0, 200);
    }
}

#[tokio::test]
async fn the_servers_own_paths_are_served() {
    let served = serve(&[]).await;
    let mut client = served.client(H2).await;
    let (_, headers, body) = client.get("/").await.unwrap();
    let expected = [
        "/.well-known/openid-configuration",
        "/healthz",
        "/healthz/log",
        "/healthz/ping",
        "/hello",
        "/livez",
        "/livez/log",
        "/livez/ping",
        "/metrics",
        "/metrics/slis",
        "/openid/v1/jwks",
        "/readyz",
        "/readyz/log",
        "/readyz/ping",
        "/readyz/shutdown",
        "/version",
    ];
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({ "paths": expected }));
    assert_eq!(headers["content-type"], "application/json");

    let (_, _, body) = client.get("/version").await.unwrap();
    let version: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")));
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1.36.3"), "{version}");

    let (code, _, body) = client.post("/version", Bytes::new()).await.unwrap();
    assert_eq!((code, body.contains("MethodNotAllowed")), (405, true), "{body}");
    let (code, headers, _) = client.get("/debug/pprof").await.unwrap();
    assert_eq!((code, headers["location"].to_str().unwrap()), (302, "/debug/pprof/"));
    for (path, type_is_certain) in [("/readyz", true), ("/readyz/ping", false)] {
        let (code, headers, body) = client.get(path).await.unwrap();
        assert_eq!((code, body.as_str()), (200, "ok"), "{path}");
        assert_eq!(headers.contains_key("x-content-type-options"), type_is_certain, "{path}");
    }

    client.get("/api/v1/nonsense").await.unwrap();
    let (_, headers, body) = client.get("/metrics").await.unwrap();
    // Prometheus takes nothing that does not say which version of its text it is.
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4;"), "{headers:?}");
    let total = "apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"\",\
                 scope=\"\",subresource=\"/version\",verb=\"GET\",version=\"\"} 1";
    assert!(body.lines().any(|line| line == total), "{body}");
    assert!(body.contains("apiserver_request_duration_seconds_bucket{"));
    assert!(!body.contains("nonsense"), "what clients make up is no label");
}

#[tokio::test]
async fn bodies_are_read_up_to_their_bound() {
    let served = serve(&[]).await;
    let most = host_server::REQUEST_BODY_BYTES_MAX as usize;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let body = Bytes::from(vec![b'x'; most]);
        let (code, _, got) = client.post("/echo", body).await.unwrap();
        assert_eq!((code, got.len()), (200, most), "{protocol}");
        let mut client = served.client(protocol).await;
        let (code, _, got) = client.post("/echo", Bytes::from(vec![b'x'; most + 1])).await.unwrap();
        assert_eq!(code, 413, "{protocol}");
        assert!(got.contains("Request entity too large: limit is 3145728"), "{got}");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_504_and_cancelled() {
    let served = serve(&[]).await;
    let mut client = served.client(H2).await;
    let (code, _, body) = client.get("/wait?timeout=10ms").await.unwrap();
    assert_eq!(code, 504);
    assert!(body.contains("\"reason\":\"Timeout\""), "{body}");
    served.controls.cancelled.notified().await;
}

#[tokio::test]
async fn a_request_whose_client_leaves_is_cancelled() {
    let served = serve(&[]).await;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let waiting = tokio::spawn(async move { client.get("/wait").await.map(|_| ()) });
        served.controls.waiting.notified().await;
        waiting.abort();
        served.controls.cancelled.notified().await;
    }
}

#[tokio::test]
async fn a_full_house_answers_429() {
    let tokens = tempfile::NamedTempFile::new().unwrap();
    // Nobody but `system:masters` may do anything yet, and they are let in: so health it is.
    std::fs::write(tokens.path(), "secret,eve,1\n").unwrap();
    let file = tokens.path().to_str().unwrap();
    let served = serve(&["--max-requests-inflight=1", "--token-auth-file", file]).await;
    let mut admin = served.client(H1).await;
    let waiting = tokio::spawn(async move { admin.get("/wait").await.unwrap().0 });
    served.controls.waiting.notified().await;

    let mut eve = served.connect(H2, None).await.unwrap();
    let bearer = [("authorization", "Bearer secret")];
    let (code, headers, _) = eve.get_with("/livez", &bearer).await.unwrap();
    assert_eq!((code, &headers["retry-after"]), (429, &"1".parse().unwrap()));
    served.controls.go.notify_one();
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(eve.get_with("/livez", &bearer).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_watch_streams_while_others_are_answered() {
    let served = serve(&[]).await;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let watch = request(Method::GET, "/api/v1/pods?watch=1", Bytes::new());
        let mut response = client.send(watch).await.unwrap();
        let event = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(event, "{\"type\":\"ADDED\"}\n", "{protocol}");
        if protocol == H2 {
            assert_eq!(client.get("/hello").await.unwrap().0, 200);
        }
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_ended_and_its_neighbours_are_not() {
    let served = serve(&["--request-timeout=500ms"]).await;
    for protocol in [H1, H2] {
        let mut client = served.client(protocol).await;
        let unread = client.send(request(Method::GET, "/flood", Bytes::new())).await.unwrap();
        served.controls.flood_ended.notified().await;
        if protocol == H2 {
            assert_eq!(client.get("/hello").await.unwrap().0, 200);
        }
        assert!(unread.into_body().collect().await.is_err(), "{protocol}: it never came to its end");
    }
}

#[tokio::test]
async fn a_request_that_leaves_http_goes_on_until_its_connection_ends() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = serve(&[]).await;
    let mut client = served.client(H1).await;
    let mut wanted = request(Method::GET, "/upgrade", Bytes::new());
    wanted.headers_mut().insert("connection", "upgrade".parse().unwrap());
    wanted.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let response = client.send(wanted).await.unwrap();
    assert_eq!(response.status(), 101);
    let mut connection = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    connection.write_all(b"hello").await.unwrap();
    let mut echo = [0; 5];
    connection.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"hello");
    assert!(served.controls.cancelled.notified().now_or_never().is_none(), "somebody is still there");
    drop(connection);
    served.controls.cancelled.notified().await;
}

#[tokio::test]
async fn watches_and_requests_share_a_connection_and_one_that_breaks_harms_no_other() {
    let served = serve(&[]).await;
    let client = served.client(H2).await;
    let mut open = Vec::new();
    for name in ["pods", "panics", "services", "panics", "nodes"] {
        let watch = request(Method::GET, &format!("/api/v1/{name}?watch=true"), Bytes::new());
        let mut body = client.beside().send(watch).await.unwrap().into_body();
        if name == "panics" {
            assert!(body.collect().await.is_err(), "it is broken");
        } else {
            let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(first, "{\"type\":\"ADDED\"}\n", "{name}");
            open.push(body);
        }
        assert_eq!(client.beside().get("/hello").await.unwrap().0, 200);
    }
    for body in &mut open {
        assert!(body.frame().now_or_never().is_none(), "a watch is over");
    }
}
