"""Where the store of a real server holds something else than what is read from it: pods that go at once are marked first, what
defaults add is written by whoever changes nothing, what is empty has its defaults. Beside it lists that have no pages, versions with a
sign, quantities in protobuf that are none."""
from differential import *

NS = "diff-written"
N = f"/api/v1/namespaces/{NS}"
PODS, CLAIMS, MAPS, EVENTS = f"{N}/pods", f"{N}/persistentvolumeclaims", f"{N}/configmaps", f"{N}/events"
JOBS = f"/apis/batch/v1/namespaces/{NS}/jobs"
SETS = f"/apis/apps/v1/namespaces/{NS}/replicasets"
NODES = "/api/v1/nodes"
GROUP = "written.example.com"
HOLDERS = f"/apis/{GROUP}/v1/namespaces/{NS}/holders"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PROTOBUF = "application/vnd.kubernetes.protobuf"
FIELDS = ["body.metadata.managedFields"]


def o(kind, name, version="v1", **rest): return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest
def pod(name, **spec): return o("Pod", name, spec={"containers": [{"name": "c", "image": "i"}]} | spec)


CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
POD = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
HOLDER = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"holders.{GROUP}"},
          "spec": {"group": GROUP, "scope": "Namespaced", "names": {"plural": "holders", "singular": "holder", "kind": "Holder", "listKind": "HolderList"},
                   "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                       "held": {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}}}}}]}}


def pods():
    """Who watches sees a pod marked, and then gone."""
    where = {"nowhere": {}, "on a node": {"nodeName": "n"}, "with time": {"nodeName": "n", "terminationGracePeriodSeconds": 5}}
    how = {"as it is": ("", None), "at once": ("?gracePeriodSeconds=0", None), "in the foreground": ("?gracePeriodSeconds=0&propagationPolicy=Foreground", None),
           "as a trial": ("?gracePeriodSeconds=0&dryRun=All", None), "by its options": ("", {"gracePeriodSeconds": 0, "preconditions": {"uid": "{uid}"}})}
    for place, spec in where.items():
        for way, (q, body) in how.items():
            name = f"{place}-{way}".replace(" ", "-")
            yield post(f"pod {place} for {way}", PODS, pod(name, **spec), compare="status", save={"rv": "metadata.resourceVersion", "uid": "metadata.uid"})
            yield delete(f"pod {place} goes {way}", f"{PODS}/{name}{q}", body, ignore=FIELDS)
            yield get(f"who watches pod {place} go {way}", f"{PODS}?watch=true&timeoutSeconds=1&resourceVersion={{rv}}", compare="lines", ignore=["events.*.object.metadata.managedFields"])
            yield patch(f"pod {place} is let go after {way}", f"{PODS}/{name}", "merge", {"metadata": {"finalizers": None}}, compare="status")
            yield delete(f"pod {place} goes for good after {way}", f"{PODS}/{name}?gracePeriodSeconds=0", compare="status")
    yield post("a pod of several", PODS, pod("several-a"), compare="status", save={"rv": "metadata.resourceVersion"})
    yield post("another pod of several", PODS, pod("several-b"), compare="status")
    yield delete("several pods go", f"{PODS}?fieldSelector=spec.nodeName%3D", compare="status")
    yield get("who watches several go", f"{PODS}?watch=true&timeoutSeconds=1&resourceVersion={{rv}}", compare="lines", ignore=["events.*.object.metadata.managedFields"])
    yield get("who watches those of a node", f"{PODS}?watch=true&timeoutSeconds=1&resourceVersion={{rv}}&fieldSelector=spec.nodeName%3Dn", compare="lines")
    yield get("a table of them", f"{PODS}?watch=true&timeoutSeconds=1&resourceVersion={{rv}}", compare="lines", accept=TABLE, ignore=["events.*.object.rows.*.object.metadata.managedFields"])


def unchanged():
    """What somebody writes who changes nothing."""
    things = {"claim": (CLAIMS, o("PersistentVolumeClaim", "c", spec=CLAIM)), "claim with a class": (CLAIMS, o("PersistentVolumeClaim", "d", spec=CLAIM | {"storageClassName": "x"})),
              "job": (JOBS, o("Job", "j", "batch/v1", spec={"template": {"spec": POD}})),
              "job with labels": (JOBS, o("Job", "k", "batch/v1", spec={"template": {"metadata": {"labels": {"a": "b"}}, "spec": POD}})),
              "job with labels of its own": (JOBS, {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "l", "labels": {"c": "d"}}, "spec": {"template": {"spec": POD}}}),
              "config map": (MAPS, o("ConfigMap", "m", data={"a": "b"}))}
    for what, (at, body) in things.items():
        name = body["metadata"]["name"]
        yield post(what, at, body, ignore=FIELDS, save={"rv": "metadata.resourceVersion"})
        yield get(f"{what} read", f"{at}/{name}", ignore=FIELDS)
        yield patch(f"{what} tried with nothing", f"{at}/{name}?dryRun=All", "merge", {}, ignore=FIELDS)
        for kind in ("merge", "strategic", "merge"):
            yield patch(f"{what} patched with nothing, {kind}", f"{at}/{name}", kind, {}, ignore=FIELDS)
        yield get(f"who watches {what}", f"{at}?watch=true&timeoutSeconds=1&resourceVersion={{rv}}", compare="lines", ignore=["events.*.object.metadata.managedFields"])
    applied = o("PersistentVolumeClaim", "applied", spec=CLAIM)
    for at in range(3):
        yield patch(f"claim applied {at}", f"{CLAIMS}/applied?fieldManager=m", "apply", applied, ignore=FIELDS)


