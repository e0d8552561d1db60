"""Everyday work: what owns what goes with it, who is who, pages and watches of types that are shown in two versions,
managers of fields that come and go."""
from differential import PARTIAL, PARTIAL_LIST, TABLE, delete, get, namespace, patch, post, put

NS = "xeveryday"
MF = ("body.metadata.managedFields",)
IGNORED = ("body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion")
ITEMS = ("body.items.*.metadata.managedFields", "body.items.*.metadata.uid", "body.items.*.metadata.resourceVersion")
EVENTS = ("events.*.object.metadata.managedFields", "events.*.object.metadata.uid", "events.*.object.metadata.resourceVersion")
C = {"name": "c", "image": "example.com/a:1"}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C]}}
SELECTOR = {"matchLabels": {"a": "b"}}


def k(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name} | rest.pop("metadata", {})} | rest


def core(resource):
    return f"/api/v1/namespaces/{NS}/{resource}"


def of(version, resource):
    return f"/apis/{version}/namespaces/{NS}/{resource}"


def deletions():
    """Each type that owns others, in each way, and what it says then."""
    owners = [
        ("v1", core("replicationcontrollers"), "ReplicationController", {"spec": {"replicas": 0, "template": TEMPLATE}}),
        ("apps/v1", of("apps/v1", "replicasets"), "ReplicaSet", {"spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}}),
        ("apps/v1", of("apps/v1", "deployments"), "Deployment", {"spec": {"replicas": 0, "selector": SELECTOR, "template": TEMPLATE}}),
        ("apps/v1", of("apps/v1", "statefulsets"), "StatefulSet", {"spec": {"replicas": 0, "serviceName": "s", "selector": SELECTOR, "template": TEMPLATE}}),
        ("apps/v1", of("apps/v1", "daemonsets"), "DaemonSet", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}),
        ("batch/v1", of("batch/v1", "jobs"), "Job", {"spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}),
        ("batch/v1", of("batch/v1", "cronjobs"), "CronJob", {"spec": {"schedule": "@yearly", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}}}),
        ("v1", core("configmaps"), "ConfigMap", {"data": {}}),
        ("v1", core("services"), "Service", {"spec": {"clusterIP": "None"}}),
        ("v1", core("pods"), "Pod", {"spec": {"nodeName": "n", "containers": [C]}}),
    ]
    ways = {
        "says nothing": ("", None), "background": ("?propagationPolicy=Background", None), "foreground": ("", {"propagationPolicy": "Foreground"}),
        "orphans": ("", {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}), "orphans the old way": ("?orphanDependents=true", None),
        "both ways": ("", {"orphanDependents": True, "propagationPolicy": "Orphan"}), "in query and body": ("?propagationPolicy=Orphan", {"propagationPolicy": "Background"}), "dry": ("?dryRun=All", {"propagationPolicy": "Foreground"}),
    }
    for version, at, kind, rest in owners:
        for index, (what, (query, body)) in enumerate(ways.items()):
            name = f"d{index}"
            ignored = (*IGNORED, "body.spec", "body.details.uid", "body.metadata.labels", "body.metadata.annotations")
            yield post(f"{kind} that {what}", at, k(kind, version, name, metadata={"annotations": {"x": "y"}}, **rest), compare="status")
            yield delete(f"{kind} goes, {what}", f"{at}/{name}{query}", body, ignore=ignored)
            yield get(f"{kind} gone, {what}", f"{at}/{name}", ignore=ignored)
            yield patch(f"{kind} released, {what}", f"{at}/{name}", "merge", {"metadata": {"finalizers": None}}, compare="status")
        yield post(f"{kind} with finalizers", at, k(kind, version, "held", metadata={"finalizers": ["example.com/a", "foregroundDeletion"]}, **rest), compare="status")
        yield delete(f"{kind} held goes to orphan", f"{at}/held", {"propagationPolicy": "Orphan"}, ignore=ignored)
        yield delete(f"{kind} held goes in background", f"{at}/held", {"propagationPolicy": "Background"}, ignore=ignored)
        yield delete(f"{kind} held goes at once", f"{at}/held?gracePeriodSeconds=0", ignore=ignored)
        yield patch(f"{kind} held gets more finalizers", f"{at}/held", "merge", {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}}, ignore=("body.message", "body.metadata", "body.spec", "body.status"))
        yield put(f"{kind} held is replaced", f"{at}/held", k(kind, version, "held", metadata={"finalizers": ["example.com/a"]}, **rest), ignore=(*ignored, "body.message", "body.details"))
        yield patch(f"{kind} held let go", f"{at}/held", "json", [{"op": "remove", "path": "/metadata/finalizers"}], compare="status")
        yield delete(f"{kind}s all go", f"{at}?gracePeriodSeconds=0", {"propagationPolicy": "Background"}, compare="status")


def identities():
    accounts = core("serviceaccounts")
    yield post("account", accounts, k("ServiceAccount", "v1", "a"), save={"uid": "metadata.uid"}, ignore=IGNORED)
    yield post("secret of it", core("secrets"), k("Secret", "v1", "s", metadata={"annotations": {"kubernetes.io/service-account.name": "a"}}, type="kubernetes.io/service-account-token"), compare="status")
    yield post("pod of it", core("pods"), k("Pod", "v1", "p", spec={"serviceAccountName": "a", "nodeName": "n", "containers": [C]}), save={"pod": "metadata.uid"}, compare="status")
    token = lambda **spec: {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}  # noqa: E731
    for what, spec in {
        "plain": {}, "long": {"expirationSeconds": 4294967296}, "longer": {"expirationSeconds": 4294967297}, "short": {"expirationSeconds": 599}, "negative": {"expirationSeconds": -1}, "audiences": {"audiences": ["a", "b"]},
        "empty audience": {"audiences": [""]}, "for a pod": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "{pod}"}}, "for another pod": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "u"}},
        "for no pod": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "q"}}, "for a secret": {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "s"}}, "for no secret": {"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "t"}},
        "for a node": {"boundObjectRef": {"kind": "Node", "apiVersion": "v1", "name": "n"}}, "for a map": {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "c"}}, "for nothing": {"boundObjectRef": {}}, "unknown": {"nope": 1},
    }.items():
        yield post(f"token {what}", f"{accounts}/a/token", token(**spec), ignore=("body.status.token", "body.status.expirationTimestamp", "body.metadata.managedFields"))
    yield post("token in a dry run", f"{accounts}/a/token?dryRun=All", token(), ignore=("body.status.token", "body.metadata.managedFields"))
    yield post("token in another namespace", f"{accounts}/a/token", token() | {"metadata": {"namespace": "other"}})
    yield post("token of another name", f"{accounts}/a/token", token() | {"metadata": {"name": "other"}})
    yield post("token of nobody", f"{accounts}/nobody/token", token())
    yield get("token is not read", f"{accounts}/a/token")
    review = lambda kind, version="authentication.k8s.io/v1", **spec: {"apiVersion": version, "kind": kind, "spec": spec}  # noqa: E731
    for what, value in {"nothing": "", "nonsense": "x", "like one": "a.b.c"}.items():
        yield post(f"review of {what}", "/apis/authentication.k8s.io/v1/tokenreviews", review("TokenReview", token=value), ignore=MF)
    access = "/apis/authorization.k8s.io/v1"
    for what, spec in {"nothing": {}, "both": {"resourceAttributes": {}, "nonResourceAttributes": {}}, "a path": {"nonResourceAttributes": {"path": "/x", "verb": "get"}}, "selectors": {"resourceAttributes": {"verb": "list", "resource": "pods", "fieldSelector": {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}}}, "wrong selectors": {"resourceAttributes": {"verb": "list", "resource": "pods", "labelSelector": {"requirements": [{"key": "a b", "operator": "X"}]}}}}.items():
        yield post(f"own access to {what}", f"{access}/selfsubjectaccessreviews", review("SelfSubjectAccessReview", "authorization.k8s.io/v1", **spec), ignore=(*MF, "body.status.reason"))
        yield post(f"somebody's access to {what}", f"{access}/subjectaccessreviews", review("SubjectAccessReview", "authorization.k8s.io/v1", user="system:admin", groups=["system:masters"], **spec), ignore=(*MF, "body.status.reason"))
        yield post(f"local access to {what}", f"{access}/namespaces/{NS}/localsubjectaccessreviews", review("LocalSubjectAccessReview", "authorization.k8s.io/v1", user="u", **spec) | {"metadata": {"namespace": NS}}, ignore=(*MF, "body.status"))
    yield post("nobody's access", f"{access}/subjectaccessreviews", review("SubjectAccessReview", "authorization.k8s.io/v1", resourceAttributes={"verb": "get", "resource": "pods"}), ignore=MF)
    yield post("access elsewhere", f"{access}/namespaces/{NS}/localsubjectaccessreviews", review("LocalSubjectAccessReview", "authorization.k8s.io/v1", user="u", resourceAttributes={"namespace": "other", "verb": "get", "resource": "pods"}), ignore=MF)
    yield post("access with metadata", f"{access}/subjectaccessreviews", review("SubjectAccessReview", "authorization.k8s.io/v1", user="u", resourceAttributes={}) | {"metadata": {"name": "n", "labels": {"a": "b"}}}, ignore=(*MF, "body.message", "body.details.causes.*.message"))
    yield delete("pod of it away", f"{core('pods')}/p?gracePeriodSeconds=0", compare="status")


