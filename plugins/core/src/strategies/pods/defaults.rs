//! What upstream's defaulting sets in a pod, or in the template of one.

use apimachinery::tree::{Value, json};

use super::image;
use crate::tree::{child, existing, is_empty, items_mut, or_set, or_set_text, remove, text};

/// Modes of files in volumes: 0644.
const FILE_MODE: u32 = 420;
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The spec of a pod or a template.
pub(crate) fn pod_spec(spec: &mut Value) {
    if !spec.is_object() {
        *spec = json!({});
    }
    or_set_text(spec, "dnsPolicy", "ClusterFirst");
    or_set_text(spec, "restartPolicy", "Always");
    or_set(spec, "terminationGracePeriodSeconds", 30);
    // Upstream's way to make up for those that were stored before they were refused.
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        spec["terminationGracePeriodSeconds"] = 1.into();
    }
    or_set_text(spec, "schedulerName", "default-scheduler");
    child(spec, "securityContext");
    // The old name of the field is kept beside the new one.
    let account = match text(spec, "serviceAccountName") {
        "" => text(spec, "serviceAccount").to_string(),
        name => name.to_string(),
    };
    if !account.is_empty() {
        spec["serviceAccountName"] = account.as_str().into();
        spec["serviceAccount"] = account.into();
    }
    for list in CONTAINERS {
        items_mut(spec, list).for_each(container);
    }
    items_mut(spec, "volumes").for_each(volume);
}

/// Takes away what is behind features that are off.
pub(crate) fn forget_disabled(spec: &mut Value) {
    remove(spec, "schedulingGroup");
    for list in CONTAINERS {
        for container in items_mut(spec, list) {
            if let Some(lifecycle) = existing(container, "lifecycle")
                && remove(lifecycle, "stopSignal").is_some()
                && is_empty(lifecycle)
            {
                remove(container, "lifecycle");
            }
        }
    }
    for volume in items_mut(spec, "volumes") {
        let Some(projected) = existing(volume, "projected") else { continue };
        for part in items_mut(projected, "sources") {
            remove(part, "clusterTrustBundle");
            remove(part, "podCertificate");
        }
    }
}

/// The same of what has a template.
pub(crate) fn forget_disabled_in_template(owner: &mut Value) {
    if let Some(spec) = existing(owner, "template").and_then(|template| existing(template, "spec")) {
        forget_disabled(spec);
    }
}

/// What a pod has beyond its template.
pub(super) fn pod(spec: &mut Value) {
    or_set(spec, "enableServiceLinks", true);
    for list in ["initContainers", "containers"] {
        items_mut(spec, list).filter_map(|container| existing(container, "resources")).for_each(requests);
    }
    if spec["hostNetwork"] == true {
        for list in CONTAINERS {
            items_mut(spec, list).flat_map(|container| items_mut(container, "ports")).for_each(host_port);
        }
    }
}

/// In the node's network a container's port is the node's.
fn host_port(port: &mut Value) {
    if port["hostPort"].as_i64().unwrap_or(0) == 0 {
        port["hostPort"] = port["containerPort"].clone();
    }
}

/// Who limits a resource asks for as much, unless it says otherwise.
fn requests(resources: &mut Value) {
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
    let requests = child(resources, "requests");
    for (name, limit) in limits {
        or_set(requests, &name, limit);
    }
}

