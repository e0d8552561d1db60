//! Tokens of service accounts: asked for, shown, reviewed, verified by others, and void with what
//! they are bound to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use e2e::{Client, Host, Kubectl, Setup, openssl};
use serde_json::{Value, json};

const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";
const PODS: &str = "/api/v1/namespaces/default/pods";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const WHO_AM_I: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// A host where everybody may do everything, and the service account `robot` on it.
fn host(options: &[&str]) -> Option<Host> {
    let host = Setup::default_chain()?.with(&["--authorization-mode=AlwaysAllow"]).with(options).start();
    host.client().post(ACCOUNTS, &json!({"metadata": {"name": "robot"}})).expect(201);
    Some(host)
}

#[track_caller]
fn token(host: &Host, spec: &Value) -> String {
    let answer = host.client().post(&format!("{ACCOUNTS}/robot/token"), &json!({"spec": spec})).expect(201).json();
    answer["status"]["token"].as_str().expect("it is signed").to_owned()
}

fn with(host: &Host, token: &str) -> Client {
    host.anonymous().with_header("authorization", &format!("Bearer {token}"))
}

/// The user whom the host takes somebody with this token for.
#[track_caller]
fn user(host: &Host, token: &str) -> Value {
    let review = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
    with(host, token).post(WHO_AM_I, &review).expect(201).json()["status"]["userInfo"].clone()
}

fn part(token: &str, index: usize) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(index).expect("it has three parts")).expect("it is base64")
}

#[test]
fn kubectl_creates_a_token_and_is_its_account() {
    let Some(host) = host(&[]) else { return };
    let Some(kubectl) = Kubectl::of(&host) else { return };
    let token =
        kubectl.run(&["create", "token", "robot", "--duration=20m", "--audience=https://kubernetes.default.svc"]);
    let token = token.success();
    let claims: Value = serde_json::from_slice(&part(token.trim(), 1)).expect("it is JSON");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1200, "{claims}");
    assert_eq!(claims["kubernetes.io"]["serviceaccount"]["name"], "robot");

    // With the administrator's certificate it would be the administrator.
    let authority = host.data_dir().join("pki/ca.crt");
    let mut bearer = kubectl.command(&["--kubeconfig=/dev/null", "--server", &host.client().url("")]);
    bearer.arg("--certificate-authority").arg(authority).args(["--token", token.trim(), "auth", "whoami"]);
    let whoami = bearer.output().expect("it runs");
    let shown = String::from_utf8_lossy(&whoami.stdout);
    for word in ["system:serviceaccount:default:robot", "system:serviceaccounts", "credential-id", "JTI="] {
        assert!(shown.contains(word), "no {word:?} in {shown}{}", String::from_utf8_lossy(&whoami.stderr));
    }
}

#[test]
fn a_token_is_void_with_what_it_is_bound_to() {
    let Some(host) = host(&[]) else { return };
    let client = host.client();
    let container = json!({"name": "c", "image": "i"});
    let pod = json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "robot", "containers": [container]}});
    let uid = client.post(PODS, &pod).expect(201).json()["metadata"]["uid"].clone();
    let reference = |kind: &str, name: &str, uid: &Value| json!({"boundObjectRef": {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid}});
    let refused = |spec: Value, code: u16, reason: &str| {
        let answer = client.post(&format!("{ACCOUNTS}/robot/token"), &json!({"spec": spec})).expect(code);
        assert!(answer.text().contains(reason), "{}", answer.text());
    };
    refused(reference("Pod", "other", &uid), 404, "pods \\\"other\\\" not found");
    refused(reference("Pod", "p", &json!("x")), 409, "the UID in the bound object reference (x) does not match");
    refused(reference("ConfigMap", "p", &uid), 400, "cannot bind token to object of type /v1, Kind=ConfigMap");
    refused(json!({"expirationSeconds": 60}), 422, "may not specify a duration less than 10 minutes");

    let (of_pod, of_account) = (token(&host, &reference("Pod", "p", &uid)), token(&host, &json!({})));
    let known = user(&host, &of_pod);
    assert_eq!(known["extra"]["authentication.kubernetes.io/pod-uid"], json!([uid]), "{known}");
    assert_eq!(user(&host, &of_account)["username"], "system:serviceaccount:default:robot");

    client.send("DELETE", &format!("{PODS}/p?gracePeriodSeconds=0"), "", b"").expect(200);
    with(&host, &of_pod).get("/api").expect(401);
    with(&host, &of_account).get("/api").expect(200);
    client.send("DELETE", &format!("{ACCOUNTS}/robot"), "", b"").expect(200);
    with(&host, &of_account).get("/api").expect(401);
    // Another one of that name is somebody else.
    client.post(ACCOUNTS, &json!({"metadata": {"name": "robot"}})).expect(201);
    with(&host, &of_account).get("/api").expect(401);
}

