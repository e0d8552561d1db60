use clap::Parser;

use super::*;
use crate::authz::Mode;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    run: RunOptions,
}

fn complete(arguments: &[&str]) -> Result<RunConfig, OptionErrors> {
    let command = Command::try_parse_from([&["host"], arguments].concat()).unwrap_or_else(|error| panic!("{error}"));
    command.run.complete()
}

/// With a plugin, which every start needs.
fn run(arguments: &[&str]) -> Result<RunConfig, OptionErrors> {
    complete(&[&["--plugin", "core.wasm"], arguments].concat())
}

#[test]
fn defaults_are_upstreams_where_it_has_them() {
    let config = run(&[]).unwrap();
    assert_eq!((config.serving.bind_address.to_string().as_str(), config.serving.secure_port), ("127.0.0.1", 6443));
    assert_eq!(config.serving.service_range.first.to_string(), "10.0.0.1");
    assert_eq!(config.requests.timeout.as_secs(), 60);
    assert_eq!(config.requests.min_watch_timeout.as_secs(), 1800);
    assert_eq!((config.requests.max_reading, config.requests.max_mutating), (400, 200));
    assert_eq!(config.storage.compaction_interval.map(|interval| interval.as_secs()), Some(300));
    assert!(config.storage.quota_bytes.is_none() && config.storage.etcd.is_none());
    assert!(config.access.anonymous && config.shutdown.delay.is_zero() && !config.shutdown.send_retry_after);
    assert_eq!(config.logging, Logging { format: LogFormat::Text, verbosity: 2 });
    assert!(config.data_dir.is_absolute());
}

#[test]
fn each_option_is_taken() {
    let config = run(&[
        "--secure-port=0",
        "--bind-address=::",
        "--request-timeout=1m30s",
        "--min-request-timeout=10",
        "--max-requests-inflight=0",
        "--max-mutating-requests-inflight=5",
        "--etcd-compaction-interval=0",
        "--quota-backend-bytes=2147483648",
        "--etcd-servers=http://10.0.0.1:2379,https://10.0.0.2:2379",
        "--etcd-prefix=/elsewhere",
        "--encryption-provider-config=/dev/null",
        "--encryption-provider-config-automatic-reload",
        "--anonymous-auth=false",
        "--shutdown-delay-duration=5s",
        "--shutdown-send-retry-after",
        "--shutdown-watch-termination-grace-period=7s",
        "--goaway-chance=0.001",
        "--livez-grace-period=2m",
        "--service-cluster-ip-range=fd00:1::5/108",
        "--tls-min-version=VersionTLS13",
        "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256",
        "--tls-sni-cert-key=/dev/null, /dev/zero",
        "--tls-sni-cert-key=/dev/null,/dev/zero:*.example.com,10.0.0.1",
        "--disable-http2-serving",
        "--http2-max-streams-per-connection=7",
        "--log-format=json",
        "-v",
        "4",
    ])
    .unwrap();
    assert_eq!((config.serving.bind_address.to_string().as_str(), config.serving.secure_port), ("::", 0));
    assert_eq!(config.serving.service_range.first.to_string(), "fd00:1::1");
    assert!(config.serving.tls.tls_13_only && config.serving.limits.http2_streams_max == 7);
    assert_eq!((config.serving.tls.cipher_suites.len(), config.serving.tls.http2), (2, false));
    let files = PairFiles { certificate: "/dev/null".into(), key: "/dev/zero".into() };
    let named =
        |names: &[&str]| NamedPair { files: files.clone(), names: names.iter().map(ToString::to_string).collect() };
    assert_eq!(config.serving.tls.named, [named(&[]), named(&["*.example.com", "10.0.0.1"])]);
    assert_eq!((config.requests.timeout.as_secs(), config.requests.min_watch_timeout.as_secs()), (90, 10));
    assert_eq!((config.requests.max_reading, config.requests.max_mutating), (0, 5));
    assert_eq!((config.storage.compaction_interval, config.storage.quota_bytes), (None, Some(2 << 30)));
    let etcd = config.storage.etcd.unwrap();
    assert_eq!((etcd.urls.len(), etcd.prefix.as_str()), (2, "/elsewhere"));
    assert!(config.storage.encryption_config.is_some() && config.storage.encryption_reload);
    assert!(!config.access.anonymous && config.shutdown.send_retry_after);
    assert_eq!((config.shutdown.delay.as_secs(), config.shutdown.livez_grace_period.as_secs()), (5, 120));
    assert_eq!((config.shutdown.watch_grace_period.as_secs(), config.requests.goaway_chance), (7, 0.001));
    assert_eq!(config.logging, Logging { format: LogFormat::Json, verbosity: 4 });
}

