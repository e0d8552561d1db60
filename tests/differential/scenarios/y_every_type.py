"""Every built-in type through the same requests: created, shown, updated, selected, deleted."""

from differential import TABLE, delete, get, namespace, patch, post, put

POD = {"containers": [{"name": "c", "image": "example.com/a:1"}]}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
SELECTOR = {"matchLabels": {"a": "b"}}

# resource, kind, group/version, whether it is in a namespace, the rest of the smallest object
TYPES = [
    ("configmaps", "ConfigMap", "v1", True, {"data": {"k": "v"}}),
    (
        "endpoints",
        "Endpoints",
        "v1",
        True,
        {"subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}]},
    ),
    (
        "events",
        "Event",
        "v1",
        True,
        {"involvedObject": {"kind": "Pod", "namespace": "xtypes", "name": "p"}, "reason": "R", "type": "Normal"},
    ),
    ("limitranges", "LimitRange", "v1", True, {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}}),
    (
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        "v1",
        True,
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    (
        "persistentvolumes",
        "PersistentVolume",
        "v1",
        False,
        {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}},
    ),
    ("pods", "Pod", "v1", True, {"spec": POD}),
    ("podtemplates", "PodTemplate", "v1", True, {"template": TEMPLATE}),
    ("replicationcontrollers", "ReplicationController", "v1", True, {"spec": {"template": TEMPLATE}}),
    ("resourcequotas", "ResourceQuota", "v1", True, {"spec": {"hard": {"pods": "100"}}}),
    ("secrets", "Secret", "v1", True, {"stringData": {"k": "v"}}),
    ("serviceaccounts", "ServiceAccount", "v1", True, {}),
    ("services", "Service", "v1", True, {"spec": {"ports": [{"port": 80}]}}),
    ("nodes", "Node", "v1", False, {}),
    ("namespaces", "Namespace", "v1", False, {}),
    ("controllerrevisions", "ControllerRevision", "apps/v1", True, {"revision": 1, "data": {}}),
    ("daemonsets", "DaemonSet", "apps/v1", True, {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("deployments", "Deployment", "apps/v1", True, {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    ("replicasets", "ReplicaSet", "apps/v1", True, {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
    (
        "statefulsets",
        "StatefulSet",
        "apps/v1",
        True,
        {"spec": {"selector": SELECTOR, "serviceName": "s", "template": TEMPLATE}},
    ),
    (
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "autoscaling/v1",
        True,
        {"spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"}}},
    ),
    (
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        True,
        {
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"},
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                    }
                ],
            }
        },
    ),
    (
        "cronjobs",
        "CronJob",
        "batch/v1",
        True,
        {
            "spec": {
                "schedule": "@daily",
                "jobTemplate": {"spec": {"template": {"spec": POD | {"restartPolicy": "Never"}}}},
            }
        },
    ),
    ("jobs", "Job", "batch/v1", True, {"spec": {"template": {"spec": POD | {"restartPolicy": "Never"}}}}),
    ("leases", "Lease", "coordination.k8s.io/v1", True, {"spec": {"holderIdentity": "me"}}),
    (
        "endpointslices",
        "EndpointSlice",
        "discovery.k8s.io/v1",
        True,
        {"addressType": "IPv4", "endpoints": [{"addresses": ["192.0.2.1"]}], "ports": [{"port": 80}]},
    ),
    (
        "events",
        "Event",
        "events.k8s.io/v1",
        True,
        {
            "regarding": {"kind": "Pod", "namespace": "xtypes", "name": "p"},
            "reason": "R",
            "type": "Normal",
            "eventTime": "2026-01-01T00:00:00.000000Z",
            "action": "A",
            "reportingController": "example.com/c",
            "reportingInstance": "i",
        },
    ),
    ("ingressclasses", "IngressClass", "networking.k8s.io/v1", False, {"spec": {"controller": "example.com/c"}}),
    (
        "ingresses",
        "Ingress",
        "networking.k8s.io/v1",
        True,
        {"spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}},
    ),
    ("networkpolicies", "NetworkPolicy", "networking.k8s.io/v1", True, {"spec": {"podSelector": {}}}),
    ("runtimeclasses", "RuntimeClass", "node.k8s.io/v1", False, {"handler": "h"}),
    (
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        "policy/v1",
        True,
        {"spec": {"minAvailable": 1, "selector": SELECTOR}},
    ),
    (
        "clusterroles",
        "ClusterRole",
        "rbac.authorization.k8s.io/v1",
        False,
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    ),
    (
        "clusterrolebindings",
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io/v1",
        False,
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}},
    ),
    (
        "roles",
        "Role",
        "rbac.authorization.k8s.io/v1",
        True,
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
    ),
    (
        "rolebindings",
        "RoleBinding",
        "rbac.authorization.k8s.io/v1",
        True,
        {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"},
            "subjects": [{"kind": "User", "name": "u"}],
        },
    ),
    (
        "deviceclasses",
        "DeviceClass",
        "resource.k8s.io/v1",
        False,
        {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'example.com'"}}]}},
    ),
    (
        "resourceclaims",
        "ResourceClaim",
        "resource.k8s.io/v1",
        True,
        {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}},
    ),
    (
        "resourceclaimtemplates",
        "ResourceClaimTemplate",
        "resource.k8s.io/v1",
        True,
        {"spec": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c"}}]}}}},
    ),
    (
        "resourceslices",
        "ResourceSlice",
        "resource.k8s.io/v1",
        False,
        {
            "spec": {
                "driver": "example.com",
                "nodeName": "n",
                "pool": {"name": "p", "resourceSliceCount": 1},
                "devices": [{"name": "d"}],
            }
        },
    ),
    ("priorityclasses", "PriorityClass", "scheduling.k8s.io/v1", False, {"value": 5}),
    ("csidrivers", "CSIDriver", "storage.k8s.io/v1", False, {"spec": {}}),
    (
        "csinodes",
        "CSINode",
        "storage.k8s.io/v1",
        False,
        {"spec": {"drivers": [{"name": "d.example.com", "nodeID": "n"}]}},
    ),
    (
        "csistoragecapacities",
        "CSIStorageCapacity",
        "storage.k8s.io/v1",
        True,
        {"storageClassName": "x", "capacity": "1Gi"},
    ),
    ("storageclasses", "StorageClass", "storage.k8s.io/v1", False, {"provisioner": "example.com/p"}),
    (
        "volumeattachments",
        "VolumeAttachment",
        "storage.k8s.io/v1",
        False,
        {"spec": {"attacher": "example.com", "nodeName": "n", "source": {"persistentVolumeName": "p"}}},
    ),
    (
        "volumeattributesclasses",
        "VolumeAttributesClass",
        "storage.k8s.io/v1",
        False,
        {"driverName": "example.com", "parameters": {"a": "b"}},
    ),
    (
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
        False,
        {
            "webhooks": [
                {
                    "name": "a.example.com",
                    "clientConfig": {"url": "https://example.com/"},
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "objectSelector": {"matchLabels": {"never": "here"}},
                }
            ]
        },
    ),
    (
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
        False,
        {
            "webhooks": [
                {
                    "name": "a.example.com",
                    "clientConfig": {"service": {"namespace": "n", "name": "s"}},
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "objectSelector": {"matchLabels": {"never": "here"}},
                }
            ]
        },
    ),
    (
        "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io/v1",
        False,
        {
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": ["example.com"],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["x"],
                        }
                    ]
                },
                "validations": [{"expression": "true"}],
            }
        },
    ),
    (
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1",
        False,
        {"spec": {"policyName": "p", "validationActions": ["Deny"]}},
    ),
    (
        "mutatingadmissionpolicies",
        "MutatingAdmissionPolicy",
        "admissionregistration.k8s.io/v1",
        False,
        {
            "spec": {
                "matchConstraints": {
                    "resourceRules": [
                        {
                            "apiGroups": ["example.com"],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["x"],
                        }
                    ]
                },
                "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}],
                "reinvocationPolicy": "Never",
            }
        },
    ),
    (
        "mutatingadmissionpolicybindings",
        "MutatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io/v1",
        False,
        {"spec": {"policyName": "p"}},
    ),
    # Last, for a controller writes their status whenever it gets to it.
    (
        "flowschemas",
        "FlowSchema",
        "flowcontrol.apiserver.k8s.io/v1",
        False,
        {"spec": {"priorityLevelConfiguration": {"name": "global-default"}}},
    ),
    (
        "prioritylevelconfigurations",
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1",
        False,
        {
            "spec": {
                "type": "Limited",
                "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Reject"}},
            }
        },
    ),
]

