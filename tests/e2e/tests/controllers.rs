//! What needs controllers, with a real kube-controller-manager: rollouts, cascades, namespaces that
//! end, tokens, and the status of what it looks after. There are no nodes: the tests say what a
//! kubelet would.

use e2e::{Controllers, Host, Kubectl, Setup, eventually};
use serde_json::{Value, json};

/// Controllers come with tokens, and roles are not enforced.
const OPTIONS: [&str; 2] = ["--authorization-mode=AlwaysAllow", "--enable-admission-plugins=ServiceAccount"];

/// A host, its controllers, and somebody who talks to it.
struct Cluster {
    host: Host,
    controllers: Controllers,
    kubectl: Kubectl,
}

impl Cluster {
    /// With a namespace of this name. `None` where something of it has not been built.
    fn start(namespace: &str) -> Option<Cluster> {
        let host = Setup::default_chain()?.with(&OPTIONS).start();
        let (controllers, kubectl) = (Controllers::start(&host)?, Kubectl::of(&host)?);
        let cluster = Cluster { host, controllers, kubectl };
        cluster.run(&["create", "namespace", namespace]);
        // Before that no pod is admitted.
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        cluster.wait("its account", |cluster| cluster.host.client().get(&account).status == 200);
        Some(cluster)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        self.kubectl.run(arguments).success()
    }

    /// The objects below a path.
    #[track_caller]
    fn list(&self, path: &str) -> Vec<Value> {
        self.host.client().get(path).expect(200).json()["items"].as_array().cloned().unwrap_or_default()
    }

    #[track_caller]
    fn wait(&self, what: &str, holds: impl Fn(&Cluster) -> bool) {
        eventually(|| holds(self), || format!("never: {what}; {:?}", self.controllers.errors()));
    }

    /// Does what a scheduler, if there is a node, and a kubelet would do for the pods of a namespace.
    fn bring_up(&self, namespace: &str, node: Option<&str>) {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        for (index, pod) in self.list(&path).iter().enumerate() {
            if pod["status"]["phase"] != "Pending" {
                continue;
            }
            let ip = format!("10.9.0.{}", index + 1);
            let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let status = json!({"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": [ready]});
            let path = format!("{path}/{}", pod["metadata"]["name"].as_str().unwrap_or_default());
            if let Some(node) = node {
                let metadata = json!({"name": pod["metadata"]["name"]});
                let target = json!({"metadata": metadata, "target": {"kind": "Node", "name": node}});
                self.host.client().post(&format!("{path}/binding"), &target);
            }
            self.patch_status(&path, &status);
        }
    }

    fn patch_status(&self, path: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        let path = format!("{path}/status");
        // It may be gone by now.
        self.host.client().send("PATCH", &path, "application/merge-patch+json", patch.as_bytes());
    }

    /// Nothing that the controllers saw was wrong.
    #[track_caller]
    fn is_content(&self) {
        assert_eq!(self.controllers.errors(), [""; 0]);
    }
}

#[test]
fn a_rollout_goes_through_its_revisions() {
    let Some(cluster) = Cluster::start("shop") else { return };
    let sets = "/apis/apps/v1/namespaces/shop/replicasets";
    let up = |revision: &str, image: &str| {
        cluster.wait(&format!("revision {revision}"), |cluster| {
            cluster.bring_up("shop", None);
            let status = cluster.kubectl.run(&["-n", "shop", "rollout", "status", "deployment/web", "--watch=false"]);
            status.success().contains("successfully rolled out")
        });
        let set = cluster.list(sets).into_iter().find(|set| set["spec"]["replicas"] == 3).expect("one is up");
        let annotations = &set["metadata"]["annotations"];
        assert_eq!(annotations["deployment.kubernetes.io/revision"], revision, "{annotations}");
        assert_eq!(set["spec"]["template"]["spec"]["containers"][0]["image"], image);
        for pod in cluster.list("/api/v1/namespaces/shop/pods") {
            let (spec, volume) = (&pod["spec"], &pod["spec"]["volumes"][0]);
            assert_eq!(
                (&spec["serviceAccountName"], &volume["name"]),
                (&"default".into(), &spec["containers"][0]["volumeMounts"][0]["name"])
            );
        }
    };
    cluster.run(&["-n", "shop", "create", "deployment", "web", "--image=example.com/web:1", "--replicas=3"]);
    up("1", "example.com/web:1");
    cluster.run(&["-n", "shop", "set", "image", "deployment/web", "web=example.com/web:2"]);
    up("2", "example.com/web:2");
    let history = cluster.run(&["-n", "shop", "rollout", "history", "deployment/web"]);
    assert_eq!(history.lines().filter(|line| line.starts_with(['1', '2'])).count(), 2, "{history}");
    cluster.run(&["-n", "shop", "rollout", "undo", "deployment/web"]);
    up("3", "example.com/web:1");
    cluster.is_content();
}

