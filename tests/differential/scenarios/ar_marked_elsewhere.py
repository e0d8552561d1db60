"""Writes through one version of objects that another version says more of: deletions that only mark them, dry runs, and what then is stored."""
from differential import *

NS = "diff-marked"
V1 = f"/apis/autoscaling/v1/namespaces/{NS}/horizontalpodautoscalers"
V2 = f"/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers"
OLD = f"/api/v1/namespaces/{NS}/events"
NEW = f"/apis/events.k8s.io/v1/namespaces/{NS}/events"
G = "marked.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TARGET = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}
KEPT = ["example.com/kept"]


def of(name, value, kind="Utilization", field="averageUtilization"):
    return {"type": "Resource", "resource": {"name": name, "target": {"type": kind, field: value}}}


# In v1 the percentage of the processor is a field and everything else an annotation: their order is lost.
METRICS = [of("memory", "1Gi", "AverageValue", "averageValue"), of("cpu", 50),
           {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}}}, of("cpu", 70)]
DOWN = {"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}}
STATUS = {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": [
    {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "1Gi"}}},
    {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40, "averageValue": "100m"}}}],
    "conditions": [{"type": "AbleToScale", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "r", "message": "m"}]}


def hpa(name, version, finalizers=KEPT, **spec):
    return {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": {"name": name, "finalizers": finalizers}, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3} | spec}


def options(**options): return {"kind": "DeleteOptions", "apiVersion": "v1"} | options
def merge(what, path, body, **kw): return patch(what, path, "merge", body, **kw)
def both(what, name): return [get(f"{what}, in v2", f"{V2}/{name}"), get(f"{what}, in v1", f"{V1}/{name}")]


def autoscaler(name):
    return [post(f"{name}: created in v2", V2, hpa(name, "v2", metrics=METRICS, behavior=DOWN)),
            merge(f"{name}: its status in v2", f"{V2}/{name}/status", {"status": STATUS})]


AUTOSCALERS = [
    *autoscaler("a"), *both("as it is", "a"),
    delete("deleted in v1, dry", f"{V1}/a?dryRun=All"),
    delete("deleted in v1", f"{V1}/a"), *both("marked", "a"),
    delete("deleted again in v1", f"{V1}/a"),
    delete("deleted again in v1, in the foreground", f"{V1}/a", options(propagationPolicy="Foreground")), *both("in the foreground", "a"),
    merge("an annotation in v1", f"{V1}/a", {"metadata": {"annotations": {"x": "y"}}}), *both("annotated", "a"),
    merge("let go in v1", f"{V1}/a", {"metadata": {"finalizers": None}}), get("gone", f"{V2}/a"),

    *autoscaler("b"),
    delete("orphans, in v1", f"{V1}/b", options(propagationPolicy="Orphan")), *both("orphaning", "b"),
    merge("let go in v2", f"{V2}/b", {"metadata": {"finalizers": []}}),

    *autoscaler("c"),
    delete("all deleted in v1, dry", f"{V1}?dryRun=All"),
    delete("all deleted in v1", V1, compare="status"), *both("marked with all", "c"),
    merge("let go with all", f"{V1}/c", {"metadata": {"finalizers": None}}, compare="status"),

    *autoscaler("d"),
    merge("status in v1, dry", f"{V1}/d/status?dryRun=All", {"status": {"currentReplicas": 4, "currentCPUUtilizationPercentage": 9}}),
    merge("spec in v1, dry", f"{V1}/d?dryRun=All", {"spec": {"maxReplicas": 4}}),
    merge("percentage in v1, dry", f"{V1}/d?dryRun=All", {"spec": {"targetCPUUtilizationPercentage": 4}}),
    merge("labels in v1, dry", f"{V1}/d?dryRun=All", {"metadata": {"labels": {"x": "y"}}}),
    put("put in v1, dry", f"{V1}/d?dryRun=All", hpa("d", "v1", targetCPUUtilizationPercentage=10)), *both("after dry runs", "d"),
    merge("status in v1", f"{V1}/d/status", {"status": {"currentReplicas": 4, "currentCPUUtilizationPercentage": 9}}), *both("with a status of v1", "d"),
    merge("spec in v1", f"{V1}/d", {"spec": {"maxReplicas": 4}}), *both("with a spec of v1", "d"),
    put("put in v1", f"{V1}/d", hpa("d", "v1", targetCPUUtilizationPercentage=10)), *both("put", "d"),
    post("created in v1, dry", f"{V1}?dryRun=All", hpa("e", "v1", minReplicas=2)),
    post("created in v2, dry", f"{V2}?dryRun=All", hpa("e", "v2", metrics=METRICS)),
]

EVENT = {"involvedObject": {"kind": "Pod", "namespace": NS, "name": "p"}, "reason": "r", "message": "m", "type": "Normal", "count": 2,
         "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-02T00:00:00Z", "source": {"component": "c", "host": "h"}}

EVENTS = [
    post("an event of the core group", OLD, {"kind": "Event", "apiVersion": "v1", "metadata": {"name": "a", "finalizers": KEPT}} | EVENT),
    delete("the event deleted in the other group, dry", f"{NEW}/a?dryRun=All"),
    delete("the event deleted in the other group", f"{NEW}/a"),
    get("the event in the core group", f"{OLD}/a"), get("the event in its own group", f"{NEW}/a"),
    merge("the event in its own group, dry", f"{NEW}/a?dryRun=All", {"metadata": {"annotations": {"x": "y"}}}),
    merge("the event let go", f"{NEW}/a", {"metadata": {"finalizers": None}}),
    get("the event is gone", f"{OLD}/a"),
]


def version(name, fields, storage=False, status=True):
    spec = {"type": "object", "properties": {field: {"type": "string"} | default for field, default in fields.items()}}
    return {"name": name, "served": True, "storage": storage, "subresources": {"status": {}} if status else {},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}}


