"""What a watch that does not say how it begins is told, which options the deprecated paths of watches take, and what a strategic merge makes of numbers without a fraction."""
from differential import *

NS = "diff-options"
N = f"/api/v1/namespaces/{NS}"
A = f"/apis/apps/v1/namespaces/{NS}"
G = "options.example.com"
C = f"/apis/{G}/v1/namespaces/{NS}/things"
RV = ["body.metadata.resourceVersion"]
SEEN = ["events.*.object.metadata.resourceVersion", "events.*.object.metadata.managedFields"]


def o(kind, name, version="v1", **rest): return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest


CRD = o("CustomResourceDefinition", f"things.{G}", "apiextensions.k8s.io/v1", spec={
    "group": G, "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]})
DEPLOYMENT = o("Deployment", "d", "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}})
MARKS = "&allowWatchBookmarks=true"
BEGINS = ["", "&resourceVersion=0", MARKS, f"{MARKS}&resourceVersion=0", f"{MARKS}&resourceVersion=", "&allowWatchBookmarks=x", "&allowWatchBookmarks=false", f"{MARKS}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
          f"{MARKS}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0", f"{MARKS}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan", f"{MARKS}&sendInitialEvents=true", "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=x",
          "&sendInitialEvents=x", "&resourceVersionMatch=NotOlderThan", "&resourceVersionMatch=Exact", "&resourceVersion=0&resourceVersionMatch=Exact", "&resourceVersion=0&resourceVersionMatch=NotOlderThan", "&sendInitialEvents=true&resourceVersionMatch=Exact", "&continue=x", "&continue=x&resourceVersion=0", "&continue=x&resourceVersionMatch=NotOlderThan", "&limit=1", f"{MARKS}&limit=1", f"{MARKS}&labelSelector=none%3Dsuch"]
WATCHES = {"maps": f"{N}/configmaps?watch=1", "maps by the old path": f"/api/v1/watch/namespaces/{NS}/configmaps?a=b", "a map by the old path, asking for a watch": f"/api/v1/watch/namespaces/{NS}/configmaps/m?watch=1"}


def watches():
    yield post("a map", f"{N}/configmaps", o("ConfigMap", "m"), compare="status")
    yield post("a thing", C, o("Thing", "t", f"{G}/v1"), compare="status")
    for what, path in WATCHES.items():
        for begins in BEGINS:
            yield get(f"{what} with {begins}", f"{path}&timeoutSeconds=1{begins}", compare="lines", ignore=SEEN)
    yield get("things with bookmarks", f"{C}?watch=1&timeoutSeconds=1{MARKS}", compare="lines", ignore=SEEN)


def numbers():
    yield post("a deployment", f"{A}/deployments", DEPLOYMENT, compare="status")
    for number in ("1.0", "2e0", "20e-1", "-0.0", "-1.0", "1.5", "3e9", "-3e9", "1e20", "-1e20", "3000000000"):
        for what, body in {"replicas": '{"spec":{"replicas":%s}}', "a surge": '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":%s}}}}', "generation": '{"metadata":{"generation":%s}}', "seconds": '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":%s}}}}', "a port": '{"spec":{"template":{"spec":{"containers":[{"name":"c","ports":[{"containerPort":%s}]}]}}}}', "an amount": '{"spec":{"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":%s}}}]}}}}'}.items():
            yield step(f"{what} is {number}", "PATCH", f"{A}/deployments/d?dryRun=All&fieldManager=m", raw=body % number, content_type=PATCHES["strategic"], ignore=RV)


STEPS = [namespace(NS), post("definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD, compare="status"), get("served", C, wait=8, ignore=["body.metadata"]), *watches(), *numbers(),
         delete("definition goes", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{G}", compare="status")]