#[test]
fn a_deletion_cascades_as_it_was_asked_to() {
    let Some(cluster) = Cluster::start("shop") else { return };
    let (sets, pods) = ("/apis/apps/v1/namespaces/shop/replicasets", "/api/v1/namespaces/shop/pods");
    let count = |path: &str| cluster.list(path).len();
    // The number of replica sets and pods that are left at once, and in the end.
    for (cascade, at_once, in_the_end) in
        [("foreground", Some((0, 0)), (0, 0)), ("background", None, (0, 0)), ("orphan", Some((1, 2)), (1, 2))]
    {
        cluster.run(&["-n", "shop", "create", "deployment", "web", "--image=example.com/web:1", "--replicas=2"]);
        cluster.wait("two pods", |_| count(pods) == 2);
        // With --wait, which is the default: until the deployment is gone.
        cluster.run(&["-n", "shop", "delete", "deployment", "web", "--timeout=60s", &format!("--cascade={cascade}")]);
        if let Some(expected) = at_once {
            assert_eq!((count(sets), count(pods)), expected, "{cascade}");
        }
        cluster.wait(cascade, |_| (count(sets), count(pods)) == in_the_end);
    }
    let set = &cluster.list(sets)[0]["metadata"];
    assert!(set["ownerReferences"].is_null() && set["finalizers"].is_null(), "{set}");
    cluster.is_content();
}

#[test]
fn a_namespace_gets_its_account_and_ends_with_all_that_it_holds() {
    let Some(cluster) = Cluster::start("shop") else { return };
    let client = cluster.host.client();
    let namespace = |path: &str| client.get(&format!("/api/v1/namespaces/shop{path}"));
    cluster.wait("the authority", |_| namespace("/configmaps/kube-root-ca.crt").status == 200);

    // A token that a controller makes, of the key that the host made.
    let secret = json!({
        "metadata": {"name": "kept", "annotations": {"kubernetes.io/service-account.name": "default"}},
        "type": "kubernetes.io/service-account-token",
    });
    client.post("/api/v1/namespaces/shop/secrets", &secret).expect(201);
    cluster.wait("its token", |_| namespace("/secrets/kept").json()["data"]["token"].is_string());
    let kept = cluster.run(&["-n", "shop", "get", "secret", "kept", "--template={{.data.token | base64decode}}"]);
    let bearer = cluster.host.anonymous().with_header("authorization", &format!("Bearer {kept}"));
    let review = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
    let who = bearer.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).expect(201).json();
    assert_eq!(who["status"]["userInfo"]["username"], "system:serviceaccount:shop:default", "{who}");

    cluster.run(&["-n", "shop", "create", "deployment", "web", "--image=example.com/web:1", "--replicas=2"]);
    cluster.run(&["-n", "shop", "create", "job", "once", "--image=example.com/a:1"]);
    cluster.run(&["-n", "shop", "expose", "deployment", "web", "--port=80"]);
    cluster.run(&["-n", "shop", "create", "quota", "few", "--hard=pods=10"]);
    cluster.wait("the pods", |cluster| cluster.list("/api/v1/namespaces/shop/pods").len() == 3);
    cluster.run(&["delete", "namespace", "shop", "--timeout=60s"]);
    namespace("").expect(404);
    for path in
        ["/api/v1/pods", "/apis/apps/v1/replicasets", "/apis/batch/v1/jobs", "/apis/discovery.k8s.io/v1/endpointslices"]
    {
        let left = cluster.list(path).into_iter().filter(|object| object["metadata"]["namespace"] == "shop");
        assert_eq!(left.count(), 0, "{path}");
    }
    bearer.get("/api").expect(401);
    cluster.is_content();
}

