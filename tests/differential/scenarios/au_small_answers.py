"""Small answers: which refusal comes first, what rules cannot be read, odd paths, warnings of requests that fail."""
from differential import *

NS = "diff-small"
G = "small.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MAPS = f"/api/v1/namespaces/{NS}/configmaps"
THINGS = f"/apis/{G}/v1/namespaces/{NS}/things"
UID = "11111111-2222-3333-4444-555555555555"
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def crd(plural, kind, versions):
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{plural}.{G}"},
            "spec": {"group": G, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}, "versions": versions}}


def version(name, storage, **rest):
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": FREE}} | rest


# ---- which refusal comes first

def metadatas(name):
    return [("no name", {}), ("its name", {"name": name}), ("another name", {"name": "other"}), ("no name, a uid", {"uid": UID}), ("its name, a uid", {"name": name, "uid": UID}),
            ("another name, a uid", {"name": "other", "uid": UID}), ("a namespace, a uid", {"namespace": "elsewhere", "name": name, "uid": UID}),
            ("no name, a version", {"resourceVersion": "1"}), ("its name, a version", {"name": name, "resourceVersion": "1"}), ("another name, a version", {"name": "other", "resourceVersion": "1"}),
            ("no name, a version, a uid", {"resourceVersion": "1", "uid": UID}), ("another namespace", {"namespace": "elsewhere", "name": name}), ("a broken version", {"name": name, "resourceVersion": "x"}),
            ("another name, a broken version", {"name": "other", "resourceVersion": "x"})]


def firsts(what, at, head, name):
    for said, metadata in metadatas(name):
        body = head | {"metadata": metadata}
        yield put(f"{what}: update with {said}", f"{at}/{name}?dryRun=All", body)
        yield patch(f"{what}: apply with {said}", f"{at}/{name}?fieldManager=a&dryRun=All", "apply", body)
        yield patch(f"{what}: merge with {said}", f"{at}/{name}?dryRun=All", "merge", body)


FIRSTS = [
    post("a config map", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "there"}}, compare="none"),
    post("a lease", f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "there"}}, compare="none"),
    post("a thing", THINGS, {"apiVersion": f"{G}/v1", "kind": "Thing", "metadata": {"name": "there"}}, compare="none"),
]
for what, at, head in [("config map", MAPS, {"apiVersion": "v1", "kind": "ConfigMap"}),
                       ("lease", f"/apis/coordination.k8s.io/v1/namespaces/{NS}/leases", {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}),
                       ("thing", THINGS, {"apiVersion": f"{G}/v1", "kind": "Thing"})]:
    for name in ["there", "missing"]:
        FIRSTS += firsts(f"{what} {name}", at, head, name)

# ---- rules that cannot be read

