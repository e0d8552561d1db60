//! A link named `kube-apiserver`, started as controller tests start one.

use e2e::{Etcd, Setup};

/// What controller-runtime's envtest passes, beside directories and addresses.
const FLAGS: [&str; 6] = [
    "--allow-privileged=true",
    "--authorization-mode=RBAC",
    "--bind-address=127.0.0.1",
    "--disable-admission-plugins=ServiceAccount",
    "--service-account-issuer=https://127.0.0.1/",
    "--service-cluster-ip-range=10.0.0.0/24",
];

#[test]
fn a_kube_apiserver_of_a_test_is_the_default_chain() {
    // For the plugins, which are found beside the executable behind the link.
    let Some(other) = Setup::default_chain() else { return };
    let Some(setup) = Setup::bare() else { return };
    let setup = setup.as_kube_apiserver();

    // How envtest finds out which flags there are.
    let help = setup.run_alone(&["--help"]).success();
    let has = |flag: &str| help.lines().any(|line| line.trim_start().starts_with(flag));
    assert!(has("--secure-port") && !has("--insecure-port"), "{help}");
    assert!(setup.run_alone(&["--version"]).success().starts_with("Kubernetes v1."));

    // It signs tokens with the key of an authority, and passes its certificate to verify them.
    let other = other.start();
    let signer = |name: &str| other.data_dir().join("pki").join(name).display().to_string();
    let key_files = [
        format!("--service-account-key-file={}", signer("ca.crt")),
        format!("--service-account-signing-key-file={}", signer("ca.key")),
    ];

    // It waits for this, without a certificate.
    let Some(etcd) = Etcd::start() else { return };
    let etcd = format!("--etcd-servers={}", etcd.servers());
    let host =
        setup.with(&FLAGS).with(&[&etcd]).with(&key_files.each_ref().map(String::as_str)).start_until("/healthz");
    assert_eq!(host.anonymous().get("/healthz").expect(200).text(), "ok");
    let deployment = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    host.client().send("POST", deployments, "application/json", deployment.as_bytes()).expect(201);

    let token = "/api/v1/namespaces/default/serviceaccounts/robot/token";
    let account = br#"{"metadata":{"name":"robot"}}"#;
    host.client().send("POST", "/api/v1/namespaces/default/serviceaccounts", "application/json", account).expect(201);
    let token = host.client().send("POST", token, "application/json", b"{}").expect(201).json();
    assert_eq!(token["spec"]["audiences"][0], "https://127.0.0.1/", "{token}");
    let bearer = format!("Bearer {}", token["status"]["token"].as_str().expect("it is signed"));
    // Known, and not allowed to: who is not known is answered 401.
    host.anonymous().with_header("authorization", &bearer).get("/api").expect(403);

    let without_effect: Vec<String> =
        host.log().lines().filter(|line| line.contains("these flags have no effect")).map(str::to_owned).collect();
    assert_eq!(without_effect.len(), 1, "one warning names them all: {}", host.log());
    for flag in ["--allow-privileged", "--disable-admission-plugins"] {
        assert!(without_effect[0].contains(flag), "{flag}: {without_effect:?}");
    }
    assert!(host.terminate().1.success());
}
