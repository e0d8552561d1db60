"""Who owns which fields of an object that its owners wrote in different versions: autoscalers, events, custom resources with several served versions, and entries of versions that nobody serves."""
from differential import *

NS = "diff-owners"
V1 = f"/apis/autoscaling/v1/namespaces/{NS}/horizontalpodautoscalers"
V2 = f"/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers"
G = "owners.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TARGET = {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}


def hpa(name, version, annotations=None, **spec):
    meta = {"name": name} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec}


def apply(what, path, body, manager="one", q="", **kw): return patch(what, f"{path}?fieldManager={manager}{q}", "apply", body, **kw)
def merge(what, path, body, manager="upd", q="", **kw): return patch(what, f"{path}?fieldManager={manager}{q}", "merge", body, **kw)


def of(name, value, kind="Utilization", field="averageUtilization"):
    return {"type": "Resource", "resource": {"name": name, "target": {"type": kind, field: value}}}


def entry(manager, version, fields, operation="Apply", **rest):
    return {"manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields} | rest


CPU, MEMORY = of("cpu", 50), of("memory", "1Gi", "AverageValue", "averageValue")
PODS = {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "10"}}}
DOWN = {"scaleDown": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}}
METRICS = "autoscaling.alpha.kubernetes.io/metrics"
OLD = '[{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"10"}}]'

