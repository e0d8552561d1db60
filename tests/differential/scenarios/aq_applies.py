"""What a client is told of keys that it applies twice, and when; media types of patches; names on the path of a scale; whose the status of a custom resource is in versions that have none of their own."""
from differential import *

NS = "diff-applies"
N = f"/api/v1/namespaces/{NS}"
A = f"/apis/apps/v1/namespaces/{NS}"
G = "applies.example.com"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MAPS = f"{N}/configmaps"
RV = ["body.metadata.resourceVersion"]
HOW = {"by default": "", "warned": "&fieldValidation=Warn", "strictly": "&fieldValidation=Strict", "carelessly": "&fieldValidation=Ignore"}


def o(kind, name, version="v1", **rest): return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest
def cm(name, **rest): return o("ConfigMap", name, data={"a": "1"}) | rest
def apply(what, path, raw, manager="m", q="", **kw): return step(what, "PATCH", f"{path}?fieldManager={manager}{q}", raw=raw, content_type=PATCHES["apply"], **kw)


JSON_TWICE = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"%s"},"data":{"a":"1"},"data":{"b":"2"}}'
YAML_TWICE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, name: %s}\ndata:\n  a: x\n  a: u\n  b: z\n"
ONCE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: '%s'}\n"


def maps():
    for form, raw in (("json", JSON_TWICE), ("yaml", YAML_TWICE)):
        raw = raw.replace("%s", "{name}")
        for how, q in HOW.items():
            name = f"{form}-{how.replace(' ', '-')}"
            path, text = f"{MAPS}/{name}", raw.replace("{name}", name)
            yield apply(f"{form} creates {how}", path, text, q=q, ignore=RV)
            yield apply(f"{form} once more {how}", path, text, q=q, ignore=RV)
            yield apply(f"{form} as a trial {how}", path, text, "two", q + "&force=true&dryRun=All", ignore=RV)
            yield apply(f"{form} against {how}", path, text.replace("2", "3").replace("z", "w"), "two", q, ignore=RV)
            yield apply(f"{form} by force {how}", path, text.replace("2", "3").replace("z", "w"), "two", q + "&force=true", ignore=RV)
            yield apply(f"{form} with another name {how}", f"{MAPS}/other", text, q=q, ignore=RV)
            yield apply(f"{form} of another kind {how}", path, text.replace("ConfigMap", "Secret"), q=q, ignore=RV)
            yield apply(f"{form} of another version {how}", path, text.replace("v1", "v2"), q=q, ignore=RV)
            yield apply(f"{form} into no namespace {how}", f"/api/v1/namespaces/nowhere/configmaps/{name}", text, q=q, ignore=RV)
            yield apply(f"{form} without a manager {how}", path, text, "", q, ignore=RV)
            yield apply(f"{form} unknown members {how}", path, text.replace('"data":{"a":"1"}', '"nope":1').replace("a: u", "a: {}"), q=q, ignore=RV)
    for what, text in {
        "three times": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {a: x, a: u, a: z}\n",
        "at several places": "apiVersion: v1\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: odd\n  labels: {l: a, l: b}\n  labels: {l: c}\ndata: {a: x, a: u}\n",
        "its kind": "apiVersion: v1\nkind: Secret\nkind: ConfigMap\nmetadata: {name: odd}\n",
        "the other kind last": "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: odd}\n",
        "fields of its own": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, managedFields: [{}], managedFields: [{}]}\n",
        "a wrong version": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, resourceVersion: '1', resourceVersion: '2'}\ndata: {a: u}\n",
        "another uid": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, uid: a, uid: b}\ndata: {a: v}\n",
        "another namespace": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, namespace: x, namespace: y}\ndata: {a: v}\n",
        "what is not valid": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {'a b': u, 'a b': v}\n",
        "what has another type": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {a: u, a: [v]}\n",
        "what is unknown": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\nnope: 1\nnope: 2\n",
        "nothing": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {b: w, b: null}\n",
        "an owner": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd, ownerReferences: [{uid: a, uid: a, kind: K, name: n, apiVersion: v1}, {uid: a, kind: K, name: n, apiVersion: v1}]}\n",
        "numbers": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: {1: x, 1: z}\n",
        "with an anchor": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata: &d {a: x, a: u}\nbinaryData: *d\n".replace("x", "eA==").replace("u", "dQ=="),
        "merged": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\ndata:\n  <<: {a: x}\n  a: u\n",
    }.items():
        for how, q in HOW.items():
            yield apply(f"twice {what} {how}", f"{MAPS}/odd", text, q=q, ignore=RV)
    for what, text in {"nope": "fieldValidation=nope", "warn": "fieldValidation=warn", "several": "fieldValidation=Strict&fieldValidation=Ignore", "empty": "fieldValidation="}.items():
        yield apply(f"validation {what}", f"{MAPS}/odd", YAML_TWICE % ("odd", "odd"), q=f"&{text}&force=true", ignore=RV)


