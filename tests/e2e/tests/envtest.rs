//! A link named `kube-apiserver`, started as controller tests start one.

use e2e::Setup;

/// What controller-runtime's envtest passes, beside directories and addresses.
const FLAGS: [&str; 9] = [
    "--allow-privileged=true",
    "--authorization-mode=RBAC",
    "--bind-address=127.0.0.1",
    "--disable-admission-plugins=ServiceAccount",
    "--etcd-servers=http://127.0.0.1:2379",
    "--service-account-issuer=https://127.0.0.1/",
    "--service-account-key-file=sa-signer.crt",
    "--service-account-signing-key-file=sa-signer.key",
    "--service-cluster-ip-range=10.0.0.0/24",
];

#[test]
fn a_kube_apiserver_of_a_test_is_the_default_chain() {
    // For the plugins, which are found beside the executable behind the link.
    if Setup::default_chain().is_none() {
        return;
    }
    let Some(setup) = Setup::bare() else { return };
    let setup = setup.as_kube_apiserver();

    // How envtest finds out which flags there are.
    let help = setup.run_alone("--help").success();
    let has = |flag: &str| help.lines().any(|line| line.trim_start().starts_with(flag));
    assert!(has("--secure-port") && !has("--insecure-port"), "{help}");
    assert!(setup.run_alone("--version").success().starts_with("Kubernetes v1."));

    // It waits for this, without a certificate.
    let host = setup.with(&FLAGS).start_until("/healthz");
    assert_eq!(host.anonymous().get("/healthz").expect(200).text(), "ok");
    let deployment = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    host.client().send("POST", deployments, "application/json", deployment.as_bytes()).expect(201);

    let without_effect: Vec<String> =
        host.log().lines().filter(|line| line.contains("these flags have no effect")).map(str::to_owned).collect();
    assert_eq!(without_effect.len(), 1, "one warning names them all: {}", host.log());
    for flag in ["--allow-privileged", "--service-account-issuer", "--disable-admission-plugins"] {
        assert!(without_effect[0].contains(flag), "{flag}: {without_effect:?}");
    }
    // The build of the tests has no etcd.
    assert!(host.log().contains("--etcd-servers has no effect"), "{}", host.log());
    assert!(host.terminate().1.success());
}
