"""What a server makes by itself when it starts, and who manages it: each object whole, managed fields included."""
from differential import *

FLOWCONTROL = "/apis/flowcontrol.apiserver.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APISERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
DEFAULTS = "labelSelector=kubernetes.io%2Fbootstrapping%3Drbac-defaults"
LEASES = ("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
          "?labelSelector=apiserver.kubernetes.io%2Fidentity%3Dkube-apiserver")

SCHEMAS = ["catch-all", "exempt", "global-default", "kube-controller-manager", "kube-scheduler",
           "kube-system-service-accounts", "probes", "service-accounts", "system-leader-election", "system-node-high",
           "system-nodes"]
LEVELS = ["catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high", "workload-low"]
VERSIONS = ["v1.", "v1.admissionregistration.k8s.io", "v1.apiextensions.k8s.io", "v1.apps", "v1.authentication.k8s.io",
            "v1.authorization.k8s.io", "v1.autoscaling", "v2.autoscaling", "v1.batch", "v1.certificates.k8s.io",
            "v1.coordination.k8s.io", "v1.discovery.k8s.io", "v1.events.k8s.io", "v1.flowcontrol.apiserver.k8s.io",
            "v1.networking.k8s.io", "v1.node.k8s.io", "v1.policy", "v1.rbac.authorization.k8s.io", "v1.resource.k8s.io",
            "v1.scheduling.k8s.io", "v1.storage.k8s.io"]
NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"]


def apiservice(name, **spec):
    version, group = name.split(".", 1)
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name},
            "spec": {"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100} | spec}


def schema(name, level):
    return {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": name},
            "spec": {"matchingPrecedence": 9000, "priorityLevelConfiguration": {"name": level}}}


STEPS = [
    *[get(f"flow schema {name}", f"{FLOWCONTROL}/flowschemas/{name}") for name in SCHEMAS],
    *[get(f"priority level {name}", f"{FLOWCONTROL}/prioritylevelconfigurations/{name}") for name in LEVELS],
    *[get(f"APIService {name}", f"{APISERVICES}/{name}") for name in VERSIONS],
    *[get(f"namespace {name}", f"/api/v1/namespaces/{name}") for name in NAMESPACES],
    *[get(f"priority class {name}", f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}", ignore=["body.description"])
      for name in ("system-cluster-critical", "system-node-critical")],
    *[get(f"default {kind}", f"{RBAC}/{kind}?{DEFAULTS}")
      for kind in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")],
    # Here it is written at once with its address: they have one revision.
    get("the service", "/api/v1/namespaces/default/services/kubernetes",
        ignore=["body.spec.ports.*.targetPort", "body.metadata.resourceVersion"]),
    get("its address", "/apis/networking.k8s.io/v1/ipaddresses/10.0.0.1"),
    get("the range", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes"),

    # The lease by which servers know each other; its names are those of the machine.
    get("identity", LEASES, wait=1, ignore=["body.items.*.metadata.name", "body.items.*.metadata.labels",
                                            "body.items.*.metadata.annotations", "body.items.*.spec.holderIdentity"]),
    get("identity's names", LEASES, wait=1, cut=r'(?<="name":")apiserver-(?=[a-z2-7]{26}")|(?<="labels":\{")apiserver\.kubernetes'
        r'\.io/identity":"kube-apiserver","kubernetes\.io/hostname":"|(?<="annotations":\{")kubernetes\.io/peer-advertise-'
        r'address":"(?=[0-9.]+:[0-9]+")|"holderIdentity":"apiserver-(?=[a-z2-7]{26}_[0-9a-f-]{36}")|"renewTime":"'
        r'(?=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")'),

    # What a client makes is treated alike.
    post("own local APIService", APISERVICES, apiservice("v1.local.first.example.com")),
    get("it is available", f"{APISERVICES}/v1.local.first.example.com"),
    post("with a status", APISERVICES, apiservice("v1.told.first.example.com") | {"status": {"conditions": [
        {"type": "Available", "status": "False", "reason": "Mine", "lastTransitionTime": "2026-01-01T00:00:00Z"},
        {"type": "Other", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
    post("dry run", APISERVICES + "?dryRun=All", apiservice("v1.dry.first.example.com")),
    patch("applied", f"{APISERVICES}/v1.applied.first.example.com?fieldManager=me", "apply",
          apiservice("v1.applied.first.example.com")),
    delete("away", f"{APISERVICES}/v1.local.first.example.com", compare="status"),
    delete("away, told", f"{APISERVICES}/v1.told.first.example.com", compare="status"),
    delete("away, applied", f"{APISERVICES}/v1.applied.first.example.com", compare="status"),
    post("own flow schema", f"{FLOWCONTROL}/flowschemas", schema("first", "nowhere"), compare="status"),
    get("it dangles", f"{FLOWCONTROL}/flowschemas/first", wait=4),
    delete("away, schema", f"{FLOWCONTROL}/flowschemas/first", compare="status"),
]