def managers():
    maps = core("configmaps")
    cm = lambda name, data=None, **metadata: k("ConfigMap", "v1", name, metadata=metadata, **({"data": data} if data is not None else {}))  # noqa: E731
    entry = {"manager": "x", "operation": "Update", "apiVersion": "v1", "time": "2020-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, "f:a": {}}}}
    for what, fields in {"one": [entry], "empty": [], "one that is empty": [{}], "wrong operation": [entry | {"operation": "X"}], "no version": [entry | {"apiVersion": ""}], "wrong type": [entry | {"fieldsType": "V2"}], "long manager": [entry | {"manager": "x" * 129}], "no fields": [{a: b for a, b in entry.items() if a != "fieldsV1"}], "odd fields": [entry | {"fieldsV1": {"x": 1}}], "other version": [entry | {"apiVersion": "apps/v1"}], "subresource": [entry | {"subresource": "status"}], "twice": [entry, entry], "apply": [entry | {"operation": "Apply"}], "null": None}.items():
        yield post(f"managers {what}", f"{maps}?dryRun=All&fieldManager=m", cm("m", {"a": "b"}, managedFields=fields), ignore=IGNORED[1:])
    yield post("managed", f"{maps}?fieldManager=first", cm("m", {"a": "1", "b": "2"}), ignore=IGNORED[1:])
    for what, fields in {"one that is empty": [{}], "empty": [], "one": [entry], "null": None}.items():
        yield patch(f"managers become {what}", f"{maps}/m?dryRun=All&fieldManager=second", "merge", {"metadata": {"managedFields": fields}}, ignore=IGNORED[1:])
        yield put(f"managers are replaced by {what}", f"{maps}/m?dryRun=All&fieldManager=second", cm("m", {"a": "1", "b": "3"}, managedFields=fields), ignore=IGNORED[1:])
    for what, (query, body) in {
        "managed fields": ("", cm("m", {"a": "1"}, managedFields=[entry])), "a version": ("", cm("m", {"a": "1"}, resourceVersion="1")), "an odd version": ("", cm("m", {"a": "1"}, resourceVersion="x")), "another name": ("", cm("n", {"a": "1"})), "another namespace": ("", cm("m", {"a": "1"}, namespace="other")),
        "a uid": ("", cm("m", {"a": "1"}, uid="u")), "a name to make": ("", k("ConfigMap", "v1", "m", metadata={"generateName": "g-"})), "nothing": ("", {}), "a list": ("", []), "another kind": ("", k("Secret", "v1", "m")), "a number": ("", cm("m", {"a": 1})), "a null": ("", cm("m", {"a": None})), "unknown": ("&fieldValidation=Strict", k("ConfigMap", "v1", "m", nope=1)), "unknown, told": ("", k("ConfigMap", "v1", "m", nope=1)), "twice": ("&force=true&force=false", cm("m", {"a": "9"})),
    }.items():
        yield patch(f"apply with {what}", f"{maps}/m?fieldManager=third&dryRun=All{query}", "apply", body, ignore=IGNORED[1:])
    yield step_raw("apply in yaml", f"{maps}/m?fieldManager=third&dryRun=All", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  c: 'yes'\n  d: \"1\"\n")
    yield step_raw("apply two documents", f"{maps}/m?fieldManager=third&dryRun=All", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n")
    yield step_raw("apply the same key twice", f"{maps}/m?fieldManager=third&dryRun=All", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: x, a: y}\n")
    yield step_raw("apply with anchors", f"{maps}/m?fieldManager=third&dryRun=All&force=true", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: &x one, e: *x}\n")
    yield step_raw("apply broken yaml", f"{maps}/m?fieldManager=third&dryRun=All", "apiVersion: v1\nkind: [ConfigMap\n")
    yield patch("applied by kubectl", f"{maps}/k?fieldManager=kubectl", "apply", cm("k", {"a": "1"}), ignore=IGNORED[1:])
    yield post("made by kubectl", f"{maps}?fieldManager=kubectl-client-side-apply", cm("old", {"a": "1", "b": "2"}, annotations={"kubectl.kubernetes.io/last-applied-configuration": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"old"},"data":{"a":"1","b":"2"}}'}), ignore=IGNORED[1:])
    yield patch("applied by it anew", f"{maps}/old?fieldManager=kubectl", "apply", cm("old", {"a": "1"}), ignore=IGNORED[1:])
    yield patch("applied with the annotation", f"{maps}/k?fieldManager=kubectl", "apply", cm("k", {"a": "2"}, annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}), ignore=IGNORED[1:])
    scalers = "horizontalpodautoscalers"
    hpa = lambda version, **spec: k("HorizontalPodAutoscaler", version, "h", spec={"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}} | spec)  # noqa: E731
    yield patch("scaler applied in two", f"{of('autoscaling/v2', scalers)}/h?fieldManager=a", "apply", hpa("autoscaling/v2", minReplicas=2), ignore=IGNORED[1:])
    yield patch("scaler applied in one", f"{of('autoscaling/v1', scalers)}/h?fieldManager=b", "apply", hpa("autoscaling/v1", targetCPUUtilizationPercentage=50), ignore=IGNORED[1:])
    yield patch("scaler conflicts in one", f"{of('autoscaling/v1', scalers)}/h?fieldManager=b", "apply", hpa("autoscaling/v1", minReplicas=3), ignore=IGNORED[1:])
    yield get("scaler in two", f"{of('autoscaling/v2', scalers)}/h", ignore=IGNORED[1:])
    yield patch("scaler patched in one", f"{of('autoscaling/v1', scalers)}/h?fieldManager=c", "merge", {"spec": {"minReplicas": 4}}, ignore=IGNORED[1:])
    yield patch("scaler applied in two again", f"{of('autoscaling/v2', scalers)}/h?fieldManager=a", "apply", hpa("autoscaling/v2", minReplicas=2), ignore=IGNORED[1:])
    events = k("Event", "v1", "e", involvedObject={"kind": "Pod", "namespace": NS, "name": "p"}, reason="R", type="Normal", source={"component": "c"}, firstTimestamp="2020-01-01T00:00:00Z", count=2)
    yield post("event", f"{core('events')}?fieldManager=m", events, ignore=IGNORED[1:])
    yield patch("event applied in the new group", f"{of('events.k8s.io/v1', 'events')}/e?fieldManager=n", "apply", k("Event", "events.k8s.io/v1", "e", metadata={"labels": {"a": "b"}}), ignore=IGNORED[1:])
    yield get("event in the old group", f"{core('events')}/e", ignore=IGNORED[1:])


def step_raw(what, path, text):
    step = patch(what, path, "apply", None, ignore=IGNORED[1:])
    step["raw"] = text
    return step


def streams():
    events, scalers = core("events"), of("autoscaling/v2", "horizontalpodautoscalers")
    yield get("list to begin with", core("secrets"), save={"rv": "metadata.resourceVersion"}, compare="status")
    for name in "abc":
        yield post(f"secret {name}", core("secrets"), k("Secret", "v1", f"w-{name}", metadata={"labels": {"w": name}}, type="example.com/x"), compare="status")
    yield patch("secret b changes", f"{core('secrets')}/w-b", "merge", {"metadata": {"labels": {"w": "a"}}}, compare="status")
    yield delete("secret a goes", f"{core('secrets')}/w-a", compare="status")
    watch = f"{core('secrets')}?watch=true&timeoutSeconds=1"
    for what, query in {
        "from there": "resourceVersion={rv}", "of a type": "resourceVersion={rv}&fieldSelector=type=example.com/x", "of another type": "resourceVersion={rv}&fieldSelector=type=Opaque", "by label": "resourceVersion={rv}&labelSelector=w=a", "by no label": "resourceVersion={rv}&labelSelector=!w",
        "by name": "resourceVersion={rv}&fieldSelector=metadata.name=w-b", "from nowhere": "labelSelector=w", "from any": "resourceVersion=0&labelSelector=w", "with initial events": "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&labelSelector=w=a", "without": "sendInitialEvents=false&resourceVersionMatch=NotOlderThan&labelSelector=w=a&resourceVersion={rv}",
        "without a match": "sendInitialEvents=false", "exactly": "resourceVersion={rv}&resourceVersionMatch=Exact", "not older": "resourceVersion={rv}&resourceVersionMatch=NotOlderThan", "with a limit": "resourceVersion={rv}&limit=1&labelSelector=w=a", "with a token": "continue=x",
    }.items():
        for form, accept in {"": "application/json", " in part": PARTIAL, " as rows": TABLE}.items():
            yield get(f"watch {what}{form}", f"{watch}&{query}", accept=accept, compare="lines", ignore=(*EVENTS, "events.*.object.rows.*.object.metadata", "events.*.object.metadata"))
    for what, query in {
        "exact without version": "resourceVersionMatch=Exact", "exact zero": "resourceVersion=0&resourceVersionMatch=Exact", "match with continue": "resourceVersionMatch=NotOlderThan&continue=x", "version with continue": "resourceVersion=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0",
        "page exact": "limit=1&resourceVersion={rv}&resourceVersionMatch=Exact", "page not older": "limit=1&resourceVersion={rv}&resourceVersionMatch=NotOlderThan&labelSelector=w", "page any": "limit=1&resourceVersion=0&labelSelector=w", "page of none": "limit=1&labelSelector=none", "exact": "resourceVersion={rv}&resourceVersionMatch=Exact&labelSelector=w",
    }.items():
        yield get(f"list {what}", f"{core('secrets')}?{query}", ignore=(*ITEMS, "body.metadata.resourceVersion"))
        yield get(f"list {what} in part", f"{core('secrets')}?{query}", accept=PARTIAL_LIST, ignore=(*ITEMS, "body.metadata.resourceVersion"))
    yield get("watch events in the new group", f"{of('events.k8s.io/v1', 'events')}?watch=true&timeoutSeconds=1&resourceVersion=0&fieldSelector=metadata.name=e", compare="lines", ignore=EVENTS)
    yield get("watch scalers in one", f"{of('autoscaling/v1', 'horizontalpodautoscalers')}?watch=true&timeoutSeconds=1&resourceVersion=0", compare="lines", ignore=EVENTS)
    yield get("list scalers in one", of("autoscaling/v1", "horizontalpodautoscalers"), ignore=ITEMS)
    yield get("rows of scalers in one", of("autoscaling/v1", "horizontalpodautoscalers"), accept=TABLE, ignore=("body.rows.*.object.metadata.managedFields", "body.rows.*.object.metadata.uid", "body.rows.*.object.metadata.resourceVersion"))
    for field in ("involvedObject.kind=Pod", "involvedObject.uid=", "reason=R", "reportingComponent=c", "source=c", "type=Normal", "involvedObject.fieldPath=", "involvedObject.apiVersion=", "involvedObject.resourceVersion=", "regarding.kind=Pod"):
        yield get(f"events by {field}", f"{events}?fieldSelector={field}", ignore=ITEMS)
        yield get(f"new events by {field}", f"{of('events.k8s.io/v1', 'events')}?fieldSelector={field}", ignore=ITEMS)
    yield delete("scalers go", scalers, ignore=(*ITEMS, "body.metadata"))


def lives():
    """Namespaces."""
    at = "/api/v1/namespaces"
    ns = lambda name, **rest: k("Namespace", "v1", name, **rest)  # noqa: E731
    yield post("space", at, ns("xlife"), ignore=IGNORED)
    yield post("object inside", f"{at}/xlife/configmaps", k("ConfigMap", "v1", "c", metadata={"finalizers": ["example.com/x"]}), compare="status")
    yield patch("space's finalizers", f"{at}/xlife", "merge", {"spec": {"finalizers": ["example.com/x"]}}, ignore=IGNORED)
    yield put("space is finalized", f"{at}/xlife/finalize?dryRun=All", ns("xlife", spec={"finalizers": []}), ignore=IGNORED)
    yield put("space gets a finalizer", f"{at}/xlife/finalize", ns("xlife", spec={"finalizers": ["kubernetes", "example.com/x"]}), ignore=IGNORED)
    yield put("space gets a bad finalizer", f"{at}/xlife/finalize", ns("xlife", spec={"finalizers": ["x"]}), ignore=IGNORED)
    yield patch("space's phase", f"{at}/xlife/status", "merge", {"status": {"phase": "Terminating"}}, ignore=IGNORED)
    yield patch("space's conditions", f"{at}/xlife/status", "merge", {"status": {"conditions": [{"type": "X", "status": "True"}]}}, ignore=IGNORED)
    yield delete("space in a dry run", f"{at}/xlife?dryRun=All", ignore=IGNORED)
    yield delete("space of another uid", f"{at}/xlife", {"preconditions": {"uid": "nope"}}, ignore=("body.message",))
    yield delete("space", f"{at}/xlife", ignore=IGNORED)
    yield delete("space again", f"{at}/xlife", ignore=IGNORED)
    yield get("space going", f"{at}/xlife", ignore=IGNORED)
    yield post("new inside", f"{at}/xlife/configmaps", k("ConfigMap", "v1", "d"))
    yield post("new inside with a name to make", f"{at}/xlife/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "g-"}}, ignore=("body.message", "body.details.name"))
    yield patch("applied inside", f"{at}/xlife/configmaps/d?fieldManager=m", "apply", k("ConfigMap", "v1", "d"))
    yield patch("change inside", f"{at}/xlife/configmaps/c", "merge", {"data": {"a": "b"}}, ignore=IGNORED)
    yield post("review inside", f"/apis/authorization.k8s.io/v1/namespaces/xlife/localsubjectaccessreviews", {"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview", "metadata": {"namespace": "xlife"}, "spec": {"user": "u", "resourceAttributes": {"namespace": "xlife"}}}, compare="status")
    yield patch("space's labels", f"{at}/xlife", "merge", {"metadata": {"labels": {"a": "b", "kubernetes.io/metadata.name": "other"}}}, ignore=IGNORED)
    yield put("space finalized", f"{at}/xlife/finalize", ns("xlife", spec={"finalizers": []}), ignore=IGNORED)
    yield get("space gone", f"{at}/xlife", ignore=IGNORED)
    yield get("object left behind", f"{at}/xlife/configmaps/c", ignore=IGNORED)
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        yield delete(f"space {name}", f"{at}/{name}?dryRun=All", compare="body", ignore=IGNORED)
    yield delete("all spaces", at)


STEPS = [namespace(NS), *deletions(), *identities(), *managers(), *streams(), *lives()]
