"""What a client takes, weighed as upstream weighs it: by the router, by handlers, by what leads to nodes, by the server's
own documents. And paths that name no object where one is needed."""
from differential import DISCOVERY_V2, PARTIAL, TABLE, get, namespace, patch, post, step

NS = "xnegotiation"
AT = f"/api/v1/namespaces/{NS}"
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"

ODD = {
    "any": "*/*", "half a name": "application/*", "the other half": "*/json", "a star": "*", "no media type": "json",
    "upper case": "Application/JSON", "html": "text/html", "text": "text/plain", "yaml": YAML, "protobuf": PROTOBUF, "row": TABLE,
    "text before json": f"text/plain, {JSON}", "html, or json if need be": f"text/html, {JSON};q=0.1",
    "any before yaml": f"*/*, {YAML}", "any before a little yaml": f"*/*, {YAML};q=0.1", "a little yaml before any": f"{YAML};q=0.1, */*",
    "yaml by a broken weight": f"{YAML};q=x, {JSON};q=0.1", "weighed twice": f"{YAML};q=0.1;q=0.9, {JSON};q=0.5",
    "an endless weight": f"{JSON}, {YAML};q=inf", "a weight behind a space": f"{YAML};q= 1, {JSON};q=0.5",
    "any row": "*/*;as=Table;v=v1;g=meta.k8s.io", "a row of a version alone": f"{JSON};v=v1", "no row": f"{JSON};as=",
    "a server's version": f"{JSON};sv=v1", "another server's version": f"{JSON};sv=v2, {YAML};q=0.1",
    "a stream": f"{JSON};stream=watch", "another stream": f"{JSON};stream=other", "a stream of yaml": f"{YAML};stream=watch, {JSON};q=0.1",
    "indented": f"{JSON};pretty=1", "indented by a word": f"{JSON};pretty=true", "slashes": f"application/json/, {YAML}",
    "two rows": f"{JSON};as=PartialObjectMetadata;as=Table;v=v1;g=meta.k8s.io", "equal signs": f"{JSON};as=a=b, {YAML};q=0.1",
    "nothing": "", "commas": ",,", "metadata": PARTIAL,
}