AUTOSCALERS = [
    # the same field, by the same path
    apply("v1 creates", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=3, targetCPUUtilizationPercentage=50)),
    apply("v2 wants other replicas", f"{V2}/a", hpa("a", "v2", maxReplicas=5), "two"),
    apply("v2 forces replicas", f"{V2}/a", hpa("a", "v2", maxReplicas=5), "two", "&force=true"),
    apply("v1 wants them back", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=3, targetCPUUtilizationPercentage=50)),
    apply("v1 wants the same", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=5, targetCPUUtilizationPercentage=50)),
    # a percentage in the one is an item of a list in the other
    apply("v2 wants another percentage", f"{V2}/a", hpa("a", "v2", metrics=[of("cpu", 60)]), "two"),
    apply("v2 wants the same percentage", f"{V2}/a", hpa("a", "v2", metrics=[CPU]), "two"),
    apply("v2 forces another percentage", f"{V2}/a", hpa("a", "v2", metrics=[of("cpu", 60)]), "two", "&force=true"),
    get("now v1", f"{V1}/a"), get("now v2", f"{V2}/a"),
    apply("v1 wants the percentage back", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=5, targetCPUUtilizationPercentage=50)),
    apply("v1 forces the percentage", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=5, targetCPUUtilizationPercentage=50), q="&force=true"),
    apply("v2 adds memory", f"{V2}/a", hpa("a", "v2", metrics=[CPU, MEMORY]), "two"),
    apply("v2 adds memory by force", f"{V2}/a", hpa("a", "v2", metrics=[CPU, MEMORY]), "two", "&force=true"),
    get("with memory v1", f"{V1}/a"),
    apply("v2 lets go of memory", f"{V2}/a", hpa("a", "v2", metrics=[CPU]), "two"),
    apply("v2 lets go of metrics", f"{V2}/a", hpa("a", "v2", minReplicas=1), "two"),
    apply("v1 lets go of the percentage", f"{V1}/a", hpa("a", "v1", scaleTargetRef=TARGET, maxReplicas=5)),
    apply("v1 lets go in the other version", f"{V2}/a", hpa("a", "v2", scaleTargetRef=TARGET, maxReplicas=5)),
    merge("an update in v1", f"{V1}/a", {"spec": {"targetCPUUtilizationPercentage": 70}}),
    merge("the same manager in v2", f"{V2}/a", {"spec": {"maxReplicas": 6, "behavior": DOWN}}),
    get("behavior v1", f"{V1}/a"),
    merge("an update in v2 of what v1 owns", f"{V2}/a", {"spec": {"metrics": [of("cpu", 80)]}}, "three"),
    merge("an update in v1 of what v2 owns", f"{V1}/a", {"spec": {"targetCPUUtilizationPercentage": 90, "maxReplicas": 7}}, "four"),
    apply("v2 with behavior", f"{V2}/a", hpa("a", "v2", behavior={"scaleDown": {"stabilizationWindowSeconds": 90}}), "two"),
    apply("v2 with behavior by force", f"{V2}/a", hpa("a", "v2", behavior={"scaleDown": {"stabilizationWindowSeconds": 90}}), "two", "&force=true"),
    apply("v1 with metrics in words", f"{V1}/a", hpa("a", "v1", {METRICS: OLD}), "five"),
    apply("v1 with metrics in words by force", f"{V1}/a", hpa("a", "v1", {METRICS: OLD}), "five", "&force=true"),
    apply("v2 takes them", f"{V2}/a", hpa("a", "v2", metrics=[CPU, PODS]), "two", "&force=true"),
    merge("status in v2", f"{V2}/a/status", {"status": {"currentReplicas": 2, "desiredReplicas": 2, "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 3}}}]}}, "ctl"),
    merge("status in v1", f"{V1}/a/status", {"status": {"currentReplicas": 3, "currentCPUUtilizationPercentage": 9}}, "ctl"),
    merge("conditions in v2", f"{V2}/a/status", {"status": {"conditions": [{"type": "AbleToScale", "status": "True"}]}}, "ctl"),
    apply("status in v1, applied", f"{V1}/a/status", {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "status": {"currentReplicas": 4}}, "ctl2"),
    apply("status in v2, applied", f"{V2}/a/status", {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "status": {"currentReplicas": 5}}, "ctl3", "&force=true"),
    get("at the end v1", f"{V1}/a"), get("at the end v2", f"{V2}/a"),
    merge("labels in v1", f"{V1}/a", {"metadata": {"labels": {"a": "b"}}}),
    apply("labels in v2", f"{V2}/a", {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a", "labels": {"a": "c"}}}, "two"),
    post("v2 posts", f"{V2}?fieldManager=p", hpa("b", "v2", scaleTargetRef=TARGET, maxReplicas=3, metrics=[CPU, PODS], behavior=DOWN)),
    apply("v1 over it", f"{V1}/b", hpa("b", "v1", maxReplicas=4, targetCPUUtilizationPercentage=10)),
    put("v1 puts", f"{V1}/b?fieldManager=q", hpa("b", "v1", scaleTargetRef=TARGET, maxReplicas=8, targetCPUUtilizationPercentage=20)),
    apply("v1 applies after that", f"{V1}/b", hpa("b", "v1", maxReplicas=4, targetCPUUtilizationPercentage=10), q="&force=true"),
    apply("in v2 by the same, with less", f"{V2}/b", hpa("b", "v2", maxReplicas=4)),
    apply("in v1 by the same, with nothing", f"{V1}/b", hpa("b", "v1")),
    # entries of versions that nobody serves, or of something else
    merge("foreign entries", f"{V2}/b", {"metadata": {"managedFields": [entry("x", "autoscaling/v2beta2", {"f:spec": {"f:maxReplicas": {}}}), entry("y", "autoscaling/v3", {"f:spec": {"f:maxReplicas": {}}}), entry("z", "apps/v1", {"f:spec": {"f:maxReplicas": {}}}), entry("u", "v1", {"f:spec": {}}), entry("w", "autoscaling/v1", {"f:spec": {"f:maxReplicas": {}, "f:targetCPUUtilizationPercentage": {}, "f:nope": {"f:x": {}}}})]}}),
    apply("over foreign entries", f"{V2}/b", hpa("b", "v2", maxReplicas=9), "two"),
    merge("an update over foreign entries", f"{V2}/b", {"spec": {"maxReplicas": 10}}),
    post("a deployment", f"/apis/apps/v1/namespaces/{NS}/deployments", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}, compare="status"),
    merge("versions that were", f"/apis/apps/v1/namespaces/{NS}/deployments/d", {"metadata": {"managedFields": [entry(v.replace("/", "-"), v, {"f:spec": {"f:replicas": {}}}) for v in ("apps/v1", "apps/v1beta1", "apps/v1beta2", "extensions/v1beta1", "autoscaling/v1", "apps/v9", "v1", "a/b/c")]}}),
    apply("over versions that were", f"/apis/apps/v1/namespaces/{NS}/deployments/d", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 4}}, "two"),
    apply("over versions that were, by force", f"/apis/apps/v1/namespaces/{NS}/deployments/d", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 4}}, "two", "&force=true"),
]