POD = o("Pod", "p", spec={"containers": [{"name": "c", "image": "i"}]})
DEPLOYMENT = o("Deployment", "d", "apps/v1", spec={"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}})


def others():
    yield post("pod", f"{N}/pods", POD, compare="status")
    yield post("deployment", f"{A}/deployments", DEPLOYMENT, compare="status")
    for how, q in HOW.items():
        status = 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nstatus: {message: a, message: b%s}\n' % how
        yield apply(f"status of a pod {how}", f"{N}/pods/p/status", status, q=q, ignore=RV)
        yield apply(f"status of a pod, with another's {how}", f"{N}/pods/p/status", status.replace("b", "c"), "two", q, ignore=RV)
        yield apply(f"status of a pod, unknown {how}", f"{N}/pods/p/status", status.replace("message: a", "nope: a"), "two", q, ignore=RV)
        yield apply(f"status of no pod {how}", f"{N}/pods/none/status", status.replace("name: p", "name: none"), "two", q, ignore=RV)
        spec = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 1, replicas: 2, template: {spec: {containers: [{name: c, image: i, image: j}]}}}\n"
        yield apply(f"deployment {how}", f"{A}/deployments/d", spec, q=q + "&force=true", ignore=RV)
        yield apply(f"deployment, unknown {how}", f"{A}/deployments/d", spec.replace("image: i", "nope: i"), q=q, ignore=RV)
        yield apply(f"deployment, not valid {how}", f"{A}/deployments/d", spec.replace("image: j", "image: ''"), q=q, ignore=RV)
        yield apply(f"deployment, a key of a list {how}", f"{A}/deployments/d", spec.replace("name: c", "name: e, name: c"), q=q, ignore=RV)
        scale = "apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {name: d}\nspec: {replicas: 3, replicas: 4}\n"
        yield apply(f"scale {how}", f"{A}/deployments/d/scale", scale, "s", q + "&force=true", ignore=RV)
        yield apply(f"scale against {how}", f"{A}/deployments/d/scale", scale.replace("4", "5"), "t", q, ignore=RV)
        yield apply(f"scale of another name {how}", f"{A}/deployments/d/scale", scale.replace("name: d", "name: e"), "s", q + "&force=true", ignore=RV)
        yield apply(f"scale unknown {how}", f"{A}/deployments/d/scale", scale.replace("replicas: 3", "nope: 3"), "s", q, ignore=RV)
        yield apply(f"scale not valid {how}", f"{A}/deployments/d/scale", scale.replace("4", "-4"), "s", q + "&force=true", ignore=RV)
        yield apply(f"scale of nothing {how}", f"{A}/deployments/none/scale", scale, "s", q, ignore=RV)
        yield apply(f"scale of another kind {how}", f"{A}/deployments/d/scale", spec, "s", q, ignore=RV)
        yield apply(f"scale as a list {how}", f"{A}/deployments/d/scale", "[]", "s", q, ignore=RV)
        yield apply(f"scale as nothing {how}", f"{A}/deployments/d/scale", "", "s", q, ignore=RV)
        yield apply(f"scale as null {how}", f"{A}/deployments/d/scale", "null", "s", q, ignore=RV)
        yield apply(f"scale as broken text {how}", f"{A}/deployments/d/scale", "a: b: c", "s", q, ignore=RV)
    yield from scales()


def scales():
    scale = o("Scale", "a%b", "autoscaling/v1", spec={"replicas": 1})
    for name in ("a%25b", "..", ".", "a%252Fb", "d"):
        for resource in ("deployments", "statefulsets") if name == "a%25b" else ("deployments",):
            path = f"{A}/{resource}/{name}/scale"
            yield get(f"scale of {resource} {name} is read", path, ignore=RV)
            yield put(f"scale of {resource} {name} is put", path, scale, ignore=RV)
            yield put(f"scale of {resource} {name} is put as nothing", path, raw="", ignore=RV)
            yield put(f"scale of {resource} {name} is put by its name", path, o("Scale", "d", "autoscaling/v1", spec={"replicas": 1}), ignore=RV)
            for kind, body in (("merge", {"spec": {"replicas": 2}}), ("json", []), ("strategic", {}), ("apply", scale)):
                yield patch(f"scale of {resource} {name} is patched by {kind}", f"{path}?fieldManager=m" + ("&force=true" if kind == "apply" else ""), kind, body, ignore=RV)
    path = f"{N}/replicationcontrollers/a%25b/scale"
    yield put("scale of a controller with such a name is put", path, scale)
    yield patch("scale of a controller with such a name is patched", path, "merge", {})


def media():
    yield post("a map", MAPS, cm("a"), compare="status")
    yield post("a thing", f"/apis/{G}/v1/namespaces/{NS}/things", o("Thing", "a", f"{G}/v1"), compare="status")
    paths = {"map": f"{MAPS}/a", "thing": f"/apis/{G}/v1/namespaces/{NS}/things/a", "scale": f"{A}/deployments/d/scale", "status": f"{N}/pods/p/status", "nothing": f"{MAPS}/none"}
    bodies = {"json": "[]", "merge": "{}", "strategic": "{}", "apply": "{}"}
    for where, path in paths.items():
        for kind, media in PATCHES.items():
            for what, text in {"a charset": f"{media};charset=utf-8", "a space before": f"{media} ; charset=utf-8", "a space behind": f"{media}; charset=utf-8", "nothing behind": f"{media};", "a space": f"{media} ", "a space and nothing": f"{media} ;", "two": f"{media}, {media}", "a tab": f"{media}\t;charset=utf-8"}.items():
                yield step(f"{kind} of a {where} with {what}", "PATCH", f"{path}?fieldManager=m&dryRun=All", raw=bodies[kind], content_type=text, ignore=RV)
        for what, text in {"nothing before": ";application/json-patch+json", "only a mark": ";", "nothing": "", "json": "application/json", "json with a space": "application/json ;charset=utf-8", "yaml": "application/yaml", "cbor": "application/apply-patch+cbor", "any": "*/*", "any patch": "application/*"}.items():
            yield step(f"a {where} is patched with {what}", "PATCH", f"{path}?fieldManager=m&dryRun=All", raw="{}", content_type=text, ignore=RV)


def version(name, spec, storage=False, served=True, more=None, **rest):
    schema = {"type": "object", "properties": {"spec": spec, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}} | (more or {})}
    return {"name": name, "served": served, "storage": storage, "schema": {"openAPIV3Schema": schema}} | rest


