use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::CertificateDer;

use super::*;
use crate::serve::Connection;

struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "ca");
        Self { params, key: KeyPair::generate().unwrap() }
    }

    fn pem(&self) -> String {
        self.params.self_signed(&self.key).unwrap().pem()
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<CertificateDer<'static>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key);
        vec![params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone()]
    }
}

fn authorities(authority: &Authority) -> Arc<ClientAuthorities> {
    Arc::new(ClientAuthorities::new(Arc::new(Authorities::from_pem(authority.pem().as_bytes()).unwrap())))
}

fn context(certificates: Vec<CertificateDer<'static>>) -> Context {
    Context::new(Instant::now(), Arc::new(Connection::new(([127, 0, 0, 1], 1).into(), certificates)))
}

fn bearer(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())])
}

fn authentication(authority: Option<&Authority>, csv: &str, anonymous: Anonymous) -> Authentication {
    Authentication::new(
        Known { authorities: authority.map(authorities), tokens: tokens(csv).unwrap(), ..Known::default() },
        anonymous,
    )
}

fn tokens(csv: &str) -> Result<Tokens, TokenFileError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    Tokens::read(file.path())
}

#[tokio::test]
async fn a_certificate_names_user_groups_and_uid() {
    let authority = Authority::new();
    let authentication = authentication(Some(&authority), "", Anonymous::Everywhere);
    let chain = authority.sign(|params| {
        params.distinguished_name.push(DnType::CommonName, "bob");
        params.distinguished_name.push(DnType::OrganizationName, "builders");
        params.distinguished_name.push(DnType::from_oid(&[1, 3, 6, 1, 4, 1, 57683, 2]), "7");
    });
    let user = authentication.authenticate(&context(chain), &HeaderMap::new()).await.unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("bob", "7"));
    assert_eq!(user.groups, ["builders", "system:authenticated"]);
    let (key, values) = &user.extra[0];
    assert_eq!(key, "authentication.kubernetes.io/credential-id");
    assert!(values[0].starts_with("X509SHA256=") && values[0].len() == 75, "{values:?}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let authority = Authority::new();
    let now = time::OffsetDateTime::now_utc();
    let named = |params: &mut CertificateParams| params.distinguished_name.push(DnType::CommonName, "bob");
    let expired = authority.sign(|params| {
        named(params);
        params.not_before = now - time::Duration::days(2);
        params.not_after = now - time::Duration::days(1);
    });
    let serving = authority.sign(|params| {
        named(params);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let cases = [
        ("another authority's", Authority::new().sign(named), false),
        ("expired", expired, false),
        ("a server's", serving, false),
        ("nonsense", vec![CertificateDer::from(vec![1, 2, 3])], false),
        ("one without a name", authority.sign(|_| {}), true),
        ("none", Vec::new(), true),
    ];
    let authentication = authentication(Some(&authority), "", Anonymous::Everywhere);
    for (what, chain, anonymous) in cases {
        let got = authentication.authenticate(&context(chain), &HeaderMap::new()).await;
        match got {
            Ok(user) => assert!(anonymous && user.name == ANONYMOUS, "{what}: {user:?}"),
            Err(refusal) => assert!(!anonymous && matches!(refusal, Refusal::InvalidCertificate(_)), "{what}"),
        }
    }
}

#[tokio::test]
async fn a_certificate_is_verified_once_for_a_while() {
    let authority = Authority::new();
    let authentication = authentication(Some(&authority), "", Anonymous::Nowhere);
    let chain = authority.sign(|params| params.distinguished_name.push(DnType::CommonName, "bob"));
    let context = context(chain);
    let first = authentication.authenticate(&context, &HeaderMap::new()).await.unwrap();
    let second = authentication.authenticate(&context, &HeaderMap::new()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn how_long_certificates_have_left_is_counted_with_each_request() {
    let authority = Authority::new();
    let now = time::OffsetDateTime::now_utc();
    let lasting = |time: time::Duration| {
        context(authority.sign(|params| {
            params.distinguished_name.push(DnType::CommonName, "bob");
            params.not_before = now - time::Duration::days(9);
            params.not_after = now + time;
        }))
    };
    let authentication = authentication(Some(&authority), "", Anonymous::Everywhere);
    let registry = prometheus::Registry::new();
    authentication.register(&registry);
    // One twice on its connection, one that has expired, and one that is none.
    let (week, expired) = (lasting(time::Duration::days(7)), lasting(-time::Duration::hours(1)));
    for context in [&week, &week, &expired, &context(Vec::new())] {
        let _ = authentication.authenticate(context, &HeaderMap::new()).await;
    }
    let text = crate::observe::encode(&registry);
    for line in ["_bucket{le=\"0\"} 1", "_bucket{le=\"345600\"} 1", "_bucket{le=\"604800\"} 3", "_count 3"] {
        let line = format!("apiserver_client_certificate_expiration_seconds{line}");
        assert!(text.lines().any(|other| other == line), "no `{line}` in:\n{text}");
    }
}

#[tokio::test]
async fn tokens_are_read_as_upstream_reads_them() {
    let csv = "secret,bob,7\n\
               \"other\",eve,8,\"a,b\"\n\
               ,nobody,9\n\
               twice,first,1\n\
               twice,second,2\n";
    let authentication = authentication(None, csv, Anonymous::Everywhere);
    type Expected = Result<(&'static str, &'static str, &'static [&'static str]), Refusal>;
    let cases: [(&str, Expected); 9] = [
        ("Bearer secret", Ok(("bob", "7", &["system:authenticated"]))),
        ("bearer secret", Ok(("bob", "7", &["system:authenticated"]))),
        ("Bearer other", Ok(("eve", "8", &["a", "b", "system:authenticated"]))),
        ("Bearer twice", Ok(("second", "2", &["system:authenticated"]))),
        ("Bearer wrong", Err(Refusal::InvalidToken)),
        ("Bearer", Ok((ANONYMOUS, "", &["system:unauthenticated"]))),
        ("Bearer ", Ok((ANONYMOUS, "", &["system:unauthenticated"]))),
        ("Bearer  secret", Ok((ANONYMOUS, "", &["system:unauthenticated"]))),
        ("Basic c2VjcmV0", Ok((ANONYMOUS, "", &["system:unauthenticated"]))),
    ];
    for (header, expected) in cases {
        let context = context(Vec::new());
        let got = authentication.authenticate(&context, &bearer(header)).await;
        // What is nearly a token is ignored, and its sender is told.
        assert_eq!(context.warnings().headers().len(), usize::from(header.contains("  ")), "{header}");
        match (&got, &expected) {
            (Ok(user), Ok((name, uid, groups))) => {
                assert_eq!((user.name.as_str(), user.uid.as_str()), (*name, *uid), "{header}");
                assert_eq!(user.groups, *groups, "{header}");
            }
            (Err(got), Err(expected)) => assert_eq!(got, expected, "{header}"),
            _ => panic!("{header}: {got:?}"),
        }
    }
}

#[test]
fn a_token_file_that_cannot_be_read_says_where() {
    let error = tokens("a,b,c\nsecret,bob\n").unwrap_err().to_string();
    assert!(error.ends_with("needs at least 3 columns (token, user name, user uid): record 2 has 2"), "{error}");
    let error = Tokens::read(std::path::Path::new("/nowhere/tokens.csv")).unwrap_err().to_string();
    assert!(error.starts_with("token file `/nowhere/tokens.csv` cannot be read"), "{error}");
}

#[tokio::test]
async fn a_good_credential_counts_beside_a_bad_one() {
    let authority = Authority::new();
    let authentication = authentication(Some(&authority), "secret,bob,7", Anonymous::Nowhere);
    let unknown = Authority::new().sign(|params| params.distinguished_name.push(DnType::CommonName, "eve"));
    let user = authentication.authenticate(&context(unknown), &bearer("Bearer secret")).await.unwrap();
    assert_eq!(user.name, "bob");
    let none = authentication.authenticate(&context(Vec::new()), &HeaderMap::new()).await;
    assert_eq!(none.unwrap_err(), Refusal::NoCredentials);
}

/// Knows one token, and takes it away from those who come after.
struct Told(&'static str);

impl Authenticator for Told {
    fn name(&self) -> &str {
        self.0
    }

    fn authenticate<'a>(&'a self, credentials: Credentials<'a>) -> BoxFuture<'a, Result<Option<User>, String>> {
        let answer = match credentials.bearer_token {
            Some(token) if token == self.0 => Ok(Some(User { name: format!("{}'s", self.0), ..User::default() })),
            Some("broken") => Err("out of order".to_owned()),
            _ if credentials.headers.contains_key("x-anybody") => Ok(Some(User::anonymous())),
            _ => Ok(None),
        };
        std::future::ready(answer).boxed()
    }
}

#[tokio::test]
async fn plugins_are_asked_one_after_the_other() {
    let authentication = authentication(None, "secret,bob,7", Anonymous::Everywhere);
    authentication.add(Arc::new(Told("a")));
    authentication.add(Arc::new(Told("b")));
    let plugin = |name: &str| Refusal::Plugin { authenticator: name.into(), reason: "out of order".into() };
    type Expected = Result<(&'static str, &'static str), Refusal>;
    let cases: [(&str, Expected); 6] = [
        ("Bearer secret", Ok(("bob", AUTHENTICATED))),
        ("Bearer a", Ok(("a's", AUTHENTICATED))),
        ("Bearer b", Ok(("b's", AUTHENTICATED))),
        ("Bearer c", Err(Refusal::InvalidToken)),
        ("Bearer broken", Err(plugin("b"))),
        ("Basic abc", Ok((ANONYMOUS, UNAUTHENTICATED))),
    ];
    for (header, expected) in cases {
        let got = authentication.authenticate(&context(Vec::new()), &bearer(header)).await;
        let got = got.map(|user| (user.name.clone(), user.groups.last().unwrap().clone()));
        assert_eq!(got, expected.map(|(name, group)| (name.to_owned(), group.to_owned())), "{header}");
    }

    // A plugin may say that somebody is nobody in particular.
    let anybody = HeaderMap::from_iter([(http::HeaderName::from_static("x-anybody"), HeaderValue::from_static("1"))]);
    let user = authentication.authenticate(&context(Vec::new()), &anybody).await.unwrap();
    assert_eq!(user.groups, [UNAUTHENTICATED]);

    authentication.remove("a");
    let gone = authentication.authenticate(&context(Vec::new()), &bearer("Bearer a")).await;
    assert_eq!(gone.unwrap_err(), Refusal::InvalidToken);
}

#[tokio::test]
async fn a_front_proxy_says_who_asks() {
    let (proxies, clients) = (Authority::new(), Authority::new());
    let names = |names: &[&'static str]| names.iter().map(|name| http::HeaderName::from_static(name)).collect();
    let front_proxy = FrontProxy {
        authorities: authorities(&proxies),
        names: vec!["proxy".to_owned()],
        headers: FrontProxyHeaders {
            user: names(&["x-remote-user", "x-user"]),
            uid: names(&["x-remote-uid"]),
            group: names(&["x-remote-group"]),
            extra_prefixes: vec!["x-remote-extra-".to_owned()],
        },
    };
    let known = Known { front_proxy: Some(front_proxy), authorities: Some(authorities(&clients)), ..Known::default() };
    let authentication = Authentication::new(known, Anonymous::Everywhere);
    let named = |authority: &Authority, name: &str| {
        authority.sign(|params| params.distinguished_name.push(DnType::CommonName, name))
    };
    let headers = |pairs: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    };

    let all: HeaderMap = headers(&[
        ("x-user", "bob"),
        ("x-remote-uid", "7"),
        ("x-remote-group", "a"),
        ("x-remote-group", ""),
        ("x-remote-group", "b"),
        ("x-remote-extra-acme.com%2fscope", "x"),
        ("x-remote-extra-acme.com%2fscope", "y"),
    ]);
    let user = authentication.authenticate(&context(named(&proxies, "proxy")), &all).await.unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("bob", "7"));
    assert_eq!(user.groups, ["a", "b", AUTHENTICATED]);
    assert_eq!(user.extra, [("acme.com/scope".to_owned(), vec!["x".to_owned(), "y".to_owned()])]);

    // Anybody else who says so is not believed.
    let cases = [
        ("another certificate of the proxies' authority", named(&proxies, "eve"), &all, None),
        ("an unknown authority's", named(&Authority::new(), "proxy"), &all, None),
        ("a client's", named(&clients, "eve"), &all, Some("eve")),
        ("nobody's", Vec::new(), &all, Some(ANONYMOUS)),
        ("the proxy's, for nobody", named(&proxies, "proxy"), &HeaderMap::new(), None),
    ];
    for (whose, chain, headers, expected) in cases {
        let got = authentication.authenticate(&context(chain), headers).await.ok();
        assert_eq!(got.map(|user| user.name.clone()), expected.map(str::to_owned), "{whose}");
    }
    let known = authentication.front_proxy_headers().unwrap();
    assert!(all.keys().all(|name| known.has(name)) && !known.has(&AUTHORIZATION));
}

#[tokio::test]
async fn anonymous_requests_are_for_the_paths_that_are_named() {
    let authentication = authentication(None, "", Anonymous::Paths(vec!["/livez".to_owned()]));
    for (path, welcome) in [("/livez", true), ("/livez/ping", false), ("/api", false)] {
        let request = crate::filters::testing::get(path);
        let got = authentication.authenticate(request.context(), &HeaderMap::new()).await;
        assert_eq!(got.is_ok(), welcome, "{path}");
    }
}
