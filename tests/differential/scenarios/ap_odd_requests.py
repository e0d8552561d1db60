"""What a search through methods, options and bodies beside a real server found: preconditions in a query, bookmarks as rows, methods without a route, the order in which a request is refused."""
from differential import *

N = "/api/v1/namespaces/diff-odd"
A = "/apis/apps/v1/namespaces/diff-odd"
G = "odd.example.com"
C = f"/apis/{G}/v1/namespaces/diff-odd/oddities"
MAPS = f"{N}/configmaps"
RV = ["body.metadata.resourceVersion"]
GOING = RV + ["body.metadata.deletionTimestamp", "body.metadata.managedFields"]


def o(kind, name, version="v1", **rest): return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest
def cm(name, **rest): return o("ConfigMap", name, data={"a": "1"}) | rest


CRD = o("CustomResourceDefinition", f"oddities.{G}", "apiextensions.k8s.io/v1", spec={
    "group": G, "scope": "Namespaced", "names": {"plural": "oddities", "singular": "oddity", "kind": "Oddity", "listKind": "OddityList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                  "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]})


def preconditions():
    for what, path, body in (("map", MAPS, cm), ("oddity", C, lambda n: o("Oddity", n, f"{G}/v1"))):
        yield post(f"{what} to keep", path, body("kept"), compare="status", save={"uid": "metadata.uid", "rv": "metadata.resourceVersion"})
        for q in ("uid=x", "resourceVersion=1", "uid={uid}&resourceVersion=1", "uid=x&resourceVersion={rv}", "uid=x&dryRun=All"):
            yield delete(f"{what} with {q}", f"{path}/kept?{q}")
        yield delete(f"many of {what} with a version", f"{path}?resourceVersion=1")
        yield delete(f"many of {what} with version 0", f"{path}?resourceVersion=0")
        yield delete(f"many of {what} with a uid", f"{path}?uid=x")
        yield get(f"{what} is there", f"{path}/kept", ignore=RV)
        yield delete(f"{what} with a query and a body", f"{path}/kept?uid=x", {"dryRun": ["All"]})
        yield delete(f"{what} with empty ones", f"{path}/kept?uid=&resourceVersion=&dryRun=All")
        yield delete(f"{what} with its own", f"{path}/kept?uid={{uid}}&resourceVersion={{rv}}")
    for name, body, q in (("odd-a", {"orphanDependents": False}, ""), ("odd-b", None, "?orphanDependents=false"), ("odd-c", {"orphanDependents": True}, ""),
                          ("odd-d", {"propagationPolicy": "Foreground"}, ""), ("odd-e", None, "?uid=x"), ("odd-f", None, "?resourceVersion=1")):
        yield post(f"namespace {name}", "/api/v1/namespaces", o("Namespace", name), compare="status")
        yield delete(f"namespace {name} goes", f"/api/v1/namespaces/{name}{q}", body, ignore=GOING + ([] if name != "odd-f" else ["body.message"]))
        yield get(f"namespace {name} then", f"/api/v1/namespaces/{name}", ignore=GOING)
    yield post("nothing new in a namespace that goes", "/api/v1/namespaces/odd-a/configmaps", {})
    yield post("nothing with a name either", "/api/v1/namespaces/odd-a/configmaps", cm("x"))
    yield post("nor with part of one", "/api/v1/namespaces/odd-a/configmaps", {"metadata": {"generateName": "gen-"}})


def methods():
    yield post("pod", f"{N}/pods", o("Pod", "p", spec={"containers": [{"name": "c", "image": "i"}]}), compare="status")
    yield post("map", MAPS, cm("a"), compare="status")
    yield post("oddity", C, o("Oddity", "a", f"{G}/v1"), compare="status")
    for path in (MAPS, f"{MAPS}/a", f"{MAPS}/none", f"{N}/nothing", f"{N}/pods/p", *(f"{N}/pods/p/{part}" for part in ("status", "log", "exec", "attach", "portforward", "ephemeralcontainers", "resize", "binding", "eviction", "nothing")),
                 "/api/v1/namespaces/diff-odd", "/api/v1/namespaces/diff-odd/status", "/api/v1/nodes", f"{A}/deployments/none/scale", C, f"{C}/a", f"{C}/a/status", f"{C}/none",
                 "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", f"/apis/{G}", f"/apis/{G}/v1", "/apis/nothing.example.com", "/version", "/healthz"):
        yield step(f"HEAD {path}", "HEAD", path, compare="status")
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        yield step(f"{method} to the resources of a custom group", method, f"/apis/{G}/v1", **({"body": {}} if method in ("POST", "PUT", "PATCH") else {}))
        yield step(f"{method} to the resources of a group", method, "/apis/apps/v1", **({"body": {}} if method in ("POST", "PUT", "PATCH") else {}))
    for kind in PATCHES.values():
        for path in (f"{MAPS}/a", f"{C}/a"):
            yield step(f"{kind} in capitals at {path}", "PATCH", f"{path}?fieldManager=m", raw="{}", content_type=kind.upper())