fn container(container: &mut Value) {
    let policy = match image::is_latest(text(container, "image")) {
        true => "Always",
        false => "IfNotPresent",
    };
    or_set_text(container, "imagePullPolicy", policy);
    or_set_text(container, "terminationMessagePath", "/dev/termination-log");
    or_set_text(container, "terminationMessagePolicy", "File");
    for port in items_mut(container, "ports") {
        or_set_text(port, "protocol", "TCP");
    }
    for variable in items_mut(container, "env") {
        if let Some(field) = existing(variable, "valueFrom").and_then(|from| existing(from, "fieldRef")) {
            or_set_text(field, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = existing(container, name) {
            self::probe(probe);
        }
    }
    if let Some(lifecycle) = existing(container, "lifecycle") {
        for name in ["postStart", "preStop"] {
            if let Some(handler) = existing(lifecycle, name) {
                http_get(handler);
            }
        }
    }
}

fn probe(probe: &mut Value) {
    for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if probe[key].as_i64().unwrap_or(0) == 0 {
            probe[key] = value.into();
        }
    }
    http_get(probe);
    if let Some(grpc) = existing(probe, "grpc") {
        or_set(grpc, "service", "");
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = existing(handler, "httpGet") {
        or_set_text(get, "path", "/");
        or_set_text(get, "scheme", "HTTP");
    }
}

pub(crate) fn volume(volume: &mut Value) {
    let sourceless =
        volume.as_object().is_some_and(|map| map.iter().all(|(key, value)| key == "name" || value.is_null()));
    if sourceless {
        volume["emptyDir"] = json!({});
    }
    for name in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = existing(volume, name) {
            or_set(source, "defaultMode", FILE_MODE);
            items_mut(source, "items").for_each(downward_item);
            for part in items_mut(source, "sources") {
                if let Some(token) = existing(part, "serviceAccountToken") {
                    or_set(token, "expirationSeconds", 3600);
                }
                if let Some(downward) = existing(part, "downwardAPI") {
                    items_mut(downward, "items").for_each(downward_item);
                }
            }
        }
    }
    if let Some(source) = existing(volume, "image") {
        let policy = if image::is_latest(text(source, "reference")) { "Always" } else { "IfNotPresent" };
        or_set_text(source, "pullPolicy", policy);
    }
    persistent_source(volume);
    if let Some(claim) = existing(volume, "ephemeral").and_then(|source| existing(source, "volumeClaimTemplate")) {
        or_set(child(claim, "spec"), "volumeMode", "Filesystem");
    }
}

/// The sources that volumes of pods and persistent volumes share.
pub(crate) fn persistent_source(volume: &mut Value) {
    if let Some(source) = existing(volume, "hostPath") {
        or_set(source, "type", "");
    }
    if let Some(source) = existing(volume, "iscsi") {
        or_set_text(source, "iscsiInterface", "default");
    }
    if let Some(source) = existing(volume, "rbd") {
        or_set_text(source, "pool", "rbd");
        or_set_text(source, "user", "admin");
        or_set_text(source, "keyring", "/etc/ceph/keyring");
    }
    if let Some(source) = existing(volume, "azureDisk") {
        or_set(source, "cachingMode", "ReadWrite");
        or_set(source, "kind", "Shared");
        or_set(source, "fsType", "ext4");
        or_set(source, "readOnly", false);
    }
    if let Some(source) = existing(volume, "scaleIO") {
        or_set_text(source, "storageMode", "ThinProvisioned");
        or_set_text(source, "fsType", "xfs");
    }
}

fn downward_item(item: &mut Value) {
    if let Some(field) = existing(item, "fieldRef") {
        or_set_text(field, "apiVersion", "v1");
    }
}

/// The template of a workload: its spec; its metadata is there even if it is empty.
pub(crate) fn template(owner: &mut Value) {
    let template = child(owner, "template");
    pod_spec(&mut template["spec"]);
}

/// Whether a template was given at all.
pub(crate) fn has_template(owner: &Value) -> bool {
    owner["template"].is_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pod_takes_ports_of_its_node() {
        let containers = json!([{"ports": [{"containerPort": 80}]}]);
        let mut spec = json!({"hostNetwork": true, "containers": containers});
        pod_spec(&mut spec);
        assert!(spec["containers"][0]["ports"][0]["hostPort"].is_null(), "{spec}");
        pod(&mut spec);
        assert_eq!(spec["containers"][0]["ports"][0]["hostPort"], 80);
    }

    #[test]
    fn a_container_gets_what_a_kubelet_needs() {
        let mut spec = json!({"containers": [{"name": "c", "image": "a:1", "ports": [{"containerPort": 80}],
            "livenessProbe": {"httpGet": {"port": 80}}}], "volumes": [{"name": "v"}], "serviceAccount": "sa"});
        pod_spec(&mut spec);
        assert_eq!(spec["containers"][0]["ports"][0]["protocol"], "TCP");
        assert_eq!(
            spec["containers"][0]["livenessProbe"],
            json!({
                "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
            })
        );
        assert_eq!(spec["volumes"][0]["emptyDir"], json!({}));
        assert_eq!(spec["serviceAccountName"], "sa");
    }

    #[test]
    fn requests_follow_limits() {
        let mut spec = json!({"containers": [{"resources": {"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "500m"}}}]});
        pod(&mut spec);
        assert_eq!(spec["containers"][0]["resources"]["requests"], json!({"cpu": "500m", "memory": "2Gi"}));
    }
}