#[test]
fn jobs_services_budgets_and_autoscalers_are_looked_after() {
    let Some(cluster) = Cluster::start("shop") else { return };
    let on = |arguments: &[&str]| cluster.run(&[&["-n", "shop"], arguments].concat());
    let client = cluster.host.client();
    let status = |path: &str| client.get(path).expect(200).json()["status"].clone();
    // Only what runs on a node is an endpoint.
    client.post("/api/v1/nodes", &json!({"metadata": {"name": "node"}})).expect(201);
    let ready = json!({"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": null, "lastTransitionTime": null});
    cluster.patch_status("/api/v1/nodes/node", &json!({"conditions": [ready]}));
    on(&["create", "deployment", "web", "--image=example.com/web:1", "--replicas=2"]);
    on(&["expose", "deployment", "web", "--port=80"]);
    on(&["create", "pdb", "web", "--selector=app=web", "--min-available=1"]);
    on(&["autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu=50%"]);

    cluster.wait("the endpoints", |cluster| {
        cluster.bring_up("shop", Some("node"));
        let slices = cluster.list("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices");
        let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
        endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true).count() == 2
    });
    let budget = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web";
    cluster.wait("the budget", |_| status(budget)["disruptionsAllowed"] == 1 && status(budget)["currentHealthy"] == 2);
    let autoscaler = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";
    cluster.wait("the autoscaler", |_| {
        let conditions = status(autoscaler)["conditions"].as_array().cloned().unwrap_or_default();
        // It can read the scale, and there are no metrics.
        let is = |kind: &str, value: &str| conditions.iter().any(|c| c["type"] == kind && c["status"] == value);
        is("AbleToScale", "True") && is("ScalingActive", "False")
    });

    // A job that was done, of a schedule that is due. The next minute brings no other while it is not done.
    on(&["create", "cronjob", "often", "--image=example.com/a:1", "--schedule=* * * * *"]);
    let cron_job = "/apis/batch/v1/namespaces/shop/cronjobs/often";
    on(&["patch", "cronjob", "often", "--type=merge", r#"--patch={"spec": {"concurrencyPolicy": "Forbid"}}"#]);
    cluster.patch_status(cron_job, &json!({"lastScheduleTime": "2026-01-01T00:00:00Z"}));
    let jobs = "/apis/batch/v1/namespaces/shop/jobs";
    cluster.wait("the job", |cluster| !cluster.list(jobs).is_empty());
    let pods = "/api/v1/namespaces/shop/pods";
    let its_pod = |cluster: &Cluster| {
        let of_job = |pod: &Value| pod["metadata"]["ownerReferences"][0]["kind"] == "Job";
        cluster.list(pods).into_iter().find(of_job)
    };
    cluster.wait("its pod", |cluster| its_pod(cluster).is_some());
    let pod = its_pod(&cluster).expect("it is there");
    assert_eq!(cluster.list(jobs).len(), 1, "two jobs of the schedule run at once");
    let exit = json!({"exitCode": 0, "finishedAt": "2026-01-01T00:00:00Z"});
    let containers = json!([{"name": "often", "state": {"terminated": exit}, "image": "", "imageID": "", "ready": false, "restartCount": 0}]);
    let name = pod["metadata"]["name"].as_str().expect("it has one");
    cluster.patch_status(&format!("{pods}/{name}"), &json!({"phase": "Succeeded", "containerStatuses": containers}));
    cluster.wait("that the job is done", |cluster| {
        let job = &cluster.list(jobs)[0]["status"];
        job["succeeded"] == 1 && job["completionTime"].is_string()
    });
    cluster.is_content();
}

#[test]
fn a_range_of_service_addresses_is_made_ready_and_kept_while_it_is_used() {
    let Some(cluster) = Cluster::start("ranges") else { return };
    let client = cluster.host.client();
    let (ranges, services) = ("/apis/networking.k8s.io/v1/servicecidrs", "/api/v1/namespaces/ranges/services");
    let range = json!({"metadata": {"name": "more"}, "spec": {"cidrs": ["10.8.0.0/24"]}});
    client.post(ranges, &range).expect(201);
    let more = format!("{ranges}/more");
    cluster.wait("that the range is ready", |_| {
        let range = client.get(&more).json();
        range["metadata"]["finalizers"] == json!(["networking.k8s.io/service-cidr-finalizer"])
            && range["status"]["conditions"][0]["status"] == "True"
    });
    let service = |name: &str, address: &str| json!({"metadata": {"name": name}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}});
    client.post(services, &service("user", "10.8.0.9")).expect(201);

    let delete = |path: &str| client.send("DELETE", path, "application/json", b"").expect(200);
    delete(&more);
    cluster.wait("that it is said why the range stays", |_| {
        client.get(&more).json()["status"]["conditions"][0]["status"] == "False"
    });
    client.post(services, &service("late", "10.8.0.10")).expect(422);
    delete(&format!("{services}/user"));
    cluster.wait("that the range goes", |_| client.get(&more).status == 404);
    cluster.is_content();
}