def empties():
    """Defaults of what is there and empty."""
    size = {"capacity": {"cpu": "1", "memory": "1Gi"}}
    yield post("a node that gives nothing", NODES, o("Node", "written", status=size | {"allocatable": {}}), ignore=FIELDS)
    yield patch("it gives a little", f"{NODES}/written/status", "merge", {"status": {"allocatable": {"cpu": "1m", "memory": None}}}, ignore=FIELDS)
    yield patch("it gives nothing again", f"{NODES}/written/status", "merge", {"status": {"allocatable": {"cpu": None}}}, ignore=FIELDS)
    yield delete("the node", f"{NODES}/written", compare="status")
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "h", "labels": {}, "annotations": {}, "finalizers": []}, "spec": {"a": 1}}
    yield post("holders", CRDS, HOLDER, compare="status")
    yield get("holders are served", HOLDERS, wait=5, compare="status")
    yield patch("held with empty metadata", f"{HOLDERS}/a?fieldManager=m", "apply", o("Holder", "a", f"{GROUP}/v1", held=held), ignore=FIELDS)
    yield patch("held with more", f"{HOLDERS}/a?fieldManager=m", "apply", o("Holder", "a", f"{GROUP}/v1", held=held | {"metadata": {"name": "h", "labels": {"a": "b"}, "annotations": {}}}), ignore=FIELDS)
    yield patch("held with empty metadata again, as a trial", f"{HOLDERS}/a?fieldManager=m&dryRun=All", "apply", o("Holder", "a", f"{GROUP}/v1", held=held), ignore=FIELDS)
    yield post("created so", HOLDERS, o("Holder", "b", f"{GROUP}/v1", held=held), ignore=FIELDS)
    yield delete("no more holders", f"{CRDS}/holders.{GROUP}", compare="status")


def lists():
    for at in range(3):
        yield post(f"page {at}", MAPS, o("ConfigMap", f"page-{at}"), compare="status")
        yield post(f"event {at}", EVENTS, o("Event", f"e{at}", involvedObject={"kind": "Pod", "name": "p", "namespace": NS}), compare="status")
        yield post(f"set {at}", SETS, o("ReplicaSet", f"s{at}", "apps/v1", spec={"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": POD["containers"]}}}), compare="status")
    every = ["body.items.*"]
    for what, at in {"config maps": MAPS, "sets": SETS, "events": EVENTS}.items():
        first = {"config maps": "page-0", "sets": "s0", "events": "e0"}[what]
        for how, q in {"by name": f"fieldSelector=metadata.name%3D{first}", "by another name": "fieldSelector=metadata.name%3Dnone", "by all but a name": f"fieldSelector=metadata.name!%3D{first}",
                       "by name and place": f"fieldSelector=metadata.name%3D{first},metadata.namespace%3D{NS}", "of any version": "resourceVersion=0",
                       "by name of any version": f"fieldSelector=metadata.name%3D{first}&resourceVersion=0", "of all": ""}.items():
            yield get(f"one of {what} {how}", f"{at}?limit=1&{q}", ignore=every)
        for version in ("%2B5", "%2B0", "-1", "5%20", "0x5"):
            yield get(f"{what} of the version {version}", f"{at}?resourceVersion={version}&resourceVersionMatch=Exact", ignore=every)
        yield get(f"watched {what} of a version with a sign", f"{at}?watch=true&timeoutSeconds=1&resourceVersion=%2B5")
    yield get("one of a version with a sign", f"{MAPS}/page-0?resourceVersion=%2B5")
    yield put("put of a version with a sign", f"{MAPS}/page-0", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "page-0", "resourceVersion": "+5"}})


def quantities():
    for what, text in {"no number": b"x", "nothing": b""}.items():
        amount = b"\n\x03cpu\x12" + bytes([len(text) + 2]) + b"\n" + bytes([len(text)]) + text
        hard = b"\n" + bytes([len(amount)]) + amount
        quota = b"\n\x03\n\x01q\x12" + bytes([len(hard)]) + hard
        body = b"k8s\0\n\x13\n\x02v1\x12\rResourceQuota\x12" + bytes([len(quota)]) + quota + b"\x1a\x00\"\x00"
        yield post(f"an amount of {what}", f"{N}/resourcequotas", raw=body, content_type=PROTOBUF)


STEPS = [namespace(NS), *pods(), *unchanged(), *empties(), *lists(), *quantities()]