NOISE = ("body.metadata.managedFields",)


def steps_of(resource, kind, version, namespaced, rest):
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    at = f"{root}/namespaces/xtypes/{resource}" if namespaced else f"{root}/{resource}"
    # The names of some are not free to choose.
    name = {"v2": "x-two"}.get(version.split("/")[-1], "x-type")
    if resource == "events" and "/" in version:
        name = "x-new"
    of = f"{resource} {version}:"
    object_ = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"of": "types"}}} | rest
    without = {"apiVersion": version, "kind": kind, "metadata": {"name": "x-other"}} | rest
    return [
        put(f"{of} put of nothing", f"{at}/x-other?dryRun=All", without, ignore=NOISE),
        post(
            f"{of} empty",
            at + "?dryRun=All",
            {"apiVersion": version, "kind": kind, "metadata": {"name": "x-empty"}},
            ignore=NOISE,
        ),
        post(
            f"{of} bad metadata",
            at + "?dryRun=All",
            {
                "apiVersion": version,
                "kind": kind,
                "metadata": {"name": "X_", "finalizers": ["nope"], "annotations": {"a b": "c"}},
            }
            | rest,
            ignore=NOISE,
        ),
        post(f"{of} create", at, object_),
        # Any free address may be taken.
        get(
            f"{of} table",
            f"{at}/{name}",
            accept=TABLE,
            ignore=("body.rows.*.cells.2",) if resource == "services" else (),
            # A controller writes the status.
            wait=5 if resource == "flowschemas" else None,
        ),
        get(
            f"{of} one by name",
            f"{at}?fieldSelector=metadata.name={name}&labelSelector=of=types",
            ignore=NOISE + ("body.items.*.metadata.managedFields",),
        ),
        get(f"{of} selected by a field that is none", f"{at}?fieldSelector=spec.nonsense=1"),
        put(f"{of} unconditional", f"{at}/{name}", object_, ignore=NOISE),
        put(
            f"{of} stale",
            f"{at}/{name}?dryRun=All",
            object_ | {"metadata": {"name": name, "resourceVersion": "1"}},
            ignore=NOISE,
        ),
        patch(f"{of} label", f"{at}/{name}", "merge", {"metadata": {"labels": {"more": "so"}}}, ignore=NOISE),
        patch(
            f"{of} apply",
            f"{at}/{name}?fieldManager=applier&dryRun=All",
            "apply",
            {
                "apiVersion": version,
                "kind": kind,
                "metadata": {"name": name, "labels": {"more": "so", "one": "more"}},
            },
        ),
        get(f"{of} status", f"{at}/{name}/status", compare="status"),
        delete(f"{of} dry", f"{at}/{name}?dryRun=All", ignore=NOISE),
        delete(f"{of} delete", f"{at}/{name}", ignore=NOISE),
        delete(f"{of} delete again", f"{at}/{name}"),
        delete(
            f"{of} collection",
            f"{at}?labelSelector=of=types",
            ignore=NOISE + ("body.items.*.metadata.managedFields", "body.metadata.resourceVersion"),
        ),
    ]


STEPS = [namespace("xtypes")] + [s for t in TYPES for s in steps_of(*t)]
