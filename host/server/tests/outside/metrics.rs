//! What `/metrics` says of the requests that a server has had.

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;

use crate::client::{H1, H2, request};
use crate::director::{Served, serve};

impl Served {
    /// The value of the one series of `family` that has all of these labels.
    async fn metric(&self, family: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let (_, _, text) = self.client(H2).await.get("/metrics").await.unwrap();
        let wanted: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let mut found = text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let labels = series.strip_prefix(family)?.strip_prefix('{')?.strip_suffix('}')?;
            wanted.iter().all(|wanted| labels.split(',').any(|label| label == wanted)).then(|| value.parse().unwrap())
        });
        let value = found.next();
        assert_eq!(found.next(), None, "{family} has several series with {labels:?}:\n{text}");
        value
    }
}

#[tokio::test]
async fn what_the_server_ends_is_counted_as_that() {
    let served = serve(&["--request-timeout=500ms"]).await;
    assert_eq!(served.client(H2).await.get("/wait?timeout=10ms").await.unwrap().0, 504);
    assert_eq!(served.metric("apiserver_request_terminations_total", &[("code", "504")]).await, Some(1.0));
    assert_eq!(served.metric("apiserver_request_aborts_total", &[("verb", "GET")]).await, None);

    for (protocol, aborted) in [(H1, 1.0), (H2, 2.0)] {
        let mut client = served.client(protocol).await;
        let unread = client.send(request(Method::GET, "/flood", Bytes::new())).await.unwrap();
        served.controls.flood_ended.notified().await;
        assert_eq!(served.metric("apiserver_request_aborts_total", &[("verb", "GET")]).await, Some(aborted));
        drop(unread);
    }
}

#[tokio::test]
async fn a_client_that_leaves_early_has_ended_its_request_itself() {
    let served = serve(&[]).await;
    let mut client = served.client(H1).await;
    let left = client.send(request(Method::GET, "/flood", Bytes::new())).await.unwrap();
    drop((left, client));
    served.controls.flood_ended.notified().await;
    assert_eq!(served.metric("apiserver_request_aborts_total", &[("verb", "GET")]).await, None);
}

#[tokio::test]
async fn watches_are_counted_while_they_go_on() {
    let served = serve(&[]).await;
    let pods = [("verb", "WATCH"), ("version", "v1"), ("resource", "pods"), ("scope", "cluster")];
    let mut client = served.client(H1).await;
    let mut watch = client.send(request(Method::GET, "/api/v1/pods?watch=1", Bytes::new())).await.unwrap();
    assert!(watch.body_mut().frame().await.unwrap().is_ok());
    assert_eq!(served.metric("apiserver_longrunning_requests", &pods).await, Some(1.0));
    // It counts as a request when it is over.
    assert_eq!(served.metric("apiserver_request_total", &pods).await, Some(0.0));
}

#[tokio::test]
async fn answers_are_measured_and_the_build_is_named() {
    let served = serve(&[]).await;
    let (_, _, version) = served.client(H2).await.get("/version").await.unwrap();
    let path = [("subresource", "/version")];
    assert_eq!(served.metric("apiserver_response_sizes_sum", &path).await, Some(version.len() as f64));
    for count in ["apiserver_response_sizes_count", "apiserver_request_sli_duration_seconds_count"] {
        assert_eq!(served.metric(count, &path).await, Some(1.0), "{count}");
    }
    let build = [("major", "1"), ("minor", "36"), ("compiler", "rustc")];
    assert_eq!(served.metric("kubernetes_build_info", &build).await, Some(1.0));
}

#[tokio::test]
async fn what_a_client_makes_up_is_no_label_even_beside_what_there_is() {
    let served = serve(&[]).await;
    let mut client = served.client(H1).await;
    let watch = client.send(request(Method::GET, "/api/v1/pods?watch=1", Bytes::new())).await.unwrap();
    let mut client = served.client(H2).await;
    for path in ["/api/v1/nonsense", "/api/v1/pods/a/nonsense", "/api/v1/namespaces/a/pods/b/nonsense"] {
        client.get(path).await.unwrap();
    }
    let (_, _, metrics) = client.get("/metrics").await.unwrap();
    assert!(metrics.contains("resource=\"pods\""), "the resource is not known:\n{metrics}");
    assert!(!metrics.contains("nonsense"), "{metrics}");
    drop(watch);
}
