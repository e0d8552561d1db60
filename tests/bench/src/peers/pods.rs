//! A pod of 2 KB, as people write them: what it costs to create, to patch and to apply.
//!
//! It goes through everything that an API server does to an object: defaults, admission,
//! validation, the ownership of its fields, and the store.

use serde_json::{Value, json};

use super::client::{Target, patch, post};
use super::load::{self, Load};
use super::table::{Goal, Table};
use super::{CLIENTS, Micros, TURNS, costs};

const PODS: &str = "/api/v1/namespaces/bench/pods";
/// Pods that are made, patched and applied in one turn.
const SLICE: usize = 1_000;

pub(super) async fn writes(targets: &[Target; 2], table: &mut Table) {
    let mut creates = [Load::default(), Load::default()];
    let mut patches = [Load::default(), Load::default()];
    let mut applies = [Load::default(), Load::default()];
    for turn in 0..TURNS {
        let slice = || turn * SLICE..(turn + 1) * SLICE;
        for (index, target) in targets.iter().enumerate() {
            let create = |i| post(PODS, &pod(i, "web"));
            creates[index].add(send(target, slice(), create).await);
            let change = json!({"metadata": {"labels": {"turn": turn.to_string()}}, "spec": {"containers": [
                {"name": "web", "image": format!("registry.example.com/web:2.{turn}")}
            ]}});
            let strategic = |i| patch(&path(i), "application/strategic-merge-patch+json", &change);
            patches[index].add(send(target, slice(), strategic).await);
            let query = "?fieldManager=bench&force=true";
            let apply = |i| patch(&format!("{}{query}", path(i)), "application/apply-patch+yaml", &pod(i, "applied"));
            applies[index].add(send(target, slice(), apply).await);
        }
    }
    costs(table, "create of a pod of 2 KB", &creates, Micros, Goal::Ratio(4.0));
    costs(table, "strategic merge patch of it", &patches, Micros, Goal::Ratio(4.0));
    costs(table, "apply of it", &applies, Micros, Goal::Ratio(5.0));
}

async fn send(target: &Target, mut numbers: std::ops::Range<usize>, request: impl Fn(usize) -> Vec<u8>) -> Load {
    load::run(target, CLIENTS, || numbers.next().map(&request)).await
}

fn path(index: usize) -> String {
    format!("{PODS}/pod-{index}")
}

fn pod(index: usize, tier: &str) -> Value {
    let probe =
        |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 5, "failureThreshold": 6});
    let environment =
        |name: &str| json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "web", "key": name}}});
    let container = |name: &str| {
        json!({
            "name": name,
            "image": format!("registry.example.com/{name}:1.2.3"),
            "args": ["--listen=:8080", "--log-level=info", "--cache-dir=/cache"],
            "ports": [{"name": "http", "containerPort": 8080}],
            "env": [environment("region"), environment("colour"), {"name": "MODE", "value": "production"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
            "volumeMounts": [{"name": "cache", "mountPath": "/cache"}, {"name": "config", "mountPath": "/etc/web"}],
            "readinessProbe": probe("/ready"),
            "livenessProbe": probe("/healthy"),
        })
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("pod-{index}"),
            "labels": {"app": "web", "tier": tier, "track": "stable"},
            "annotations": {"example.com/owner": "the team that looks after the web", "example.com/checked": "true"},
        },
        "spec": {
            // One container is patched by its name, the other one stays.
            "containers": [container("web"), {"name": "side", "image": "registry.example.com/side:1.2.3"}],
            "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "config", "configMap": {"name": "web"}}],
            "nodeSelector": {"disk": "ssd"},
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000},
            "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
            "terminationGracePeriodSeconds": 45,
        },
    })
}
