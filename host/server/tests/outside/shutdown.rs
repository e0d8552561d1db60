//! How the server goes away: the order of the signals, and what clients see meanwhile.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use host_server::lifecycle::Signal;
use http::Method;
use http_body_util::BodyExt;

use crate::client::{H1, H2, request};
use crate::director::{Served, config, serve, serve_with};

impl Served {
    fn fired(&self) -> Vec<Signal> {
        Signal::all().filter(|signal| self.signals.has_fired(*signal)).collect()
    }
}

#[tokio::test]
async fn by_default_the_listener_closes_and_the_drain_goes_on_behind_it() {
    use Signal::*;
    let served = serve(&[]).await;
    let mut prober = served.client(H2).await;
    assert_eq!(prober.get("/readyz").await.unwrap().0, 200);
    let mut client = served.client(H1).await;
    let waiting = tokio::spawn(async move { client.get("/wait").await.unwrap() });
    served.controls.waiting.notified().await;

    // Readiness fails at once, liveness does not, and requests are served.
    served.running.handle().shutdown();
    served.controls.hooks_started.notified().await;
    served.signals.wait(AfterShutdownDelayDuration).await;
    assert_eq!(prober.get("/readyz").await.unwrap().0, 500);
    for (path, code) in [("/livez", 200), ("/hello", 200)] {
        assert_eq!(served.client(H2).await.get(path).await.unwrap().0, code);
    }
    // Who keeps a connection is asked to leave it while there are other servers to go to.
    assert!(prober.closed().await);
    assert_eq!(served.fired(), [ShutdownInitiated, AfterShutdownDelayDuration, HasBeenReady, MuxAndDiscoveryComplete]);

    // Only when the hooks have ended are requests refused, and the port is closed.
    served.controls.hooks_go.notify_one();
    served.signals.wait(HttpServerStoppedListening).await;
    assert!(served.connect(H2, None).await.is_err());
    assert!(!served.signals.has_fired(InFlightRequestsDrained));

    // Who was there is answered.
    served.controls.go.notify_one();
    let (_, headers, body) = waiting.await.unwrap();
    assert_eq!((body.as_str(), &headers["connection"]), ("waited", &"close".parse().unwrap()));
    served.signals.wait(InFlightRequestsDrained).await;
    assert_eq!(served.fired().len(), 8);
    served.running.finished().await;
}

#[tokio::test]
async fn with_retry_after_the_port_stays_open_until_the_drain_is_over() {
    use Signal::*;
    let served = serve(&["--shutdown-send-retry-after"]).await;
    let mut client = served.client(H1).await;
    let waiting = tokio::spawn(async move { client.get("/wait").await.unwrap() });
    served.controls.waiting.notified().await;
    served.controls.hooks_go.notify_one();
    served.running.handle().shutdown();
    served.signals.wait(NotAcceptingNewRequest).await;

    for protocol in [H1, H2] {
        let mut late = served.client(protocol).await;
        let (code, headers, body) = late.get("/hello").await.unwrap();
        assert_eq!((code, &headers["retry-after"]), (429, &"5".parse().unwrap()), "{protocol}");
        assert_eq!(body, "The apiserver is shutting down, please try again later.\n");
        assert!(late.closed().await, "{protocol}");
    }
    let mut prober = served.client(H2).await;
    assert_eq!(prober.get("/livez").await.unwrap().0, 200);
    assert!(!served.signals.has_fired(HttpServerStoppedListening));

    served.controls.go.notify_one();
    assert_eq!(waiting.await.unwrap().0, 200);
    served.signals.wait(HttpServerStoppedListening).await;
    assert!(served.signals.has_fired(InFlightRequestsDrained));
    served.running.finished().await;
}

