use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::*;
use crate::filters::testing::{get, request};

/// Objects by `RESOURCE/NAMESPACE/NAME`.
struct Store(HashMap<&'static str, Value>);

impl BoundObjects for Store {
    fn get<'a>(
        &'a self,
        resource: &'static str,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>> {
        let object = self.0.get(format!("{resource}/{namespace}/{name}").as_str()).map(Value::to_string);
        std::future::ready(Ok(object.map(String::into_bytes))).boxed()
    }
}

fn object(uid: &str) -> Value {
    json!({"metadata": {"uid": uid}})
}

fn deleted(uid: &str, at: &str) -> Value {
    json!({"metadata": {"uid": uid, "deletionTimestamp": at}})
}

fn store() -> Store {
    let long_ago = "2020-01-01T00:00:00Z";
    Store(HashMap::from([
        ("serviceaccounts/n/robot", object("1")),
        ("serviceaccounts/n/gone", deleted("1", long_ago)),
        // For a while what was deleted still counts: clocks differ.
        ("serviceaccounts/n/going", deleted("1", "2999-01-01T00:00:00Z")),
        ("pods/n/pod", object("2")),
        ("pods/n/gone", deleted("2", long_ago)),
        ("secrets/n/secret", object("3")),
        ("nodes//node", object("4")),
    ]))
}