#[test]
fn plugins_have_names_configuration_and_grants() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("core.yaml");
    std::fs::write(&file, "x: 1").unwrap();
    let config = complete(&[
        "--plugin=extensions.wasm",
        "--plugin",
        "core=/plugins/My_Core.wasm",
        "--plugin=./dir=odd/My_Hello.wasm",
        &format!("--plugin-config=core={}", file.display()),
        "--plugin-grant=core=http:example.com",
        "--plugin-grant=core=env:A=b",
        &format!("--plugin-dir={}", dir.path().display()),
    ])
    .unwrap();
    let choice = |name: &str, path: &str| PluginChoice {
        name: name.into(),
        path: path.into(),
        config: None,
        grants: Vec::new(),
    };
    let expected = [
        choice("extensions", "extensions.wasm"),
        PluginChoice {
            config: Some(file),
            grants: vec!["http:example.com".into(), "env:A=b".into()],
            ..choice("core", "/plugins/My_Core.wasm")
        },
        choice("my-hello", "./dir=odd/My_Hello.wasm"),
    ];
    assert_eq!(config.plugins.links, expected);
    assert_eq!(config.plugins.dir.as_deref(), Some(dir.path()));
}

#[test]
fn all_errors_are_said_at_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let file = file.path().to_str().unwrap();
    let errors = complete(&[
        "--data-dir",
        file,
        "--secure-port=70000",
        "--bind-address=localhost",
        "--tls-cert-file=/nowhere/a.crt",
        "--tls-private-key-file=/",
        "--tls-min-version=VersionTLS11",
        "--tls-sni-cert-key=/dev/null",
        "--tls-sni-cert-key=/dev/null,/nowhere/b.key",
        "--tls-sni-cert-key=/dev/null,/dev/null:",
        "--http2-max-streams-per-connection=0",
        "--service-cluster-ip-range=10.0.0.0/31",
        "--client-ca-file=/nowhere/ca.crt",
        "--token-auth-file=/nowhere/tokens.csv",
        "--anonymous-auth=perhaps",
        "--authorization-mode=b,RBAC,RBAC",
        "--request-timeout=0s",
        "--min-request-timeout=-1",
        "--max-requests-inflight=many",
        "--goaway-chance=0.5",
        "--etcd-servers=localhost:2379",
        "--etcd-certfile=/dev/null",
        "--etcd-prefix=registry",
        "--encryption-provider-config=/nowhere/keys.yaml",
        "--quota-backend-bytes=2GiB",
        "--shutdown-delay-duration=-1s",
        "--livez-grace-period=10",
        "--plugin=a=x.wasm",
        "--plugin=a=y.wasm",
        "--plugin=no name.wasm",
        "--plugin-config=a",
        "--plugin-config=b=/dev/null",
        "--plugin-grant=c=http:x",
        "--plugin-dir=/nowhere",
        "--log-format=xml",
        "--v=loud",
    ])
    .unwrap_err();
    let expected = [
        &format!("--data-dir is not a directory: `{file}`"),
        "--bind-address must be an IP address: `localhost`",
        "--tls-cert-file cannot be read: `/nowhere/a.crt`: no such file or directory",
        "--tls-private-key-file cannot be read: `/`: is a directory",
        "--tls-sni-cert-key must have the form `CERT,KEY` or `CERT,KEY:NAME,...`: `/dev/null`",
        "--tls-sni-cert-key cannot be read: `/nowhere/b.key`: no such file or directory",
        "--tls-sni-cert-key needs names such as `example.com`, `*.example.com` or `10.0.0.1`: ``",
        "--tls-min-version must be `VersionTLS12` or `VersionTLS13`: `VersionTLS11`",
        "--http2-max-streams-per-connection must be a number above 0: `0`",
        "--secure-port must be a port, 0 to 65535: `70000`",
        "--service-cluster-ip-range must be a range of at least 8 addresses such as `10.0.0.0/24`: `10.0.0.0/31`",
        "--plugin has two links named `a`: `x.wasm` and `y.wasm`; give one another name with `NAME=PATH`",
        "--plugin needs a name of lower-case letters, digits and `-`: `no name.wasm`; write `NAME=no name.wasm`",
        "--plugin-config must have the form `NAME=VALUE`: `a`",
        "--plugin-config names `b`, which no --plugin has",
        "--plugin-grant names `c`, which no --plugin has",
        "--plugin-dir is not a directory: `/nowhere`",
        "--client-ca-file cannot be read: `/nowhere/ca.crt`: no such file or directory",
        "--token-auth-file cannot be read: `/nowhere/tokens.csv`: no such file or directory",
        "--anonymous-auth must be `true` or `false`: `perhaps`",
        "--authorization-mode must be `AlwaysAllow`, `AlwaysDeny`, `Node`, `RBAC` or the name of a plugin: `b`",
        "--authorization-mode has `RBAC` more than once",
        "--etcd-servers must begin with `http://` or `https://`: `localhost:2379`",
        "--etcd-prefix must begin with `/` and not end with it: `registry`",
        "--etcd-certfile and --etcd-keyfile are needed together",
        "--encryption-provider-config cannot be read: `/nowhere/keys.yaml`: no such file or directory",
        "--quota-backend-bytes must be a number of bytes: `2GiB`",
        "--request-timeout must not be zero: `0s`",
        "--min-request-timeout must be a number of seconds: `-1`",
        "--max-requests-inflight must be a number: `many`",
        "--goaway-chance must be a number from 0 to 0.02: `0.5`",
        "--shutdown-delay-duration must not be negative: `-1s`",
        "--livez-grace-period must be a duration such as `60s` or `1m30s`: `10`",
        "--log-format must be `text` or `json`: `xml`",
        "--v must be a level, 0 to 10: `loud`",
    ];
    assert_eq!(errors.0, expected);
    assert_eq!(errors.to_string(), expected.join("\n"));
}