def crd(plural, versions, **rest):
    kind = plural[:-1].capitalize()
    return o("CustomResourceDefinition", f"{plural}.{G}", "apiextensions.k8s.io/v1",
             spec={"group": G, "scope": "Namespaced", "versions": versions, "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}} | rest)


FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CLOSED = {"type": "object", "properties": {"size": {"type": "integer"}, "replicas": {"type": "integer"}}}
STATUS = {"subresources": {"status": {}}}
T = f"/apis/{G}/v1/namespaces/{NS}/things"


def at(plural, version, name=""): return f"/apis/{G}/{version}/namespaces/{NS}/{plural}" + (f"/{name}" if name else "")


def definitions():
    yield post("things", CRDS, crd("things", [version("v1", CLOSED, True, subresources={"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}})]), compare="status")
    yield post("opens", CRDS, crd("opens", [version("v1", FREE, True)]), compare="status")
    # the one has a status of its own, the other not
    yield post("halves", CRDS, crd("halves", [version("v1", CLOSED, True, **STATUS), version("v2", CLOSED)]), compare="status")
    yield post("others", CRDS, crd("others", [version("v1", CLOSED, True), version("v2", CLOSED, **STATUS), version("v3", CLOSED, **STATUS)]), compare="status")
    yield post("hooks", CRDS, crd("hooks", [version("v1", CLOSED, True), version("v2", CLOSED)]), compare="status")
    yield post("extras", CRDS, crd("extras", [version("v1", CLOSED, True, more={"data": {"type": "object", "additionalProperties": {"type": "string"}}}, **STATUS)]), compare="status")
    for plural, name in (("things", "v1"), ("opens", "v1"), ("halves", "v2"), ("others", "v3"), ("extras", "v1"), ("hooks", "v2")):
        yield get(f"{plural} are served", at(plural, name), wait=10, ignore=["body.metadata"])


def customs():
    for plural in ("things", "opens"):
        kind = plural[:-1].capitalize()
        for form, text in (("json", '{"apiVersion":"%s/v1","kind":"%s","metadata":{"name":"n"},"spec":{"size":1,"size":2},"spec":{"size":3,"size":4}}' % (G, kind)),
                           ("yaml", f"apiVersion: {G}/v1\nkind: {kind}\nmetadata: {{name: n}}\nspec: {{size: 1, size: 2}}\n")):
            for how, q in HOW.items():
                name = f"{form}-{how.replace(' ', '-')}"
                path, body = at(plural, "v1", name), text.replace('"n"', f'"{name}"').replace("name: n}", f"name: {name}}}")
                yield apply(f"{plural} in {form} {how}", path, body, q=q, ignore=RV)
                yield apply(f"{plural} in {form} again {how}", path, body, q=q, ignore=RV)
                yield apply(f"{plural} in {form} against {how}", path, body.replace("2", "7").replace("4", "7"), "two", q, ignore=RV)
                yield apply(f"{plural} in {form} by force {how}", path, body.replace("2", "7").replace("4", "7"), "two", q + "&force=true", ignore=RV)
                yield apply(f"{plural} in {form} unknown {how}", path, body.replace("size", "nope"), "two", q, ignore=RV)
                yield apply(f"{plural} in {form} unknown and known {how}", path, body.replace("size", "nope", 1), "two", q + "&force=true", ignore=RV)
                yield apply(f"{plural} in {form} unknown outside {how}", path, body.replace("spec", "nope"), "two", q, ignore=RV)
                yield apply(f"{plural} in {form} of a wrong type {how}", path, body.replace("4", '"x"').replace("2", "x"), "two", q + "&force=true", ignore=RV)
                yield apply(f"{plural} in {form} of another name {how}", at(plural, "v1", "other"), body, q=q, ignore=RV)
                yield apply(f"{plural} in {form} its status {how}", f"{path}/status", body.replace("spec", "status"), "st", q, ignore=RV)
                yield apply(f"{plural} in {form} its scale {how}", f"{path}/scale", f"apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {{name: {name}}}\nspec: {{replicas: 1, replicas: 2}}\n", "sc", q, ignore=RV)
        yield apply(f"{plural} with names of fields that nobody knows", at(plural, "v1", "x"), f"apiVersion: {G}/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{size: 1, nope: {{a: 1, a: 2}}}}\n", ignore=RV)
        yield apply(f"{plural} with names of fields that nobody knows, strictly", at(plural, "v1", "w"), f"apiVersion: {G}/v1\nkind: {kind}\nmetadata: {{name: w}}\nspec: {{size: 1, nope: {{a: 1}}}}\n", q="&fieldValidation=Strict", ignore=RV)


def cr(plural, version, name, **rest): return o(plural[:-1].capitalize(), name, f"{G}/{version}") | rest
def applied(what, plural, v, name, manager, q="", sub="", **rest): return patch(what, f"{at(plural, v, name)}{sub}?fieldManager={manager}{q}", "apply", cr(plural, v, name, **rest), ignore=RV)
def merged(what, plural, v, name, manager, sub="", **rest): return patch(what, f"{at(plural, v, name)}{sub}?fieldManager={manager}", "merge", rest, ignore=RV)


def statuses():
    for plural in ("halves", "others"):
        for v in ("v1", "v2"):
            other, n = ("v2" if v == "v1" else "v1"), f"by-{v}"
            yield applied(f"{plural} made in {v}", plural, v, n, "one", spec={"size": 1}, status={"a": 1})
            yield applied(f"{plural} in {other}, a status", plural, other, n, "two", spec={"replicas": 1}, status={"b": 1})
            yield applied(f"{plural} in {v}, another status", plural, v, n, "one", spec={"size": 1}, status={"a": 2, "b": 2})
            yield applied(f"{plural} in {v}, another status by force", plural, v, n, "one", "&force=true", spec={"size": 1}, status={"a": 2, "b": 2})
            yield merged(f"{plural} in {other}, a status is merged", plural, other, n, "upd", spec={"size": 2}, status={"a": 3, "c": 1})
            yield merged(f"{plural} in {v}, a status is merged", plural, v, n, "upd2", spec={"size": 3}, status={"a": 4, "c": 2})
            for w in (v, other):
                yield merged(f"{plural} in {w}, its status ({v})", plural, w, n, "ctl", "/status", spec={"size": 9}, metadata={"labels": {"l": w}}, status={"a": 5, "w": w})
                yield applied(f"{plural} in {w}, its status applied ({v})", plural, w, n, "ctl2", "", "/status", spec={"size": 9}, status={"a": 5, "w": w})
                yield applied(f"{plural} in {w}, its status applied by force ({v})", plural, w, n, "ctl3", "&force=true", "/status", spec={"size": 8}, status={"a": 6, "w": f"{w}!"})
            yield get(f"{plural} made in {v} is read in {v}", at(plural, v, n), ignore=RV)
            yield put(f"{plural} put in {v}", f"{at(plural, v, n)}?fieldManager=put", cr(plural, v, n, spec={"size": 4}, status={"z": 1}), ignore=RV)
            yield put(f"{plural} put in {other}", f"{at(plural, other, n)}?fieldManager=put", cr(plural, other, n, spec={"size": 5}, status={"z": 2}), ignore=RV)
            yield get(f"{plural} at last in {other}", at(plural, other, n), ignore=RV)
    yield applied("others in v3, as in v2", "others", "v3", "by-v2", "three", "&force=true", status={"z": 9}, spec={"size": 6})
    yield merged("others in v3, its status", "others", "v3", "by-v2", "ctl", "/status", status={"z": 10})
    yield merged("others in v2, its status", "others", "v2", "by-v2", "ctl2", "/status", status={"z": 11})
    yield post("extras", at("extras", "v1"), cr("extras", "v1", "e", spec={"size": 1}, data={"a": "1"}), ignore=RV)
    yield merged("extras: more than the status by its path", "extras", "v1", "e", "ctl", "/status", status={"a": 1}, data={"a": "2", "b": "3"}, spec={"size": 2}, metadata={"annotations": {"a": "b"}})
    yield applied("extras: more than the status applied by its path", "extras", "v1", "e", "ctl2", "", "/status", status={"a": 2}, data={"c": "4"})
    yield applied("extras: more than the status applied by its path by force", "extras", "v1", "e", "ctl2", "&force=true", "/status", status={"a": 2}, data={"a": "5"})
    yield put("extras: put by its path", f"{at('extras', 'v1', 'e')}/status?fieldManager=put", cr("extras", "v1", "e", status={"a": 3}, data={"a": "6"}), ignore=RV)
    yield put("extras: put by its path with a wrong type", f"{at('extras', 'v1', 'e')}/status?fieldManager=put", cr("extras", "v1", "e", status={"a": 4}, data={"a": 6}), ignore=RV)
    yield get("extras: who owns it then", at("extras", "v1", "e"), ignore=RV)
    yield put("extras: put with what nobody knows", f"{at('extras', 'v1', 'e')}/status?fieldManager=put", cr("extras", "v1", "e", status={"a": 5}, nope={"a": 6}), ignore=RV)
    yield put("extras: put without labels", f"{at('extras', 'v1', 'e')}/status?fieldManager=put", cr("extras", "v1", "e", status={"a": 5}) | {"metadata": {"name": "e", "labels": {"z": "1"}, "finalizers": ["a.b/c"]}}, ignore=RV)
    yield applied("extras: the data applied", "extras", "v1", "e", "three", data={"a": "7"})
    yield get("extras at last", at("extras", "v1", "e"), ignore=RV)


def hooks():
    plural, webhook = "hooks", {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/convert"}}}
    for name, v in (("both", "v1"), ("one", "v1"), ("other", "v2")):
        yield applied(f"{plural}: {name} made in {v}", plural, v, name, "one", spec={"size": 1})
    yield applied(f"{plural}: in v2, too", plural, "v2", "both", "two", spec={"replicas": 1})
    yield patch(f"{plural}: from now on by a webhook", f"{CRDS}/{plural}.{G}", "merge", {"spec": {"conversion": webhook}}, compare="status")
    yield get(f"{plural}: it is so", at(plural, "v2", "both"), wait=10, cut=r'"code": ?(\d+)')
    for name in ("both", "one", "other"):
        yield get(f"{plural}: {name} is read in v1", at(plural, "v1", name), ignore=RV)
        yield get(f"{plural}: {name} is read in v2", at(plural, "v2", name), cut=r'"code": ?(\d+)')
        yield patch(f"{plural}: {name} is applied in v1", f"{at(plural, 'v1', name)}?fieldManager=one", "apply", cr(plural, "v1", name, spec={"size": 2}), cut=r'"code": ?(\d+)')
        yield patch(f"{plural}: {name} is applied in v1 by force", f"{at(plural, 'v1', name)}?fieldManager=three&force=true", "apply", cr(plural, "v1", name, spec={"size": 3}), cut=r'"code": ?(\d+)')
        yield patch(f"{plural}: {name} is applied in v2", f"{at(plural, 'v2', name)}?fieldManager=one", "apply", cr(plural, "v2", name, spec={"size": 2}), cut=r'"code": ?(\d+)')
        yield get(f"{plural}: {name} is as it is", at(plural, "v1", name), ignore=RV)
        yield merged(f"{plural}: {name} is merged in v1", plural, "v1", name, "upd", spec={"size": 4})
        yield patch(f"{plural}: {name} is merged in v2", f"{at(plural, 'v2', name)}?fieldManager=upd", "merge", {"spec": {"size": 5}}, cut=r'"code": ?(\d+)')
        yield get(f"{plural}: {name} at last", at(plural, "v1", name), ignore=RV)
    yield applied(f"{plural}: a new one in v1", plural, "v1", "new", "one", spec={"size": 1})
    yield applied(f"{plural}: the new one again", plural, "v1", "new", "one", spec={"size": 2})
    yield merged(f"{plural}: the new one is merged", plural, "v1", "new", "upd", spec={"size": 3})
    yield patch(f"{plural}: a new one in v2", f"{at(plural, 'v2', 'newer')}?fieldManager=one", "apply", cr(plural, "v2", "newer", spec={"size": 2}), cut=r'"code": ?(\d+)')


def gone():
    for plural in ("things", "opens", "halves", "others", "extras", "hooks"):
        yield delete(f"{plural} go", f"{CRDS}/{plural}.{G}", compare="status")


STEPS = [namespace(NS), *definitions(), *maps(), *others(), *customs(), *media(), *statuses(), *hooks(), *gone()]