C1, C2 = (f"/apis/{G}/{v}/namespaces/{NS}/marks" for v in ("v1", "v2"))

CUSTOM = [
    post("a definition of two versions", CRDS, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"marks.{G}"},
         "spec": {"group": G, "scope": "Namespaced", "names": {"plural": "marks", "singular": "mark", "kind": "Mark", "listKind": "MarkList"},
                  "versions": [version("v1", {"a": {}, "b": {"default": "old"}}), version("v2", {"a": {}, "c": {"default": "new"}}, True)]}}, compare="status"),
    get("the definition is served", f"{CRDS}/marks.{G}", compare="status", wait=20), get("a list is", C1, compare="status", wait=20), get("the other is", C2, compare="status", wait=20),
    post("a mark in v2", C2, {"apiVersion": f"{G}/v2", "kind": "Mark", "metadata": {"name": "a", "finalizers": KEPT}, "spec": {"a": "1", "c": "3"}}),
    get("the mark in v1", f"{C1}/a"),
    merge("a dry change in v1", f"{C1}/a?dryRun=All", {"spec": {"a": "2", "b": "4"}}),
    delete("the mark deleted in v1, dry", f"{C1}/a?dryRun=All"),
    delete("the mark deleted in v1", f"{C1}/a"), get("the mark in v2 after all", f"{C2}/a"), get("the mark in v1 after all", f"{C1}/a"),
    merge("its status in v1", f"{C1}/a/status", {"status": {"x": 1}}), get("the mark in v2 with a status", f"{C2}/a"),
    merge("a change in v1", f"{C1}/a", {"spec": {"a": "2"}}), get("the mark in v2 when changed", f"{C2}/a"),
    merge("the mark let go", f"{C1}/a", {"metadata": {"finalizers": None}}),
    delete("the definition goes", f"{CRDS}/marks.{G}", compare="status"),
]

# What a request cannot change it sends all the same, or leaves out: who owns it then, in which version?
P1, P2, P3 = (f"/apis/{G}/{v}/namespaces/{NS}/parts" for v in ("v1", "v2", "v3"))


def part(path, name="a", **body): return {"apiVersion": f"{G}/{path.split('/')[3]}", "kind": "Part", "metadata": {"name": name}} | body
def by(manager, path): return f"{path}?fieldManager={manager}"
def all_three(what): return [get(f"{what}, in {v}", f"{p}/a") for v, p in (("v1", P1), ("v2", P2), ("v3", P3))]


