//! Rows, as kubectl shows them.

use super::*;
use crate::codec::time;
use crate::definition::Column;
use crate::schema::builtin;
use crate::strategy::Plain;
use crate::testing;
use crate::tree::{Value, json};

/// Ten minutes after everything that the tests make.
const NOW: &str = "2026-01-01T00:10:00Z";
const CREATED: &str = "2026-01-01T00:00:00Z";

fn print(definition: &Definition, object: &Value) -> String {
    let mut object = object.clone();
    crate::patch::merge::merge(&mut object, &json!({"metadata": {"name": "x", "creationTimestamp": CREATED}}));
    let cells = cells_at(definition, &object, time::parse(NOW).expect("a time"));
    let texts = cells.iter().map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_string));
    texts.collect::<Vec<_>>().join(" | ")
}

fn resource(group: &str, version: &str, resource: &str) -> Definition {
    Definition::builtin(group, version, resource, &Plain)
}

#[test]
fn every_resource_has_a_cell_for_each_column() {
    for facts in builtin::resources() {
        let definition = Definition::from_facts(facts, &Plain);
        for object in [json!({}), json!({"metadata": {}, "spec": {}, "status": {}}), json!({"spec": [], "status": 1})] {
            let cells = cells(&definition, &object);
            // As upstream, whose addresses have an age and no column for it.
            let columns = definition.columns.len() + usize::from(facts.resource == "ipaddresses");
            assert_eq!(cells.len(), columns, "{} {object}", facts.resource);
        }
    }
}

/// Upstream has nothing to say of one column alone.
#[test]
fn every_column_is_described() {
    for facts in builtin::resources() {
        let columns = column_definitions(&Definition::from_facts(facts, &Plain));
        for column in columns.as_array().expect("a list") {
            let is_described = !column["description"].as_str().unwrap_or_default().is_empty();
            assert_eq!(is_described, column["name"] != "Handler", "{} {column}", facts.resource);
        }
    }
}