BROKEN = ['foo(', 'foo(1', 'foo(1,', 'foo(,', 'foo(,)', 'foo(1,)', 'foo(1,,2)', 'foo(1 2)', 'foo)', 'foo]', 'foo}', '[', '[1', '[1,', '[1,]', '[,', '[,]', '[1,,2]', '[1 2]', '[?', '[?1', '[)', '{',
          '{1', '{1:', '{1:2', '{1:2,', '{,', '{,}', '{1:2,,}', '{1 2}', '{:', '{?', '{?1', '{1:2 3:4}', '{)', 'a.', 'a.b(', 'a.b(1', 'a.b(1,', 'a.b(,', 'a.1', 'a.(', 'a[', 'a[?', 'a[1', 'a[]',
          'a[)', 'a[1,', 'a[1 2]', 'Msg{', 'Msg{a', 'Msg{a:', 'Msg{a:1', 'Msg{a:1,', 'Msg{1', 'Msg{}', 'Msg{,', 'Msg{,}', 'Msg{?', 'a.Msg{', '(', '()', '(1', '(1,', '(1 2)', ')', ']', '}', ',', ':',
          'a ?', 'a ? b', 'a ? b :', 'a ? b : c :', 'a ? b c', '1 +', '1 + * 2', '* 1', '1 *', '1 &&', '1 && || 2', '1 ||', '&& 1', '1 <', '< 1', '1 in', 'in 1', '1 2', 'a b', 'a 1', "'a' 'b'",
          'a = b', 'a & b', 'a | b', '1 == == 2', '.', '.a(', '.1a', '.(', '.a.', '..a', '1.', '1..2', 'true false', 'true(', 'null.', 'a.b.', 'a.b.c(', 'has(', 'has()', 'has(a.b', 'a.all(',
          'a.all(x', 'a.all(x,', 'a.all(x,)', 'a.all()', "'", "'a", '"a\nb"', "r'", "b'", "'\\q'", "'''a", '@', '#', '$', '`a', 'a.`b', 'a.`b`', '1 // c', '// c', '', ' ', '\n', '1 +\n\n foo(', '0x',
          '1u2', '1e', 'é', 'a.while', 'while', 'foo(bar(', '[[', '[{', '{[', '{{', 'foo([', 'foo({', '([', '[(', 'a[b[', 'a[(', 'a.b[', 'foo()(', 'foo()(1)', '1(', '1.a(', '[1](', '!foo(', '-foo(',
          '1 + foo(', '1 + [', '1 + {', '1 + (', 'true ? 1 : foo(', '.a', '.self', '.nope.b', 'foo([1,)', '{1:[2,}', 'a[b(1]', '(a ? b)', '[a ? b]', 'foo(a ? b)', '{a ? b}', '[?a ? b',
          'foo(1]', '[1)', '{1:2]', '(1]', 'a[1)', 'a[1}', 'Msg{a:1 b:2}', 'Msg{a 1}', 'Msg{a:}', 'Msg{?a:1}', '{1:}', '{1:,}', '{?1:2', '"""a', 'r"""a', "R'a", "bR'a", '0x1', '0xg', '`a!', '`',
          'a.`b-c`', '(1 + 2', '1 + (2', '[1 + ', 'x.map(y, y', 'x.map(y, y)]', '!(1', '-(1', "{'a': 1, 'b'}", "{'a': 1 'b': 2}", 'size(self', 'size(self))', 'self.a.b.', 'self.a.b(1 2 3)']


def ruled(rule):
    return crd("rules", "Rule", [version("v1", True, schema={"openAPIV3Schema": FREE | {"x-kubernetes-validations": [{"rule": rule}]}})])


RULES = [post(f"rule {rule!r}", f"{CRDS}?dryRun=All", ruled(rule), ignore=["body.metadata"]) for rule in BROKEN]

# ---- warnings of requests that fail

