//! What a user gets wrong, and the error that says what to do about it.

use std::fs;
use std::net::TcpListener;

use e2e::{Host, Setup, checkout};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const JSON: &str = "application/json";
/// The greatest request body that a kube-apiserver takes.
const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Method, path, content type and body.
type Sent<'a> = (&'a str, &'a str, &'a str, &'a [u8]);
/// Status, reason, and words of the message.
type Answered<'a> = (u16, &'a str, &'a str);

#[test]
fn a_bad_request_is_answered_with_a_status_that_says_what_is_wrong() {
    let Some(host) = Host::start() else { return };
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    #[rustfmt::skip]
    let table: &[(Sent<'_>, Answered<'_>)] = &[
        (("POST", CONFIG_MAPS, JSON, b"{not json"), (400, "BadRequest", "invalid character 'n' looking for beginning of object key string")),
        (("POST", CONFIG_MAPS, JSON, br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}"#), (400, "BadRequest", "Secret in version \"v1\" cannot be handled as a ConfigMap")),
        (("POST", CONFIG_MAPS, JSON, br#"{"kind":"ConfigMap","apiVersion":"v1","data":{"a":1},"metadata":{"name":"a"}}"#), (400, "BadRequest", "cannot unmarshal number into Go struct field ConfigMap.data of type string")),
        (("POST", CONFIG_MAPS, JSON, br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"Not A Name"}}"#), (422, "Invalid", "metadata.name: Invalid value: \"Not A Name\"")),
        (("POST", CONFIG_MAPS, JSON, br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}"#), (422, "Invalid", "name or generateName is required")),
        (("POST", CONFIG_MAPS, JSON, &large), (413, "RequestEntityTooLarge", "limit is 3145728")),
        (("POST", CONFIG_MAPS, "text/nonsense", b"a"), (415, "UnsupportedMediaType", "the body of the request was in an unknown format")),
        (("POST", "/api/v1/namespaces/nowhere/configmaps", JSON, br#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}"#), (404, "NotFound", "namespaces \"nowhere\" not found")),
        (("GET", "/api/v1/namespaces/default/configmaps/nothing", "", b""), (404, "NotFound", "configmaps \"nothing\" not found")),
        (("GET", "/api/v1/namespaces/default/nonsense", "", b""), (404, "NotFound", "the server could not find the requested resource")),
        (("GET", "/api/v1/namespaces?labelSelector=a%3D%3D%3Db", "", b""), (400, "BadRequest", "unable to parse requirement")),
        (("GET", "/api/v1/namespaces?fieldSelector=spec.nonsense%3Da", "", b""), (400, "BadRequest", "field label not supported: spec.nonsense")),
        (("PUT", "/api/v1/namespaces", JSON, b"{}"), (405, "MethodNotAllowed", "the server does not allow this method on the requested resource")),
    ];
    for &((method, path, kind, body), (code, reason, message)) in table {
        let reply = host.client().send(method, path, kind, body);
        let at = format!("{method} {path} {}", String::from_utf8_lossy(&body[..body.len().min(100)]));
        assert_eq!(reply.status, code, "{at}: {}", reply.text());
        let status = reply.json();
        assert_eq!(status["kind"], "Status", "{at}");
        assert_eq!(status["code"], code, "{at}");
        assert_eq!(status["reason"], reason, "{at}: {status}");
        assert!(status["message"].as_str().is_some_and(|text| text.contains(message)), "{at}: {status}");
    }
}

#[test]
fn an_unknown_path_is_not_found() {
    let Some(host) = Host::start() else { return };
    assert_eq!(host.client().get("/nonsense").expect(404).text().trim(), "404 page not found");
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_the_places_where_it_was_looked_for() {
    let Some(setup) = Setup::bare() else { return };
    let output = setup.with(&["--plugin", "nonsense.wasm"]).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    mentions(&output.stderr, &["`nonsense.wasm`", "plugins"]);
}

#[test]
fn a_file_that_is_no_component_is_named() {
    let Some(setup) = Setup::bare() else { return };
    let whole = fs::read(checkout().join("target/release/plugins/core.wasm")).ok();
    let truncated = whole.as_deref().map_or(&b"\0asm\x0d\0\x01\0"[..4], |bytes| &bytes[..bytes.len() / 2]);
    for (name, bytes) in [("text.wasm", &b"not wasm"[..]), ("empty.wasm", b""), ("truncated.wasm", truncated)] {
        let path = setup.file(name, bytes);
        let output = setup.clone().with(&["--plugin", &path]).refused();
        assert_eq!(output.code, Some(1), "{name}: {}", output.stderr);
        mentions(&output.stderr, &[&path]);
    }
}

#[test]
fn options_that_are_wrong_are_said_all_at_once() {
    let Some(setup) = Setup::bare() else { return };
    let wrong = ["--secure-port", "70000", "--plugin-dir", "/nonsense", "--bind-address", "nowhere"];
    let output = setup.with(&wrong).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    mentions(
        &output.stderr,
        &["--plugin ", "--secure-port", "70000", "--plugin-dir", "/nonsense", "--bind-address", "nowhere"],
    );
}

#[test]
fn a_configuration_is_checked_without_a_server() {
    let Some(setup) = Setup::bare() else { return };
    let text = setup.file("text.wasm", b"not wasm");
    let module = setup.file("module.wasm", b"\0asm\x01\0\0\0");
    let config = "v: loud\nno-such-option: 1\nsecure-port: [1]\nrequest-timeout: 5\n";
    let wrong = [
        ("--config", setup.file("host.yaml", config.as_bytes())),
        ("--plugin", "gone=/nowhere/gone.wasm".to_owned()),
        ("--plugin", text.clone()),
        ("--plugin", module.clone()),
        ("--plugin-grant", "text=teleport:home".to_owned()),
        ("--plugin-limit", "module=speed_max=1".to_owned()),
        ("--max-requests-inflight", "x".to_owned()),
    ];
    let arguments = wrong.iter().flat_map(|(option, value)| [*option, value]);
    let arguments: Vec<&str> = ["config", "check"].into_iter().chain(arguments).collect();
    let output = setup.run_alone(&arguments);
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{}", output.stderr);
    mentions(
        &output.stderr,
        &[
            "`no-such-option` is no option",
            "`secure-port` must be a text",
            "--v must be",
            "--request-timeout must be",
            "--max-requests-inflight must be a number: `x`",
            "/nowhere/gone.wasm",
            &text,
            "`text` cannot be granted",
            &module,
            "there is no limit `speed_max`",
        ],
    );

    // The same words keep a host from starting, but for what is in the files of plugins.
    let Some(chain) = Setup::default_chain() else { return };
    let wrong = ["--plugin", "gone=/nowhere/gone.wasm", "--plugin-grant", "core=teleport:home", "--v=loud"];
    let output = chain.with(&wrong).refused();
    mentions(&output.stderr, &["/nowhere/gone.wasm", "`core` cannot be granted", "--v must be"]);
    let plugins = checkout().join("target/release/plugins");
    let core = plugins.join("core.wasm").display().to_string();
    let output = setup.run_alone(&["config", "check", "--plugin", &core, "--default-watch-cache-size", "7"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    mentions(&output.stderr, &["--default-watch-cache-size"]);
}

#[test]
fn a_port_in_use_is_named() {
    let Some(setup) = Setup::default_chain() else { return };
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let output = setup.with(&["--bind-address", "127.0.0.1", "--secure-port", &port]).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    mentions(&output.stderr, &[&port, "in use"]);
}

#[test]
fn a_data_directory_in_use_is_named_and_its_user_is_not_disturbed() {
    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.start();
    let output = setup.refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    mentions(&output.stderr, &[&setup.data_dir().display().to_string(), "in use"]);
    host.client().get("/readyz").expect(200);
}

#[track_caller]
fn mentions(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}
