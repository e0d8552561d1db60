"""Odd but legal, and legal but odd: scalars of YAML and of JSON in typed fields, sizes of metadata, dry runs of parts,
forms of answers that are no objects, selectable fields of every type."""
from differential import PARTIAL, PARTIAL_LIST, TABLE, delete, get, namespace, patch, post, put

NS = "xodds"
IGNORED = ("body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion")
ROWS = ("body.rows.*.object.metadata.managedFields", "body.rows.*.object.metadata.uid", "body.rows.*.object.metadata.resourceVersion", "body.metadata.resourceVersion")
C = {"name": "c", "image": "example.com/a:1"}
SELECTOR = {"matchLabels": {"a": "b"}}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C]}}


def k(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name} | rest.pop("metadata", {})} | rest


def core(resource):
    return f"/api/v1/namespaces/{NS}/{resource}"


def of(version, resource):
    return f"/apis/{version}/namespaces/{NS}/{resource}"


def scalars():
    maps, jobs, secrets = core("configmaps"), of("batch/v1", "jobs"), core("secrets")
    for text in ("yes", "no", "on", "off", "true", "True", "~", "null", "Null", "0x10", "0o17", "017", "1_000", "1e3", ".5", "5.", "+1", "-0", ".inf", "-.INF", ".nan", "2020-01-01", "2020-01-01T00:00:00Z", "12:30:45", "!!str 5", "!!int '5'", "!!binary YQ==", "'5'", "|\n    a\n    b", ">-\n    a\n    b", "\"\\x41\\u00e9\"", "@a", "`a", "%a", "a: b", "[a, b]", "{a: b}", "&x a", "? a", "- a", "a #b", "'it''s'"):
        body = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata:\n  a: {text}\n"
        yield post(f"map with {text!r}", f"{maps}?dryRun=All", raw=body, content_type="application/yaml", ignore=IGNORED)
        body = f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: y\nspec:\n  suspend: true\n  parallelism: {text}\n  template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: a}}]}}}}\n"
        yield post(f"job with {text!r}", f"{jobs}?dryRun=All", raw=body, content_type="application/yaml", ignore=(*IGNORED, "body.spec.selector", "body.spec.template.metadata", "body.metadata.labels"))
    job = lambda field: '{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"suspend":true,%s,"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"a"}]}}}}' % field  # noqa: E731
    for value in ("1.0", "1.5", "2147483648", "-2147483649", "\"1\"", "true", "{}", "null", "0.0"):
        yield post(f"job with parallelism {value}", f"{jobs}?dryRun=All", raw=job(f'"parallelism":{value}'), ignore=(*IGNORED, "body.spec.selector", "body.spec.template.metadata", "body.metadata.labels"))
        yield post(f"job with suspend {value}", f"{jobs}?dryRun=All", raw=job(f'"parallelism":1,"suspend":{value}'), ignore=(*IGNORED, "body.spec.selector", "body.spec.template.metadata", "body.metadata.labels"))
        yield post(f"job with seconds {value}", f"{jobs}?dryRun=All", raw=job(f'"activeDeadlineSeconds":{value}'), ignore=(*IGNORED, "body.spec.selector", "body.spec.template.metadata", "body.metadata.labels"))
        yield post(f"quota of {value}", f"{core('resourcequotas')}?dryRun=All", raw='{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q"},"spec":{"hard":{"pods":%s}}}' % value, ignore=IGNORED)
        yield post(f"budget of {value}", f"{of('policy/v1', 'poddisruptionbudgets')}?dryRun=All", raw='{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","metadata":{"name":"q"},"spec":{"minAvailable":%s}}' % value, ignore=IGNORED)
        yield post(f"lease at {value}", f"{of('coordination.k8s.io/v1', 'leases')}?dryRun=All", raw='{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"q"},"spec":{"renewTime":%s}}' % value, ignore=IGNORED)
        yield post(f"secret of {value}", f"{secrets}?dryRun=All", raw='{"apiVersion":"v1","kind":"Secret","metadata":{"name":"q"},"data":{"a":%s}}' % value, ignore=IGNORED)
    for time in ("2020-01-01T00:00:00.000000Z", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1Z", "2020-01-01T00:00:00+02:00", "2020-01-01T00:00:00.123456789Z", "2020-01-01 00:00:00Z", "2020-01-01", "2020-13-01T00:00:00Z", "0001-01-01T00:00:00Z", ""):
        yield post(f"lease renewed {time!r}", f"{of('coordination.k8s.io/v1', 'leases')}?dryRun=All", k("Lease", "coordination.k8s.io/v1", "q", spec={"renewTime": time}), ignore=IGNORED)
        yield post(f"event first seen {time!r}", f"{core('events')}?dryRun=All", k("Event", "v1", "e", involvedObject={"namespace": NS}, firstTimestamp=time), ignore=IGNORED)
    for quantity in ("1", "1.0", "01", "1.50", "1e3", "1E3", "1E", "1k", "1K", "1Ki", "0.1Ki", "1.5Gi", "1000m", "1001m", "-1", "+1", " 1", "1 ", "", "1Kib", "1e-3", "100000000000000000000", "9Ei", "10Ei", ".5", "5.", "0x1", "1,000", "1e1000"):
        yield post(f"quota of quantity {quantity!r}", f"{core('resourcequotas')}?dryRun=All", k("ResourceQuota", "v1", "q", spec={"hard": {"requests.cpu": quantity}}), ignore=IGNORED)


def sizes():
    maps = core("configmaps")
    cm = lambda **metadata: k("ConfigMap", "v1", "s", metadata=metadata)  # noqa: E731
    many = lambda size: {"a": "x" * size}  # noqa: E731
    yield post("annotations almost too long", f"{maps}?dryRun=All", cm(annotations=many(262143)), compare="status")
    yield post("annotations too long", f"{maps}?dryRun=All", cm(annotations=many(262144)))
    yield post("data too long", f"{maps}?dryRun=All", k("ConfigMap", "v1", "s", data={"a": "x" * 1048577}), ignore=("body.details.causes.*.message",))
    yield post("secret too long", f"{core('secrets')}?dryRun=All", k("Secret", "v1", "s", stringData={"a": "x" * 1048577}), ignore=("body.details.causes.*.message",))
    for what, metadata in {
        "long label value": {"labels": {"a": "x" * 64}}, "long label key": {"labels": {"x" * 64: "a"}}, "long prefix": {"labels": {"x" * 254 + "/a": "a"}}, "two slashes": {"labels": {"a/b/c": "d"}}, "empty key": {"labels": {"": "a"}}, "empty prefix": {"labels": {"/a": "b"}}, "upper prefix": {"labels": {"A.b/c": "d"}},
        "annotation key": {"annotations": {"A B": "c"}}, "upper annotation": {"annotations": {"Example.COM/a": "c"}}, "owner": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]}, "event owner": {"ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "p", "uid": "u"}]},
        "two controllers": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": n, "uid": n, "controller": True} for n in "ab"]}, "odd owner": {"ownerReferences": [{"apiVersion": "a/b/c", "kind": "", "name": "", "uid": ""}]}, "finalizers": {"finalizers": ["a", "kubernetes", "orphan", "a.b/c", "A.B/c", "a/b/c"]},
        "both finalizers": {"finalizers": ["orphan", "foregroundDeletion"]}, "generation": {"generation": -1}, "created": {"creationTimestamp": "2020-01-01T00:00:00Z"}, "long prefix for a name": {"name": "", "generateName": "x" * 250}, 
    }.items():
        yield post(f"map with {what}", f"{maps}?dryRun=All", cm(**metadata), ignore=(*IGNORED, "body.metadata.name", "body.details.name") if "prefix" in what else IGNORED)
        yield patch(f"map applied with {what}", f"{maps}/ap?dryRun=All&fieldManager=m", "apply", cm(**metadata) | {"metadata": metadata | {"name": "ap"}}, ignore=IGNORED)
    long = {"services": ("Service", "v1", {"spec": {"clusterIP": "None"}}), "namespaces": ("Namespace", "v1", {}), "secrets": ("Secret", "v1", {}), "cronjobs": ("CronJob", "batch/v1", {"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}}}), "jobs": ("Job", "batch/v1", {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}), "statefulsets": ("StatefulSet", "apps/v1", {"spec": {"serviceName": "s", "selector": SELECTOR, "template": TEMPLATE}}), "deployments": ("Deployment", "apps/v1", {"spec": {"selector": SELECTOR, "template": TEMPLATE}}), "roles": ("Role", "rbac.authorization.k8s.io/v1", {})}
    for resource, (kind, version, rest) in long.items():
        place = "/api/v1/namespaces" if resource == "namespaces" else core(resource) if version == "v1" else of(version, resource)
        for name in ("x" * 52, "x" * 53, "x" * 63, "x" * 64, "1a", "a.b", "a:b", "A", "a_b"):
            yield post(f"{resource} called {name[:4]} of {len(name)}", f"{place}?dryRun=All", k(kind, version, name, **rest), ignore=(*IGNORED, "body.spec", "body.metadata.labels"))


def parts():
    """Dry runs of what is written in parts, and the forms that the answers have."""
    pods, deployments = core("pods"), of("apps/v1", "deployments")
    yield post("deployment", deployments, k("Deployment", "apps/v1", "d", spec={"selector": SELECTOR, "template": TEMPLATE}), compare="status")
    yield post("pod", pods, k("Pod", "v1", "p", spec={"containers": [C]}), compare="status")
    scale = lambda replicas: k("Scale", "autoscaling/v1", "d", spec={"replicas": replicas}, metadata={"namespace": NS})  # noqa: E731
    for what, accept in {"": "application/json", " as rows": TABLE, " in part": PARTIAL}.items():
        ignore = (*IGNORED, *ROWS, "body.spec.template", "body.metadata.annotations")
        yield put(f"scale{what}", f"{deployments}/d/scale?dryRun=All", scale(3), accept=accept, ignore=ignore)
        yield patch(f"scale patched{what}", f"{deployments}/d/scale?dryRun=All", "merge", {"spec": {"replicas": 4}}, accept=accept, ignore=ignore)
        yield get(f"scale read{what}", f"{deployments}/d/scale", accept=accept, ignore=ignore)
        yield get(f"status read{what}", f"{deployments}/d/status", accept=accept, ignore=ignore)
        yield patch(f"status patched{what}", f"{deployments}/d/status?dryRun=All", "merge", {"status": {"replicas": 1}}, accept=accept, ignore=ignore)
        yield delete(f"deleted{what}", f"{pods}/p?dryRun=All", accept=accept, ignore=(*ignore, "body.spec.tolerations"))
        yield delete(f"deleted together{what}", f"{pods}?dryRun=All", accept=accept, ignore=(*ignore, "body.items.*.metadata", "body.items.*.spec"))
        yield delete(f"none deleted together{what}", f"{pods}?dryRun=All&labelSelector=none", accept=accept, ignore=ignore)
        yield delete(f"map deleted{what}", f"{core('configmaps')}/none", accept=accept)
        yield get(f"none{what}", f"{core('configmaps')}/none", accept=accept)
        yield get(f"discovery{what}", "/api/v1/namespaces?limit=0&labelSelector=none", accept=accept, ignore=ignore)
    for what, accept in {"lists": "application/json", "lists as rows": TABLE, "lists in part": PARTIAL_LIST}.items():
        for place in ("/apis/autoscaling/v1/horizontalpodautoscalers", "/apis/apps/v1/deployments", "/apis/events.k8s.io/v1/events", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"):
            yield get(f"{what} at {place}", f"{place}?labelSelector=none", accept=accept, ignore=ROWS)
    yield delete("pod away", f"{pods}/p", compare="status")


def selectable():
    resources = {
        "v1": ["configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims", "pods", "podtemplates", "replicationcontrollers", "resourcequotas", "secrets", "serviceaccounts", "services"],
        "apps/v1": ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"], "autoscaling/v2": ["horizontalpodautoscalers"], "batch/v1": ["cronjobs", "jobs"], "coordination.k8s.io/v1": ["leases"], "discovery.k8s.io/v1": ["endpointslices"],
        "events.k8s.io/v1": ["events"], "networking.k8s.io/v1": ["ingresses", "networkpolicies"], "policy/v1": ["poddisruptionbudgets"], "rbac.authorization.k8s.io/v1": ["roles", "rolebindings"], "resource.k8s.io/v1": ["resourceclaims", "resourceclaimtemplates"], "storage.k8s.io/v1": ["csistoragecapacities"],
    }
    cluster = {"v1": ["namespaces", "nodes", "persistentvolumes"], "certificates.k8s.io/v1": ["certificatesigningrequests"], "storage.k8s.io/v1": ["storageclasses", "volumeattachments", "csinodes", "csidrivers"], "scheduling.k8s.io/v1": ["priorityclasses"], "node.k8s.io/v1": ["runtimeclasses"], "resource.k8s.io/v1": ["resourceslices", "deviceclasses"], "networking.k8s.io/v1": ["ipaddresses", "servicecidrs", "ingressclasses"], "apiextensions.k8s.io/v1": ["customresourcedefinitions"], "apiregistration.k8s.io/v1": ["apiservices"], "admissionregistration.k8s.io/v1": ["validatingwebhookconfigurations"], "flowcontrol.apiserver.k8s.io/v1": ["flowschemas"], "rbac.authorization.k8s.io/v1": ["clusterroles"]}
    fields = ("metadata.name", "metadata.namespace", "metadata.uid", "status.phase", "spec.nodeName", "spec.unschedulable", "type", "status.successful", "spec.signerName", "status.replicas", "spec.driver", "spec.podIP", "status.podIP", "status.nominatedNodeName", "spec.restartPolicy", "spec.type", "spec.clusterIP", "reason", "involvedObject.name", "name", "spec.serviceAccountName", "spec.schedulerName", "spec.hostNetwork", "spec.parentRef.name", "spec.attacher", "spec.group")
    for where, all_ in (("/namespaces/xodds", resources), ("", cluster)):
        for version, names in all_.items():
            root = "/api/v1" if version == "v1" else f"/apis/{version}"
            for name in names:
                for index, field in enumerate(fields):
                    if index < 3 or (index + len(name)) % 3 == 0 or field.startswith(("spec.clusterIP", "spec.type", "status.", "spec.driver", "spec.nodeName")):
                        yield get(f"{version} {name} by {field}", f"{root}{where}/{name}?fieldSelector={field}=xodds-none", ignore=("body.metadata.resourceVersion",))


STEPS = [namespace(NS), *scalars(), *sizes(), *parts(), *selectable()]