E1, EV = f"/api/v1/namespaces/{NS}/events", f"/apis/events.k8s.io/v1/namespaces/{NS}/events"
EVENTS = [
    post("an event", f"{E1}?fieldManager=one", {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": NS}, "reason": "R", "message": "m"}),
    get("in the other group", f"{EV}/e"),
    apply("applied in the other group", f"{EV}/e", {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e"}, "note": "n"}, "two"),
    apply("applied in the first", f"{E1}/e", {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "message": "o"}, "two"),
    merge("changed in the other", f"{EV}/e", {"metadata": {"labels": {"a": "b"}}}),
    merge("changed in the first", f"{E1}/e", {"metadata": {"labels": {"a": "c"}}}),
]


def version(name, spec, storage=False, served=True, **rest):
    schema = {"type": "object", "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}} | rest


def crd(plural, versions):
    kind = plural[:-1].capitalize()
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{G}"},
            "spec": {"group": G, "scope": "Namespaced", "versions": versions, "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}}}


def at(plural, version, name=""): return f"/apis/{G}/{version}/namespaces/{NS}/{plural}" + (f"/{name}" if name else "")


def cr(plural, version, name, spec=None, **rest):
    return {"apiVersion": f"{G}/{version}", "kind": plural[:-1].capitalize(), "metadata": {"name": name}} | ({} if spec is None else {"spec": spec}) | rest



OBJECT = lambda **properties: {"type": "object", "properties": properties}
INT, TEXT = {"type": "integer"}, {"type": "string"}
LIST = {"type": "array", "items": TEXT}
SET = LIST | {"x-kubernetes-list-type": "set"}
MAP = {"type": "object", "additionalProperties": TEXT}
ATOMIC = MAP | {"x-kubernetes-map-type": "atomic"}
KEYED = {"type": "array", "items": OBJECT(name=TEXT, value=INT) | {"required": ["name"]}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

# the same fields, told apart otherwise
SHAPES = [version("v1", OBJECT(size=INT, items=SET, labels=MAP, keyed=KEYED, free=FREE), True),
          version("v2", OBJECT(size=INT, items=LIST, labels=ATOMIC, keyed={k: v for k, v in KEYED.items() if not k.startswith("x-")}, free=OBJECT(a=OBJECT(b=INT), c=INT)))]
# fields that only one of them has
NAMES = [version("v1", OBJECT(size=INT, old=INT), True, subresources={"status": {}}), version("v2", OBJECT(size=INT, new=INT), subresources={"status": {}}), version("v3", OBJECT(size=INT, old=INT, new=INT), served=False)]
S1, S2 = lambda n="a": at("shapes", "v1", n), lambda n="a": at("shapes", "v2", n)
N1, N2 = lambda n="a": at("names", "v1", n), lambda n="a": at("names", "v2", n)

CUSTOM = [
    post("shapes", CRDS, crd("shapes", SHAPES), compare="status"), post("names", CRDS, crd("names", NAMES), compare="status"),
    get("served", S1(""), wait=5, ignore=["body.metadata"]), get("served too", N2(""), wait=5, ignore=["body.metadata"]),
    apply("in v1", S1(), cr("shapes", "v1", "a", {"size": 1, "items": ["a", "b"], "labels": {"x": "1", "y": "2"}, "keyed": [{"name": "k", "value": 1}], "free": {"a": {"b": 1}, "c": 2}})),
    apply("in v2, one leaf over many", S2(), cr("shapes", "v2", "a", {"items": ["a", "c"]}), "two"),
    apply("in v2, forced", S2(), cr("shapes", "v2", "a", {"items": ["a", "c"]}), "two", "&force=true"),
    apply("in v2, labels", S2(), cr("shapes", "v2", "a", {"items": ["a", "c"], "labels": {"x": "1", "z": "3"}}), "two"),
    apply("in v2, labels forced", S2(), cr("shapes", "v2", "a", {"items": ["a", "c"], "labels": {"x": "1", "z": "3"}}), "two", "&force=true"),
    apply("in v1, what is left", S1(), cr("shapes", "v1", "a", {"size": 1, "items": ["d"]})),
    apply("in v1, into the leaf by force", S1(), cr("shapes", "v1", "a", {"size": 1, "items": ["d"], "labels": {"w": "4"}}), q="&force=true"),
    apply("in v2, free", S2(), cr("shapes", "v2", "a", {"free": {"a": {"b": 2}}}), "three"),
    apply("in v2, free forced", S2(), cr("shapes", "v2", "a", {"free": {"a": {"b": 2}}, "keyed": [{"name": "k", "value": 3}]}), "three", "&force=true"),
    apply("in v1, keyed", S1(), cr("shapes", "v1", "a", {"keyed": [{"name": "k", "value": 4}, {"name": "l"}]}), "four"),
    apply("in v1, keyed forced", S1(), cr("shapes", "v1", "a", {"keyed": [{"name": "k", "value": 4}, {"name": "l"}]}), "four", "&force=true"),
    apply("in v1 by who was in v2", S1(), cr("shapes", "v1", "a", {"size": 1}), "two"),
    apply("in v2 by who was in v1", S2(), cr("shapes", "v2", "a", {"size": 1}), "four"),
    merge("updated in v2", S2(), {"spec": {"items": ["z"], "labels": {"q": "1"}}}),
    merge("updated in v1", S1(), {"spec": {"items": ["z", "y"], "labels": {"r": "1"}}}),
    get("all in v1", S1()), get("all in v2", S2()),
    apply("a version nobody knows", S1(), cr("shapes", "v9", "a", {"size": 1}), "two"),
    merge("entries of other versions", S1(), {"metadata": {"managedFields": [entry("x", f"{G}/v9", {"f:spec": {"f:size": {}}}), entry("w", f"{G}/v2", {"f:spec": {"f:size": {}}})]}}),
    apply("over entries of other versions", S1(), cr("shapes", "v1", "a", {"size": 5}), "two"),
    merge("entries of other groups", S1(), {"metadata": {"managedFields": [entry("x", "apps/v1", {"f:spec": {"f:size": {}}}), entry("w", f"{G}/v1", {"f:spec": {"f:size": {}}})]}}),
    apply("over entries of other groups", S1(), cr("shapes", "v1", "a", {"size": 5}), "two"),
    apply("a name in v1", N1(), cr("names", "v1", "a", {"size": 1, "old": 1})),
    apply("a name in v2", N2(), cr("names", "v2", "a", {"new": 1}), "two"),
    get("a name in both", N1()),
    apply("a size in v2", N2(), cr("names", "v2", "a", {"new": 2, "size": 2}), "two"),
    apply("a size in v2 by force", N2(), cr("names", "v2", "a", {"new": 2, "size": 2}), "two", "&force=true"),
    apply("less in v1", N1(), cr("names", "v1", "a", {"size": 1})),
    merge("an update in v2", N2(), {"spec": {"size": 3}}),
    merge("an update in v1", N1(), {"spec": {"size": 4, "old": 5}}),
    merge("its status in v2", f"{N2()}/status", {"status": {"a": 1}}, "ctl"),
    merge("its status in v1", f"{N1()}/status", {"status": {"a": 2}}, "ctl"),
    apply("its status applied in v2", f"{N2()}/status", cr("names", "v2", "a", None, status={"a": 3}), "ctl2"),
    apply("its status applied in v1", f"{N1()}/status", cr("names", "v1", "a", None, status={"a": 3}), "ctl2"),
    post("another in v2", N2(""), cr("names", "v2", "b", {"size": 1, "new": 2})),
    apply("over it in v1", N1("b"), cr("names", "v1", "b", {"old": 2})),
    apply("over that in v2", N2("b"), cr("names", "v2", "b", {"size": 2}), q="&force=true"),
    put("put in v1", N1("b"), cr("names", "v1", "b", {"size": 9, "old": 9})),
    get("names in v1", N1("")), get("names in v2", N2("")),
    merge("an entry of a version that is not served", N1("b"), {"metadata": {"managedFields": [entry("x", f"{G}/v3", {"f:spec": {"f:size": {}, "f:new": {}}})]}}),
    apply("over it", N1("b"), cr("names", "v1", "b", {"size": 7}), "two"),
    delete("names go", f"{CRDS}/names.{G}", compare="status"), delete("shapes go", f"{CRDS}/shapes.{G}", compare="status"),
]

STEPS = [namespace(NS)] + AUTOSCALERS + EVENTS + CUSTOM
