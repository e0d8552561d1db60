"""Around objects of many types: forms of answers, who writes what, parts, preconditions, and how they go."""
import importlib.util
import json
import pathlib

from differential import PARTIAL, PARTIAL_LIST, TABLE, delete, get, namespace, patch, post, put

SPEC = importlib.util.spec_from_file_location("y_every_type", pathlib.Path(__file__).with_name("y_every_type.py"))
OTHER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(OTHER)
TYPES = {
    ("configmaps", "v1"), ("pods", "v1"), ("services", "v1"), ("nodes", "v1"), ("namespaces", "v1"),
    ("persistentvolumes", "v1"), ("serviceaccounts", "v1"), ("replicationcontrollers", "v1"), ("resourcequotas", "v1"),
    ("daemonsets", "apps/v1"), ("deployments", "apps/v1"), ("statefulsets", "apps/v1"),
    ("horizontalpodautoscalers", "autoscaling/v1"), ("leases", "coordination.k8s.io/v1"),
    ("ingresses", "networking.k8s.io/v1"), ("poddisruptionbudgets", "policy/v1"),
    ("roles", "rbac.authorization.k8s.io/v1"), ("resourceclaims", "resource.k8s.io/v1"),
    ("storageclasses", "storage.k8s.io/v1"), ("volumeattachments", "storage.k8s.io/v1"),
    ("validatingadmissionpolicies", "admissionregistration.k8s.io/v1"),
}  # fmt: skip
# Any free address may be taken.
ADDRESS = ("body.spec.clusterIP", "body.spec.clusterIPs")
OBJECT = ("body.metadata.managedFields",) + ADDRESS
ITEMS = ("body.items.*.metadata.managedFields", "body.items.*.spec.clusterIP", "body.items.*.spec.clusterIPs")
ROWS = ("body.rows.*.cells", "body.rows.*.object.metadata.managedFields", "body.rows.*.object.spec.clusterIP",
        "body.rows.*.object.spec.clusterIPs")  # fmt: skip
# Two versions of an object are told in messages.
WORDS = ("body.message",)