def refusals():
    for name in ("..", ".", "a%25", "a%252Fb"):
        for what, path, body in (("map", MAPS, cm("a")), ("oddity", C, o("Oddity", "a", f"{G}/v1"))):
            yield put(f"{what} named {name} by its path", f"{path}/{name}", body)
            yield put(f"{what} named {name}", f"{path}/{name}", body | {"metadata": {"name": name.replace("%25", "%")}})
            yield put(f"{what} named {name} without a body", f"{path}/{name}", raw="")
            yield get(f"{what} named {name} is asked for", f"{path}/{name}")
            yield patch(f"{what} named {name} is patched", f"{path}/{name}", "merge", {})
            yield delete(f"{what} named {name} is deleted", f"{path}/{name}")
    for i in range(3):
        yield post(f"map {i}", MAPS, cm(f"m{i}"), compare="status")
    yield get("a page", f"{MAPS}?limit=1", save={"page": "metadata.continue"}, compare="status")
    for version in ("x", "-1", "1.5", "0", "1", ""):
        yield get(f"the next page with version {version}", f"{MAPS}?limit=1&continue={{page}}&resourceVersion={version}", compare="body", ignore=["body.metadata", "body.items"])
        yield get(f"no page with version {version}", f"{MAPS}?limit=1&continue=x&resourceVersion={version}")
    twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"},"data":{"a":"1"},"data":{"b":"2"}}'
    for what, raw in (("no kind", '{"data":{"a":"1"},"data":{"b":"2"}}'), ("a conflict", twice % "a"), ("nothing else", twice % "new"), ("another name", twice % "b")):
        path = f"{MAPS}/{'new' if what == 'nothing else' else 'a'}?fieldManager=m&fieldValidation="
        yield step(f"strict apply, twice the same and {what}", "PATCH", path + "Strict", raw=raw, content_type=PATCHES["apply"])
        yield step(f"apply, twice the same and {what}", "PATCH", path + "Warn&dryRun=All", raw=raw, content_type=PATCHES["apply"], ignore=RV)


def bookmarks():
    quick = "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1&labelSelector=none%3Dsuch"
    facts = ["events.1", "events.0.object.metadata.resourceVersion", "events.0.object.columnDefinitions", "events.0.object.rows.0.object.metadata.resourceVersion"]
    paths = [f"/api/v1/{name}" for name in ("configmaps", "endpoints", "events", "limitranges", "namespaces", "nodes", "persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates", "replicationcontrollers", "resourcequotas", "secrets", "serviceaccounts", "services")]
    paths += [f"/apis/apps/v1/{name}" for name in ("controllerrevisions", "deployments", "replicasets", "statefulsets")]
    paths += [f"/apis/{path}" for path in ("autoscaling/v2/horizontalpodautoscalers", "batch/v1/cronjobs", "batch/v1/jobs", "certificates.k8s.io/v1/certificatesigningrequests", "coordination.k8s.io/v1/leases", "discovery.k8s.io/v1/endpointslices", "networking.k8s.io/v1/ingresses", "networking.k8s.io/v1/networkpolicies", "policy/v1/poddisruptionbudgets", "rbac.authorization.k8s.io/v1/roles", "rbac.authorization.k8s.io/v1/rolebindings", "storage.k8s.io/v1/storageclasses", "scheduling.k8s.io/v1/priorityclasses", f"{G}/v1/oddities")]
    for path in paths:
        yield get(f"bookmark of {path}", f"{path}?{quick}", compare="lines", ignore=facts)
        yield get(f"bookmark of {path} as a row", f"{path}?{quick}", compare="lines", accept=TABLE, ignore=facts)
    for include in ("None", "Object", "Metadata"):
        yield get(f"bookmark as a row with {include}", f"{MAPS}?{quick}&includeObject={include}", compare="lines", accept=TABLE, ignore=facts + ["events.0.object.rows.0.object.metadata.resourceVersion"])
    yield get("rows, then a bookmark", f"{MAPS}?{quick.replace('none%3Dsuch', '')}", compare="lines", accept=TABLE, ignore=["events.*.object.metadata", "events.*.object.columnDefinitions", "events.*.object.rows.0.object.metadata.resourceVersion", "events.*.object.rows.0.object.metadata.managedFields", "events.*.object.rows.0.cells"])
    yield get("in the old version", f"{MAPS}?{quick}", compare="lines", accept="application/json;as=Table;v=v1beta1;g=meta.k8s.io", ignore=facts)


STEPS = [namespace("diff-odd"), post("definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD, compare="status"), get("served", C, wait=5, ignore=["body.metadata"]), *preconditions(), *methods(), *refusals(), *bookmarks(), delete("definition goes", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/oddities.{G}", compare="status")]