def objects():
    yield post("object", f"{AT}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, compare="status")
    yield post("pod", f"{AT}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "a"}]}}, compare="status")
    for what, accept in ODD.items():
        # What they are, but for their versions, and why not.
        yield get(f"object as {what}", f"{AT}/configmaps/a", accept=accept, cut=r"^.{0,20}|PartialObj\w*|Available.*|only the following.*")
        yield get(f"list as {what}", f"{AT}/configmaps?fieldSelector=metadata.name=none", accept=accept, cut=r"^.{0,20}|PartialObj\w*|Available.*|only the following.*")
        yield get(f"missing as {what}", f"{AT}/configmaps/missing", accept=accept, compare="text")
        yield get(f"log as {what}", f"{AT}/pods/a/log", accept=accept, compare="text")
        yield get(f"log of nothing as {what}", f"{AT}/pods/missing/log", accept=accept, compare="text")
        yield get(f"proxy as {what}", f"{AT}/pods/a/proxy", accept=accept, compare="text")
        yield post(f"nothing posted as {what}", f"{AT}/configmaps", {}, accept=accept, compare="text")
    for what in ("yaml", "any before yaml", "text", "html", "half a name", "protobuf", "a stream"):
        yield get(f"watch as {what}", f"{AT}/secrets?watch=true&timeoutSeconds=1", accept=ODD[what], compare="text")
    yield get("watch as yaml or json", f"{AT}/secrets?watch=true&timeoutSeconds=1", accept=f"{YAML}, {JSON}", compare="text")
    for pretty in ("pretty=yes", "pretty=t", "pretty=2", "pretty=tru%65", "prett%79=true", "pretty=0&pretty=1", "pretty=%20"):
        yield get(f"missing with {pretty}", f"{AT}/configmaps/missing?{pretty}", compare="text")
        yield get(f"missing with {pretty} for curl", f"{AT}/configmaps/missing?{pretty}", compare="text", headers={"User-Agent": "curl/8"})


def discovery():
    yaml_aggregated = DISCOVERY_V2.replace(JSON, YAML)
    for place in ("/api", "/apis", "/apis/apps", "/apis/apps/v1"):
        for what, accept in {
            "aggregated at last": f"{JSON}, {yaml_aggregated};q=0.1", "aggregated any": DISCOVERY_V2.replace(JSON, "*/*"),
            "aggregated or html": f"text/html, {DISCOVERY_V2}", "aggregated for a server": f"{DISCOVERY_V2};sv=v1, {YAML}",
            "indented": ODD["indented"], "upper case": ODD["upper case"], "a star": "*", "a stream": ODD["a stream"],
        }.items():
            yield get(f"{place} {what}", place, accept=accept, compare="text", cut=r"^.{0,40}|Status.*")


def documents():
    for place in ("/version", "/version/", "/version/x", "/openid/v1/jwks", "/openid/v1/jwks/x", "/.well-known/openid-configuration",
                  "/.well-known/openid-configuration/", "/.well-known/openid-configuration/x", "/openid/v1", "//version"):
        for what in ("any", "half a name", "html", "yaml", "protobuf", "row", "upper case", "html, or json if need be", "nothing"):
            found = place in ("/version", "/version/", "/openid/v1/jwks") or place.rstrip("/").endswith("openid-configuration")
            yield get(f"{place} as {what}", place, accept=ODD[what], compare="text", cut=r"Status.*|404.*" if found else None)
        for method in ("POST", "HEAD", "PUT"):
            yield step(f"{method} {place}", method, place, accept="text/html", compare="status")
        yield get(f"{place} with a text", place, headers={"Content-Type": "text/plain"}, accept="text/html", compare="status")
    for place in ("/openapi/v3", "/openapi/v3/", "/openapi/v3/apis/apps/v1", "/openapi/v3/apis/apps/v1/", "/openapi/v3/apis/apps", "/openapi/v3/version",
                  "/openapi/v3/nonsense", "/openapi/v2", "/openapi/v2/", "/openapi", "/openapi/v4", "/openapi/v3/version/"):
        for what in ("any", "half a name", "the other half", "html", "yaml", "text before json", "nothing"):
            yield get(f"{place} as {what}", place, accept=ODD[what], compare="status")
        yield post(f"POST {place}", place, {}, compare="status")


def refusals():
    # A page or a script may be what shows it.
    for user in ("<b>", "a&b", "it's \"quoted\"", "x: y", "- x", "yes", "a line that is as long as lines may become before somebody breaks them in two or three"):
        for what in ("any", "yaml", "protobuf", "html"):
            yield get(f"{user} as {what}", f"{AT}/configmaps", user=user, accept=ODD[what], compare="text")


def unnamed():
    for path in ("/api/v1/nodes//proxy", "/api/v1/nodes//status", f"{AT}/pods//log", f"{AT}/pods//proxy", f"{AT}/pods//proxy/x",
                 f"{AT}/pods//exec", f"{AT}/pods//status", f"{AT}/services//proxy", "/api/v1/namespaces//status", "/api/v1/namespaces//finalize",
                 f"/apis/apps/v1/namespaces/{NS}/deployments//scale", f"{AT}/serviceaccounts//token", f"{AT}/pods//binding", f"{AT}/pods//eviction",
                 f"{AT}/pods/a/log/x", "/api/v1/nodes/a//proxy", "/api/v1/nodes/missing/proxy", "/api/v1/proxy/nodes/a", f"{AT}/pods//nonsense"):
        for what in ("any", "html", "text"):
            yield get(f"{path} as {what}", path, accept=ODD[what], compare="text")
        yield post(f"POST {path}", path, {}, compare="text")
        yield patch(f"PATCH {path}", path, "merge", {}, compare="text")


STEPS = [namespace(NS), *objects(), *discovery(), *documents(), *refusals(), *unnamed()]