OLD = f"/apis/{G}/v1beta1/namespaces/{NS}/things"
SLICES = f"/api/v1/namespaces/{NS}/endpoints"
WARNINGS = []
for method in ["GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "OPTIONS"]:
    for name, at in [("endpoints", f"{SLICES}/a/nope"), ("endpoints status", f"{SLICES}/a/status"), ("component statuses", "/api/v1/componentstatuses/a/nope"), ("things", f"{OLD}/there/nope"), ("things status", f"{OLD}/there/status"), ("things scale", f"{OLD}/there/scale"),
                     ("no thing", f"{OLD}/missing/nope"), ("all things", f"/apis/{G}/v1beta1/things/a"), ("all things nope", f"/apis/{G}/v1beta1/things/a/nope"),
                     ("current things", f"{THINGS}/there/nope"), ("things status deep", f"{OLD}/there/status/x"), ("a thing", f"{OLD}/there"), ("a missing thing", f"{OLD}/missing"), ("the things", OLD)]:
        WARNINGS.append(step(f"{method} {name}", method, at + "?dryRun=All" * (method != "GET"), compare="text" if method in ("HEAD", "OPTIONS") else "body", body={} if method in ("PUT", "POST", "PATCH") else None, content_type=PATCHES["merge"] if method == "PATCH" else "application/json", ignore=["body.metadata.resourceVersion"]))

# ---- odd paths

PATHS = [
    post("a map somewhere", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stays"}}), delete("all maps of no namespace", "/api/v1/namespaces//configmaps"),
    delete("all maps of no namespace, dry", "/api/v1/namespaces//configmaps?dryRun=All"), delete("some maps of no namespace", "/api/v1/namespaces//configmaps?fieldSelector=metadata.name%3Dstays"),
    delete("no maps of no namespace", "/api/v1/namespaces//configmaps?fieldSelector=metadata.name%3Dnone"), get("the map stays", f"{MAPS}/stays"), delete("the map goes", f"{MAPS}/stays"),
]
for path in ["/api/v1/namespaces//pods", "/api/v1/namespaces//pods/a", "/api/v1/namespaces//", "/api/v1//pods", "/api/v1/namespaces/./pods", "/api/v1/namespaces/./pods/a", "/api/v1/namespaces/../pods/a/status", f"/apis/{G}/v1/namespaces/./things", f"/apis/{G}/v1/namespaces/../things/a", "/api/v1/namespaces/../pods", "/api/v1/namespaces/%2e/pods", "/api/v1/namespaces/%2e%2e/pods", f"{MAPS}/.", f"{MAPS}/..", f"{MAPS}/%2e", f"{MAPS}/%2e%2e",
             f"{MAPS}/./x", f"{MAPS}/../x", "/api/v1/namespaces/.", "/api/v1/namespaces/..", "/api/v1/nodes/.", "/api/v1/nodes/..", "/apis/apps/v1/namespaces//deployments", "/apis/apps/v1/namespaces//deployments/a", "/apis/apps/v1/namespaces//deployments/a/status", f"/apis/{G}/v1/namespaces//things", f"/apis/{G}/v1/namespaces//things/a",
             f"{THINGS}/.", f"{THINGS}/..", f"{THINGS}/%2e%2e", f"/apis/{G}/v1/", f"/apis/{G}/", f"/apis/{G}", f"/apis/{G}/v1", f"/apis/{G}/v3", f"/apis/{G}/v3/", f"/apis/{G}//v1", "/apis/apps/v1/", "/apis/apps/", "/apis/apps//", "/apis/", "/apis//", "/api/", "/api/v1/", "/api//v1",
             "/apis/apps/v1/watch/namespaces/default/deployments/a/status", "/apis/apps/v1/watch/deployments/a/status", "/apis/apps/v1/watch/namespaces/default/deployments/a/scale", "/api/v1/watch/namespaces/default/pods/a/log", "/api/v1/watch/nodes/a/status", f"/apis/{G}/v1/watch/namespaces/{NS}/things/a/status",
             "/api/v1/%6eodes/x", "/apis/%61pps/v1/deployments/a", f"/apis/{G}/%761/namespaces/{NS}/things/x", "/version/", "/version", "/healthz/", "/livez/%70ing"]:
    for method in ["GET", "DELETE", "PUT", "PATCH", "POST"]:
        body = None if method in ("GET", "DELETE") else {"metadata": {}}
        if method == "DELETE" and "namespaces/" in path and path.count("/") < 5:
            continue
        if method == "POST" and ("/./" in path or "/../" in path or "/%2e" in path):
            continue  # the namespace is looked for first
        discovery = path.rstrip("/").count("/") <= 3 and (method == "GET" or path == "/apis/")
        PATHS.append(step(f"{method} {path}", method, path + "?dryRun=All" * (method != "GET"), body=body, compare="status" if discovery else "body", content_type=PATCHES["merge"] if method == "PATCH" else "application/json"))

# ---- what the rest says

SET = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "set"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}
REPLICAS = SET | {"kind": "ReplicaSet", "metadata": {"name": "rs"}, "spec": SET["spec"] | {"replicas": 0}}
APPS = f"/apis/apps/v1/namespaces/{NS}"
CRITICAL = "/apis/scheduling.k8s.io/v1/priorityclasses"
REST = [
    *(get(name, f"{CRITICAL}/{name}", ignore=["body.metadata.managedFields"]) for name in ["system-node-critical", "system-cluster-critical"]),
    get("priority classes as rows", CRITICAL, accept=TABLE, compare="status"),
    put("a critical class changed", f"{CRITICAL}/system-node-critical?dryRun=All", {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "system-node-critical"}, "value": 2000001000}),
    put("a critical class with its text", f"{CRITICAL}/system-node-critical?dryRun=All", {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "system-node-critical"}, "value": 2000001000, "description": "x"}),
    post("a critical class of another name", f"{CRITICAL}?dryRun=All", {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "system-x"}, "value": 1}),
    post("a critical class anew", f"{CRITICAL}?dryRun=All", {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "system-node-critical"}, "value": 2000001000}),
    post("set-up: replica set", f"{APPS}/replicasets", REPLICAS, compare="none"),
    post("set-up: daemon set", f"{APPS}/daemonsets", SET, compare="none"),
    *(get(f"a scale as {form}{query}", f"{APPS}/replicasets/rs/scale{query}", accept=accept) for form, accept in [("a row", TABLE), ("metadata", PARTIAL)] for query in ["", "?includeObject=Object", "?includeObject=None"]),
    get("a scale of no replicas", f"{APPS}/replicasets/rs/scale"),
    *(patch(f"conditions without {said}", f"{APPS}/daemonsets/set/status", "strategic", {"status": {"$deleteFromPrimitiveList/conditions": value}}) for said, value in [("a text", ["a"]), ("an object", [{"type": "a"}]), ("anything", []), ("a list", "a")]),
    patch("conditions of a set", f"{APPS}/daemonsets/set/status", "strategic", {"status": {"conditions": [{"type": "a", "status": "True"}]}}),
    *(patch(f"conditions there without {said}", f"{APPS}/daemonsets/set/status", "strategic", {"status": {"$deleteFromPrimitiveList/conditions": value}}) for said, value in [("a text", ["a"]), ("an object", [{"type": "a"}]), ("anything", []), ("a list", "a")]),
    patch("images without one", f"{APPS}/daemonsets/set", "strategic", {"spec": {"template": {"spec": {"$deleteFromPrimitiveList/containers": ["c"]}}}}),
]
# The object that messages show has a version, which is another on every server.
WHY = r'(?:json: cannot|parsing time|strict decoding|error decoding|the server rejected)(?:[^"\\]|\\.)*'
JSON_PATCHES = [[{"op": "add", "path": "/data", "value": {"a": 1}}], [{"op": "add", "path": "/nope", "value": 1}], [{"op": "nope", "path": "/data"}], [{"op": "add", "path": "/data", "value": {"a": "1"}, "more": 1}], [{"op": "remove", "path": "/nope"}], [{"op": "add"}],
                [{"op": "test", "path": "/kind", "value": "x"}], {"op": "add"}, [1], "x", [{"op": "add", "path": "/metadata/labels", "value": {"a": 1}}], [{"op": "add", "path": "/immutable", "value": "x"}]]
