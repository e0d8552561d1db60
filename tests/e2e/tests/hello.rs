//! `examples/hello`, as its README shows it.

use e2e::{Setup, eventually};

#[test]
fn a_third_party_link_is_added_with_a_fourth_plugin() {
    let Some(host) = Setup::default_chain().and_then(Setup::hello).map(|setup| setup.start()) else { return };
    let client = host.client();
    for (path, answer) in [("/hello", "hello, kubernetes-admin\n"), ("/hello/world", "hello, world\n")] {
        assert_eq!(client.get(path).expect(200).text(), answer, "{path}");
    }
    let immediate = || host.metric(r#"host_plugin_immediate_answers_total{plugin="hello"}"#);
    let is_immediate = || client.get("/hello/world").expect(200).text() == "hello, world\n" && immediate() > 0.0;
    eventually(is_immediate, || "no answer is an immediate one".to_owned());
    // What is not, `handle` answers.
    client.send("POST", "/hello", "text/plain", b"").expect(405);
    let report = client.get("/readyz?verbose").expect(200).text();
    for check in ["hello-words", "poststarthook/hello-greeter", "poststarthook/start-system-namespaces-controller"] {
        assert!(report.contains(&format!("[+]{check} ok\n")), "{check}:\n{report}");
    }
    client.get("/api/v1/namespaces").expect(200);
}

#[test]
fn what_a_plugin_is_told_is_its_own_to_judge() {
    let Some(setup) = Setup::bare().and_then(Setup::hello) else { return };
    let configuration = setup.file("greeting", b"  \n");
    let host = setup.with(&["--plugin-config", &format!("hello={configuration}")]).start_until("/healthz/ping");
    let report = host.client().get("/readyz").expect(500).text();
    assert!(report.contains("[-]hello-words failed: reason withheld\n"), "{report}");
    host.wait_for_log("the configured greeting is empty");
}
