//! Helm installs, upgrades, rolls back and uninstalls a chart with one of each kind that charts have.

use e2e::{Helm, Host, checkout};
use serde_json::Value;

/// What the chart makes, below `/api` or `/apis`, each named as the release.
const OBJECTS: [&str; 22] = [
    "api/v1/namespaces/shop/configmaps/web-settings",
    "api/v1/namespaces/shop/secrets/web-password",
    "api/v1/namespaces/shop/serviceaccounts/web",
    "api/v1/namespaces/shop/persistentvolumeclaims/web-data",
    "api/v1/namespaces/shop/limitranges/web",
    "api/v1/namespaces/shop/resourcequotas/web",
    "api/v1/namespaces/shop/services/web",
    "apis/apps/v1/namespaces/shop/deployments/web",
    "apis/apps/v1/namespaces/shop/statefulsets/web",
    "apis/apps/v1/namespaces/shop/daemonsets/web",
    "apis/batch/v1/namespaces/shop/jobs/web",
    "apis/batch/v1/namespaces/shop/cronjobs/web",
    "apis/policy/v1/namespaces/shop/poddisruptionbudgets/web",
    "apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web",
    "apis/scheduling.k8s.io/v1/priorityclasses/web",
    "apis/networking.k8s.io/v1/namespaces/shop/ingresses/web",
    "apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/web",
    "apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/web",
    "apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/web",
    "apis/rbac.authorization.k8s.io/v1/clusterroles/web",
    "apis/rbac.authorization.k8s.io/v1/clusterrolebindings/web",
    "apis/shop.example.com/v1/namespaces/shop/widgets/web",
];

/// What a release comes to, applied by the server (helm's own choice) or merged by helm.
#[track_caller]
fn release(server_side: &str) {
    let Some(host) = Host::start() else { return };
    let Some(helm) = Helm::of(&host) else { return };
    let chart = checkout().join("tests/clients/chart").display().to_string();
    let get = |path: &str| host.client().get(&format!("/{path}"));
    let server_side = format!("--server-side={server_side}");
    let on = |command: &str, arguments: &[&str]| {
        let place = [command, "web", "--namespace=shop"];
        helm.run(&[place.as_slice(), arguments].concat()).success()
    };
    let image = |path: &str| get(path).expect(200).json()["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let deployment = "apis/apps/v1/namespaces/shop/deployments/web";

    on("install", &[&chart, "--create-namespace", &server_side]);
    for path in OBJECTS {
        let object = get(path).expect(200).json();
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm", "{path}");
    }
    get("api/v1/namespaces/shop/configmaps/web-first").expect(404);
    assert_eq!(get("apis/shop.example.com/v1/namespaces/shop/widgets/web").json()["spec"]["colour"], "green");

    on("upgrade", &[&chart, "--set=tag=2,extra=true,replicas=3", &server_side]);
    assert_eq!(
        (image(deployment), &get(deployment).json()["spec"]["replicas"]),
        ("example.com/shop:2".into(), &3.into())
    );
    let ports = |host: &Host| {
        let service = host.client().get("/api/v1/namespaces/shop/services/web").expect(200).json();
        service["spec"]["ports"].as_array().expect("it has ports").len()
    };
    assert_eq!(ports(&host), 2);
    get("api/v1/namespaces/shop/configmaps/web-extra").expect(200);

    on("rollback", &["1", &server_side]);
    assert_eq!((image(deployment), ports(&host)), ("example.com/shop:1".into(), 1));
    get("api/v1/namespaces/shop/configmaps/web-extra").expect(404);
    let history: Value = serde_json::from_str(&on("history", &["--output=json"])).expect("it is JSON");
    let states = history.as_array().expect("it is a list").iter().map(|revision| &revision["status"]);
    assert!(states.eq(["superseded", "superseded", "deployed"]), "{history}");

    on("uninstall", &["--cascade=background"]);
    for path in OBJECTS {
        let left = get(path);
        // A claim waits for the controller that sees whether it is in use.
        let waits = path.contains("claims") && left.json()["metadata"]["deletionTimestamp"].is_string();
        assert!(left.status == 404 || waits, "{path}: {}", left.text());
    }
    let releases = get("api/v1/namespaces/shop/secrets?labelSelector=owner%3Dhelm").expect(200).json();
    assert_eq!(releases["items"].as_array().map(Vec::len), Some(0), "{releases}");
}

#[test]
fn a_release_that_the_server_applies_is_installed_upgraded_rolled_back_and_uninstalled() {
    release("true");
}

#[test]
fn a_release_that_helm_merges_is_installed_upgraded_rolled_back_and_uninstalled() {
    release("false");
}
