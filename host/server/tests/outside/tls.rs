//! Who gets in, and how.

use host_server::pki::Pki;
use host_server::{Server, StartError};

use crate::client::{H1, H2};
use crate::director::{config, serve, serve_in};

#[tokio::test]
async fn a_certificate_is_asked_for_and_not_required() {
    let served = serve(&[]).await;
    let stranger = tempfile::tempdir().unwrap();
    let local = "127.0.0.1".parse().unwrap();
    let stranger = Pki::open(stranger.path(), &[local]).unwrap();
    let (certificate, key) = stranger.admin();
    let stranger = (certificate.to_owned(), key.to_owned());
    for protocol in [H1, H2] {
        let cases = [
            ("the administrator's", Some(served.admin()), "/who", 200),
            ("none", None, "/who", 403),
            ("none", None, "/livez", 200),
            // Not a failed handshake, which tells nobody anything.
            ("one that nobody vouches for", Some(stranger.clone()), "/livez", 401),
        ];
        for (what, identity, path, expected) in cases {
            let mut client = served.connect(protocol, identity).await.unwrap();
            let (code, headers, body) = client.get(path).await.unwrap();
            assert_eq!(code, expected, "{what}, {protocol}");
            if expected == 200 && path == "/who" {
                assert_eq!(body, "kubernetes-admin system:masters,system:authenticated");
            }
            assert!(!headers.contains_key("connection"), "{what}, {protocol}");
            // HTTP/2 says it by GOAWAY: strangers get one request for each connection.
            if protocol == H2 && what != "the administrator's" {
                assert!(client.closed().await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn static_tokens_and_impersonation_go_through_the_stack() {
    let tokens = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(tokens.path(), "secret,bob,7,\"system:masters,builders\"\n").unwrap();
    let served = serve(&["--token-auth-file", tokens.path().to_str().unwrap(), "--anonymous-auth=false"]).await;
    let mut client = served.connect(H1, None).await.unwrap();
    let bearer = ("authorization", "Bearer secret");
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let cases: [Case<'_>; 4] = [
        (&[bearer], 200, "bob system:masters,builders,system:authenticated"),
        (
            &[bearer, ("impersonate-user", "eve"), ("impersonate-group", "system:masters")],
            200,
            "eve system:masters,system:authenticated",
        ),
        (&[bearer, ("impersonate-user", "eve")], 403, "forbidden: User \\\"eve\\\" cannot get path \\\"/who\\\""),
        (&[], 401, "Unauthorized"),
    ];
    for (headers, code, words) in cases {
        let (got, _, body) = client.get_with("/who", headers).await.unwrap();
        assert_eq!(got, code);
        assert!(body.contains(words), "{body}");
    }
}

#[tokio::test]
async fn a_start_on_the_same_data_serves_the_same_certificates() {
    let first = serve(&[]).await;
    let admin = first.admin();
    first.controls.hooks_go.notify_one();
    first.running.handle().shutdown();
    first.running.finished().await;
    let second = serve_in(first.data, &[]).await;
    let mut client = second.connect(H2, Some(admin)).await.unwrap();
    assert_eq!(client.get("/hello").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let served = serve(&[]).await;
    let data = tempfile::tempdir().unwrap();
    let port = served.running.address().port();
    let mut config = config(data.path(), &[]);
    config.serving.secure_port = port;
    let Err(error) = Server::new(config).unwrap().bind().await else { panic!("the port is in use") };
    assert!(matches!(error, StartError::Listen { .. }));
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot listen on `127.0.0.1:{port}`: ")), "{text}");
    assert!(text.contains("--secure-port"), "{text}");
}

#[tokio::test]
async fn bytes_that_are_not_tls_harm_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = serve(&[]).await;
    let mut stream = tokio::net::TcpStream::connect(served.running.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    let mut client = served.client(H2).await;
    assert_eq!(client.get("/hello").await.unwrap().0, 200);
    let (_, _, metrics) = client.get("/metrics").await.unwrap();
    assert!(metrics.contains("apiserver_tls_handshake_errors_total 1\n"), "{metrics}");
}
