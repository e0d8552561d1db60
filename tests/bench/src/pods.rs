//! A pod of 2 KB, as people write them: what it costs to create, to patch and to apply, and which
//! step costs what. Beside kube-apiserver's, `make bench-peers` shows the same.

use e2e::Host;
use serde_json::{Value, json};

use crate::inside::{Look, MEMORY, guest_memory};
use crate::load::{self, CONNECTIONS, Target};
use crate::process;
use crate::report::{Goal, line};

const PODS: &str = "/api/v1/namespaces/default/pods";
/// Pods that are made, and patched and applied twice each.
const COUNT: usize = 3_000;

pub(crate) fn writes(host: &Host) {
    let target = Target::of(host);
    let path = |i: usize| format!("{PODS}/{}", name(i));
    measure(host, &target, "create of a pod of 2 KB", |i| load::post(PODS, &pod(i, "web").to_string()));
    measure(host, &target, "strategic merge patch of it", |i| {
        load::patch(&path(i), "application/strategic-merge-patch+json", &change(i).to_string())
    });
    let apply = |i: usize, tier: &str| {
        let path = format!("{}?fieldManager=bench&force=true", path(i));
        load::patch(&path, "application/apply-patch+yaml", &pod(i, tier).to_string())
    };
    measure(host, &target, "first apply of it", |i| apply(i, "applied"));
    measure(host, &target, "apply of it", |i| apply(i, "again"));
}

fn measure(host: &Host, target: &Target, what: &str, request: impl Fn(usize) -> Vec<u8> + Sync) {
    let memory = guest_memory(host);
    let (look, cpu) = (Look::begin(host), process::cpu(host.id()));
    target.each(COUNT, request);
    let cpu = (process::cpu(host.id()) - cpu).as_secs_f64() * 1e6 / COUNT as f64;
    line(what, cpu, "µs of CPU", Goal::None);
    let shares = look.shares();
    let grown = guest_memory(host).saturating_sub(memory) / CONNECTIONS as u64;
    line(MEMORY, grown as f64, "bytes", Goal::None);
    for (step, share) in shares {
        line(&format!("  {step}"), share, "%", Goal::None);
    }
}

pub(crate) fn name(index: usize) -> String {
    format!("pod-{index}")
}

/// A patch, to be merged strategically, of a label and of one container.
pub(crate) fn change(turn: usize) -> Value {
    json!({"metadata": {"labels": {"turn": turn.to_string()}}, "spec": {"containers": [
        {"name": "web", "image": format!("registry.example.com/web:2.{turn}")}
    ]}})
}

pub(crate) fn pod(index: usize, tier: &str) -> Value {
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
