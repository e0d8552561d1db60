//! Options whose effect shows in an answer.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use tempfile::TempDir;

use crate::authority::Authority;
use crate::client::{H1, H2, read, request};
use crate::director::{serve, serve_in};

/// Long enough for an answer that ought not to come.
const WHILE: Duration = Duration::from_millis(100);

fn file(data: &TempDir, name: &str, content: &str) -> String {
    let path = data.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn browsers_are_told_what_they_may() {
    let served = serve(&[
        r"--cors-allowed-origins=//web\.example$",
        "--strict-transport-security-directives=max-age=60,includeSubDomains",
    ])
    .await;
    let mut client = served.client(H2).await;
    let (_, headers, _) = client.get_with("/hello", &[("origin", "https://web.example")]).await.unwrap();
    assert_eq!(headers["access-control-allow-origin"], "https://web.example");
    assert_eq!(headers["strict-transport-security"], "max-age=60; includeSubDomains");
    let (_, headers, _) = client.get_with("/hello", &[("origin", "https://other.example")]).await.unwrap();
    assert!(!headers.contains_key("access-control-allow-origin"), "{headers:?}");
}

#[tokio::test]
async fn some_connections_are_asked_to_go() {
    let served = serve(&["--goaway-chance=0.02"]).await;
    let mut client = served.client(H2).await;
    // Of as many requests one is chosen but for a chance of 10^-43.
    for _ in 0..5000 {
        if client.closed().await || client.get("/hello").await.is_err() {
            return;
        }
    }
    panic!("nobody was asked to go");
}

#[tokio::test]
async fn a_connection_has_so_many_streams() {
    let served = serve(&["--http2-max-streams-per-connection=1"]).await;
    let mut first = served.client(H2).await;
    // The server says so in its first frame, which has come with the first answer.
    first.get("/hello").await.unwrap();
    let mut second = first.beside();
    let waiting = tokio::spawn(async move { first.get("/wait").await.unwrap().0 });
    served.controls.waiting.notified().await;
    let mut asking = tokio::spawn(async move { second.get("/hello").await.unwrap().0 });
    assert!(tokio::time::timeout(WHILE, &mut asking).await.is_err(), "it was answered beside another");
    served.controls.go.notify_one();
    assert_eq!((waiting.await.unwrap(), asking.await.unwrap()), (200, 200));
}

#[tokio::test]
async fn requests_that_change_something_have_a_bound_of_their_own() {
    let data = tempfile::tempdir().unwrap();
    let tokens = file(&data, "tokens.csv", "secret,eve,1\n");
    let arguments = ["--max-mutating-requests-inflight=1", "--token-auth-file", &tokens];
    let served = serve_in(data, &[&arguments[..], &["--authorization-mode=AlwaysAllow"]].concat()).await;
    let mut admin = served.client(H1).await;
    let waiting = tokio::spawn(async move { admin.post("/wait", Bytes::new()).await.unwrap().0 });
    served.controls.waiting.notified().await;
    // The administrator is exempt, and counts all the same.
    let mut eve = served.connect(H2, None).await.unwrap();
    let mut post = request(Method::POST, "/echo", Bytes::new());
    post.headers_mut().insert("authorization", "Bearer secret".parse().unwrap());
    let (code, headers, _) = read(eve.send(post.clone()).await.unwrap()).await.unwrap();
    assert_eq!((code, headers.contains_key("retry-after")), (429, true));
    assert_eq!(eve.get_with("/hello", &[("authorization", "Bearer secret")]).await.unwrap().0, 200);
    served.controls.go.notify_one();
    assert_eq!(waiting.await.unwrap(), 200);
    assert_eq!(read(eve.send(post).await.unwrap()).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_proxy_in_front_says_who_somebody_is_in_headers_that_are_agreed_on() {
    let data = tempfile::tempdir().unwrap();
    let authority = Authority::new("fronts");
    let ca = file(&data, "fronts.crt", &authority.pem());
    let served = serve_in(
        data,
        &[
            &format!("--requestheader-client-ca-file={ca}"),
            "--requestheader-allowed-names=front",
            "--requestheader-username-headers=X-Name",
            "--requestheader-group-headers=X-Team",
            "--requestheader-uid-headers=X-Number",
            "--requestheader-extra-headers-prefix=X-Also-",
            "--authorization-mode=AlwaysAllow",
        ],
    )
    .await;
    let headers = [("x-name", "ann"), ("x-team", "a"), ("x-team", "b"), ("x-number", "7"), ("x-also-from", "here")];
    let mut front = served.connect(H1, Some(authority.client("front", "any"))).await.unwrap();
    assert_eq!(front.get_with("/who", &headers).await.unwrap().2, "ann a,b,system:authenticated");
    assert_eq!(front.get_with("/who-else", &headers).await.unwrap().2, "7 from=here");
    // Another name of the same authority's speaks for nobody.
    let mut other = served.connect(H1, Some(authority.client("other", "any"))).await.unwrap();
    assert!(!other.get_with("/who", &headers).await.unwrap().2.starts_with("ann"));
}

#[tokio::test]
async fn strangers_see_the_paths_that_the_configuration_names() {
    let data = tempfile::tempdir().unwrap();
    let configuration = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n\
                         anonymous: {enabled: true, conditions: [{path: /livez}]}\n";
    let configuration = file(&data, "authentication.yaml", configuration);
    let served = serve_in(data, &["--authentication-config", &configuration]).await;
    let mut stranger = served.connect(H1, None).await.unwrap();
    assert_eq!(stranger.get("/livez").await.unwrap().0, 200);
    assert_eq!(stranger.get("/readyz").await.unwrap().0, 401);
}