SAME = {"a": {}, "b": {}}
PARTS = [
    post("a definition of three versions", CRDS, {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"parts.{G}"},
         "spec": {"group": G, "scope": "Namespaced", "names": {"plural": "parts", "singular": "part", "kind": "Part", "listKind": "PartList"},
                  "versions": [version("v1", SAME, True), version("v2", SAME), version("v3", SAME, status=False)]}}, compare="status"),
    *[get(f"the parts are served in {v}", p, compare="status", wait=20) for v, p in (("v1", P1), ("v2", P2), ("v3", P3))],
    post("a part in v1", by("one", P1), part(P1, spec={"a": "1"}, status={"x": "lost"})),
    merge("another's field in v2", by("two", f"{P2}/a"), {"spec": {"b": "2"}}),
    merge("a status in v2", by("ctl", f"{P2}/a/status"), {"status": {"x": 1, "y": 2}}),
    merge("a third's label in v3", by("three", f"{P3}/a"), {"metadata": {"labels": {"l": "3"}}, "status": {"z": 3}}), *all_three("all owners"),
    put("put without its status in v1", by("one", f"{P1}/a"), part(P1, spec={"a": "1", "b": "2"})), *all_three("put without"),
    put("put with another status in v1", by("one", f"{P1}/a"), part(P1, spec={"a": "4", "b": "2"}, status={"x": 7, "w": 1})), *all_three("put with another"),
    put("put without its status in v2", by("two", f"{P2}/a"), part(P2, spec={"a": "4", "b": "5"})), *all_three("put in v2"),
    put("put its status without a spec in v1", by("ctl", f"{P1}/a/status"), part(P1, status={"x": 2})), *all_three("status without a spec"),
    put("put its status with another spec in v2", by("ctl", f"{P2}/a/status"), part(P2, spec={"a": "9"}, status={"x": 3}) | {"metadata": {"name": "a", "labels": {"m": "1"}}}), *all_three("status with another spec"),
    put("put without its status in v3", by("three", f"{P3}/a"), part(P3, spec={"a": "4", "b": "5"})), *all_three("put in v3"),
    merge("a status again in v2", by("ctl", f"{P2}/a/status"), {"status": {"x": 1}}),
    patch("applied in v1", by("app", f"{P1}/a") + "&force=true", "apply", part(P1, spec={"a": "10"}, status={"x": 5})), *all_three("applied"),
    patch("its status applied in v1", by("app", f"{P1}/a/status") + "&force=true", "apply", part(P1, spec={"b": "11"}, status={"x": 6})), *all_three("status applied"),
    patch("applied in v3", by("app", f"{P3}/a") + "&force=true", "apply", part(P3, spec={"a": "12"}, status={"x": 8})), *all_three("applied in v3"),
    patch("applied in v1 after all", by("app", f"{P1}/a") + "&force=true", "apply", part(P1, spec={"a": "13"})), *all_three("applied after all"),
    delete("the parts go", f"{CRDS}/parts.{G}", compare="status"),
]

BUILT_IN = [
    *autoscaler("f"),
    put("autoscaler put without its status in v1", by("one", f"{V1}/f"), hpa("f", "v1", targetCPUUtilizationPercentage=10)), *both("autoscaler put without", "f"),
    merge("autoscaler's status in v1", by("ctl", f"{V1}/f/status"), {"status": {"currentReplicas": 7}}), *both("autoscaler's status", "f"),
    put("autoscaler put without its status in v2", by("two", f"{V2}/f"), hpa("f", "v2", metrics=METRICS)), *both("autoscaler put in v2", "f"),
    put("autoscaler's status put with another spec in v1", by("ctl", f"{V1}/f/status"), hpa("f", "v1", maxReplicas=99) | {"status": {"currentReplicas": 8, "desiredReplicas": 9}}), *both("autoscaler's status put", "f"),
    put("autoscaler's status put with another spec in v2", by("ctl", f"{V2}/f/status"), hpa("f", "v2", maxReplicas=98) | {"status": {"currentReplicas": 9, "desiredReplicas": 9}}), *both("autoscaler's status put in v2", "f"),
]

STEPS = [namespace(NS)] + AUTOSCALERS + EVENTS + CUSTOM + PARTS + BUILT_IN