for strict in ["Strict", "Warn", "Ignore"]:
    for number, operations in enumerate(JSON_PATCHES):
        REST.append(patch(f"JSON patch {number}, {strict}", f"{MAPS}/there?fieldValidation={strict}&dryRun=All", "json", operations, cut=WHY))
        REST.append(patch(f"JSON patch {number} of a thing, {strict}", f"{THINGS}/there?fieldValidation={strict}&dryRun=All", "json", operations, cut=WHY))
for said, stamp in [("a text", "x"), ("a number", 1), ("null", None), ("a time", "2020-01-01T00:00:00Z"), ("an odd time", "2020-01-01T00:00:00.5+01:00"), ("an empty text", ""), ("an object", {})]:
    for name in ["there", "missing"]:
        thing = {"apiVersion": f"{G}/v1", "kind": "Thing", "metadata": {"name": name, "creationTimestamp": stamp}}
        REST += [patch(f"apply {name} created at {said}", f"{THINGS}/{name}?fieldManager=a&dryRun=All", "apply", thing), put(f"put {name} created at {said}", f"{THINGS}/{name}?dryRun=All", thing),
                 patch(f"merge {name} created at {said}", f"{THINGS}/{name}?dryRun=All", "merge", thing, cut=WHY),
                 patch(f"apply map {name} created at {said}", f"{MAPS}/{name}?fieldManager=a&dryRun=All", "apply", thing | {"apiVersion": "v1", "kind": "ConfigMap"})]

STEPS = [
    namespace(NS),
    post("set-up: things", CRDS, crd("things", "Thing", [version("v1", True), version("v1beta1", False, deprecated=True)]), compare="none"),
    get("set-up: served", f"{CRDS}/things.{G}", compare="status"),
    get("set-up: listed", OLD, wait=30, compare="status"),
    *FIRSTS, *RULES, *WARNINGS, *PATHS, *REST,
    delete("the things go", f"{CRDS}/things.{G}", compare="none"),
]