#[test]
fn pods_say_what_is_the_matter() {
    let running = |name: &str, ready: bool| json!({"name": name, "ready": ready, "state": {"running": {}}});
    let ended = |reason: &str, code: i64| json!({"state": {"terminated": {"reason": reason, "exitCode": code}}});
    let spec = json!({"containers": [{"name": "a"}, {"name": "b"}], "nodeName": "n"});
    let cases = [
        ("as recorded", json!({}), json!({"phase": "Pending"}), "0/2 | Pending | 0"),
        (
            "running",
            json!({}),
            json!({"phase": "Running", "containerStatuses": [running("a", true), running("b", false)]}),
            "1/2 | Running | 0",
        ),
        (
            "waiting",
            json!({}),
            json!({"phase": "Running", "containerStatuses": [
                {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3,
                 "lastState": {"terminated": {"finishedAt": "2026-01-01T00:08:00Z"}}}]}),
            "0/2 | CrashLoopBackOff | 3 (2m ago)",
        ),
        (
            "one failed",
            json!({}),
            json!({"phase": "Failed", "containerStatuses": [ended("Completed", 0), ended("", 137)]}),
            "0/2 | ExitCode:137 | 0",
        ),
        (
            "one completed, one runs",
            json!({}),
            json!({"phase": "Running", "containerStatuses": [ended("Completed", 0), running("b", true)],
                   "conditions": [{"type": "Ready", "status": "False"}]}),
            "1/2 | NotReady | 0",
        ),
        (
            "initializing",
            json!({"initContainers": [{"name": "i"}, {"name": "j"}]}),
            json!({"phase": "Pending", "initContainerStatuses": [ended("", 0), {"name": "j", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            "0/2 | Init:1/2 | 0",
        ),
        (
            "failed to initialize",
            json!({"initContainers": [{"name": "i"}]}),
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "restartCount": 2, "state": {"terminated": {"exitCode": 1, "signal": 9}}}]}),
            "0/2 | Init:Signal:9 | 2",
        ),
        (
            "with a sidecar",
            json!({"initContainers": [{"name": "s", "restartPolicy": "Always"}]}),
            json!({"phase": "Running", "containerStatuses": [running("a", true), running("b", true)],
                   "initContainerStatuses": [{"name": "s", "started": true, "ready": true, "restartCount": 1}]}),
            "3/3 | Running | 1",
        ),
        (
            "gated",
            json!({}),
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
            "0/2 | SchedulingGated | 0",
        ),
        ("evicted", json!({}), json!({"phase": "Failed", "reason": "Evicted"}), "0/2 | Evicted | 0"),
    ];
    let pods = resource("", "v1", "pods");
    for (name, more_spec, status, expected) in cases {
        let mut spec = spec.clone();
        crate::patch::merge::merge(&mut spec, &more_spec);
        let shown = print(&pods, &json!({"spec": spec, "status": status}));
        assert_eq!(shown, format!("x | {expected} | 10m | <none> | n | <none> | <none>"), "{name}");
    }

    let going = json!({"metadata": {"deletionTimestamp": CREATED}, "status": {"phase": "Running"}});
    assert_eq!(print(&pods, &going), "x | 0/0 | Terminating | 0 | 10m | <none> | <none> | <none> | <none>");
    let gates = json!({
        "spec": {"readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
        "status": {"podIPs": [{"ip": "10.0.0.1"}], "conditions": [{"type": "a", "status": "True"}]},
    });
    assert_eq!(print(&pods, &gates), "x | 0/0 |  | 0 | 10m | 10.0.0.1 | <none> | <none> | 1/2");

    assert_eq!(conditions(&pods, &json!({"status": {"phase": "Running"}})), None);
    assert!(conditions(&pods, &json!({"status": {"phase": "Failed"}})).is_some());
}

#[test]
fn rows_of_built_in_resources() {
    let template = json!({"spec": {"containers": [{"name": "a", "image": "i:1"}, {"name": "b", "image": "j"}]}});
    let selector = json!({"matchLabels": {"b": "2", "a": "1"}, "matchExpressions": [
        {"key": "aa", "operator": "NotIn", "values": ["y", "x"]}, {"key": "c", "operator": "DoesNotExist"}]});
    let cases = [
        ("", "v1", "configmaps", json!({"data": {"a": "1"}, "binaryData": {"b": "", "c": ""}}), "x | 3 | 10m"),
        ("", "v1", "secrets", json!({"type": "Opaque", "data": {"a": ""}}), "x | Opaque | 1 | 10m"),
        ("", "v1", "serviceaccounts", json!({}), "x | 10m"),
        ("", "v1", "namespaces", json!({"status": {"phase": "Active"}}), "x | Active | 10m"),
        ("", "v1", "limitranges", json!({}), "x | 2026-01-01T00:00:00Z"),
        (
            "",
            "v1",
            "nodes",
            json!({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "a"}},
                   "spec": {"unschedulable": true},
                   "status": {"conditions": [{"type": "Ready", "status": "Unknown"}],
                              "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
                              "nodeInfo": {"kubeletVersion": "v1.36.3", "kernelVersion": "6.1", "architecture": "arm64"}}}),
            "x | NotReady,SchedulingDisabled | a,control-plane | 10m | v1.36.3 | 10.0.0.1 | <none> | <unknown> | 6.1 (arm64) | <unknown>",
        ),
        (
            "",
            "v1",
            "services",
            json!({"spec": {"type": "LoadBalancer", "clusterIPs": ["10.0.0.1"], "externalIPs": ["1.1.1.1"], "selector": {"b": "2", "a": "1"},
                            "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}, {"port": 53, "protocol": "UDP"}]},
                   "status": {"loadBalancer": {"ingress": [{"hostname": "h"}, {"ip": "2.2.2.2"}]}}}),
            "x | LoadBalancer | 10.0.0.1 | 2.2.2.2,h,1.1.1.1 | 80:30000/TCP,53/UDP | 10m | a=1,b=2",
        ),
        (
            "",
            "v1",
            "services",
            json!({"spec": {"type": "LoadBalancer"}}),
            "x | LoadBalancer | <none> | <pending> | <none> | 10m | <none>",
        ),
        (
            "",
            "v1",
            "endpoints",
            json!({"subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "::1"}], "ports": [{"port": 80}, {"port": 81}]}]}),
            "x | 1.1.1.1:80,[::1]:80,1.1.1.1:81 + 1 more... | 10m",
        ),
        (
            "",
            "v1",
            "events",
            json!({"type": "Warning", "reason": "Failed", "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "f"},
                   "source": {"component": "kubelet", "host": "n"}, "message": " text\n", "lastTimestamp": "2026-01-01T00:09:00Z",
                   "firstTimestamp": "2026-01-01T00:05:00Z", "count": 4}),
            "60s | Warning | Failed | pod/p | f | kubelet, n | text | 5m | 4 | x",
        ),
        (
            "events.k8s.io",
            "v1",
            "events",
            json!({"type": "Normal", "reason": "Ok", "regarding": {"kind": "Pod", "name": "p"}, "reportingController": "c",
                   "note": "text", "eventTime": "2026-01-01T00:09:00.000000Z"}),
            "60s | Normal | Ok | pod/p |  | c | text | 60s | 1 | x",
        ),
        (
            "",
            "v1",
            "resourcequotas",
            json!({"status": {"hard": {"pods": "4", "limits.cpu": "2", "cpu": "1"}, "used": {"pods": "1", "limits.cpu": "500m"}}}),
            "x | cpu: 0/1, pods: 1/4 | limits.cpu: 500m/2 | 10m",
        ),
        (
            "",
            "v1",
            "persistentvolumes",
            json!({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}},
                   "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"], "storageClassName": "new",
                            "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "n", "name": "c"}},
                   "status": {"phase": "Bound"}}),
            "x | 1Gi | RWO,RWX | Retain | Bound | n/c | old | <unset> |  | 10m | <unset>",
        ),
        (
            "",
            "v1",
            "persistentvolumeclaims",
            json!({"spec": {"storageClassName": "s", "volumeMode": "Block"}, "status": {"phase": "Pending"}}),
            "x | Pending |  |  |  | s | <unset> | 10m | Block",
        ),
        (
            "apps",
            "v1",
            "deployments",
            json!({"spec": {"replicas": 2, "selector": selector, "template": template}, "status": {"readyReplicas": 1, "updatedReplicas": 2}}),
            "x | 1/2 | 2 | 0 | 10m | a,b | i:1,j | a=1,aa notin (x,y),b=2,!c",
        ),
        (
            "apps",
            "v1",
            "daemonsets",
            json!({"spec": {"template": template}, "status": {"desiredNumberScheduled": 3}}),
            "x | 3 | 0 | 0 | 0 | 0 | <none> | 10m | a,b | i:1,j | <none>",
        ),
        (
            "apps",
            "v1",
            "statefulsets",
            json!({"spec": {"replicas": 3, "template": template}}),
            "x | 0/3 | 10m | a,b | i:1,j",
        ),
        (
            "apps",
            "v1",
            "controllerrevisions",
            json!({"revision": 3, "metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "s", "controller": true}]}}),
            "x | statefulset.apps/s | 3 | 10m",
        ),
        (
            "batch",
            "v1",
            "jobs",
            json!({"spec": {"parallelism": 2, "template": template},
                   "status": {"succeeded": 1, "startTime": CREATED, "completionTime": "2026-01-01T00:01:01Z",
                              "conditions": [{"type": "Complete", "status": "True"}]}}),
            "x | Complete | 1/1 of 2 | 61s | 10m | a,b | i:1,j | <none>",
        ),
        (
            "batch",
            "v1",
            "cronjobs",
            json!({"spec": {"schedule": "* * * * *", "suspend": false, "jobTemplate": {"spec": {"template": template}}}, "status": {"active": [{}]}}),
            "x | * * * * * | <none> | False | 1 | <none> | 10m | a,b | i:1,j | <none>",
        ),
        ("policy", "v1", "poddisruptionbudgets", json!({"spec": {"minAvailable": "50%"}}), "x | 50% | N/A | 0 | 10m"),
        (
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 5, "metrics": [
                       {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 80}}},
                       {"type": "External", "external": {"target": {"averageValue": "1"}}},
                       {"type": "Pods", "pods": {"target": {"averageValue": "1"}}}]},
                   "status": {"currentMetrics": [{"type": "Resource", "resource": {"current": {"averageUtilization": 12}}}]}}),
            "x | Deployment/d | cpu: 12%/80%, <unknown>/1 (avg) + 1 more... | <unset> | 5 | 0 | 10m",
        ),
        (
            "networking.k8s.io",
            "v1",
            "ingresses",
            json!({"spec": {"tls": [{}], "rules": [{"host": "a"}, {}, {"host": "b"}, {"host": "c"}, {"host": "d"}]}}),
            "x | <none> | a,b,c + 2 more... |  | 80, 443 | 10m",
        ),
        (
            "networking.k8s.io",
            "v1",
            "ipaddresses",
            json!({"spec": {"parentRef": {"resource": "services", "namespace": "n", "name": "s"}}}),
            "x | services/n/s | 10m",
        ),
        (
            "discovery.k8s.io",
            "v1",
            "endpointslices",
            json!({"addressType": "IPv4", "ports": [{"port": 80}, {"name": "p"}], "endpoints": [{"addresses": ["1.1.1.1"]}]}),
            "x | IPv4 | 80,p | 1.1.1.1 | 10m",
        ),
        (
            "storage.k8s.io",
            "v1",
            "storageclasses",
            json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "p"}),
            "x (default) | p | Delete | Immediate | false | 10m",
        ),
        (
            "storage.k8s.io",
            "v1",
            "csidrivers",
            json!({"spec": {}}),
            "x | true | false | false | <unset> | false | <none> | 10m",
        ),
        (
            "rbac.authorization.k8s.io",
            "v1",
            "rolebindings",
            json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [
                {"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "namespace": "n", "name": "s"}, {"kind": "User", "name": "v"}]}),
            "x | Role/r | 10m | u, v |  | n/s",
        ),
        (
            "certificates.k8s.io",
            "v1",
            "certificatesigningrequests",
            json!({"spec": {"signerName": "s", "username": "u", "expirationSeconds": 3600},
                   "status": {"conditions": [{"type": "Approved"}], "certificate": "eA=="}}),
            "x | 10m | s | u | 60m | Approved,Issued",
        ),
        (
            "admissionregistration.k8s.io",
            "v1",
            "validatingadmissionpolicybindings",
            json!({"spec": {"policyName": "p", "paramRef": {"selector": {"matchLabels": {"a": "b"}}}}}),
            "x | p | &LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},} | 10m",
        ),
        (
            "flowcontrol.apiserver.k8s.io",
            "v1",
            "prioritylevelconfigurations",
            json!({"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 30, "limitResponse": {"type": "Reject"}}}}),
            "x | Limited | 30 | <none> | <none> | <none> | 10m",
        ),
        ("scheduling.k8s.io", "v1", "priorityclasses", json!({"value": 10}), "x | 10 | false | 10m | "),
        (
            "apiregistration.k8s.io",
            "v1",
            "apiservices",
            json!({"spec": {"service": {"namespace": "n", "name": "s"}},
                   "status": {"conditions": [{"type": "Available", "status": "False", "reason": "MissingEndpoints"}]}}),
            "x | n/s | False (MissingEndpoints) | 10m",
        ),
        (
            "resource.k8s.io",
            "v1",
            "resourceclaims",
            json!({"status": {"allocation": {}, "reservedFor": [{}]}}),
            "x | allocated,reserved | 10m",
        ),
    ];
    for (group, version, name, object, expected) in cases {
        assert_eq!(print(&resource(group, version, name), &object), expected, "{name}");
    }
}

#[test]
fn custom_resources_have_the_columns_of_their_definition() {
    let columns = [
        ("Name", "string", ".metadata.name", "x"),
        ("Size", "integer", ".spec.size", "3"),
        ("Ratio", "number", ".spec.ratio", "0.5"),
        ("On", "boolean", ".spec.on", "true"),
        ("Size as text", "string", ".spec.size", "3"),
        ("Object", "string", ".spec.object", r#"{"a":[1],"b":null}"#),
        ("Null", "string", ".spec.null", "<no value>"),
        ("Missing", "string", ".spec.none", "null"),
        ("Of another type", "integer", ".spec.on", "null"),
        ("No path", "string", "spec[", "null"),
        ("Ready", "string", ".conditions[?(@.type==\"Ready\")].status", "True"),
        ("Since", "date", ".spec.since", "5m"),
        ("No date", "date", ".metadata.name", "<invalid>"),
    ];
    let definition = Definition {
        builtin: false,
        columns: columns
            .iter()
            .map(|(name, kind, path, _)| Column {
                name: (*name).into(),
                kind: (*kind).into(),
                format: "".into(),
                description: "".into(),
                priority: 0,
                cell: Cell::Path((*path).into()),
            })
            .collect(),
        ..testing::definition("x.io", "v1", "xs", "X")
    };
    let object = json!({
        "spec": {"size": 3, "ratio": 0.5, "on": true, "object": {"b": null, "a": [1]}, "since": "2026-01-01T00:05:00Z"},
        "conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"}],
    });
    let mut with_null = object.clone();
    with_null["metadata"] = json!({"name": "x"});
    with_null["spec"]["null"] = Value::Null;
    let cells = cells_at(&definition, &with_null, time::parse(NOW).expect("a time"));
    let shown: Vec<String> =
        cells.iter().map(|cell| cell.as_str().map_or_else(|| cell.to_string(), str::to_string)).collect();
    assert_eq!(shown, columns.map(|(_, _, _, expected)| expected));

    assert_eq!(
        column_definitions(&definition)[1],
        json!({"name": "Size", "type": "integer", "format": "", "description": "", "priority": 0})
    );
}
