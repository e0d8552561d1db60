use clap::Parser;

use super::*;
use crate::authn::Anonymous;
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
    assert_eq!(config.access.anonymous, Anonymous::Everywhere);
    assert!(config.shutdown.delay.is_zero() && !config.shutdown.send_retry_after);
    assert_eq!(config.logging, Logging { format: LogFormat::Text, verbosity: 2 });
    assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("host-data"));
    assert!(config.audit.log.is_none() && config.audit.webhook.is_none() && config.web.allowed_origins.is_none());
    assert_eq!(config.warnings, [""; 0]);
}

/// As `kube-apiserver --help` of 1.36 has them.
const UPSTREAM_DEFAULTS: [(&str, &str); 41] = [
    ("audit-log-batch-buffer-size", "10000"),
    ("audit-log-batch-max-size", "1"),
    ("audit-log-batch-throttle-enable", "false"),
    ("audit-log-compress", "false"),
    ("audit-log-format", "json"),
    ("audit-log-maxage", "366"),
    ("audit-log-maxbackup", "100"),
    ("audit-log-maxsize", "100"),
    ("audit-log-mode", "blocking"),
    ("audit-log-truncate-enabled", "false"),
    ("audit-log-truncate-max-batch-size", "10485760"),
    ("audit-log-truncate-max-event-size", "102400"),
    ("audit-log-version", "audit.k8s.io/v1"),
    ("audit-webhook-batch-buffer-size", "10000"),
    ("audit-webhook-batch-max-size", "400"),
    ("audit-webhook-batch-max-wait", "30s"),
    ("audit-webhook-batch-throttle-burst", "15"),
    ("audit-webhook-batch-throttle-enable", "true"),
    ("audit-webhook-batch-throttle-qps", "10"),
    ("audit-webhook-initial-backoff", "10s"),
    ("audit-webhook-mode", "batch"),
    ("audit-webhook-truncate-enabled", "false"),
    ("audit-webhook-truncate-max-batch-size", "10485760"),
    ("audit-webhook-truncate-max-event-size", "102400"),
    ("audit-webhook-version", "audit.k8s.io/v1"),
    ("disable-http2-serving", "false"),
    ("encryption-provider-config-automatic-reload", "false"),
    ("etcd-compaction-interval", "5m0s"),
    ("etcd-prefix", "/registry"),
    ("goaway-chance", "0"),
    ("livez-grace-period", "0s"),
    ("max-mutating-requests-inflight", "200"),
    ("max-requests-inflight", "400"),
    ("min-request-timeout", "1800"),
    ("profiling", "true"),
    ("request-timeout", "60s"),
    ("secure-port", "6443"),
    ("shutdown-delay-duration", "0s"),
    ("shutdown-send-retry-after", "false"),
    ("shutdown-watch-termination-grace-period", "0s"),
    ("tls-min-version", "VersionTLS12"),
];

#[test]
fn what_help_says_of_defaults_is_upstreams() {
    let command = <Command as clap::CommandFactory>::command();
    for (name, expected) in UPSTREAM_DEFAULTS {
        let argument = command.get_arguments().find(|argument| argument.get_long() == Some(name));
        let argument = argument.unwrap_or_else(|| panic!("there is no --{name}"));
        assert_eq!(argument.get_default_values(), [expected], "--{name}");
    }
}

