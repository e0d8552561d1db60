//! The documents of OpenAPI: that they say what kube-apiserver's say, and who may keep them for how long.

use e2e::{Host, Reply, eventually, recorded};
use serde_json::{Value, json};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SECOND: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const THIRD: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

fn index(host: &Host) -> Value {
    host.client().get("/openapi/v3").expect(200).json()["paths"].clone()
}

fn url<'a>(index: &'a Value, document: &str) -> &'a str {
    index[document]["serverRelativeURL"].as_str().unwrap_or_else(|| panic!("no `{document}` in {index}"))
}

#[track_caller]
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Everything but the words of descriptions: paths, operations, parameters, types, of built-in and custom resources.
#[test]
fn the_documents_say_what_kube_apiservers_say() {
    let Some(host) = Host::start() else { return };
    println!("{}", recorded("openapi.py", &[], &host).success());
}

#[test]
fn a_document_is_kept_by_its_hash() {
    let Some(host) = Host::start() else { return };
    let index = index(&host);
    let named = url(&index, "apis/apps/v1");
    let (plain, hash) = named.split_once("?hash=").expect("the address has a hash");

    let reply = host.client().get(named).expect(200);
    assert_eq!(header(&reply, "etag"), format!("\"{hash}\""));
    assert!(header(&reply, "cache-control").starts_with("public, immutable"), "{:?}", reply.headers);
    let reply = host.client().get(plain).expect(200);
    assert!(!header(&reply, "cache-control").contains("immutable"), "{:?}", reply.headers);
    let known = host.client().with_header("if-none-match", &format!("\"{hash}\"")).get(plain).expect(304);
    assert!(known.body.is_empty());

    // Who has an older address is sent to this one: only here the answer may be kept.
    let followed = host.client().get(&format!("{plain}?hash=0")).expect(200);
    assert_eq!(header(&followed, "etag"), format!("\"{hash}\""));
    assert!(header(&followed, "cache-control").starts_with("public, immutable"), "{:?}", followed.headers);
    // What the index does not name is not there, and nothing is said of it.
    for path in ["/openapi/v3/apis/nobody.example.com/v1", "/openapi/v3/", "/openapi/v3/apis/apps/v1/"] {
        assert!(host.client().get(path).expect(404).body.is_empty(), "{path}");
    }
}

#[test]
fn documents_come_in_the_form_that_is_asked_for() {
    let Some(host) = Host::start() else { return };
    let index = host.client().with_header("accept", "text/html").get("/openapi/v3").expect(200);
    assert_eq!(header(&index, "content-type"), "text/plain; charset=utf-8");
    for (path, named) in [("/openapi/v2", SECOND), ("/openapi/v3/apis/apps/v1", THIRD)] {
        let older = named.replacen(".v1.0", "@v1.0", 1);
        for accept in [named, &*older] {
            let reply = host.client().with_header("accept", accept).get(path).expect(200);
            assert_eq!(header(&reply, "content-type"), named);
            assert!(header(&reply, "vary").contains("Accept"));
            assert!(serde_json::from_slice::<Value>(&reply.body).is_err(), "{path} is JSON");
        }
        let reply = host.client().get(path).expect(200);
        assert_eq!(header(&reply, "content-type"), "application/json");
        host.client().with_header("accept", "text/plain").get(path).expect(406);
    }
}

#[test]
fn a_definition_changes_only_the_documents_that_show_it() {
    let Some(host) = Host::start() else { return };
    let before = index(&host);
    let second = host.client().get("/openapi/v2").expect(200);
    let mut definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "kites.shown.example.com"},
        "spec": {"group": "shown.example.com", "scope": "Namespaced", "names": {"plural": "kites", "kind": "Kite"},
                 "versions": [{"name": "v1", "served": true, "storage": true,
                               "schema": {"openAPIV3Schema": {"type": "object", "description": "A kite."}}}]},
    });
    host.client().post(DEFINITIONS, &definition).expect(201);
    let shown = |text: &str| {
        let of = |document: &Value, at: &str| document[at]["com.example.shown.v1.Kite"]["description"] == text;
        let (third, second) = (index(&host), host.client().get("/openapi/v2").expect(200).json());
        let document = third.get("apis/shown.example.com/v1").map(|_| url(&third, "apis/shown.example.com/v1"));
        let document = document.map(|url| host.client().get(url).expect(200).json()["components"].clone());
        of(&second, "definitions") && document.is_some_and(|components| of(&components, "schemas"))
    };
    eventually(|| shown("A kite."), || "the definition is not published".to_owned());

    let after = index(&host);
    for (name, entry) in before.as_object().expect("documents") {
        assert_eq!(after[name], *entry, "`{name}`");
    }
    let known = header(&second, "etag").to_owned();
    let changed = host.client().with_header("if-none-match", &known).get("/openapi/v2").expect(200);
    assert_ne!(header(&changed, "etag"), known);

    let path = format!("{DEFINITIONS}/kites.shown.example.com");
    definition = host.client().get(&path).expect(200).json();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "Another kite.".into();
    host.client().send("PUT", &path, "application/json", definition.to_string().as_bytes()).expect(200);
    eventually(|| shown("Another kite."), || "the change is not published".to_owned());

    host.client().send("DELETE", &path, "", b"").expect(200);
    let gone = || {
        let second = host.client().get("/openapi/v2").expect(200);
        index(&host) == before && header(&second, "etag") == known
    };
    eventually(gone, || "what is gone is still published".to_owned());
}