#[tokio::test]
async fn watches_end_cleanly_and_do_not_hold_the_shutdown_up() {
    for protocol in [H1, H2] {
        let served = serve(&[]).await;
        let mut client = served.client(protocol).await;
        let watch = request(Method::GET, "/api/v1/pods?watch=1", Bytes::new());
        let mut response = client.send(watch).await.unwrap();
        assert!(response.body_mut().frame().await.unwrap().is_ok());

        served.controls.hooks_go.notify_one();
        served.running.handle().shutdown();
        // The end of the body and not a broken connection.
        let rest = response.into_body().collect().await.map(|rest| rest.to_bytes());
        assert_eq!(rest.unwrap(), "", "{protocol}");
        served.running.finished().await;
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up_after_the_request_timeout() {
    // A client that asks for more time than there is gets what there is.
    let served = serve(&["--request-timeout=500ms"]).await;
    let mut client = served.client(H2).await;
    let waiting = tokio::spawn(async move { client.get("/wait").await.unwrap().0 });
    served.controls.waiting.notified().await;
    served.controls.hooks_go.notify_one();
    served.running.handle().shutdown();
    served.running.finished().await;
    assert_eq!(waiting.await.unwrap(), 504);
}

#[tokio::test]
async fn a_client_that_never_reads_is_given_up_after_the_request_timeout() {
    let cases = [("", H1), ("", H2), ("--shutdown-send-retry-after", H1), ("--shutdown-send-retry-after", H2)];
    // All at once: each takes as long as connections get for their ends.
    join_all(cases.map(|(argument, protocol)| async move {
        let arguments: Vec<_> = ["--request-timeout=500ms", argument].into_iter().filter(|a| !a.is_empty()).collect();
        let served = serve(&arguments).await;
        let mut client = served.client(protocol).await;
        let unread = client.send(request(Method::GET, "/flood", Bytes::new())).await.unwrap();
        let mut watcher = served.client(protocol).await;
        let watch = watcher.send(request(Method::GET, "/api/v1/floods?watch=1", Bytes::new())).await.unwrap();

        served.controls.hooks_go.notify_one();
        served.running.handle().shutdown();
        served.signals.wait(Signal::InFlightRequestsDrained).await;
        served.running.finished().await;
        assert!(unread.into_body().collect().await.is_err(), "{protocol}: it never came to its end");
        drop(watch);
    }))
    .await;
}

#[tokio::test]
async fn with_a_grace_period_the_drain_waits_for_watches_to_end() {
    let cases = [
        ("/api/v1/pods?watch=1", "1h", true),
        // Nobody reads it, so it cannot end: it has all its time.
        ("/api/v1/floods?watch=1", "200ms", false),
    ];
    join_all(cases.map(|(path, grace, read)| async move {
        let argument = format!("--shutdown-watch-termination-grace-period={grace}");
        let served = serve(&[&argument, "--request-timeout=100ms"]).await;
        let mut client = served.client(H2).await;
        let watch = client.send(request(Method::GET, path, Bytes::new())).await.unwrap();

        let started = Instant::now();
        served.controls.hooks_go.notify_one();
        served.running.handle().shutdown();
        if read {
            assert_eq!(watch.into_body().collect().await.unwrap().to_bytes(), "{\"type\":\"ADDED\"}\n");
            served.signals.wait(Signal::InFlightRequestsDrained).await;
        } else {
            served.signals.wait(Signal::InFlightRequestsDrained).await;
            assert!(started.elapsed() >= Duration::from_millis(200));
        }
        served.running.finished().await;
    }))
    .await;
}

#[tokio::test]
async fn clients_are_asked_to_connect_anew_by_chance() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path(), &[]);
    config.requests.goaway_chance = 1.0;
    let served = serve_with(data, config).await;
    for (protocol, ends) in [(H1, false), (H2, true)] {
        let mut client = served.client(protocol).await;
        let (code, headers, _) = client.get("/hello").await.unwrap();
        assert_eq!((code, headers.contains_key("connection")), (200, false));
        assert_eq!(client.get("/hello").await.is_err(), ends, "{protocol}");
    }
}