#[test]
fn help_is_grouped_by_subject() {
    let command = <Command as clap::CommandFactory>::command();
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let (mut subjects, mut without) = (Vec::new(), Vec::new());
    for argument in shown {
        match argument.get_help_heading() {
            None => without.push(argument.get_long().unwrap_or_default()),
            Some(subject) if subjects.last() != Some(&subject) => subjects.push(subject),
            Some(_) => {}
        }
    }
    assert_eq!(without, ["config", "data-dir"]);
    let expected = [
        "Secure serving",
        "Authentication and authorization",
        "Storage",
        "Auditing",
        "Requests",
        "Features",
        "Browsers",
        "Life cycle",
        "Plugins",
        "Logs",
        "Tracing",
        "Profiles",
    ];
    assert_eq!(subjects, expected);
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
        "--service-cluster-ip-range=10.1.2.3/16,fd00:1::/108",
        "--tls-min-version=VersionTLS13",
        "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256",
        "--tls-sni-cert-key=/dev/null, /dev/zero",
        "--tls-sni-cert-key=/dev/null,/dev/zero:*.example.com,10.0.0.1",
        "--disable-http2-serving",
        "--http2-max-streams-per-connection=7",
        "--profiling=false",
        "--log-format=json",
        "-v",
        "4",
    ])
    .unwrap();
    assert_eq!((config.serving.bind_address.to_string().as_str(), config.serving.secure_port), ("::", 0));
    assert_eq!(config.serving.service_range.first.to_string(), "10.1.0.1");
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
    assert_eq!(config.access.anonymous, Anonymous::Nowhere);
    assert!(config.shutdown.send_retry_after);
    assert_eq!((config.shutdown.delay.as_secs(), config.shutdown.livez_grace_period.as_secs()), (5, 120));
    assert_eq!((config.shutdown.watch_grace_period.as_secs(), config.requests.goaway_chance), (7, 0.001));
    assert!(!config.profiling);
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
        "--plugin-limit=core=cpu_ms_max=5",
        &format!("--plugin-dir={}", dir.path().display()),
    ])
    .unwrap();
    let choice = |name: &str, path: &str| PluginChoice {
        name: name.into(),
        path: path.into(),
        config: None,
        grants: Vec::new(),
        limits: Vec::new(),
    };
    let expected = [
        choice("extensions", "extensions.wasm"),
        PluginChoice {
            config: Some(file),
            // The first for its name.
            grants: vec!["tokens".into(), "http:example.com".into(), "env:A=b".into()],
            limits: vec!["cpu_ms_max=5".into()],
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
        "--authentication-config=/nowhere/config.yaml",
        "--requestheader-client-ca-file=/nowhere/proxy.crt",
        "--requestheader-group-headers=X Remote",
        "--audit-policy-file=/nowhere/policy.yaml",
        "--audit-log-path=/nowhere/audit.log",
        "--audit-log-format=xml",
        "--audit-log-mode=later",
        "--audit-log-maxsize=-1",
        "--audit-log-version=v2",
        "--audit-webhook-config-file=/nowhere/webhook.yaml",
        "--audit-webhook-mode=blocking",
        "--audit-webhook-version=v3",
        "--audit-webhook-batch-max-size=0",
        "--audit-webhook-truncate-max-batch-size=1",
        "--cors-allowed-origins=example.com,//a(",
        "--strict-transport-security-directives=max-age",
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
        "--plugin-limit=d=cpu_ms_max=5",
        "--plugin-dir=/nowhere",
        "--log-format=xml",
        "--v=loud",
        "--profiling=perhaps",
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
        "the service cluster IP range must be at least 8 IP addresses: --service-cluster-ip-range has `10.0.0.0/31`",
        "--plugin has two links named `a`: `x.wasm` and `y.wasm`; give one another name with `NAME=PATH`",
        "--plugin needs a name of lower-case letters, digits and `-`: `no name.wasm`; write `NAME=no name.wasm`",
        "--plugin-config must have the form `NAME=VALUE`: `a`",
        "--plugin-config names `b`, which no --plugin has",
        "--plugin-grant names `c`, which no --plugin has",
        "--plugin-limit names `d`, which no --plugin has",
        "--plugin-dir is not a directory: `/nowhere`",
        "--client-ca-file cannot be read: `/nowhere/ca.crt`: no such file or directory",
        "--token-auth-file cannot be read: `/nowhere/tokens.csv`: no such file or directory",
        "--anonymous-auth must be `true` or `false`: `perhaps`",
        "--authentication-config cannot be used: `/nowhere/config.yaml`: No such file or directory (os error 2)",
        "--requestheader-group-headers must be names of headers: `X Remote`",
        "--requestheader-client-ca-file cannot be read: `/nowhere/proxy.crt`: no such file or directory",
        "--authorization-mode must be `AlwaysAllow`, `AlwaysDeny`, `Node`, `RBAC` or the name of a plugin: `b`",
        "--authorization-mode has `RBAC` more than once",
        "--etcd-servers must begin with `http://` or `https://`: `localhost:2379`",
        "--etcd-prefix must begin with `/` and not end with it: `registry`",
        "--etcd-certfile and --etcd-keyfile are needed together",
        "--encryption-provider-config cannot be read: `/nowhere/keys.yaml`: no such file or directory",
        "--quota-backend-bytes must be a number of bytes: `2GiB`",
        "--audit-policy-file cannot be used: `/nowhere/policy.yaml`: No such file or directory (os error 2)",
        "--audit-log-version must be `audit.k8s.io/v1`: `v2`",
        "--audit-log-maxsize must be a number: `-1`",
        "--audit-log-format must be `json` or `legacy`: `xml`",
        "--audit-log-mode must be `batch`, `blocking` or `blocking-strict`: `later`",
        "--audit-webhook-version must be `audit.k8s.io/v1`: `v3`",
        "--audit-webhook-mode must be `batch`: requests do not wait for a webhook: `blocking`",
        "--audit-webhook-batch-max-size must be a number above 0: `0`",
        "--audit-webhook-truncate-max-batch-size must be at least --audit-webhook-truncate-max-event-size, and that above \
         0: `1`, `102400`",
        "--audit-webhook-config-file cannot be used: `/nowhere/webhook.yaml`: `/nowhere/webhook.yaml`: No such file or \
         directory (os error 2)",
        "--cors-allowed-origins must match a host from its start (`^` or `//`) to its end (`$` or `:`): `example.com`",
        "--cors-allowed-origins must match a host from its start (`^` or `//`) to its end (`$` or `:`): `//a(`",
        "--cors-allowed-origins has a wrong regular expression: unclosed group",
        "--strict-transport-security-directives must be `max-age=SECONDS`, `includeSubDomains` or `preload`: `max-age`",
        "--request-timeout must not be zero: `0s`",
        "--min-request-timeout must be a number of seconds: `-1`",
        "--max-requests-inflight must be a number: `many`",
        "--goaway-chance must be a number from 0 to 0.02: `0.5`",
        "--shutdown-delay-duration must not be negative: `-1s`",
        "--livez-grace-period must be a duration such as `60s` or `1m30s`: `10`",
        "--log-format must be `text` or `json`: `xml`",
        "--v must be a level, 0 to 10: `loud`",
        "--profiling must be `true` or `false`: `perhaps`",
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
        (&["--authorization-mode=AlwaysAllow"], vec![Mode::AlwaysAllow], 1),
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
fn nobody_is_anonymous_where_all_is_allowed_unless_a_file_says_so() {
    let says = |condition: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
        std::io::Write::write_all(&mut file, format!("{text}{condition}").as_bytes()).unwrap();
        file
    };
    let (silent, enabled) = (says(""), says("anonymous: {enabled: true}"));
    let config = |file: &tempfile::NamedTempFile| format!("--authentication-config={}", file.path().display());
    let (silent, enabled) = (config(&silent), config(&enabled));
    let all = "--authorization-mode=AlwaysAllow";
    let cases: [(&[&str], Anonymous, usize); 7] = [
        (&[], Anonymous::Everywhere, 0),
        (&[all], Anonymous::Nowhere, 1),
        (&["--authorization-mode=core,AlwaysAllow", "--anonymous-auth"], Anonymous::Nowhere, 1),
        (&[all, "--anonymous-auth=false"], Anonymous::Nowhere, 0),
        (&["--authorization-mode=core"], Anonymous::Everywhere, 0),
        (&[all, &silent], Anonymous::Nowhere, 1),
        (&[all, &enabled], Anonymous::Everywhere, 0),
    ];
    for (arguments, anonymous, warnings) in cases {
        let config = run(arguments).unwrap();
        assert_eq!((config.access.anonymous, config.warnings.len()), (anonymous, warnings), "{arguments:?}");
    }
}

#[test]
fn hosts_that_share_a_store_are_told_to_share_a_key() {
    let etcd = "--etcd-servers=http://127.0.0.1:2379";
    for (arguments, expected) in [
        (&[][..], false),
        (&[etcd], true),
        (&[etcd, "--service-account-signing-key-file=/dev/null"], false),
        (&[etcd, "--service-account-key-file=/dev/null"], false),
    ] {
        let warnings = run(arguments).unwrap().warnings;
        let warned = warnings.iter().any(|warning| warning.contains("each host makes a key of its own"));
        assert_eq!(warned, expected, "{arguments:?}: {warnings:?}");
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

#[test]
fn what_envtest_passes_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for name in ["apiserver.crt", "apiserver.key", "client-cert-auth-ca.crt", "sa-signer.crt", "sa-signer.key"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    // As controller-runtime 0.24 writes them, and those that its users are told to add.
    let arguments = [
        "--allow-privileged=true".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--cert-dir={}", dir.path().display()),
        format!("--client-ca-file={}", path("client-cert-auth-ca.crt")),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--enable-admission-plugins=NamespaceLifecycle,ResourceQuota".to_owned(),
        "--etcd-servers=http://127.0.0.1:2379".to_owned(),
        "--secure-port=35000".to_owned(),
        "--service-account-issuer=https://127.0.0.1:35000/".to_owned(),
        format!("--service-account-key-file={}", path("sa-signer.crt")),
        format!("--service-account-signing-key-file={}", path("sa-signer.key")),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        "--watch-cache=false".to_owned(),
        "--enable-priority-and-fairness".to_owned(),
    ];
    let config = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert_eq!(config.serving.secure_port, 35000);
    let [certificate, key] = ["apiserver.crt", "apiserver.key"].map(|name| dir.path().join(name));
    assert_eq!(config.serving.tls.certificate, Some(PairFiles { certificate, key }));
    assert_eq!(config.data_dir, dir.path().join("host-data"));
    assert_eq!(config.access.authorization, [Mode::PublicPaths]);
    let tokens = &config.access.service_accounts;
    assert_eq!((&tokens.issuers, &tokens.audiences), (&vec!["https://127.0.0.1:35000/".to_owned()], &tokens.issuers));
    assert_eq!(tokens.key_files, [dir.path().join("sa-signer.crt")]);
    assert_eq!(tokens.signing_key_file, Some(dir.path().join("sa-signer.key")));
    assert_eq!(config.plugins.admission, [""; 0]);
    let [admission, rbac, without_effect] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    assert!(admission.starts_with("--enable-admission-plugins=NamespaceLifecycle,ResourceQuota has no"), "{admission}");
    assert!(rbac.starts_with("--authorization-mode=RBAC decides nothing"), "{rbac}");
    let expected = "these flags have no effect: --watch-cache (objects are stored in --data-dir); \
                    --allow-privileged, --disable-admission-plugins (what is admitted is up to the plugins); \
                    --enable-priority-and-fairness (it does not have that)";
    assert_eq!(without_effect, expected);
}

#[test]
fn others_are_told_of_the_address_that_is_advertised() {
    for (arguments, expected) in [
        (&[][..], "127.0.0.1"),
        (&["--bind-address=192.0.2.7"], "192.0.2.7"),
        (&["--advertise-address=192.0.2.9"], "192.0.2.9"),
        (&["--bind-address=192.0.2.7", "--advertise-address=192.0.2.9"], "192.0.2.9"),
        (&["--bind-address=192.0.2.7", "--advertise-address=0.0.0.0"], "192.0.2.7"),
        (&["--bind-address=::", "--advertise-address=192.0.2.9"], "192.0.2.9"),
    ] {
        assert_eq!(run(arguments).unwrap().serving.public_address.to_string(), expected, "{arguments:?}");
    }
    for (arguments, expected) in [
        (&["--advertise-address=api.example"][..], "--advertise-address must be an IP address: `api.example`"),
        (&["--advertise-address=2001:db8::1"], "must match public address family \"2001:db8::1\""),
    ] {
        let errors = run(arguments).unwrap_err().to_string();
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_front_proxy_is_trusted_with_its_headers() {
    let ca = tempfile::NamedTempFile::new().unwrap();
    let ca = format!("--requestheader-client-ca-file={}", ca.path().display());
    let arguments = [
        &ca,
        "--requestheader-allowed-names=proxy,other",
        "--requestheader-username-headers=X-Remote-User,X-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ];
    let config = run(&arguments).unwrap();
    let proxy = config.access.front_proxy.unwrap();
    assert_eq!(proxy.names, ["proxy", "other"]);
    assert_eq!(proxy.headers.user, ["x-remote-user", "x-user"]);
    assert_eq!((proxy.headers.uid.len(), proxy.headers.extra_prefixes), (0, vec!["x-remote-extra-".to_owned()]));
    assert!(config.warnings.is_empty());

    for (arguments, warning) in [
        (
            vec!["--requestheader-username-headers=X-Remote-User"],
            "have no effect without --requestheader-client-ca-file",
        ),
        (vec![&ca], "has no effect without --requestheader-username-headers"),
        (vec![&ca, "--requestheader-username-headers=X-User"], "is without `X-Remote-User`"),
    ] {
        let warnings = run(&arguments).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(warning), "{warnings:?}");
    }
}

#[test]
fn an_audit_needs_a_policy() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    let rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, verb: [get]}]";
    std::fs::write(policy.path(), rules).unwrap();
    let policy = format!("--audit-policy-file={}", policy.path().display());
    let config = run(&[&policy, "--audit-log-path=-"]).unwrap();
    assert!(config.audit.policy.is_some() && config.audit.log.is_some());
    assert!(config.warnings[0].contains("fields without effect") && config.warnings[0].ends_with("`rules[0].verb`"));
    let config = run(&["--audit-log-path=-"]).unwrap();
    assert!(config.warnings[0].starts_with("--audit-log-path gets no events"), "{:?}", config.warnings);

    let mode = |flags: &[&str]| run(&[&["--audit-log-path=-"], flags].concat()).unwrap().audit.log.unwrap().mode;
    assert_eq!(
        (mode(&[]), mode(&["--audit-log-mode=blocking-strict"])),
        (AuditMode::Blocking, AuditMode::BlockingStrict)
    );
    let AuditMode::Batch(batch) = mode(&["--audit-log-mode=batch"]) else { panic!("it is a batch") };
    assert_eq!((batch.buffer_size, batch.batch_size, batch.throttle), (10_000, 1, None));
}

#[test]
fn tokens_of_service_accounts_are_for_this_server_unless_somebody_says_otherwise() {
    let tokens = |arguments: &[&str]| run(arguments).map(|config| config.access.service_accounts);
    let own = tokens(&[]).unwrap();
    assert_eq!(own.issuers, ["https://kubernetes.default.svc"]);
    assert_eq!((&own.audiences, own.expiration_max, own.extend_expiration), (&own.issuers, None, true));
    let chosen = tokens(&[
        "--service-account-issuer=https://a.example.com",
        "--service-account-issuer=b",
        "--api-audiences=x,y",
        "--service-account-jwks-uri=https://a.example.com/keys",
        "--service-account-max-token-expiration=2h",
        "--service-account-extend-token-expiration=false",
    ])
    .unwrap();
    assert_eq!((chosen.issuers.len(), chosen.audiences.len(), chosen.extend_expiration), (2, 2, false));
    assert_eq!(chosen.expiration_max.map(|max| max.as_secs()), Some(7200));
    for (argument, reason) in [
        ("--service-account-issuer=", "must be a URL"),
        ("--service-account-issuer=:::", "must be a URL"),
        ("--service-account-key-file=/nowhere", "cannot be read"),
        ("--service-account-signing-key-file=/nowhere", "cannot be read"),
        ("--service-account-jwks-uri=http://a", "begins with `https://`"),
        ("--service-account-max-token-expiration=1m", "from 1 hour to 2^32 seconds"),
    ] {
        let errors = tokens(&[argument]).unwrap_err().to_string();
        assert!(errors.contains(reason), "{argument}: {errors}");
    }
    let twice = tokens(&["--service-account-issuer=a", "--service-account-issuer=a"]).unwrap_err().to_string();
    assert!(twice.contains("more than once"), "{twice}");
}
