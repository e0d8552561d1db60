"""In which order members stand of what is deleted at once, seen through another group or version, watched, or answered without being stored."""
import importlib.util, pathlib
from differential import *

order = importlib.util.spec_from_file_location("member_order", pathlib.Path(__file__).with_name("av_member_order.py"))
o = importlib.util.module_from_spec(order)
order.loader.exec_module(o)

NS = "diff-order-else"


def watch(id, path, **kw): return get(id, path, compare="lines", **kw)


C = f"/api/v1/namespaces/{NS}"
EVENTS = {"v1": f"{C}/events", "events.k8s.io/v1": f"/apis/events.k8s.io/v1/namespaces/{NS}/events"}
G = "elsewhere.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
AT = f"/apis/{G}/v1/namespaces/{NS}/things"

OLD = {"apiVersion": "v1", "kind": "Event", "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": NS, "name": "p", "uid": "u"}, "reason": "R", "message": "m", "source": {"component": "c", "host": "h"},
       "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:06Z", "count": 2, "type": "Normal", "reportingComponent": "r", "reportingInstance": "i"}
NEW = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "eventTime": "2026-01-02T03:04:05.000006Z", "series": {"count": 2, "lastObservedTime": "2026-01-02T03:04:05.000007Z"}, "reportingController": "r.example.com/c", "reportingInstance": "i",
       "action": "A", "reason": "R", "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": NS, "name": "p"}, "related": {"apiVersion": "v1", "kind": "Node", "name": "n"}, "note": "m", "type": "Normal"}


def of_both(name, body):
    version = body["apiVersion"]
    other = next(known for known in EVENTS if known != version)
    of = f"event of {version}"
    body = o.backwards(body | {"metadata": {"name": name, "labels": {"b": "1", "a": "2"}}})
    at = {known: f"{path}/{name}" for known, path in EVENTS.items()}
    merged = lambda v, key: patch(f"{of} patched in {v}", at[v], "merge", {"metadata": {"annotations": {key: "1", "a": "2"}}})
    applied = {"apiVersion": other, "kind": "Event", "metadata": {"name": name, "labels": {"c": "3"}}}
    return [
        post(f"{of} created", EVENTS[version], body), *[get(f"{of} shown in {v}", at[v]) for v in EVENTS],
        *[get(f"{of} listed in {v}", f"{EVENTS[v]}?fieldSelector=metadata.name={name}") for v in EVENTS],
        merged(other, "b"), get(f"{of} shown in {version} again", at[version]), merged(version, "c"), get(f"{of} shown in {other} again", at[other]),
        patch(f"{of} applied in {other}", f"{at[other]}?fieldManager=one", "apply", applied), get(f"{of} shown in {version} after that", at[version]),
        patch(f"{of} applied in {version}", f"{at[version]}?fieldManager=one", "apply", applied | {"apiVersion": version, "metadata": {"name": name, "labels": {"d": "4"}}}),
        delete(f"{of} deleted in {other}, dry", f"{at[other]}?dryRun=All"), delete(f"{of} deleted in {version}", at[version]),
    ]


POD = o.backwards({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"b": "1", "a": "2"}, "annotations": {"d": "1", "c": "2"}}, "spec": o.POD})
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}}
TOKEN = o.backwards({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"labels": {"a": "b"}, "name": "s"}, "spec": {"audiences": ["a"], "expirationSeconds": 3600, "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p"}}})
GONE = [
    post("an account", f"{C}/serviceaccounts", ACCOUNT), post("a pod", f"{C}/pods", POD), post("a token", f"{C}/serviceaccounts/s/token", TOKEN),
    delete("the pod deleted, dry", f"{C}/pods/p?dryRun=All"), delete("the pod deleted at once, dry", f"{C}/pods/p?dryRun=All&gracePeriodSeconds=0"),
    delete("the pod deleted", f"{C}/pods/p"), post("the pod again", f"{C}/pods", POD), delete("the pod deleted at once", f"{C}/pods/p?gracePeriodSeconds=0"),
    post("a third time", f"{C}/pods", POD), delete("all pods deleted, dry", f"{C}/pods?dryRun=All"), delete("all pods deleted", f"{C}/pods"), delete("the account deleted", f"{C}/serviceaccounts/s"),
]

SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
DEFINITION = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"things.{G}"}, "spec": {"group": G, "scope": "Namespaced", "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
              "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}]}}
THING = {"apiVersion": f"{G}/v1", "kind": "Thing", "metadata": {"name": "a", "labels": {"b": "1", "a": "2"}}, "spec": {"z": 1, "y": 2}}
INITIAL = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2"
WATCHED = [
    post("a definition", CRDS, DEFINITION), get("the definition is established", f"{CRDS}/things.{G}", wait=20), get("it is served", AT, wait=20), post("a thing", AT, THING),
    watch("things watched", f"{AT}?{INITIAL}"), watch("things watched as metadata", f"{AT}?{INITIAL}", accept=PARTIAL),
    watch("things watched as rows", f"{AT}?{INITIAL}", accept=TABLE), watch("things watched the old way", f"/apis/{G}/v1/watch/namespaces/{NS}/things?allowWatchBookmarks=true&timeoutSeconds=2"),
    watch("accounts watched", f"{C}/serviceaccounts?{INITIAL}"), watch("accounts watched as rows", f"{C}/serviceaccounts?{INITIAL}", accept=TABLE),
    watch("accounts watched the old way, with words for the watch", f"/api/v1/watch/namespaces/{NS}/serviceaccounts?watch=False&allowWatchBookmarks=true&timeoutSeconds=2"),
    watch("accounts watched, with another word for it", f"{C}/serviceaccounts?watch=T&{INITIAL[11:]}"),
    get("accounts not watched, in capitals", f"{C}/serviceaccounts?watch=FALSE"), get("accounts not watched, by a number", f"{C}/serviceaccounts?watch=0"), get("accounts not watched, by nothing", f"{C}/serviceaccounts?watch=FaLsE&limit=1"),
    delete("the thing deleted", f"{AT}/a"), delete("the definition goes", f"{CRDS}/things.{G}"),
]

STEPS = [namespace(NS)] + o.named(of_both("old", OLD) + of_both("new", NEW) + GONE + WATCHED)
