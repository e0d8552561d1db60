//! Certificates that change while the server serves.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, write};
use crate::client::{H1, H2, Identity};
use crate::director::{Served, serve};

/// A client that trusts everybody, and looks at whom.
fn curious(versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = host_server::pki::AnyCertificate::new(&provider);
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
}

/// What a server shows to a client that asks for `name`, which may be an address.
pub(crate) async fn shown(address: SocketAddr, name: &str) -> CertificateDer<'static> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = TlsConnector::from(Arc::new(curious(&[&TLS13])));
    let stream = connector.connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

pub(crate) fn der((certificate, _): &Identity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_new_serving_certificate_is_served_and_a_broken_one_is_not() {
    let authority = Authority::new("tests");
    let dir = tempfile::tempdir().unwrap();
    let first = authority.server(&["example.com"]);
    let (certificate, key) = write(dir.path(), "serving", &first);
    let arguments =
        [format!("--tls-cert-file={}", certificate.display()), format!("--tls-private-key-file={}", key.display())];
    let served = serve(&arguments.each_ref().map(String::as_str)).await;
    let address = served.running.address();
    let shown = || shown(address, "example.com");
    assert_eq!(shown().await, der(&first));

    let second = authority.server(&["example.com"]);
    let stranger = authority.server(&["example.com"]);
    let broken: [(&str, Identity); 3] = [
        ("half a certificate", (second.0[..200].to_owned(), second.1.clone())),
        ("another one's key", (second.0.clone(), stranger.1)),
        ("no certificate", (String::new(), second.1.clone())),
    ];
    for (what, pair) in broken {
        write(dir.path(), "serving", &pair);
        served.running.handle().reload().await;
        assert_eq!(shown().await, der(&first), "{what}");
    }
    std::fs::remove_file(&key).unwrap();
    served.running.handle().reload().await;
    assert_eq!(shown().await, der(&first), "no key");

    write(dir.path(), "serving", &second);
    served.running.handle().reload().await;
    assert_eq!(shown().await, der(&second));
    let kubeconfig = std::fs::read_to_string(served.data.path().join("admin.kubeconfig")).unwrap();
    assert!(kubeconfig.contains(&base64(&second.0)), "who trusts the server has to know its new certificate");
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_new_client_authority_counts_for_connections_that_are_open() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.crt");
    std::fs::write(&file, old.pem()).unwrap();
    let served = serve(&["--client-ca-file", file.to_str().unwrap()]).await;
    // Those who are refused keep their connections on HTTP/1.1.
    let connect = |identity| served.connect(H1, Some(identity));
    let mut by_old = connect(old.client("bob", "system:masters")).await.unwrap();
    let mut by_new = connect(new.client("eve", "system:masters")).await.unwrap();
    let mut by_host = served.client(H1).await;
    let cases = [
        ("as it started, without a line end", old.pem().trim_end().to_owned(), (200, 401)),
        ("both", format!("{}{}", old.pem(), new.pem()), (200, 200)),
        ("only the new one", new.pem(), (401, 200)),
        ("broken", "nonsense".to_owned(), (401, 200)),
    ];
    for (what, content, expected) in cases {
        std::fs::write(&file, content).unwrap();
        served.running.handle().reload().await;
        let got = (by_old.get("/who").await.unwrap().0, by_new.get("/who").await.unwrap().0);
        assert_eq!((got, by_host.get("/who").await.unwrap().0), (expected, 200), "{what}");
    }
}

#[tokio::test]
async fn clients_get_the_certificate_that_they_ask_for() {
    let authority = Authority::new("tests");
    let dir = tempfile::tempdir().unwrap();
    let identity = |name: &str, names: &[&str]| {
        let identity = authority.server(names);
        let (certificate, key) = write(dir.path(), name, &identity);
        (identity, format!("--tls-sni-cert-key={},{}", certificate.display(), key.display()))
    };
    let (own_names, own_argument) = identity("own", &["own.example.com", "*.own.example.com"]);
    let (given_name, given_argument) = identity("given", &["elsewhere.example.com"]);
    let (exact, exact_argument) = identity("exact", &["x.example.com"]);
    let (by_address, address_argument) = identity("address", &["y.example.com"]);
    let served = serve(&[
        &own_argument,
        &format!("{given_argument}:given.example.com,own.example.com,*.given.example.com"),
        &format!("{exact_argument}:exact.given.example.com"),
        &format!("{address_argument}:127.0.0.1"),
    ])
    .await;
    let default = CertificateDer::from_pem_file(served.data.path().join("pki/apiserver.crt")).unwrap();
    let cases = [
        ("nobody.example.com", &default),
        ("sub.own.example.com", &der(&own_names)),
        ("OWN.example.com", &der(&given_name)),
        ("given.example.com", &der(&given_name)),
        ("any.given.example.com", &der(&given_name)),
        ("exact.given.example.com", &der(&exact)),
        ("two.labels.given.example.com", &default),
        // Names of its certificate count only where none are given.
        ("elsewhere.example.com", &default),
        // A client that names no server, but came by this address.
        ("127.0.0.1", &der(&by_address)),
    ];
    for (name, expected) in cases {
        assert_eq!(&shown(served.running.address(), name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn versions_and_cipher_suites_are_those_that_were_asked_for() {
    async fn negotiated(served: &Served, versions: &[&'static rustls::SupportedProtocolVersion]) -> Option<String> {
        let config = curious(versions);
        let stream = crate::client::handshake(served.running.address(), config).await.ok()?;
        Some(format!("{:?}", stream.get_ref().1.negotiated_cipher_suite()?.suite()))
    }
    // The host's own certificate has an ECDSA key.
    let aes_256 = "--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let cases: [(&[&str], Option<&str>, bool); 4] = [
        (&[], Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"), true),
        (&[aes_256], Some("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"), true),
        (&["--tls-cipher-suites=TLS_AES_128_GCM_SHA256"], None, true),
        (&["--tls-min-version=VersionTLS13"], None, true),
    ];
    for (arguments, on_12, on_13) in cases {
        let served = serve(arguments).await;
        assert_eq!(negotiated(&served, &[&TLS12]).await.as_deref(), on_12, "{arguments:?}");
        assert_eq!(negotiated(&served, &[&TLS13]).await.is_some(), on_13, "{arguments:?}");
    }
    let chacha = ["--tls-cipher-suites", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"];
    let served = serve(&chacha).await;
    let expected = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    assert_eq!(negotiated(&served, &[&TLS12]).await.as_deref(), Some(expected));
}

#[tokio::test]
async fn http2_can_be_switched_off() {
    let served = serve(&["--disable-http2-serving"]).await;
    assert!(served.connect(H2, None).await.is_err());
    assert_eq!(served.client(H1).await.get("/hello").await.unwrap().0, 200);
}