def steps_of(resource, kind, version, namespaced, rest):
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    rest = json.loads(json.dumps(rest).replace("xtypes", "xaround"))
    at = f"{root}/namespaces/xaround/{resource}" if namespaced else f"{root}/{resource}"
    name, of = "r-type", f"{resource} {version}:"
    one, labels = f"{at}/{name}", {"of": "around"}
    object_ = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}} | rest
    applied = lambda **metadata: {"apiVersion": version, "kind": kind, "metadata": {"name": name} | metadata}  # noqa: E731
    untyped = {key: value for key, value in object_.items() if key not in ("kind", "apiVersion")}
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}}
    mine = "labelSelector=of=around"
    return [
        post(f"{of} yaml", f"{at}?dryRun=All", raw=json.dumps(object_), content_type="application/yaml", ignore=OBJECT),
        post(f"{of} unknown, strict", f"{at}?fieldValidation=Strict&dryRun=All", object_ | {"nonsense": 1}),
        post(f"{of} unknown, told", f"{at}?fieldValidation=Warn&dryRun=All", object_ | {"nonsense": 1}, ignore=OBJECT),
        post(f"{of} other kind", f"{at}?dryRun=All", object_ | {"kind": "Nope"}),
        post(f"{of} other version", f"{at}?dryRun=All", object_ | {"apiVersion": "nope/v1"}),
        post(f"{of} no kind", f"{at}?dryRun=All", untyped, ignore=OBJECT),
        post(f"{of} no name", f"{at}?dryRun=All", object_ | {"metadata": {}}),
        post(f"{of} with a version", f"{at}?dryRun=All", object_ | {"metadata": {"name": name, "resourceVersion": "5"}}, ignore=OBJECT),
        post(f"{of} half an owner", f"{at}?dryRun=All", object_ | {"metadata": {"name": name, "ownerReferences": [{"kind": "Pod", "name": "x"}]}}),
        post(f"{of} created as a row", f"{at}?dryRun=All", object_, accept=TABLE, ignore=ROWS),
        post(f"{of} created in part", f"{at}?dryRun=All", object_, accept=PARTIAL, ignore=OBJECT),
        post(f"{of} create", at, object_, ignore=OBJECT),
        post(f"{of} again", at, object_),
        get(f"{of} in part", one, accept=PARTIAL, ignore=OBJECT),
        get(f"{of} list in part", f"{at}?{mine}", accept=PARTIAL_LIST, ignore=ITEMS),
        get(f"{of} rows", f"{at}?{mine}", accept=TABLE, ignore=ROWS),
        get(f"{of} rows with objects", f"{at}?{mine}&includeObject=Object", accept=TABLE, ignore=ROWS),
        get(f"{of} rows alone", f"{at}?{mine}&includeObject=None", accept=TABLE, ignore=ROWS),
        get(f"{of} by name and namespace", f"{at}?fieldSelector=metadata.name={name},metadata.namespace={'xaround' if namespaced else ''}", ignore=ITEMS),
        put(f"{of} other name", one, object_ | {"metadata": {"name": "other"}}),
        put(f"{of} other namespace", f"{one}?dryRun=All", object_ | {"metadata": {"name": name, "namespace": "other"}}, ignore=OBJECT),
        put(f"{of} other uid", one, object_ | {"metadata": {"name": name, "uid": "nope"}}, ignore=WORDS),
        put(f"{of} the same", one, object_, ignore=OBJECT),
        patch(f"{of} json", one, "json", [{"op": "add", "path": "/metadata/labels/x", "value": "y"}], ignore=OBJECT),
        patch(f"{of} json test", one, "json", [{"op": "test", "path": "/metadata/labels/x", "value": "n"}]),
        patch(f"{of} merge", one, "merge", {"metadata": {"annotations": {"a": "b"}}}, ignore=OBJECT),
        patch(f"{of} strategic", one, "strategic", {"metadata": {"finalizers": ["example.com/x"]}}, ignore=OBJECT),
        patch(f"{of} apply", f"{one}?fieldManager=me", "apply", applied(labels={"x": "z"}), ignore=OBJECT),
        patch(f"{of} apply by force", f"{one}?fieldManager=me&force=true", "apply", applied(labels={"x": "z"}), ignore=ADDRESS),
        patch(f"{of} apply of no kind", f"{one}?fieldManager=me", "apply", {"metadata": {"name": name}}),
        patch(f"{of} apply by nobody", one, "apply", applied()),
        patch(f"{of} status", f"{one}/status?fieldManager=s", "merge", {"metadata": {"labels": {"by": "status"}}, "status": {}}, ignore=ADDRESS),
        patch(f"{of} status applied", f"{one}/status?fieldManager=t", "apply", applied(labels={"by": "apply"}) | {"status": {}}, ignore=ADDRESS),
        put(f"{of} status put", f"{one}/status", object_, ignore=OBJECT),
        get(f"{of} managers", one, ignore=ADDRESS),
        get(f"{of} scale", f"{one}/scale"),
        patch(f"{of} scale applied", f"{one}/scale?fieldManager=c", "apply", scale | {"metadata": {"name": name}}),
        get(f"{of} no such part", f"{one}/nonsense"),
        get(f"{of} everywhere", f"{root}/{resource}?fieldSelector=metadata.name={name}", accept=PARTIAL_LIST, ignore=ITEMS),
        delete(f"{of} other version to go", one, {"preconditions": {"resourceVersion": "1"}}, ignore=WORDS),
        delete(f"{of} other uid to go", one, {"preconditions": {"uid": "nope"}}, ignore=WORDS),
        delete(f"{of} is held", one, ignore=OBJECT),
        delete(f"{of} is held still", one, {"propagationPolicy": "Foreground"}, ignore=OBJECT),
        patch(f"{of} a finalizer too late", one, "merge", {"metadata": {"finalizers": ["example.com/x", "example.com/y"]}}, ignore=WORDS),
        patch(f"{of} let go", one, "json", [{"op": "remove", "path": "/metadata/finalizers"}], ignore=OBJECT),
        get(f"{of} gone", one, ignore=OBJECT),
    ]


STEPS = [namespace("xaround")] + [s for t in OTHER.TYPES if (t[0], t[2]) in TYPES for s in steps_of(*t)]
