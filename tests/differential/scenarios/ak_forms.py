"""In which form what is no object is answered: reviews, bindings, evictions, component statuses, subresources without
columns. And what a client says of an object that only the server may say."""
from differential import PARTIAL, PARTIAL_LIST, TABLE, get, namespace, patch, post, put

NS = "xforms"
IGNORED = ("body.metadata.managedFields.*.time", "body.metadata.uid", "body.metadata.resourceVersion")
ODD = "application/json;as=X;v=v1;g=meta.k8s.io"
CHOICE = f"{TABLE},application/json"
FORMS = {"metadata": PARTIAL, "metadata of a list": PARTIAL_LIST, "a table": TABLE, "what is not known": ODD, "a table or whole": CHOICE}
STATUSES = "/api/v1/componentstatuses"


def k(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name} | rest.pop("metadata", {})} | rest


def at(resource, version="v1"):
    return f"/api/v1/namespaces/{NS}/{resource}" if version == "v1" else f"/apis/{version}/namespaces/{NS}/{resource}"


def pod(name, **metadata):
    return k("Pod", "v1", name, metadata=metadata, spec={"containers": [{"name": "c", "image": "a"}]})


def forms():
    for name in ("a", "b"):
        yield post(f"pod {name}", at("pods"), pod(name), compare="status")
    for what, accept in FORMS.items():
        for name, path, body in (
            ("binding of a pod", at("pods/a/binding"), k("Binding", "v1", "a", target={"name": "n"})),
            ("binding", at("bindings"), k("Binding", "v1", "a", target={"name": "n"})),
            ("eviction", at("pods/a/eviction"), k("Eviction", "policy/v1", "a")),
        ):
            yield post(f"{name} as {what}", f"{path}?dryRun=All", body, accept=accept)
        for kind, group, spec in (
            ("TokenReview", "authentication.k8s.io", {"token": "x"}),
            ("SubjectAccessReview", "authorization.k8s.io", {"user": "u", "nonResourceAttributes": {"path": "/", "verb": "get"}}),
        ):
            body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"labels": {"a": "b"}} if kind == "TokenReview" else {}, "spec": spec}
            yield post(f"{kind} as {what}", f"/apis/{group}/v1/{kind.lower()}s", body, accept=accept, ignore=IGNORED)
        for subresource in ("status", "ephemeralcontainers", "resize"):
            yield get(f"{subresource} as {what}", at(f"pods/a/{subresource}"), accept=accept, ignore=(*IGNORED, "body.rows.*.object", "body.rows.*.cells.4"))
            yield patch(f"{subresource} patched as {what}", at(f"pods/a/{subresource}?dryRun=All"), "strategic", {"metadata": {}}, accept=accept, ignore=(*IGNORED, "body.rows.*.object", "body.rows.*.cells.4"))
        yield get(f"no claim's status as {what}", at("resourceclaims/none/status", "resource.k8s.io/v1"), accept=accept)
        yield get(f"no request's approval as {what}", "/apis/certificates.k8s.io/v1/certificatesigningrequests/none/approval", accept=accept)
        yield get(f"no definition's status as {what}", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/none/status", accept=accept)
        yield get(f"no service's status as {what}", "/apis/apiregistration.k8s.io/v1/apiservices/none/status", accept=accept)
        yield get(f"no deployment's scale as {what}", at("deployments/none/scale", "apps/v1"), accept=accept)
        yield get(f"the store's status as {what}", f"{STATUSES}/etcd-0", accept=accept)
        yield put(f"namespace finalized as {what}", f"/api/v1/namespaces/{NS}/finalize?dryRun=All", k("Namespace", "v1", NS, spec={"finalizers": ["kubernetes"]}), accept=accept, ignore=IGNORED)


def statuses():
    for query in ("labelSelector=a%3Db", "labelSelector=a%20b", "labelSelector=a", "fieldSelector=metadata.name%3Detcd-0", "fieldSelector=metadata.name%3Dx", "labelSelector=!a&fieldSelector=metadata.name%3Detcd-0", "fieldSelector=a%3Db", "fieldSelector=metadata.namespace%3Dx", "watch=1", "resourceVersionMatch=Exact"):
        yield get(f"statuses with {query}", f"{STATUSES}?{query}")
        yield get(f"the store's with {query}", f"{STATUSES}/etcd-0?{query}")


def reviews():
    rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    yield post("nothing is said back of who asks for rules", rules, k("SelfSubjectRulesReview", "authorization.k8s.io/v1", "a", spec={"namespace": "a"}), ignore=("body.status",))
    yield post("rules without a namespace", rules, k("SelfSubjectRulesReview", "authorization.k8s.io/v1", "a", spec={}))
    attributes = {"verb": "get", "resource": "pods"}
    for metadata in ({}, {"namespace": NS}, {"namespace": "x"}, {"name": "a"}, {"labels": {"a": "b"}}):
        review = lambda kind: {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": metadata}  # noqa: E731
        what = " and ".join(metadata) or "nothing"
        yield post(f"access with {what} {metadata.get('namespace', '')}", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review("SubjectAccessReview") | {"spec": {"user": "u", "resourceAttributes": attributes}}, ignore=("body.metadata.managedFields.*.time",))
        for name in (NS, "none"):
            path = f"/apis/authorization.k8s.io/v1/namespaces/{name}/localsubjectaccessreviews"
            yield post(f"local access in {name} with {what} {metadata.get('namespace', '')}", path, review("LocalSubjectAccessReview") | {"spec": {"user": "u", "resourceAttributes": attributes | {"namespace": name}}}, ignore=("body.metadata.managedFields.*.time",))
        yield post(f"token with {what} {metadata.get('namespace', '')}", "/apis/authentication.k8s.io/v1/tokenreviews", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": metadata, "spec": {"token": "x"}}, ignore=("body.metadata.managedFields.*.time",))
    for name, path, body in (
        ("token", "/api/v1/namespaces/none/serviceaccounts/none/token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}),
        ("eviction", "/api/v1/namespaces/none/pods/none/eviction", k("Eviction", "policy/v1", "none")),
        ("binding of a pod", "/api/v1/namespaces/none/pods/none/binding", k("Binding", "v1", "none", target={"name": "x"})),
        ("binding", "/api/v1/namespaces/none/bindings", k("Binding", "v1", "none", target={"name": "x"})),
    ):
        yield post(f"{name} in no namespace", path, body)
    account = at("serviceaccounts")
    yield post("account", account, k("ServiceAccount", "v1", "s"), compare="status")
    for reference in ({}, {"kind": "Pod"}, {"kind": "Pod", "apiVersion": "v1"}, {"kind": "Pod", "apiVersion": "v1", "name": "none"}, {"kind": "Secret", "apiVersion": "v1"}, {"kind": "Node", "apiVersion": "v1", "uid": "x"}, {"kind": "ConfigMap", "apiVersion": "v1", "name": "a"}):
        yield post(f"token bound to {reference}", f"{account}/s/token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": reference}})


def said_of_objects():
    of = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}
    for what, metadata in {
        "deletion": {"deletionTimestamp": "2020-01-01T00:00:00Z"}, "grace": {"deletionGracePeriodSeconds": 5}, "link": {"selfLink": "/x"},
        "both": {"deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 5, "finalizers": ["a.b/c"]},
        "version": {"resourceVersion": "5"}, "any-version": {"resourceVersion": "0"}, "uid": {"uid": "x"}, "creation": {"creationTimestamp": "2020-01-01T00:00:00Z"}, "generation": {"generation": 7},
    }.items():
        for doing, name in (("applied", f"applied-{what}"), ("posted", f"posted-{what}")):
            body = of | {"metadata": {"name": name} | metadata}
            one = at(f"configmaps/{name}")
            if doing == "applied":
                yield patch(f"applied with {what}", f"{one}?fieldManager=m", "apply", body, ignore=IGNORED)
                yield get(f"applied with {what} as it is", one, ignore=IGNORED)
                yield patch(f"applied again with {what}", f"{one}?fieldManager=m", "apply", body, ignore=IGNORED)
            else:
                yield post(f"posted with {what}", at("configmaps"), body, ignore=IGNORED)
                yield get(f"posted with {what} as it is", one, ignore=IGNORED)


def paths():
    for path in ("//api/v1/pods", "///api/v1/pods", "/api//v1/pods", "/api/v1//pods", f"/api/v1/namespaces/{NS}//pods", f"/api/v1/namespaces/{NS}/pods/a//status", f"/api/v1/namespaces/{NS}/configmaps/a//b", "//version", "//healthz", "//apis", "/apis//apps", "/apis/apps//v1"):
        yield get(f"path {path}", path, compare="status")
    for path in ("/apis/", f"/api/v1/namespaces/{NS}/secrets/", f"/api/v1/namespaces/{NS}/pods/a/"):
        yield get(f"path {path}", path, compare="status")
    for timeout in ("1ns", "1us", "0s", "-1s", "1h"):
        yield get(f"timeout of {timeout}", f"{at('secrets')}?timeout={timeout}", compare="status")


STEPS = [namespace(NS), *forms(), *statuses(), *reviews(), *said_of_objects(), *paths()]
