//! Options whose effect nothing else shows; and that every option's effect is shown somewhere.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::{Etcd, Setup, checkout, eventually};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";

fn config_map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})
}

/// Whether a file of the directory, or of one in it, holds the text.
fn holds(directory: PathBuf, text: &str) -> bool {
    fs::read_dir(&directory).expect("it can be read").flatten().map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return holds(path, text);
        }
        fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    })
}

#[test]
fn what_the_configuration_names_is_encrypted_on_disk_and_follows_the_file() {
    let Some(setup) = Setup::default_chain() else { return };
    let configuration = |providers: &str| {
        format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n\
             resources: [{{resources: [secrets], providers: [{providers}]}}]\n"
        )
    };
    let key = |byte: u8| BASE64_STANDARD.encode([byte; 32]);
    let first = format!("{{secretbox: {{keys: [{{name: first, secret: {}}}]}}}}", key(1));
    let second = format!("{{secretbox: {{keys: [{{name: second, secret: {}}}]}}}}", key(2));
    let path = setup.file("encryption.yaml", configuration(&first).as_bytes());
    let options = ["--encryption-provider-config", &path, "--encryption-provider-config-automatic-reload=true"];
    let host = setup.with(&options).start();
    let secret = |name: &str| json!({"metadata": {"name": name}, "stringData": {"k": "v"}});
    host.client().post(SECRETS, &secret("hidden-1")).expect(201);
    host.client().post(CONFIG_MAPS, &config_map("shown", "a value in the clear")).expect(201);
    let value = BASE64_STANDARD.encode("v");
    assert_eq!(host.client().get(&format!("{SECRETS}/hidden-1")).expect(200).json()["data"]["k"], value.as_str());

    fs::write(&path, configuration(&format!("{second}, {first}"))).expect("it can be written");
    // Each write says on disk by which key it was encrypted.
    let written = std::cell::Cell::new(1);
    eventually(
        || {
            written.set(written.get() + 1);
            host.client().post(SECRETS, &secret(&format!("hidden-{}", written.get()))).expect(201);
            holds(host.data_dir().to_owned(), "k8s:enc:secretbox:v1:second:")
        },
        || "the file has changed".to_owned(),
    );
    host.client().get(&format!("{SECRETS}/hidden-1")).expect(200);
    assert!(holds(host.data_dir().to_owned(), "k8s:enc:secretbox:v1:first:"));
    assert!(holds(host.data_dir().to_owned(), "a value in the clear"));
    assert!(!holds(host.data_dir().to_owned(), r#""name":"hidden-1""#));
}

#[test]
fn a_store_that_is_full_takes_no_more_and_says_so() {
    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.with(&["--quota-backend-bytes=8388608"]).start();
    let large = "x".repeat(900_000);
    let refused = (0..40)
        .map(|index| host.client().post(CONFIG_MAPS, &config_map(&format!("large-{index}"), &large)))
        .find(|reply| reply.status != 201)
        .expect("36 MB are more than 8");
    assert!(refused.expect(503).text().contains("the store is full"), "it does not say why");
    host.client().get(&format!("{CONFIG_MAPS}/large-0")).expect(200);
    host.client().get("/healthz/storage-quota").expect(500);
}

#[test]
fn hosts_share_an_etcd_over_tls_below_prefixes_of_their_own() {
    let Some(authority) = Setup::bare().and_then(|setup| setup.link("any", "prefix /any")) else { return };
    // Its certificates are those of etcd and of who asks it.
    let authority = authority.start();
    let Some(etcd) = Etcd::start_secure(authority.data_dir()) else { return };
    let file = |name: &str| authority.data_dir().join("pki").join(name).display().to_string();
    let trusted = format!("--etcd-cafile={}", file("ca.crt"));
    let identity = [format!("--etcd-certfile={}", file("admin.crt")), format!("--etcd-keyfile={}", file("admin.key"))];
    let hosts = ["/one", "/two"].map(|prefix| {
        let setup = Setup::default_chain().expect("it was there for the first");
        let servers = format!("--etcd-servers={}", etcd.servers());
        setup.with(&[&servers, &trusted, &identity[0], &identity[1], &format!("--etcd-prefix={prefix}")]).start()
    });
    hosts[0].client().post(CONFIG_MAPS, &config_map("mine", "v")).expect(201);
    hosts[0].client().get(&format!("{CONFIG_MAPS}/mine")).expect(200);
    hosts[1].client().get(&format!("{CONFIG_MAPS}/mine")).expect(404);

    let stranger = Setup::default_chain().expect("it was there for the first");
    let stranger = stranger.with(&[&format!("--etcd-servers={}", etcd.servers()), &trusted]);
    assert!(stranger.refused().stderr.contains("--etcd-servers"));
}

#[test]
fn a_hook_that_never_succeeds_counts_against_liveness_after_its_time_of_grace() {
    for (options, code) in [(&[][..], 500), (&["--livez-grace-period=1h"][..], 200)] {
        let Some(setup) = Setup::bare().and_then(|setup| setup.link("failing", "prefix /failing\nhook it-fails"))
        else {
            return;
        };
        let host = setup.with(options).start_until("/livez/ping");
        host.wait_for_log("it-fails");
        eventually(|| host.client().get("/livez").status == code, || format!("{options:?}: never {code}"));
        host.client().get("/readyz").expect(500);
    }
}

#[test]
fn a_watch_that_names_no_time_ends_by_itself() {
    let Some(setup) = Setup::default_chain() else { return };
    let host = setup.with(&["--min-request-timeout=1"]).start();
    let events: Vec<Value> = host.client().stream(&format!("{CONFIG_MAPS}?watch=1")).collect();
    assert!(events.iter().all(|event| event["type"] == "ADDED"), "{events:?}");
}

#[test]
fn the_log_says_as_much_as_it_is_asked_for() {
    for (option, is_logged) in [("--v=2", false), ("--v=4", true)] {
        let Some(setup) = Setup::bare().and_then(|setup| setup.link("any", "prefix /any")) else { return };
        let host = setup.with(&[option]).start();
        host.client().get("/any/requested").expect(200);
        host.client().get("/any/log").expect(200);
        host.wait_for_log("line 1 of a flood");
        // What was asked before has been logged before.
        assert_eq!(host.log().contains("/any/requested"), is_logged, "{option}");
    }
}

#[test]
fn the_effect_of_every_option_is_shown_by_a_test() {
    let Some(setup) = Setup::bare() else { return };
    let help = setup.run_alone(&["run", "--help"]).success();
    let lines = help.lines().map(|line| line.trim_start().trim_start_matches("-h, ").trim_start_matches("-v, "));
    let options: Vec<&str> = lines
        .filter(|line| line.starts_with("--"))
        .map(|line| line.split([' ', '=', '[']).next().unwrap_or(line))
        .collect();
    assert!(options.len() > 80, "{options:?}");
    let mut tests = String::new();
    for directory in ["tests/e2e/src", "tests/e2e/tests", "host/server/tests/outside"] {
        for file in fs::read_dir(checkout().join(directory)).expect("it is there").flatten() {
            tests += &fs::read_to_string(file.path()).expect("it is text");
        }
    }
    let is_used = |option: &str| tests.split(option).skip(1).any(|rest| rest.starts_with(['"', '=', ' ', '\\']));
    let unused: Vec<_> = options.into_iter().filter(|option| !is_used(option)).collect();
    assert!(unused.is_empty(), "no test uses {unused:?}");
}