fn file(content: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn key() -> tempfile::NamedTempFile {
    file(&rcgen::KeyPair::generate().unwrap().serialize_pem())
}

fn config() -> ServiceAccounts {
    ServiceAccounts {
        issuers: vec!["https://new.example.com".into(), "https://old.example.com".into()],
        audiences: vec!["api".into(), "api-too".into()],
        signing_key_file: None,
        key_files: Vec::new(),
        jwks_uri: None,
        expiration_max: None,
        extend_expiration: true,
    }
}

fn open(config: ServiceAccounts, own_key: &tempfile::NamedTempFile) -> ServiceAccountTokens {
    let tokens = ServiceAccountTokens::open(config, || Ok::<PathBuf, KeyFileError>(own_key.path().into())).unwrap();
    tokens.set_objects(Arc::new(store()));
    tokens
}

fn reference(name: &str, uid: &str) -> Reference {
    Reference { name: name.into(), uid: uid.into() }
}

fn wanted(account: &str) -> WantedToken {
    WantedToken {
        namespace: "n".into(),
        account: reference(account, "1"),
        audiences: vec!["api".into()],
        seconds: 600,
        ..WantedToken::default()
    }
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn outcome(tokens: &ServiceAccountTokens, token: &str, audiences: &[&str]) -> Result<Option<User>, String> {
    let audiences: Vec<String> = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    let known = tokens.recognise(token, &audiences, None).await?;
    Ok(known.map(|known| User::clone(&known.user)))
}

#[tokio::test]
async fn a_token_says_what_upstreams_say_and_names_its_user() {
    let tokens = open(config(), &key());
    let issued = tokens.issue(WantedToken {
        pod: Some(reference("pod", "2")),
        node: Some(reference("node", "4")),
        warn_after_seconds: Some(60),
        ..wanted("robot")
    });
    let issued = issued.unwrap();
    let at = issued.issued_at;
    let jti = issued.credential_id.strip_prefix("JTI=").unwrap();
    let claims = json!({
        "aud": ["api"], "exp": at + 600, "iat": at, "iss": "https://new.example.com", "jti": jti,
        "kubernetes.io": {
            "namespace": "n",
            "node": {"name": "node", "uid": "4"},
            "pod": {"name": "pod", "uid": "2"},
            "serviceaccount": {"name": "robot", "uid": "1"},
            "warnafter": at + 60,
        },
        "nbf": at, "sub": "system:serviceaccount:n:robot",
    });
    assert_eq!(part(&issued.token, 1).to_string(), claims.to_string(), "the order of the fields, too");
    let kid = tokens.verifying[0].id();
    assert_eq!(part(&issued.token, 0).to_string(), json!({"alg": "ES256", "kid": kid}).to_string());

    let user = outcome(&tokens, &issued.token, &["api"]).await.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("system:serviceaccount:n:robot", "1"));
    assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"]);
    let extra = user
        .extra
        .iter()
        .map(|(key, values)| (key.strip_prefix("authentication.kubernetes.io/").unwrap(), values.as_slice()));
    let expected = [
        ("credential-id", [issued.credential_id.clone()]),
        ("node-name", ["node".to_owned()]),
        ("node-uid", ["4".to_owned()]),
        ("pod-name", ["pod".to_owned()]),
        ("pod-uid", ["2".to_owned()]),
    ];
    assert!(extra.eq(expected.iter().map(|(key, values)| (*key, values.as_slice()))), "{:?}", user.extra);
}

#[tokio::test]
async fn a_token_dies_with_what_it_is_bound_to() {
    let tokens = open(config(), &key());
    let bound = |pod: Option<Reference>, secret: Option<Reference>, node: Option<Reference>| WantedToken {
        pod,
        secret,
        node,
        ..wanted("robot")
    };
    let invalidated = "service account token has been invalidated";
    let cases = [
        (wanted("robot"), ""),
        (wanted("going"), ""),
        (wanted("gone"), "service account n/gone has been deleted"),
        (wanted("never"), "serviceaccounts \"never\" not found"),
        (
            WantedToken { account: reference("robot", "9"), ..wanted("robot") },
            "service account UID (1) does not match claim (9)",
        ),
        (bound(Some(reference("pod", "2")), None, None), ""),
        (
            bound(Some(reference("pod", "9")), None, None),
            "pod UID (2) does not match service account pod ref claim (9)",
        ),
        (bound(Some(reference("gone", "2")), None, None), invalidated),
        (bound(Some(reference("never", "2")), None, None), invalidated),
        (bound(None, Some(reference("secret", "3")), None), ""),
        (
            bound(None, Some(reference("secret", "9")), None),
            "secret UID (3) does not match service account secret ref claim (9)",
        ),
        (bound(None, Some(reference("never", "3")), None), invalidated),
        (bound(None, None, Some(reference("node", "4"))), ""),
        (bound(None, None, Some(reference("never", "4"))), invalidated),
        // Where a pod is says nothing about whether it is there.
        (bound(Some(reference("pod", "2")), None, Some(reference("never", ""))), ""),
    ];
    for (wanted, refusal) in cases {
        let token = tokens.issue(wanted.clone()).unwrap().token;
        let got = outcome(&tokens, &token, &["api"]).await;
        assert_eq!(
            got.map_or_else(|reason| reason, |user| user.map_or("nobody's", |_| "").to_owned()),
            refusal,
            "{wanted:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_ours_or_not_good_is_refused() {
    let (own, foreign) = (key(), key());
    let tokens = open(config(), &own);
    let issued = |config: ServiceAccounts, key, wanted| open(config, key).issue(wanted).unwrap().token;
    let good = issued(config(), &own, wanted("robot"));
    let of_old =
        issued(ServiceAccounts { issuers: vec!["https://old.example.com".into()], ..config() }, &own, wanted("robot"));
    let of_stranger = ServiceAccounts { issuers: vec!["https://example.com".into()], ..config() };
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let encode = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let mut claims = part(&good, 1);
    claims["sub"] = "system:serviceaccount:kube-system:admin".into();
    let kid = tokens.verifying[0].id();
    let signed = |change: &dyn Fn(&mut Claims)| {
        let mut claims: Claims = serde_json::from_value(part(&good, 1)).unwrap();
        change(&mut claims);
        jws::sign(tokens.signing.as_ref().unwrap(), &claims).unwrap()
    };
    let at = |seconds: i64| Some(Seconds(now() + seconds));
    let no_keys = "invalid signature, no keys found";
    let cases = [
        ("good", good.clone(), "api", ""),
        (
            "for another name of this server",
            good.clone(),
            "api-too",
            "token audiences [\"api\"] is invalid for the target audiences [\"api-too\"]",
        ),
        ("of a former issuer", of_old, "api", ""),
        ("of a stranger", issued(of_stranger, &own, wanted("robot")), "api", "nobody's"),
        ("signed by a stranger", issued(config(), &foreign, wanted("robot")), "api", no_keys),
        (
            "changed",
            format!("{header}.{}.{signature}", encode(claims)),
            "api",
            "go-jose/go-jose: error in cryptographic primitive",
        ),
        (
            "signed by nobody",
            format!("{}.{payload}.", encode(json!({"alg": "none", "kid": kid}))),
            "api",
            "go-jose/go-jose: error in cryptographic primitive",
        ),
        (
            "signed with the public key",
            format!("{}.{payload}.{signature}", encode(json!({"alg": "HS256", "kid": kid}))),
            "api",
            "go-jose/go-jose: error in cryptographic primitive",
        ),
        (
            "with a header that nobody understands",
            format!("{}.{payload}.{signature}", encode(json!({"alg": "ES256", "kid": kid, "crit": ["x"]}))),
            "api",
            "go-jose/go-jose: error in cryptographic primitive",
        ),
        ("no token", "abc".to_owned(), "api", "nobody's"),
        ("two parts", "a.b".to_owned(), "api", "nobody's"),
        ("four parts", format!("{good}.x"), "api", "nobody's"),
        ("expired", signed(&|claims| claims.exp = at(-90)), "api", "service account token has expired"),
        ("expired a moment ago", signed(&|claims| claims.exp = at(-30)), "api", ""),
        ("of tomorrow", signed(&|claims| claims.nbf = at(90)), "api", "service account token is not valid yet"),
        (
            "issued tomorrow",
            signed(&|claims| claims.iat = at(90)),
            "api",
            "service account token is issued in the future",
        ),
        ("for nobody in particular", signed(&|claims| claims.aud.clear()), "api-too", ""),
        (
            "for somebody else",
            signed(&|claims| claims.aud = vec!["vault".into()]),
            "api",
            "token audiences [\"vault\"] is invalid for the target audiences [\"api\"]",
        ),
    ];
    for (what, token, audience, refusal) in cases {
        let got = outcome(&tokens, &token, &[audience]).await;
        assert_eq!(
            got.map_or_else(|reason| reason, |user| user.map_or("nobody's", |_| "").to_owned()),
            refusal,
            "{what}"
        );
    }
}

#[tokio::test]
async fn tokens_of_secrets_die_with_them() {
    let own = key();
    let tokens = open(config(), &own);
    let claims = |secret: &str, account: &str| {
        json!({
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/namespace": "n",
            "kubernetes.io/serviceaccount/secret.name": secret,
            "kubernetes.io/serviceaccount/service-account.name": account,
            "kubernetes.io/serviceaccount/service-account.uid": "1",
            "sub": "system:serviceaccount:n:robot",
        })
    };
    let signed = |claims: &Value| jws::sign(tokens.signing.as_ref().unwrap(), claims).unwrap();
    let (good, invalid) = (signed(&claims("kept", "robot")), signed(&claims("marked", "robot")));
    let kept = |token: &str| {
        let token = base64::prelude::BASE64_STANDARD.encode(token);
        json!({"metadata": {"uid": "5"}, "data": {"token": token}})
    };
    let mut objects = store();
    let mut marked = kept(&invalid);
    marked["metadata"]["labels"] = json!({"kubernetes.io/legacy-token-invalid-since": "2026-01-01"});
    objects.0.extend([("secrets/n/kept", kept(&good)), ("secrets/n/changed", kept("x")), ("secrets/n/marked", marked)]);
    let tokens = open(config(), &own);
    let tokens = ServiceAccountTokens { objects: OnceLock::from(Arc::new(objects) as Arc<dyn BoundObjects>), ..tokens };
    for (token, refusal) in [
        (good, ""),
        (signed(&claims("never", "robot")), "Token has been invalidated"),
        (signed(&claims("changed", "robot")), "Token does not match server's copy"),
        (invalid, "has been marked invalid"),
        (signed(&claims("kept", "other")), "sub claim is invalid"),
        (signed(&claims("", "robot")), "secretName claim is missing"),
    ] {
        let got = outcome(&tokens, &token, &["api"]).await;
        let got = got.map_or_else(|reason| reason, |user| user.unwrap().name);
        let expected = if refusal.is_empty() { "system:serviceaccount:n:robot" } else { refusal };
        assert!(got.contains(expected), "{got}");
    }
}

#[test]
fn keys_are_named_and_shown_as_upstream_does() {
    // Of `openssl ecparam -name prime256v1 -genkey`, and what upstream's code makes of it.
    let pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\nq9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n";
    let keys = PublicKey::all_from_pem(pem.as_bytes()).unwrap();
    let expected = json!({
        "use": "sig", "kty": "EC", "kid": keys[0].id(), "crv": "P-256", "alg": "ES256",
        "x": "EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84", "y": "kGe5DgSIycKp8w9aJmoHhB1sB3QTugfnRWm5nU_TzsY",
    });
    assert_eq!(keys[0].jwk().to_string(), expected.to_string());

    for (algorithm, name) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "ES384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "ES512"),
        (&rcgen::PKCS_RSA_SHA256, "RS256"),
    ] {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let signing = SigningKey::from_pem(pair.serialize_pem().as_bytes()).unwrap();
        let public = PublicKey::all_from_pem(pair.public_key_pem().as_bytes()).unwrap().remove(0);
        assert_eq!((signing.public().id(), public.algorithm()), (public.id(), name));
        let signature = signing.sign(b"message").unwrap();
        assert!(public.verifies(b"message", &signature) && !public.verifies(b"massage", &signature), "{name}");
        let certificate = rcgen::CertificateParams::default().self_signed(&pair).unwrap();
        assert_eq!(PublicKey::all_from_pem(certificate.pem().as_bytes()).unwrap()[0].id(), public.id());
    }
}

#[test]
fn key_files_that_cannot_be_used_are_named() {
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    for (content, reason) in [
        (String::new(), "it has no private key"),
        (ed25519.public_key_pem(), "it has no private key"),
        (ed25519.serialize_pem(), "its private key is neither RSA"),
    ] {
        let file = file(&content);
        let error = SigningKey::read(file.path()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains(&file.path().display().to_string()), "{error}");
    }
    let error = PublicKey::read_all(std::path::Path::new("/nowhere")).unwrap_err().to_string();
    assert!(error.contains("`/nowhere` cannot be used"), "{error}");
}

#[tokio::test]
async fn keys_to_verify_with_alone_issue_nothing() {
    let own = key();
    let token = open(config(), &own).issue(wanted("robot")).unwrap().token;
    let other = key();
    let key_files = vec![other.path().into(), own.path().into()];
    let verifying = open(ServiceAccounts { key_files, ..config() }, &other);
    assert!(!verifying.issues() && verifying.issue(wanted("robot")).is_err());
    assert!(outcome(&verifying, &token, &["api"]).await.unwrap().is_some());
}

#[test]
fn discovery_names_issuer_and_keys() {
    let own = key();
    let tokens = open(config(), &own);
    let discovery = tokens.discovery("192.0.2.1:6443").unwrap();
    let [configuration, keys] = Discovery::PATHS.map(|path| discovery.respond(&get(path)).unwrap());
    assert_eq!(configuration.headers()["content-type"], "application/json");
    assert_eq!(keys.headers()["content-type"], "application/jwk-set+json");
    assert_eq!(keys.headers()["cache-control"], "public, max-age=3600");
    assert!(discovery.respond(&get("/openid/v1")).is_none());
    for (method, path, accept, code) in [
        ("POST", "/openid/v1/jwks/", "*/*", 405),
        ("GET", "/openid/v1/jwks", "application/json", 406),
        ("GET", "/.well-known/openid-configuration", "application/yaml", 406),
        ("GET", "/.well-known/openid-configuration/x", "*/*", 404),
    ] {
        let refused = discovery.respond(&request(method, path, &[("accept", accept)])).unwrap();
        assert_eq!(refused.status(), code, "{method} {path} {accept}");
    }

    let elsewhere = ServiceAccounts { jwks_uri: Some("https://keys.example.com/k".into()), ..config() };
    let shown = |tokens: ServiceAccountTokens| format!("{:?}", tokens.discovery("192.0.2.1:6443"));
    assert!(shown(open(config(), &own)).contains("https://192.0.2.1:6443/openid/v1/jwks"));
    assert!(shown(open(elsewhere, &own)).contains("https://keys.example.com/k"));
    for issuer in ["http://example.com", "https://example.com/?a=b", "robots"] {
        let tokens = open(ServiceAccounts { issuers: vec![issuer.into()], ..config() }, &own);
        assert!(tokens.discovery("192.0.2.1:6443").is_none(), "{issuer}");
    }
}

#[test]
fn no_token_is_good_for_longer_than_the_bound_but_those_that_are_extended() {
    let own = key();
    let signed = |max: Option<u64>, extend_expiration, seconds, warn_after_seconds| {
        let expiration_max = max.map(std::time::Duration::from_secs);
        let tokens = open(ServiceAccounts { expiration_max, extend_expiration, ..config() }, &own);
        tokens.issue(WantedToken { seconds, warn_after_seconds, ..wanted("robot") }).is_ok()
    };
    for (max, extends, seconds, warn_after, expected) in [
        (None, true, 1 << 32, None, true),
        (Some(7200), true, 7200, None, true),
        (Some(7200), true, 7201, None, false),
        (Some(7200), true, EXTENDED_SECONDS, Some(3607), true),
        (Some(7200), true, EXTENDED_SECONDS, None, false),
        (Some(7200), true, EXTENDED_SECONDS, Some(7201), false),
        (Some(7200), true, EXTENDED_SECONDS + 1, Some(3607), false),
        (Some(7200), false, EXTENDED_SECONDS, Some(3607), false),
    ] {
        assert_eq!(
            signed(max, extends, seconds, warn_after),
            expected,
            "{max:?}, {extends}, {seconds}, {warn_after:?}"
        );
    }
}