#[test]
fn a_chain_has_a_link() {
    let errors = complete(&[]).unwrap_err();
    assert_eq!(errors.0, ["--plugin must be given at least once: a chain has at least one link"]);
}

#[test]
fn a_certificate_needs_its_key() {
    for (given, missing) in
        [("--tls-cert-file", "--tls-private-key-file"), ("--tls-private-key-file", "--tls-cert-file")]
    {
        let errors = run(&[given, "/dev/null"]).unwrap_err();
        assert_eq!(errors.0, [format!("{given} needs {missing}: a certificate is of no use without its key")]);
    }
}

#[test]
fn authorization_modes_are_words_and_plugins() {
    let named = |name: &str| Mode::Named(name.to_owned());
    let cases: [(&[&str], Vec<Mode>, usize); 6] = [
        (&[], vec![Mode::Plugins, Mode::PublicPaths], 0),
        (&["--authorization-mode=AlwaysAllow"], vec![Mode::AlwaysAllow], 0),
        (&["--authorization-mode=core,AlwaysDeny"], vec![named("core"), Mode::AlwaysDeny], 0),
        (
            &["--authorization-mode", "core", "--authorization-mode", "AlwaysDeny"],
            vec![named("core"), Mode::AlwaysDeny],
            0,
        ),
        (&["--authorization-mode=Node,RBAC"], vec![Mode::PublicPaths, Mode::PublicPaths], 2),
        (&["--authorization-mode=Node,RBAC", "--plugin=rbac.wasm"], vec![Mode::PublicPaths, named("rbac")], 1),
    ];
    for (arguments, modes, warnings) in cases {
        let config = run(arguments).unwrap();
        assert_eq!((config.access.authorization, config.warnings.len()), (modes, warnings), "{arguments:?}");
    }
}

#[test]
fn a_cipher_suite_that_is_not_offered_is_named_with_those_that_are() {
    let errors = run(&["--tls-cipher-suites=TLS_RSA_WITH_AES_128_CBC_SHA,TLS_AES_128_GCM_SHA256"]).unwrap_err();
    let [error] = &errors.0[..] else { panic!("{errors}") };
    assert!(error.starts_with(
        "--tls-cipher-suites does not offer `TLS_RSA_WITH_AES_128_CBC_SHA`: choose from `TLS_AES_128_GCM_SHA256`, "
    ));
}