#[test]
fn a_review_says_whose_token_it_is_and_for_whom() {
    let Some(host) = host(&["--api-audiences=api,api-too", "--service-account-max-token-expiration=1h"]) else {
        return;
    };
    let review = |token: &str, audiences: Value| {
        let spec = json!({"token": token, "audiences": audiences});
        host.client().post(REVIEWS, &json!({"spec": spec})).expect(201).json()["status"].clone()
    };
    let (for_host, for_vault) = (token(&host, &json!({})), token(&host, &json!({"audiences": ["vault"]})));
    let known = review(&for_host, json!([]));
    assert_eq!((&known["authenticated"], &known["audiences"]), (&json!(true), &json!(["api", "api-too"])));
    let groups = ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"];
    assert_eq!(known["user"]["groups"], json!(groups));
    assert_eq!(review(&for_vault, json!(["vault", "x"]))["audiences"], json!(["vault"]));
    with(&host, &for_vault).get("/api").expect(401);
    for (token, audiences, reason) in [
        (
            for_vault.as_str(),
            json!([]),
            "token audiences [\"vault\"] is invalid for the target audiences [\"api\" \"api-too\"]",
        ),
        (&for_host, json!(["vault"]), "is invalid for the target audiences [\"vault\"]"),
        ("nonsense", json!([]), "invalid bearer token"),
    ] {
        let unknown = review(token, audiences);
        let error = unknown["error"].as_str().expect("it says why");
        assert!(error.contains(reason) && unknown["user"] == json!({}), "{unknown}");
    }

    // Longer than the operator allows is as long as he allows.
    let path = format!("{ACCOUNTS}/robot/token");
    let long = host.client().post(&path, &json!({"spec": {"expirationSeconds": 7200}})).expect(201);
    let warning = long.headers["warning"].to_str().expect("it is text").to_owned();
    assert!(warning.contains("requested expiration of 7200 seconds shortened to 3600 seconds"), "{warning}");
    assert_eq!(long.json()["spec"]["expirationSeconds"], 3600);
}

