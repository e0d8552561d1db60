"""The other built-in types."""

from differential import *

N = "/api/v1/namespaces/xmisc"
MF = ["body.metadata.managedFields"]


def k(kind, av, name="x", **rest):
    return {"apiVersion": av, "kind": kind, "metadata": {"name": name}} | rest


R = "/apis/rbac.authorization.k8s.io/v1"
RV = "rbac.authorization.k8s.io/v1"
RN = R + "/namespaces/xmisc"
AD = "/apis/admissionregistration.k8s.io/v1"
AV = "admissionregistration.k8s.io/v1"
FC = "/apis/flowcontrol.apiserver.k8s.io/v1"
FV = "flowcontrol.apiserver.k8s.io/v1"
H = "/apis/autoscaling/v2/namespaces/xmisc/horizontalpodautoscalers"
H1 = "/apis/autoscaling/v1/namespaces/xmisc/horizontalpodautoscalers"


def hpa(**s):
    return k(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        spec={"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}} | s,
    )


def wh(kind="ValidatingWebhookConfiguration", **h):
    return k(
        kind,
        AV,
        "xwh",
        webhooks=[
            {
                "name": "a.b.c",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://x"},
            }
            | h
        ],
    )


import base64

CSR = base64.b64encode(b"nope").decode()
P = "/apis/policy/v1/namespaces/xmisc/poddisruptionbudgets"


def pdb(**s):
    return k("PodDisruptionBudget", "policy/v1", spec=s)


cases = [
    (
        "role",
        f"{RN}/roles",
        k(
            "Role",
            RV,
            rules=[
                {},
                {"verbs": ["get"], "nonResourceURLs": ["/x"]},
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
            ],
        ),
    ),
    ("role name", f"{RN}/roles", k("Role", RV, "a%b")),
    (
        "clusterrole",
        f"{R}/clusterroles",
        k(
            "ClusterRole",
            RV,
            "xcr",
            rules=[{"verbs": [], "nonResourceURLs": ["/x"], "resources": ["a"]}],
            aggregationRule={},
        ),
    ),
    (
        "clusterrole agg",
        f"{R}/clusterroles",
        k("ClusterRole", RV, "xcr", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}),
    ),
    ("rb", f"{RN}/rolebindings", k("RoleBinding", RV)),
    (
        "rb bad",
        f"{RN}/rolebindings",
        k(
            "RoleBinding",
            RV,
            roleRef={"apiGroup": "x", "kind": "X", "name": "a/b"},
            subjects=[
                {},
                {"kind": "User", "name": ""},
                {"kind": "ServiceAccount", "name": "A", "apiGroup": "x"},
                {"kind": "Group", "name": "g", "apiGroup": "y"},
            ],
        ),
    ),
    (
        "crb",
        f"{R}/clusterrolebindings",
        k(
            "ClusterRoleBinding",
            RV,
            "xcrb",
            roleRef={"kind": "Role", "name": "r"},
            subjects=[{"kind": "ServiceAccount", "name": "a"}],
        ),
    ),
    ("pdb both", P, pdb(minAvailable=1, maxUnavailable=1)),
    ("pdb neg", P, pdb(minAvailable=-1)),
    ("pdb pct", P, pdb(minAvailable="120%")),
    ("pdb text", P, pdb(maxUnavailable="x")),
    (
        "pdb selector",
        P,
        pdb(selector={"matchExpressions": [{"key": "a", "operator": "X"}]}, unhealthyPodEvictionPolicy="X"),
    ),
    ("pdb none", P, pdb()),
    ("hpa none", H, k("HorizontalPodAutoscaler", "autoscaling/v2")),
    ("hpa bounds", H, hpa(minReplicas=0, maxReplicas=-1)),
    ("hpa less", H, hpa(minReplicas=5)),
    ("hpa ref", H, hpa(scaleTargetRef={"kind": "a/b", "name": "", "apiVersion": "a/b/c"})),
    (
        "hpa metrics",
        H,
        hpa(
            metrics=[
                {},
                {"type": "X"},
                {"type": "Resource"},
                {"type": "Resource", "resource": {"name": "", "target": {"type": ""}}},
                {"type": "Pods", "pods": {"metric": {"name": ""}, "target": {"type": "Value", "value": "0"}}},
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": "m"},
                        "target": {"type": "Value", "value": "1", "averageValue": "1"},
                    },
                },
                {
                    "type": "Object",
                    "object": {
                        "describedObject": {"kind": "", "name": "x"},
                        "metric": {"name": "a/b"},
                        "target": {"type": "X"},
                    },
                },
                {
                    "type": "ContainerResource",
                    "containerResource": {
                        "name": "nope",
                        "container": "",
                        "target": {"type": "Utilization", "averageUtilization": 0},
                    },
                },
                {
                    "type": "Pods",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 1}},
                },
            ]
        ),
    ),
    (
        "hpa behavior",
        H,
        hpa(
            behavior={
                "scaleUp": {"stabilizationWindowSeconds": -1, "selectPolicy": "X", "policies": []},
                "scaleDown": {
                    "stabilizationWindowSeconds": 99999,
                    "policies": [
                        {"type": "X", "value": 0, "periodSeconds": 0},
                        {"type": "Pods", "value": 1, "periodSeconds": 9999},
                    ],
                    "tolerance": "-1",
                },
            }
        ),
    ),
    ("hpa default", H, hpa()),
    ("hpa behavior default", H, hpa(behavior={"scaleDown": {"stabilizationWindowSeconds": 10}})),
    (
        "hpa v1",
        H1,
        k(
            "HorizontalPodAutoscaler",
            "autoscaling/v1",
            spec={"maxReplicas": 0, "minReplicas": 0, "scaleTargetRef": {}, "targetCPUUtilizationPercentage": -1},
        ),
    ),
    (
        "hpa v1 ok",
        H1,
        k(
            "HorizontalPodAutoscaler",
            "autoscaling/v1",
            spec={"maxReplicas": 3, "scaleTargetRef": {"kind": "D", "name": "d"}},
        ),
    ),
    ("wh", "%s/validatingwebhookconfigurations" % AD, wh()),
    (
        "wh bad",
        "%s/validatingwebhookconfigurations" % AD,
        wh(
            name="a",
            sideEffects="Some",
            admissionReviewVersions=["v2", "v2"],
            failurePolicy="X",
            matchPolicy="X",
            timeoutSeconds=99,
            clientConfig={},
            rules=[
                {
                    "operations": ["*", "CREATE", "X"],
                    "apiGroups": ["*", "a"],
                    "apiVersions": [""],
                    "resources": ["*", "pods", "a/*", "a/b", "*/*", ""],
                    "scope": "X",
                }
            ],
            namespaceSelector={"matchLabels": {"a b": "c"}},
        ),
    ),
    (
        "wh none",
        "%s/validatingwebhookconfigurations" % AD,
        k("ValidatingWebhookConfiguration", AV, "xwh", webhooks=[{}]),
    ),
    (
        "wh url",
        "%s/mutatingwebhookconfigurations" % AD,
        wh("MutatingWebhookConfiguration", clientConfig={"url": "http://u@/x?a#b"}, reinvocationPolicy="X"),
    ),
    (
        "wh svc",
        "%s/mutatingwebhookconfigurations" % AD,
        wh(
            "MutatingWebhookConfiguration",
            clientConfig={"service": {"name": "", "namespace": "", "path": "a//B", "port": 0}},
        ),
    ),
    (
        "wh dup",
        "%s/validatingwebhookconfigurations" % AD,
        k("ValidatingWebhookConfiguration", AV, "xwh", webhooks=wh()["webhooks"] * 2),
    ),
    (
        "csr",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        k(
            "CertificateSigningRequest",
            "certificates.k8s.io/v1",
            "xcsr",
            spec={"request": CSR, "signerName": "a", "usages": ["x", "x"], "expirationSeconds": 5},
        ),
    ),
    (
        "csr none",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        k("CertificateSigningRequest", "certificates.k8s.io/v1", "xcsr", spec={}),
    ),
    (
        "csr legacy",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
        k(
            "CertificateSigningRequest",
            "certificates.k8s.io/v1",
            "xcsr",
            spec={"request": CSR, "signerName": "kubernetes.io/legacy-unknown", "usages": ["any"]},
        ),
    ),
    (
        "pc",
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        k("PriorityClass", "scheduling.k8s.io/v1", "system-x", value=1),
    ),
    (
        "pc big",
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        k("PriorityClass", "scheduling.k8s.io/v1", "xpc", value=2000000000, preemptionPolicy="X"),
    ),
    (
        "lease",
        "/apis/coordination.k8s.io/v1/namespaces/xmisc/leases",
        k(
            "Lease",
            "coordination.k8s.io/v1",
            spec={"leaseDurationSeconds": 0, "leaseTransitions": -1, "preferredHolder": "x", "strategy": "X"},
        ),
    ),
    ("rtc", "/apis/node.k8s.io/v1/runtimeclasses", k("RuntimeClass", "node.k8s.io/v1", "xrc")),
    (
        "rtc bad",
        "/apis/node.k8s.io/v1/runtimeclasses",
        k(
            "RuntimeClass",
            "node.k8s.io/v1",
            "xrc",
            handler="A_",
            overhead={"podFixed": {"nope": "1"}},
            scheduling={
                "nodeSelector": {"a b": "c"},
                "tolerations": [{"key": "a", "operator": "X"}, {"key": "a", "operator": "X"}],
            },
        ),
    ),
    (
        "lr",
        f"{N}/limitranges",
        k(
            "LimitRange",
            "v1",
            spec={
                "limits": [
                    {"type": "X"},
                    {"type": "Pod", "default": {"cpu": "1"}},
                    {
                        "type": "Container",
                        "min": {"cpu": "2", "nope": "1"},
                        "max": {"cpu": "1"},
                        "maxLimitRequestRatio": {"cpu": "500m"},
                    },
                    {"type": "Container"},
                    {"type": "PersistentVolumeClaim"},
                ]
            },
        ),
    ),
    (
        "rq",
        f"{N}/resourcequotas",
        k("ResourceQuota", "v1", spec={"hard": {"nope": "1"}, "scopes": ["X", "BestEffort", "NotBestEffort"]}),
    ),
    ("rq amounts", f"{N}/resourcequotas", k("ResourceQuota", "v1", spec={"hard": {"pods": "1500m"}})),
    ("rq negative", f"{N}/resourcequotas", k("ResourceQuota", "v1", spec={"hard": {"cpu": "-1"}})),
    (
        "rq selector",
        f"{N}/resourcequotas",
        k(
            "ResourceQuota",
            "v1",
            spec={
                "hard": {"services": "1"},
                "scopeSelector": {
                    "matchExpressions": [
                        {"scopeName": "X", "operator": "Y"},
                        {"scopeName": "BestEffort", "operator": "In"},
                        {"scopeName": "PriorityClass", "operator": "Exists", "values": ["a"]},
                    ]
                },
            },
        ),
    ),
    ("ns", "/api/v1/namespaces", k("Namespace", "v1", "xns", spec={"finalizers": ["x"]})),
    ("ns name", "/api/v1/namespaces", k("Namespace", "v1", "a.b")),
    ("sa", f"{N}/serviceaccounts", k("ServiceAccount", "v1", "A")),
    (
        "cm keys",
        f"{N}/configmaps",
        k("ConfigMap", "v1", data={"a/b": "x", "..": "y", "k": "v"}, binaryData={"k": "AA=="}),
    ),
    ("secret keys", f"{N}/secrets", k("Secret", "v1", data={"a/b": "AA=="})),
    (
        "secret docker",
        f"{N}/secrets",
        k("Secret", "v1", type="kubernetes.io/dockerconfigjson", data={".dockerconfigjson": "AA=="}),
    ),
    ("secret docker none", f"{N}/secrets", k("Secret", "v1", type="kubernetes.io/dockercfg")),
    ("secret sa", f"{N}/secrets", k("Secret", "v1", type="kubernetes.io/service-account-token")),
    ("secret basic", f"{N}/secrets", k("Secret", "v1", type="kubernetes.io/basic-auth")),
    ("secret ssh", f"{N}/secrets", k("Secret", "v1", type="kubernetes.io/ssh-auth")),
    (
        "fs",
        f"{FC}/flowschemas",
        k(
            "FlowSchema",
            FV,
            "xfs",
            spec={
                "matchingPrecedence": 99999,
                "distinguisherMethod": {"type": "X"},
                "priorityLevelConfiguration": {"name": ""},
                "rules": [
                    {},
                    {
                        "subjects": [
                            {"kind": "X"},
                            {"kind": "User", "group": {"name": ""}},
                            {"kind": "ServiceAccount", "serviceAccount": {"name": "", "namespace": ""}},
                        ],
                        "resourceRules": [{"verbs": ["x"], "apiGroups": ["*", "a"], "resources": []}],
                        "nonResourceRules": [{"verbs": [], "nonResourceURLs": ["a", "/a b", "//", "/*a"]}],
                    },
                ],
            },
        ),
    ),
    ("plc", f"{FC}/prioritylevelconfigurations", k("PriorityLevelConfiguration", FV, "xpl", spec={"type": "X"})),
    (
        "plc limited",
        f"{FC}/prioritylevelconfigurations",
        k(
            "PriorityLevelConfiguration",
            FV,
            "xpl",
            spec={
                "type": "Limited",
                "exempt": {},
                "limited": {
                    "nominalConcurrencyShares": -1,
                    "lendablePercent": 200,
                    "limitResponse": {
                        "type": "Queue",
                        "queuing": {"queues": -1, "handSize": -1, "queueLengthLimit": -1},
                    },
                },
            },
        ),
    ),
    (
        "plc none",
        f"{FC}/prioritylevelconfigurations",
        k("PriorityLevelConfiguration", FV, "xpl", spec={"type": "Limited"}),
    ),
    (
        "plc exempt",
        f"{FC}/prioritylevelconfigurations",
        k("PriorityLevelConfiguration", FV, "xpl", spec={"type": "Exempt"}),
    ),
    ("event", f"{N}/events", k("Event", "v1", involvedObject={"namespace": "q"})),
    ("event none", f"{N}/events", k("Event", "v1")),
    (
        "event new",
        f"{N}/events",
        k("Event", "v1", eventTime="2026-01-01T00:00:00.000000Z", involvedObject={"namespace": "xmisc"}),
    ),
    ("event v1", "/apis/events.k8s.io/v1/namespaces/xmisc/events", k("Event", "events.k8s.io/v1")),
    (
        "event v1 b",
        "/apis/events.k8s.io/v1/namespaces/xmisc/events",
        k(
            "Event",
            "events.k8s.io/v1",
            regarding={"namespace": "xmisc"},
            eventTime="2026-01-01T00:00:00.000000Z",
            type="X",
            reason="r",
            action="a",
            reportingController="a b",
            reportingInstance="i",
            note="n",
            series={"count": 1},
        ),
    ),
    (
        "event v1 ok",
        "/apis/events.k8s.io/v1/namespaces/xmisc/events",
        k(
            "Event",
            "events.k8s.io/v1",
            regarding={"namespace": "xmisc", "kind": "Pod", "name": "p"},
            eventTime="2026-01-01T00:00:00.000000Z",
            type="Normal",
            reason="r",
            action="a",
            reportingController="a.b/c",
            reportingInstance="i",
            note="n",
        ),
    ),
    ("vap", "%s/validatingadmissionpolicies" % AD, k("ValidatingAdmissionPolicy", AV, "xvap", spec={})),
    (
        "vap ok",
        "%s/validatingadmissionpolicies" % AD,
        k(
            "ValidatingAdmissionPolicy",
            AV,
            "xvap",
            spec={
                "matchConstraints": {
                    "resourceRules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ]
                },
                "validations": [{"expression": "object.spec.replicas <= 5"}],
            },
        ),
    ),
    (
        "vapb",
        "%s/validatingadmissionpolicybindings" % AD,
        k("ValidatingAdmissionPolicyBinding", AV, "xvapb", spec={}),
    ),
    ("dc", "/apis/resource.k8s.io/v1/deviceclasses", k("DeviceClass", "resource.k8s.io/v1", "xdc", spec={})),
    (
        "rcl",
        "/apis/resource.k8s.io/v1/namespaces/xmisc/resourceclaims",
        k("ResourceClaim", "resource.k8s.io/v1", spec={}),
    ),
    ("rs", "/apis/resource.k8s.io/v1/resourceslices", k("ResourceSlice", "resource.k8s.io/v1", "xrs", spec={})),
]
STEPS = [namespace("xmisc")] + [post(a, p + "?dryRun=All", v, ignore=MF) for a, p, v in cases]
STEPS += [
    post(
        "rb create",
        f"{RN}/rolebindings",
        k("RoleBinding", RV, roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}),
        ignore=MF,
    ),
    patch("rb change", f"{RN}/rolebindings/x", "merge", {"roleRef": {"name": "q"}}),
    post(
        "pc create",
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        k("PriorityClass", "scheduling.k8s.io/v1", "xpc", value=5),
        ignore=MF,
    ),
    patch(
        "pc change",
        "/apis/scheduling.k8s.io/v1/priorityclasses/xpc",
        "merge",
        {"value": 6, "preemptionPolicy": "Never"},
    ),
    delete("pc delete", "/apis/scheduling.k8s.io/v1/priorityclasses/xpc", compare="status"),
    post("hpa create", H, hpa(), ignore=MF),
    patch("hpa status", f"{H}/x/status", "merge", {"status": {"currentReplicas": -1, "desiredReplicas": 2}}),
    get("hpa table", H, accept=TABLE, ignore=["body.rows.*.object.metadata.managedFields"]),
    post("secret create", f"{N}/secrets", k("Secret", "v1", immutable=True, data={"a": "AA=="}), ignore=MF),
    patch("secret change", f"{N}/secrets/x", "merge", {"type": "x", "data": {"a": "AQ=="}}),
    patch("secret mutable", f"{N}/secrets/x", "merge", {"immutable": None}),
    post(
        "rq create",
        f"{N}/resourcequotas",
        k("ResourceQuota", "v1", spec={"hard": {"pods": "1"}, "scopes": ["BestEffort"]}),
        ignore=MF,
    ),
    patch("rq scopes", f"{N}/resourcequotas/x", "merge", {"spec": {"scopes": ["NotBestEffort"]}}),
    patch(
        "rq status",
        f"{N}/resourcequotas/x/status",
        "merge",
        {"status": {"hard": {"nope": "1"}, "used": {"pods": "-1"}}},
    ),
    patch("ns status", "/api/v1/namespaces/xmisc/status", "merge", {"status": {"phase": "Terminating"}}),
    put(
        "ns finalize",
        "/api/v1/namespaces/xmisc/finalize",
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "xmisc"},
            "spec": {"finalizers": ["x", "kubernetes"]},
        },
    ),
    get("componentstatus", "/api/v1/componentstatuses", compare="status"),
]
