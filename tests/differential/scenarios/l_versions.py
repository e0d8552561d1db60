"""Custom objects over time: ratcheting, several versions, scale, columns, selectable fields, renaming, conflicts of names."""
from differential import *

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
G = "versions.example.com"
NS = f"/apis/{G}/v1/namespaces/diff-versions"
MF = ["body.metadata.managedFields"]
O = {"type": "object"}
S = {"type": "string"}
I = {"type": "integer"}


def p(**q):
    return {"type": "object", "properties": q}


def crd(plural, kind, versions, names=None, **spec):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{G}"},
            "spec": {"group": G, "scope": "Namespaced", "versions": versions,
                     "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"} | (names or {})} | spec}


def v(name, schema, **more):
    return {"name": name, "served": True, "storage": name == "v1", "schema": {"openAPIV3Schema": schema}} | more


def obj(kind, name, version="v1", **rest):
    return {"apiVersion": f"{G}/{version}", "kind": kind, "metadata": {"name": name}} | rest


LOOSE = p(spec=p(a=S, b=S, c=I, l={"type": "array", "items": p(k=S, x=S)}, lm={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": {"type": "object", "required": ["k"], "properties": {"k": S, "x": S}}},
                 m={"type": "object", "additionalProperties": S}, o=p(x=S, y=S), req=p(x=S, y=S), one=p(x=S, y=S), set={"type": "array", "items": S}))
TIGHT = p(spec=p(a={"type": "string", "maxLength": 2}, b={"type": "string", "x-kubernetes-validations": [{"rule": "self == 'ok'", "message": "not ok"}]}, c={"type": "integer", "maximum": 3},
                 l={"type": "array", "maxItems": 1, "items": p(k=S, x={"type": "string", "enum": ["q"]})}, lm={"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": {"type": "object", "required": ["k"], "properties": {"k": S, "x": {"type": "string", "pattern": "^z"}}}},
                 m={"type": "object", "additionalProperties": {"type": "string", "maxLength": 1}}, o={"type": "object", "properties": {"x": {"type": "string", "maxLength": 1}, "y": S}},
                 req={"type": "object", "required": ["y"], "properties": {"x": S, "y": S}}, one={"type": "object", "properties": {"x": S, "y": S}, "oneOf": [{"required": ["x"]}, {"required": ["y"]}]}, set={"type": "array", "x-kubernetes-list-type": "set", "items": S}))
W = f"{NS}/rats"
COLUMNS = [{"name": "S", "type": "string", "jsonPath": ".spec.s"}, {"name": "I", "type": "integer", "jsonPath": ".spec.i"}, {"name": "N", "type": "number", "jsonPath": ".spec.n"}, {"name": "B", "type": "boolean", "jsonPath": ".spec.b"}, {"name": "D", "type": "date", "jsonPath": ".spec.d"},
           {"name": "List", "type": "string", "jsonPath": ".spec.l"}, {"name": "First", "type": "string", "jsonPath": ".spec.l[0]"}, {"name": "Each", "type": "string", "jsonPath": ".spec.o[*].k"}, {"name": "Filter", "type": "string", "jsonPath": ".spec.o[?(@.k==\"b\")].v"}, {"name": "Obj", "type": "string", "jsonPath": ".spec.o[0]"},
           {"name": "Wrong", "type": "integer", "jsonPath": ".spec.s"}, {"name": "WrongB", "type": "boolean", "jsonPath": ".spec.i"}, {"name": "Label", "type": "string", "jsonPath": ".metadata.labels.a\\.b/c"}, {"name": "Last", "type": "string", "jsonPath": ".spec.l[-1:]"}, {"name": "AsText", "type": "string", "jsonPath": ".spec.i"}, {"name": "FloatText", "type": "string", "jsonPath": ".spec.n"}, {"name": "BoolText", "type": "string", "jsonPath": ".spec.b"}, {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
SCALE = {"status": {}, "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n", "labelSelectorPath": ".status.sel"}}
C = f"{NS}/cols"
M = f"/apis/{G}/%s/namespaces/diff-versions/multis"

STEPS = [
    namespace("diff-versions"),
    post("loose", CRDS, crd("rats", "Rat", [v("v1", LOOSE)]), compare="status"),
    get("served", W, wait=30),
    post("object", W, obj("Rat", "r", spec={"a": "abc", "b": "bad", "c": 9, "l": [{"k": "1", "x": "w"}, {"k": "2", "x": "w"}], "lm": [{"k": "1", "x": "a"}, {"k": "2", "x": "b"}], "m": {"a": "long", "b": "long"}, "o": {"x": "long", "y": "bad"}, "req": {"x": "1"}, "one": {}, "set": ["a", "a"]}), ignore=MF),
    patch("tighten", f"{CRDS}/rats.{G}", "merge", {"spec": {"versions": [v("v1", TIGHT)]}}, compare="status"),
    post("tightened", f"{W}?dryRun=All", obj("Rat", "t", spec={"c": 9}), wait=30, ignore=MF),
    patch("unrelated", f"{W}/r", "merge", {"metadata": {"labels": {"a": "b"}}}, ignore=MF),
    patch("unrelated in spec", f"{W}/r", "merge", {"spec": {"m": {"c": "x"}}}, ignore=MF),
    patch("same path", f"{W}/r", "merge", {"spec": {"a": "abcd"}}), patch("rule path", f"{W}/r", "merge", {"spec": {"b": "bad2"}}), patch("number", f"{W}/r", "merge", {"spec": {"c": 8}}), patch("number fixed", f"{W}/r?dryRun=All", "merge", {"spec": {"c": 3}}, ignore=MF),
    patch("list appended", f"{W}/r", "merge", {"spec": {"l": [{"k": "1", "x": "w"}, {"k": "2", "x": "w"}, {"k": "3", "x": "q"}]}}), patch("list shortened", f"{W}/r", "merge", {"spec": {"l": [{"k": "1", "x": "w"}]}}), patch("list map one", f"{W}/r?dryRun=All", "merge", {"spec": {"lm": [{"k": "2", "x": "b"}, {"k": "1", "x": "z"}]}}, ignore=MF), patch("list map new", f"{W}/r", "merge", {"spec": {"lm": [{"k": "2", "x": "b"}, {"k": "3", "x": "a"}]}}),
    patch("map value", f"{W}/r", "merge", {"spec": {"m": {"a": "longer"}}}), patch("map removed", f"{W}/r?dryRun=All", "merge", {"spec": {"m": {"a": None}}}, ignore=MF), patch("object field", f"{W}/r", "merge", {"spec": {"o": {"y": "bad2"}}}), patch("object other field", f"{W}/r", "merge", {"spec": {"o": {"x": "z"}}}), patch("required still missing", f"{W}/r", "merge", {"spec": {"req": {"x": "2"}}}), patch("one of still", f"{W}/r", "merge", {"spec": {"one": {"x": "1", "y": "2"}}}), patch("set reordered", f"{W}/r", "merge", {"spec": {"set": ["a", "a", "b"]}}),
    patch("tighten by status of none", f"{W}/r/status", "merge", {"status": {}}),
    # columns
    post("columns", CRDS, crd("cols", "Col", [v("v1", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, additionalPrinterColumns=COLUMNS, subresources=SCALE)]), compare="status"),
    get("columns served", C, wait=30),
    post("full", C, obj("Col", "full", spec={"s": "text", "i": 5, "n": 1.5, "b": True, "d": "2020-01-01T00:00:00Z", "l": ["a", "b"], "o": [{"k": "a", "v": 1}, {"k": "b", "v": {"x": 1}}]}, status={"n": 3}) | {"metadata": {"name": "full", "labels": {"a.b/c": "lab"}}}, compare="status"),
    post("empty", C, obj("Col", "empty"), compare="status"), post("odd", C, obj("Col", "odd", spec={"s": {"x": [1, None, 2.50, "t"]}, "i": "5", "n": 3, "b": "x", "d": "never", "l": "text", "o": {"k": 1}}), compare="status"), post("nulls", C, obj("Col", "nulls", spec={"s": None, "i": 2.7, "n": None, "b": None, "d": None, "l": [], "o": []}), compare="status"),
    get("table", C, accept=TABLE, ignore=["body.rows.*.object"]), get("table beta", C, accept="application/json;as=Table;v=v1beta1;g=meta.k8s.io", ignore=["body.rows.*.object"]),
    # scale
    get("scale none", f"{C}/empty/scale"), get("scale float", f"{C}/full/scale"), put("scale put", f"{C}/empty/scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "empty"}, "spec": {"replicas": 2}}), put("scale negative", f"{C}/empty/scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "empty"}, "spec": {"replicas": -2}}),
    put("scale wrong name", f"{C}/empty/scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "other"}, "spec": {"replicas": 2}}), put("scale wrong kind", f"{C}/empty/scale", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "empty"}}), put("scale no kind", f"{C}/empty/scale", {"metadata": {"name": "empty"}, "spec": {"replicas": 4}}), put("scale stale", f"{C}/empty/scale", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "empty", "resourceVersion": "1"}, "spec": {"replicas": 2}}),
    patch("scale merge", f"{C}/empty/scale", "merge", {"spec": {"replicas": 7}}), patch("scale strategic", f"{C}/empty/scale", "strategic", {"spec": {"replicas": 8}}), patch("scale json", f"{C}/empty/scale", "json", [{"op": "replace", "path": "/spec/replicas", "value": 9}]),
    get("scale table", f"{C}/empty/scale", accept=TABLE), get("scale protobuf", f"{C}/empty/scale", accept="application/vnd.kubernetes.protobuf", compare="status"), patch("text as replicas", f"{C}/odd", "merge", {"spec": {"n": "x"}}, compare="status"), get("scale text", f"{C}/odd/scale"), patch("status replicas text", f"{C}/full/status", "merge", {"status": {"n": "x", "sel": 5}}, compare="status"), get("scale status text", f"{C}/full/scale"),
    # several versions
    post("multi", CRDS, crd("multis", "Multi", [v("v1", p(spec=p(a={"type": "string", "default": "one"}))), v("v1beta1", p(spec=p(b={"type": "string", "default": "beta"})), deprecated=True, deprecationWarning="use v1"), v("v2alpha1", p(spec=p(c=S)), served=False), v("v3", p(spec=p(a=S, b=S)), additionalPrinterColumns=[{"name": "B", "type": "string", "jsonPath": ".spec.b"}])]), compare="status"),
    get("multi served", M % "v1", wait=30), get("group", f"/apis/{G}", wait=30), get("resources v1beta1", f"/apis/{G}/v1beta1"), get("not served", M % "v2alpha1", compare="text"),
    post("in v1", M % "v1", obj("Multi", "m", spec={"a": "x"})), get("as v1beta1", (M % "v1beta1") + "/m"), get("as v3", (M % "v3") + "/m"), put("by v3", (M % "v3") + "/m", obj("Multi", "m", "v3", spec={"a": "y", "b": "q"})), get("v1 again", (M % "v1") + "/m"), get("list in beta", M % "v1beta1"), get("table in v3", M % "v3", accept=TABLE, ignore=["body.rows.*.object"]), get("watch in beta", (M % "v1beta1") + "?watch=1&timeoutSeconds=1&resourceVersion=0", compare="lines"), post("mismatch", M % "v1", obj("Multi", "q", "v3")), delete("delete in beta", (M % "v1beta1") + "/m", ),
    # names
    post("same short name", CRDS, crd("others", "Other", [v("v1", O)], names={"shortNames": ["multis"], "singular": "multi"}), compare="status"), get("conflict", f"{CRDS}/others.{G}", wait=30, ignore=["body.spec"]), get("not served for conflict", f"/apis/{G}/v1/others", compare="text"), delete("release", f"{CRDS}/multis.{G}", compare="status"), get("accepted then", f"{CRDS}/others.{G}", wait=30, ignore=["body.spec"]), get("served then", f"/apis/{G}/v1/namespaces/diff-versions/others", wait=30),
    patch("short names change", f"{CRDS}/others.{G}", "merge", {"spec": {"names": {"shortNames": ["oo"], "categories": ["all", "cats"], "listKind": "OtherLists"}}}, compare="status"), get("new names", f"/apis/{G}/v1", wait=30), get("names told", f"{CRDS}/others.{G}", ignore=["body.spec"]), get("list kind", f"/apis/{G}/v1/namespaces/diff-versions/others", wait=30), patch("not served any more", f"{CRDS}/others.{G}", "merge", {"spec": {"versions": [v("v1", O, served=True), v("v2", O)]}}, compare="status"), get("second version", f"/apis/{G}", wait=30),
    # finalizer keeps a definition
    post("kept", f"/apis/{G}/v1/namespaces/diff-versions/others", obj("Other", "kept") | {"metadata": {"name": "kept", "finalizers": ["example.com/keep"]}}, compare="status"), delete("definition", f"{CRDS}/others.{G}", ignore=["body.spec"]), get("terminating", f"{CRDS}/others.{G}", wait=30, ignore=["body.spec"]), post("no new ones", f"/apis/{G}/v1/namespaces/diff-versions/others", obj("Other", "late"), wait=30), get("still read", f"/apis/{G}/v1/namespaces/diff-versions/others/kept", wait=30), patch("let go", f"/apis/{G}/v1/namespaces/diff-versions/others/kept", "merge", {"metadata": {"finalizers": None}}), get("definition goes", f"{CRDS}/others.{G}", wait=30),
    delete("drop rats", f"{CRDS}/rats.{G}", compare="status"), delete("drop cols", f"{CRDS}/cols.{G}", compare="status"),
]
