"""In which order members stand, whatever the client's was: built-in types as their structs have them, maps and custom objects by their names."""
import importlib.util, json, pathlib
from differential import *

every = importlib.util.spec_from_file_location("every_type", pathlib.Path(__file__).with_name("y_every_type.py"))
types = importlib.util.module_from_spec(every)
every.loader.exec_module(types)

NS = "diff-order"
# The names of all members of an answer, in order.
NAMES = r'"([^"\\]*)":'
NAMES_OF_METADATA = {"b": "2", "a": "1", "example.com/c": "3"}
G = "order.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def backwards(value):
    if isinstance(value, dict):
        return {name: backwards(value[name]) for name in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


def named(steps): return [s | {"cut": s["cut"] or NAMES} for s in steps]


def steps_of(resource, kind, version, namespaced, rest):
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    at = f"{root}/namespaces/{NS}/{resource}" if namespaced else f"{root}/{resource}"
    of, name = f"{resource} {version}", rest.get("metadata", {}).get("name", f"o-{resource[:8]}")
    labels = NAMES_OF_METADATA | rest.get("metadata", {}).get("labels", {})
    metadata = rest.get("metadata", {}) | {"name": name, "labels": labels, "annotations": NAMES_OF_METADATA, "finalizers": ["example.com/kept"],
                                           "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u", "controller": True, "blockOwnerDeletion": False}]}
    rest = json.loads(json.dumps(rest).replace("xtypes", NS))
    body = {"apiVersion": version, "kind": kind} | rest | {"metadata": metadata}
    return named([
        post(f"{of} created", at, backwards(body)),
        # Who looks after flow schemas says something of each that comes.
        get(f"{of} shown", f"{at}/{name}", wait=20 if resource == "flowschemas" else None), get(f"{of} listed", f"{at}?fieldSelector=metadata.name={name}"),
        get(f"{of} as metadata", f"{at}/{name}", accept=PARTIAL), get(f"{of} as a row", f"{at}/{name}?includeObject=Object", accept=TABLE),
        patch(f"{of} patched", f"{at}/{name}", "merge", {"metadata": {"generateName": "g", "labels": {"aa": "4"}, "annotations": {"0": "5"}}}),
        patch(f"{of} applied", f"{at}/{name}?fieldManager=one", "apply", {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"ab": "6"}}}),
        delete(f"{of} deleted, dry", f"{at}/{name}?dryRun=All"), delete(f"{of} deleted", f"{at}/{name}"),
        patch(f"{of} let go", f"{at}/{name}", "merge", {"metadata": {"finalizers": None}}),
    ])


CONTAINER = {"name": "c", "image": "example.com/a:1", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}, {"name": "F", "value": "f"}],
             "ports": [{"name": "p", "containerPort": 80, "protocol": "TCP"}], "resources": {"requests": {"memory": "1Mi", "cpu": "1m"}, "limits": {"memory": "2Mi", "cpu": "2m"}},
             "livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP", "httpHeaders": [{"name": "a", "value": "b"}]}, "periodSeconds": 3, "initialDelaySeconds": 2},
             "securityContext": {"runAsUser": 1, "capabilities": {"add": ["A"], "drop": ["B"]}, "privileged": False}, "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}], "command": ["x"], "args": ["y"]}
POD = {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}}], "defaultMode": 420}}], "containers": [CONTAINER], "initContainers": [{k: v for k, v in CONTAINER.items() if k != "livenessProbe"} | {"name": "i"}],
       "nodeSelector": {"z": "1", "y": "2"}, "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 3}], "securityContext": {"fsGroup": 1, "runAsNonRoot": True},
       "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "t", "labelSelector": {"matchLabels": {"b": "1", "a": "2"}, "matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}}}]}},
       "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "t", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}}]}
DEPLOYMENT = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"z": "c", "a": "b"}}, "spec": POD}, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": "20%"}},
              "minReadySeconds": 1, "revisionHistoryLimit": 2, "paused": True}
SERVICE = {"type": "NodePort", "selector": {"b": "1", "a": "2"}, "ports": [{"name": "p", "port": 80, "protocol": "TCP", "targetPort": 81}], "sessionAffinity": "ClientIP"}
LARGE = [
    ("secrets", "Secret", "v1", True, {"metadata": {"name": "o-large-secret"}, "type": "Opaque", "data": {"b": "Yw==", "a": "Yw=="}, "immutable": False}),
    ("pods", "Pod", "v1", True, {"metadata": {"name": "o-large-pod"}, "spec": POD}),
    ("deployments", "Deployment", "apps/v1", True, {"metadata": {"name": "o-large-deployment"}, "spec": DEPLOYMENT}),
    ("services", "Service", "v1", True, {"metadata": {"name": "o-large-service"}, "spec": SERVICE}),
]

