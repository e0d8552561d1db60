"""Encodings and shapes of what is no stored object: discovery, refusals, bookmarks."""
import json, pathlib
from differential import step, get, namespace

STEPS = [namespace("xencodings")]

ACCEPTED = {
    "yaml": "application/yaml",
    "yaml before json": "application/json;q=0.5, application/yaml",
    "any application": "application/*",
    "html": "text/html",
    "old aggregate": "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
    "row": "application/json;as=Table;v=v1;g=meta.k8s.io",
}
AGGREGATED = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PLACES = ["/apis/apps", "/apis/apps/v1", "/api/v1", "/apis/policy/v1", "/api/v1/nonsense", "/apis/apps/v2",
          "/apis/apps/v1/nonsense", "/apis/nonsense.example.com"]

for place in PLACES:
    for name, accept in ACCEPTED.items():
        # YAML is compared as it is written, but for long documents.
        compare = "text" if "yaml" in name and place != "/api/v1" else "body"
        STEPS.append(get(f"{place} in {name}", place, accept=accept, compare=compare))
    STEPS.append(get(f"{place} aggregated", place, accept="application/json" + AGGREGATED))
for place in ["/api", "/apis"]:
    for name in ["html", "old aggregate", "row"]:
        STEPS.append(get(f"{place} in {name}", place, accept=ACCEPTED[name]))
    STEPS.append(get(f"{place} aggregated, no version", place, accept="application/json;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"))

# Refused by the server before any handler, by a handler, and where there is nothing.
for name, path, user in [
    ("stranger", "/api/v1/namespaces/xencodings/configmaps", "stranger"),
    ("nobody", "/api/v1/namespaces/xencodings/configmaps", "anonymous"),
    ("missing", "/api/v1/namespaces/xencodings/configmaps/missing", None),
]:
    for accepted in ["yaml", "any application", "html", "row"]:
        STEPS.append(get(f"{name} in {accepted}", path, accept=ACCEPTED[accepted], user=user, compare="text"))
    for agent in ["curl/8", "Wget/1", "Mozilla/5.0 (X11)", "kubectl/v1"]:
        for query in ["", "?pretty=false", "?pretty=true", "?pretty="]:
            STEPS.append(get(f"{name} for {agent}{query}", path + query, user=user, compare="text",
                             headers={"User-Agent": agent}))

# What a bookmark shows of an object of which nothing else is known.
DATA = pathlib.Path(__file__).resolve().parents[3] / "plugins/apimachinery/data/resources.json"
ONLY_BOOKMARKS = ("?watch=true&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true"
                  "&resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name=xencodings")
for of in json.loads(DATA.read_text()):
    if "watch" in of["verbs"]:
        root = f"/apis/{of['group']}" if of["group"] else "/api"
        path = f"{root}/{of['version']}/{of['resource']}"
        STEPS.append(get(f"bookmark of {of['resource']} {of['group']}/{of['version']}", path + ONLY_BOOKMARKS, compare="lines",
                         ignore=["events.*.object.metadata.resourceVersion"]))