#[test]
fn others_verify_a_token_by_what_the_host_publishes() {
    let Some(openssl) = openssl() else { return };
    let run = |arguments: &[&str], directory: &Path| {
        let done = Command::new(&openssl).args(arguments).current_dir(directory).output().expect("it runs");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    run(&["genrsa", "-out", "sa.key", "2048"], directory.path());
    run(&["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"], directory.path());
    let key = directory.path().join("sa.key").display().to_string();
    let options = ["--service-account-signing-key-file", &key, "--service-account-issuer=https://host.example.com"];
    let Some(host) = host(&options) else { return };

    let configuration = host.client().get("/.well-known/openid-configuration").expect(200);
    assert_eq!(configuration.headers["content-type"], "application/json");
    let configuration = configuration.json();
    assert_eq!(configuration["issuer"], "https://host.example.com");
    assert_eq!(configuration["id_token_signing_alg_values_supported"], json!(["RS256"]));
    // They are of a type of their own, which is refused to who takes JSON alone, as by kube-apiserver.
    let keys = host.client().with_header("accept", "*/*").get("/openid/v1/jwks").expect(200);
    assert_eq!(configuration["jwks_uri"], host.client().url("/openid/v1/jwks"));
    assert_eq!(keys.headers["content-type"], "application/jwk-set+json");
    assert_eq!(keys.headers["cache-control"], "public, max-age=3600");

    let token = token(&host, &json!({}));
    let header: Value = serde_json::from_slice(&part(&token, 0)).expect("it is JSON");
    assert_eq!(header["kid"], keys.json()["keys"][0]["kid"]);
    let (signed, _) = token.rsplit_once('.').expect("it has three parts");
    for (name, content) in [("signed", signed.as_bytes()), ("signature", &part(&token, 2))] {
        fs::write(directory.path().join(name), content).expect("a temporary directory can be written");
    }
    run(&["dgst", "-sha256", "-verify", "sa.pub", "-signature", "signature", "signed"], directory.path());
}

#[test]
fn the_keys_are_where_the_operator_says() {
    let Some(host) = host(&["--service-account-jwks-uri=https://keys.example.com/jwks"]) else { return };
    let configuration = host.client().get("/.well-known/openid-configuration").expect(200).json();
    assert_eq!(configuration["jwks_uri"], "https://keys.example.com/jwks");
}

#[test]
fn a_token_that_pods_renew_lasts_a_year_unless_the_operator_says_otherwise() {
    for (option, seconds) in [("", 365 * 24 * 3600), ("--service-account-extend-token-expiration=false", 3607)] {
        let options: Vec<&str> = [option].into_iter().filter(|option| !option.is_empty()).collect();
        let Some(host) = host(&options) else { return };
        let container = json!({"name": "c", "image": "i"});
        let spec = json!({"serviceAccountName": "robot", "containers": [container]});
        let pod = host.client().post(PODS, &json!({"metadata": {"name": "p"}, "spec": spec})).expect(201).json();
        let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": pod["metadata"]["uid"]});
        let token = token(&host, &json!({"boundObjectRef": bound, "expirationSeconds": 3607}));
        let claims: Value = serde_json::from_slice(&part(&token, 1)).expect("it is JSON");
        let lasts = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(end, start)| end - start);
        assert_eq!(lasts, Some(seconds), "{claims}");
    }
}

#[test]
fn a_token_outlives_a_restart_and_the_key_is_private() {
    let Some(host) = host(&[]) else { return };
    let token = token(&host, &json!({}));
    let mode = fs::metadata(host.data_dir().join("pki/sa.key")).expect("it is made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (setup, _) = host.terminate();
    let host = setup.start();
    assert_eq!(user(&host, &token)["username"], "system:serviceaccount:default:robot");
}

#[test]
fn a_plugin_needs_a_grant_to_have_tokens_made() {
    let Some(setup) = Setup::bare() else { return };
    if Setup::default_chain().is_none() {
        return;
    }
    let setup = setup.with(&["--plugin", "extensions.wasm", "--plugin", "other=core.wasm"]);
    for (setup, code) in [
        (setup.clone().with(&["--plugin-grant=other=without:tokens"]), 503),
        (setup.with(&["--plugin-grant=other=tokens"]), 201),
    ] {
        let host = setup.start();
        host.client().post(ACCOUNTS, &json!({"metadata": {"name": format!("robot-{code}")}})).expect(201);
        let path = format!("{ACCOUNTS}/robot-{code}/token");
        host.client().post(&path, &json!({"spec": {}})).expect(code);
        let words = "`--plugin-grant other=tokens`";
        match code {
            503 => host.wait_for_log(words),
            _ => assert!(!host.log().contains(words), "{}", host.log()),
        }
        host.terminate();
    }
}