NODES = named([
    post("a node", "/api/v1/nodes", backwards({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "o-large-node"}, "spec": {"podCIDR": "10.9.0.0/24", "podCIDRs": ["10.9.0.0/24"], "providerID": "x", "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}], "unschedulable": True}})),
    patch("its status", "/api/v1/nodes/o-large-node/status", "merge", backwards({"status": {"capacity": {"memory": "1Gi", "cpu": "1"}, "allocatable": {"pods": "1", "cpu": "1"}, "addresses": [{"type": "InternalIP", "address": "192.0.2.9"}],
          "nodeInfo": {"machineID": "m", "kernelVersion": "k"}, "images": [{"names": ["a"], "sizeBytes": 1}], "conditions": [{"type": "Ready", "status": "True", "reason": "r", "message": "m"}]}})),
    delete("the node goes", "/api/v1/nodes/o-large-node"),
])

AT = f"/apis/{G}/v1/namespaces/{NS}/things"
COLUMN = {"name": "A", "type": "string", "jsonPath": ".spec.a", "priority": 1, "description": "d", "format": "date"}
SCHEMA = {"type": "object", "description": "d", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"b": {"type": "integer", "default": 3, "minimum": 1}, "a": {"type": "string", "maxLength": 9, "pattern": "."}}}, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
DEFINITION = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"things.{G}"}, "spec": {"group": G, "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList", "shortNames": ["th"]},
              "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}, "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.b", "statusReplicasPath": ".status.b"}}, "additionalPrinterColumns": [COLUMN]},
                           {"name": "v2", "served": True, "storage": False, "schema": {"openAPIV3Schema": SCHEMA}, "subresources": {"status": {}}}], "conversion": {"strategy": "None"}}}


def thing(name, version="v1"):
    return backwards({"apiVersion": f"{G}/{version}", "kind": "Thing", "metadata": {"name": name, "labels": NAMES_OF_METADATA, "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u"}]}, "spec": {"z": {"d": 1, "c": [{"f": 1, "e": 2}]}, "a": "1"}})


OTHER = AT.replace("/v1/", "/v2/")
CUSTOM = named([
    post("a definition", CRDS, backwards(DEFINITION)), get("the definition is established", f"{CRDS}/things.{G}", wait=20), get("it is served", AT, wait=20), get("it is served in v2", OTHER, wait=20),
    post("a thing", AT, thing("a")), post("a thing in v2", OTHER, thing("b", "v2")), get("the thing", f"{AT}/a"), get("the thing in v2", f"{OTHER}/a"), get("the other in v1", f"{AT}/b"),
    get("the things", AT), get("the things in v2", OTHER), get("a page of things", f"{AT}?limit=1"), get("things as metadata", AT, accept=PARTIAL_LIST), get("things as rows", f"{AT}?includeObject=Object", accept=TABLE),
    get("the thing as metadata", f"{AT}/a", accept=PARTIAL),
    put("put", f"{AT}/a", thing("a")), patch("patched", f"{AT}/a", "merge", {"spec": {"y": {"2": 1, "1": 2}}, "metadata": {"annotations": {"b": "1", "a": "2"}}}),
    patch("its status", f"{AT}/a/status", "merge", {"status": {"d": 1, "b": 2}}), patch("a json patch", f"{AT}/a", "json", [{"op": "add", "path": "/spec/aa", "value": {"b": 1, "a": 2}}]),
    patch("applied", f"{AT}/a?fieldManager=one", "apply", thing("a"), ), patch("created by an apply", f"{AT}/c?fieldManager=one", "apply", thing("c")),
    get("its scale", f"{AT}/a/scale"), delete("deleted, dry", f"{AT}/a?dryRun=All"), delete("deleted", f"{AT}/c"), delete("all deleted, dry", f"{AT}?dryRun=All"), delete("the definition goes", f"{CRDS}/things.{G}"),
])

LISTS = named([
    *[post(f"config map {i}", f"/api/v1/namespaces/{NS}/configmaps", {"metadata": {"name": f"page-{i}"}, "kind": "ConfigMap", "binaryData": {"b": "Yw==", "a": "Yw=="}, "data": {"z": "1", "y": "2"}, "apiVersion": "v1"}) for i in (1, 2)],
    get("a page", f"/api/v1/namespaces/{NS}/configmaps?limit=1"), get("a page of metadata", f"/api/v1/namespaces/{NS}/configmaps?limit=1", accept=PARTIAL_LIST), get("a page of rows", f"/api/v1/namespaces/{NS}/configmaps?limit=1", accept=TABLE),
    delete("a page deleted, dry", f"/api/v1/namespaces/{NS}/configmaps?limit=1&dryRun=All"),
    get("a namespace", "/api/v1/namespaces/kube-node-lease"), get("a priority class", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical", cut=r'"(kind|apiVersion|metadata|name|uid|resourceVersion|generation|creationTimestamp|value|preemptionPolicy)":'),
    get("a cluster role", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"), get("a cluster role binding", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/cluster-admin"),
    post("a review", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", backwards({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": {"namespace": "a", "verb": "get", "group": "", "version": "v1", "resource": "pods", "name": "n"}}}), cut=r'"(kind|apiVersion|metadata|spec|resourceAttributes|namespace|verb|version|resource|name|status|allowed)":'),
    post("a token's review", "/apis/authentication.k8s.io/v1/tokenreviews", backwards({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": "x", "audiences": ["a"]}})),
    get("the version", "/version"),
])

STEPS = [namespace(NS)] + [s for t in types.TYPES for s in steps_of(*t)] + [s for t in LARGE for s in steps_of(*t)] + NODES + CUSTOM + LISTS
