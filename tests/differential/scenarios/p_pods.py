"""Pods: what is refused, defaulted, and may change."""

from differential import *

NS = "/api/v1/namespaces/xpods"
MF = ["body.metadata.managedFields"]
C = {"name": "c", "image": "a:1"}


def pod(name="p", **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [C]} | spec}


def cont(**kw):
    return pod(containers=[C | kw])


cases = {
    "volumes many": pod(
        volumes=[
            {"name": "a", "hostPath": {"path": ""}},
            {"name": "b", "secret": {"secretName": "", "defaultMode": 9999}},
            {"name": "c", "configMap": {"items": [{"key": "", "path": "../x"}]}},
            {"name": "d", "nfs": {"server": "", "path": "x"}},
            {"name": "Bad_", "emptyDir": {"sizeLimit": "-1"}},
            {"name": "a", "emptyDir": {}},
            {"name": "e", "persistentVolumeClaim": {"claimName": ""}},
            {"name": "f", "emptyDir": {}, "hostPath": {"path": "/x"}},
            {
                "name": "g",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "", "expirationSeconds": 5}},
                        {"secret": {"name": "", "items": [{"key": "k", "path": "p"}]}},
                        {"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
                        {},
                    ]
                },
            },
            {
                "name": "h",
                "downwardAPI": {
                    "items": [
                        {"path": "", "fieldRef": {"fieldPath": "spec.nope"}},
                        {"path": "x"},
                        {"path": "/a", "resourceFieldRef": {"resource": "limits.cpu"}},
                    ]
                },
            },
            {"name": "i", "csi": {"driver": ""}},
            {"name": "j", "ephemeral": {}},
            {"name": "k", "image": {"reference": "", "pullPolicy": "X"}},
            {"name": "l", "hostPath": {"path": "/a/../b", "type": "Nope"}},
            {"name": "m", "iscsi": {"targetPortal": "", "iqn": "x", "lun": 999}},
        ]
    ),
    "env": cont(
        env=[
            {"name": ""},
            {"name": "A=B"},
            {"name": "A", "valueFrom": {}},
            {"name": "B", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nope"}}},
            {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}},
            {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}},
            {"name": "F", "valueFrom": {"resourceFieldRef": {"resource": "limits.nope"}}},
            {"name": "G", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "2"}}},
            {"name": "H", "valueFrom": {"configMapKeyRef": {"name": "", "key": ""}}},
            {
                "name": "I",
                "valueFrom": {
                    "secretKeyRef": {"name": "X", "key": "a/b"},
                    "fieldRef": {"fieldPath": "metadata.name"},
                },
            },
        ],
        envFrom=[
            {},
            {"configMapRef": {"name": ""}, "prefix": "a=b"},
            {"configMapRef": {"name": "A_"}, "secretRef": {"name": "s"}},
        ],
    ),
    "probes": cont(
        livenessProbe={},
        readinessProbe={
            "httpGet": {"port": 0, "path": "", "scheme": "ftp", "httpHeaders": [{"name": "a b", "value": "x"}]},
            "initialDelaySeconds": -1,
            "terminationGracePeriodSeconds": 3,
        },
        startupProbe={"exec": {}, "tcpSocket": {"port": "x--y"}, "successThreshold": 3, "periodSeconds": -1},
    ),
    "lifecycle": cont(lifecycle={"postStart": {"sleep": {"seconds": 99}}, "preStop": {}, "stopSignal": "SIGX"}),
    "ports": cont(
        ports=[
            {"containerPort": 0},
            {"containerPort": 80, "name": "BAD"},
            {"containerPort": 80, "name": "x", "hostPort": 80},
            {"containerPort": 81, "name": "x", "hostPort": 80, "protocol": "ICMP"},
            {"containerPort": 80, "hostPort": 70000},
        ]
    ),
    "host network ports": pod(hostNetwork=True, containers=[C | {"ports": [{"containerPort": 80, "hostPort": 81}]}]),
    "mounts": pod(
        volumes=[{"name": "v", "emptyDir": {}}, {"name": "p", "persistentVolumeClaim": {"claimName": "x"}}],
        containers=[
            C
            | {
                "volumeMounts": [
                    {"name": "", "mountPath": ""},
                    {"name": "v", "mountPath": "/a", "subPath": "/x/../y"},
                    {"name": "v", "mountPath": "/a", "subPath": "s", "subPathExpr": "e"},
                    {"name": "v", "mountPath": "/b", "mountPropagation": "Bidirectional"},
                    {"name": "v", "mountPath": "/c", "mountPropagation": "Nope"},
                    {"name": "v", "mountPath": "/d", "recursiveReadOnly": "Enabled"},
                    {"name": "v", "mountPath": "/e", "recursiveReadOnly": "X"},
                ],
                "volumeDevices": [
                    {"name": "v", "devicePath": "/dev/a"},
                    {"name": "p", "devicePath": "../x"},
                    {"name": "p", "devicePath": ""},
                    {"name": "z", "devicePath": "/a"},
                ],
            }
        ],
    ),
    "resources": cont(
        resources={
            "limits": {"cpu": "-1"},
            "requests": {"cpu": "2"},
            "claims": [{"name": "q"}, {"name": ""}, {"name": "q"}],
        }
    ),
    "resources unknown": cont(resources={"limits": {"nope": "1"}, "requests": {"a b": "1"}}),
    "resources extended": cont(resources={"limits": {"example.com/x": "1500m"}, "requests": {"example.com/x": "1"}}),
    "resources extended without limit": cont(resources={"requests": {"example.com/y": "1"}}),
    "resources huge pages": cont(resources={"limits": {"hugepages-2Mi": "3Mi"}}),
    "huge alone": cont(resources={"limits": {"hugepages-2Mi": "2Mi"}}),
    "security": pod(
        securityContext={
            "runAsUser": -1,
            "runAsGroup": 4294967296,
            "fsGroup": -2,
            "supplementalGroups": [-1],
            "fsGroupChangePolicy": "X",
            "seccompProfile": {"type": "Localhost"},
            "appArmorProfile": {"type": "Nope"},
            "sysctls": [
                {"name": "", "value": ""},
                {"name": "A", "value": "1"},
                {"name": "a.b", "value": "1"},
                {"name": "a.b", "value": "1"},
            ],
            "supplementalGroupsPolicy": "X",
            "seLinuxChangePolicy": "X",
        },
        containers=[
            C
            | {
                "securityContext": {
                    "runAsUser": -1,
                    "procMount": "Unmasked",
                    "seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"},
                    "allowPrivilegeEscalation": False,
                    "privileged": True,
                    "capabilities": {"add": ["CAP_SYS_ADMIN"]},
                    "appArmorProfile": {"type": "Localhost", "localhostProfile": " x"},
                }
            }
        ],
    ),
    "seccomp missing type": pod(securityContext={"seccompProfile": {}}),
    "share pid": pod(hostPID=True, shareProcessNamespace=True),
    "host users": pod(hostUsers=False, hostPID=True, hostIPC=True, hostNetwork=True),
    "affinity": pod(
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {"key": "a b", "operator": "In"},
                                {"key": "a", "operator": "Exists", "values": ["x"]},
                                {"key": "a", "operator": "Gt", "values": ["1", "2"]},
                                {"key": "a", "operator": "Nope"},
                                {"key": "a", "operator": "In", "values": ["a b"]},
                            ],
                            "matchFields": [
                                {"key": "metadata.nope", "operator": "In", "values": ["x"]},
                                {"key": "metadata.name", "operator": "Exists"},
                            ],
                        }
                    ]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}],
            },
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": ""},
                    {
                        "topologyKey": "a",
                        "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]},
                        "namespaces": ["A"],
                        "matchLabelKeys": ["a b"],
                    },
                ],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 101, "podAffinityTerm": {"topologyKey": "x", "matchLabelKeys": ["a"]}}
                ],
            },
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "t",
                        "labelSelector": {"matchLabels": {"a": "b"}},
                        "matchLabelKeys": ["k"],
                        "mismatchLabelKeys": ["k"],
                    }
                ]
            },
        }
    ),
    "affinity no terms": pod(
        affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    ),
    "spread": pod(
        topologySpreadConstraints=[
            {"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "X"},
            {
                "maxSkew": 1,
                "topologyKey": "a",
                "whenUnsatisfiable": "ScheduleAnyway",
                "minDomains": 0,
                "nodeAffinityPolicy": "X",
                "nodeTaintsPolicy": "Y",
                "matchLabelKeys": ["a"],
            },
            {
                "maxSkew": 1,
                "topologyKey": "a",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"a": "b"}},
                "matchLabelKeys": ["a"],
            },
        ]
    ),
    "tolerations": pod(
        tolerations=[
            {"key": "", "operator": "Equal"},
            {"key": "a b", "operator": "Exists", "value": "x"},
            {"key": "a", "operator": "Nope"},
            {"key": "a", "effect": "Nope"},
            {"key": "a", "tolerationSeconds": 3, "effect": "NoSchedule"},
            {"key": "a", "value": "a b"},
            {"key": "a", "operator": "Gt", "value": "1"},
        ]
    ),
    "dns": pod(dnsPolicy="None"),
    "dns config": pod(
        dnsConfig={
            "nameservers": ["1.1.1.1", "x", "2.2.2.2", "3.3.3.3"],
            "searches": ["a_b", "-", "."],
            "options": [{"name": ""}],
        }
    ),
    "host aliases": pod(hostAliases=[{"ip": "x", "hostnames": ["A"]}, {"ip": "010.0.0.1"}]),
    "names": pod(
        serviceAccountName="A",
        nodeName="B_",
        hostname="a.b",
        subdomain="C",
        priorityClassName="none",
        runtimeClassName="none",
        schedulerName="",
        activeDeadlineSeconds=0,
        preemptionPolicy="X",
    ),
    "priority class missing": pod(priorityClassName="none"),
    "runtime class missing": pod(runtimeClassName="none"),
    "gates": pod(
        readinessGates=[{"conditionType": "a b"}], schedulingGates=[{"name": "a"}, {"name": "a"}, {"name": ""}]
    ),
    "gates and node": pod(nodeName="n", schedulingGates=[{"name": "a"}]),
    "init": pod(
        initContainers=[
            {"name": "c", "image": ""},
            {
                "name": "i",
                "image": "x",
                "lifecycle": {},
                "livenessProbe": {"exec": {"command": ["a"]}},
                "restartPolicy": "Sometimes",
            },
            {"name": "s", "image": "x", "restartPolicy": "Always", "livenessProbe": {}},
        ]
    ),
    "ephemeral on create": pod(
        ephemeralContainers=[{"name": "c", "image": "x", "ports": [{"containerPort": 1}], "targetContainerName": "q"}]
    ),
    "os windows": pod(
        os={"name": "windows"},
        hostPID=True,
        securityContext={"runAsUser": 1, "fsGroup": 1},
        containers=[C | {"securityContext": {"privileged": True, "runAsUser": 3}}],
    ),
    "os linux": pod(os={"name": "linux"}, securityContext={"windowsOptions": {"runAsUserName": ""}}),
    "os nope": pod(os={"name": "nope"}),
    "pod resources": pod(
        resources={"requests": {"cpu": "1"}, "limits": {"cpu": "500m"}},
        containers=[C | {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "3"}}}],
    ),
    "pod resources unknown": pod(resources={"requests": {"nope": "1"}}),
    "pod huge pages": pod(resources={"requests": {"hugepages-2Mi": "2Mi"}}),
    "resource claims": pod(
        resourceClaims=[
            {"name": "a"},
            {"name": "a", "resourceClaimName": "x", "resourceClaimTemplateName": "y"},
            {"name": "", "resourceClaimName": "X"},
        ]
    ),
    "restart rules": cont(
        restartPolicyRules=[{"action": "X"}, {"action": "Restart", "exitCodes": {"operator": "X", "values": [1]}}]
    ),
    "resize policy": pod(
        restartPolicy="Never",
        containers=[
            C
            | {
                "resizePolicy": [
                    {"resourceName": "cpu", "restartPolicy": "RestartContainer"},
                    {"resourceName": "cpu", "restartPolicy": "X"},
                    {"resourceName": "disk", "restartPolicy": "NotRequired"},
                ]
            }
        ],
    ),
    "container names": pod(containers=[{"name": "A", "image": " x"}, {"name": "", "image": ""}, C, C]),
    "pull secrets": pod(imagePullSecrets=[{}, {"name": "a"}]),
    "annotations": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "p",
            "annotations": {
                "kubernetes.io/config.mirror": "x",
                "controller.kubernetes.io/pod-deletion-cost": "x",
                "container.apparmor.security.beta.kubernetes.io/q": "bad",
                "seccomp.security.alpha.kubernetes.io/pod": "bad",
            },
        },
        "spec": {"containers": [C]},
    },
    "hostname override": pod(hostnameOverride="A", setHostnameAsFQDN=True, hostNetwork=True),
    "overhead": pod(overhead={"cpu": "1"}),
    "termination": cont(terminationMessagePolicy="X", imagePullPolicy="X"),
    "file key": cont(env=[{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "..", "key": "k"}}}]),
    "priority given": pod(priority=5),
    "label selector bad": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a b": "c"}, "finalizers": ["nope"]},
        "spec": {"containers": [C]},
    },
    "negative grace": pod(terminationGracePeriodSeconds=-5),
    "valid everything": pod(
        volumes=[
            {"name": "v"},
            {"name": "s", "secret": {"secretName": "x"}},
            {
                "name": "q",
                "projected": {
                    "sources": [
                        {"configMap": {"name": "a"}},
                        {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                    ]
                },
            },
            {
                "name": "e",
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                    }
                },
            },
        ],
        containers=[
            C
            | {
                "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "livenessProbe": {"grpc": {"port": 5}},
                "readinessProbe": {"httpGet": {"port": "http"}},
                "ports": [{"name": "http", "containerPort": 80}],
                "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}},
                "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        initContainers=[{"name": "i", "image": "x", "restartPolicy": "Always"}],
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "z",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"a": "b"}},
            }
        ],
        tolerations=[{"operator": "Exists"}],
        affinity={
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {"topologyKey": "h", "labelSelector": {"matchLabels": {"a": "b"}}},
                    }
                ]
            }
        },
    ),
}
STEPS = [namespace("xpods")] + [post(k, f"{NS}/pods?dryRun=All", v, ignore=MF) for k, v in cases.items()]
STEPS += [
    post(
        "pod",
        f"{NS}/pods",
        pod(
            "u",
            activeDeadlineSeconds=50,
            tolerations=[{"key": "a", "operator": "Exists"}],
            schedulingGates=[{"name": "g"}],
        ),
        ignore=MF,
    ),
    patch("deadline up", f"{NS}/pods/u", "merge", {"spec": {"activeDeadlineSeconds": 60}}),
    patch("deadline gone", f"{NS}/pods/u", "merge", {"spec": {"activeDeadlineSeconds": None}}),
    patch("toleration gone", f"{NS}/pods/u", "merge", {"spec": {"tolerations": []}}),
    patch(
        "toleration more",
        f"{NS}/pods/u",
        "json",
        [{"op": "add", "path": "/spec/tolerations/-", "value": {"key": "b", "operator": "Exists"}}],
        ignore=MF,
    ),
    patch("gate new", f"{NS}/pods/u", "merge", {"spec": {"schedulingGates": [{"name": "g"}, {"name": "h"}]}}),
    patch("node selector while gated", f"{NS}/pods/u", "merge", {"spec": {"nodeSelector": {"a": "b"}}}, ignore=MF),
    patch("node selector changes", f"{NS}/pods/u", "merge", {"spec": {"nodeSelector": {"a": "c"}}}),
    patch(
        "node affinity while gated",
        f"{NS}/pods/u",
        "merge",
        {
            "spec": {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]
                        }
                    }
                }
            }
        },
        ignore=MF,
    ),
    patch(
        "node affinity changes",
        f"{NS}/pods/u",
        "merge",
        {
            "spec": {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [{"matchExpressions": [{"key": "b", "operator": "Exists"}]}]
                        }
                    }
                }
            }
        },
    ),
    patch("gates go", f"{NS}/pods/u", "merge", {"spec": {"schedulingGates": None}}, ignore=MF),
    patch(
        "env changes",
        f"{NS}/pods/u",
        "strategic",
        {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "b"}]}], "hostname": "h"}},
    ),
    patch("container added", f"{NS}/pods/u", "strategic", {"spec": {"containers": [{"name": "d", "image": "x"}]}}),
    patch("image empty", f"{NS}/pods/u", "strategic", {"spec": {"containers": [{"name": "c", "image": ""}]}}),
    patch(
        "resources change",
        f"{NS}/pods/u",
        "strategic",
        {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}},
    ),
    patch(
        "resize",
        f"{NS}/pods/u/resize",
        "strategic",
        {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]}},
    ),
    patch(
        "ephemeral",
        f"{NS}/pods/u/ephemeralcontainers",
        "strategic",
        {"spec": {"ephemeralContainers": [{"name": "e", "image": "x"}]}},
        ignore=MF,
    ),
    patch(
        "ephemeral bad",
        f"{NS}/pods/u/ephemeralcontainers",
        "strategic",
        {"spec": {"ephemeralContainers": [{"name": "f", "image": "", "ports": [{"containerPort": 1}]}]}},
    ),
    patch(
        "ephemeral changes",
        f"{NS}/pods/u/ephemeralcontainers",
        "strategic",
        {"spec": {"ephemeralContainers": [{"name": "e", "image": "y"}]}},
    ),
    patch(
        "ephemeral removed",
        f"{NS}/pods/u/ephemeralcontainers",
        "json",
        [{"op": "remove", "path": "/spec/ephemeralContainers/0"}],
    ),
    post(
        "pod2",
        f"{NS}/pods",
        pod(
            "r",
            containers=[C | {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}],
        ),
        ignore=MF,
    ),
    patch(
        "resize ok",
        f"{NS}/pods/r/resize",
        "strategic",
        {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "2"}}}]}},
        ignore=MF,
    ),
    patch(
        "resize qos",
        f"{NS}/pods/r/resize",
        "strategic",
        {"spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "500m"}}}]}},
        ignore=MF,
    ),
    patch(
        "resize image",
        f"{NS}/pods/r/resize",
        "strategic",
        {"spec": {"containers": [{"name": "c", "image": "z"}]}},
        ignore=MF,
    ),
    patch(
        "resize removes",
        f"{NS}/pods/r/resize",
        "json",
        [{"op": "remove", "path": "/spec/containers/0/resources/limits/cpu"}],
        ignore=MF,
    ),
    patch(
        "status ips",
        f"{NS}/pods/r/status",
        "merge",
        {"status": {"podIPs": [{"ip": "x"}], "hostIP": "1.1.1.1"}},
        ignore=MF,
    ),
    patch(
        "status conditions",
        f"{NS}/pods/r/status",
        "strategic",
        {
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "c", "image": "a", "imageID": "", "ready": True, "restartCount": 0}],
            }
        },
        ignore=MF,
    ),
    post(
        "evict", f"{NS}/pods/r/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "r"}}
    ),
    get("log without node", f"{NS}/pods/u/log"),
    get("log of nothing", f"{NS}/pods/nope/log"),
    get("log bad options", f"{NS}/pods/u/log?tailLines=-1"),
    post("exec", f"{NS}/pods/u/exec?command=ls"),
    get("portforward", f"{NS}/pods/u/portforward"),
    get("proxy", f"{NS}/pods/u/proxy/x"),
    post(
        "binding bad",
        f"{NS}/pods/u/binding",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "u"}, "target": {"kind": "Pod", "name": ""}},
    ),
    post(
        "bindings",
        f"{NS}/bindings",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "u"}, "target": {"name": "n"}},
    ),
    delete("collection", f"{NS}/pods", compare="status"),
]
