"""What a wide search beside a real server found: paths that are no paths, what stands behind the name of a custom object, groups by other methods, tokens and selectors that clients made up, empty lists of endpoint slices."""
import base64

from differential import *

N = "/api/v1/namespaces/diff-wide"
G = "wide.example.com"
C = f"/apis/{G}/v1/namespaces/diff-wide/wides"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/diff-wide/endpointslices"
MAPS = f"{N}/configmaps"
RV = ["body.metadata.resourceVersion"]

CRD = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"wides.{G}"}, "spec": {
    "group": G, "scope": "Namespaced", "names": {"plural": "wides", "singular": "wide", "kind": "Wide", "listKind": "WideList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}, "scale": {
        "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


def cm(name): return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
def wide(name): return {"apiVersion": f"{G}/v1", "kind": "Wide", "metadata": {"name": name}, "spec": {"size": 1}}
def token(start, **rest): return encoded(json.dumps({"v": "meta.k8s.io/v1", "rv": -1, "start": start} | rest))
def encoded(text): return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def not_escaped():
    for path in (f"{MAPS}/a%", f"{MAPS}/a%2", f"{MAPS}/%zz", "/%", "/apis/%GG/v1"):
        for method in ("GET", "DELETE", "OPTIONS"):
            yield step(f"{method} {path}", method, path, compare="text")


def behind_names():
    for rest in ("/status/x", "/status/x/y", "//status", "/scale/x", "/scale/x/y", "/nope/x"):
        yield get(f"what is at {rest}", f"{C}/a{rest}")
        yield put(f"put at {rest}", f"{C}/a{rest}?dryRun=All", wide("a"), ignore=RV)
        yield patch(f"patch at {rest}", f"{C}/a{rest}?dryRun=All", "merge", {"metadata": {"labels": {"a": "b"}}}, ignore=RV)
        yield delete(f"delete at {rest}", f"{C}/nope{rest}?dryRun=All")
        yield get(f"what is at {rest} of a map", f"{MAPS}/a{rest}")


def created_by_name():
    for name in (".", "%2e", "%2F", "a%2Fb", "a"):
        yield post(f"map at {name}", f"{MAPS}/{name}?dryRun=All", cm("b"))
        yield post(f"wide at {name}", f"{C}/{name}?dryRun=All", {**wide("b"), "apiVersion": "x/v1"})


def groups():
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/apis", "/apis/"):
            yield step(f"{method} {path}", method, path, compare="status")
        for path in ("/apis/apiregistration.k8s.io", "/apis/apiregistration.k8s.io/", "/apis/apps"):
            yield step(f"{method} {path}", method, path)


def tokens():
    tokens = {"slash": token("/a\0"), "no slash": token("a\0"), "two slashes": token("//a"), "up": token("../a"), "slash, up": token("/../a"),
              "dot": token("./a"), "slash behind": token("a/"), "only a slash": token("/"), "list": encoded("[]"), "number": encoded("1"),
              "text": encoded('"a"'), "null": encoded("null"), "filled up": "e30=", "filled up twice": "e30===", "not whole": "e30ee"}
    for what, value in tokens.items():
        for at, path in (("maps", MAPS), ("wides", C)):
            yield get(f"{at} behind {what}", f"{path}?limit=1&continue={value}", ignore=RV)


def selectors():
    for selector in ("=", "==", "!=", "=,!=", ",=,", "=a", "metadata.name=a,=", "=,metadata.name=a"):
        for at, path in (("maps", MAPS), ("wides", C)):
            yield get(f"{at} with {selector}", f"{path}?fieldSelector={urllib.parse.quote(selector, safe='')}", ignore=RV)


def slices():
    lists = [{}, {"endpoints": []}, {"endpoints": None}, {"ports": []}, {"endpoints": [], "ports": []}, {"ports": [{"port": 1}]}]
    for n, first in enumerate(lists):
        for m, then in enumerate(lists):
            name = f"slice-{n}-{m}"
            body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": name}, "addressType": "IPv4"}
            yield post(f"{name}", SLICES, body | first, compare="status")
            yield put(f"{name} put", f"{SLICES}/{name}", body | then, ignore=RV)


STEPS = [
    namespace("diff-wide"),
    post("definition", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD, compare="none"),
    get("definition served", C, compare="status", wait=30),
    post("a map", MAPS, cm("a"), compare="status"),
    post("another map", MAPS, cm("b"), compare="status"),
    post("a wide", C, wide("a"), compare="status"),
    post("another wide", C, wide("b"), compare="status"),
    *not_escaped(), *behind_names(), *created_by_name(), *groups(), *tokens(), *selectors(), *slices(),
    delete("definition gone", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/wides.{G}", compare="status"),
]
