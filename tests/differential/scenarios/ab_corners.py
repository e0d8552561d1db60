"""Corners that clients seldom enter: statuses and subresources by the wrong verb, collections that go by a
selector, names that are made in a dry run, and rules of small types when they change."""
import base64

from differential import PARTIAL, PARTIAL_LIST, TABLE, delete, get, namespace, patch, post, put

NS = "xcorners"
# Controllers write beside, so versions are not the same in any two runs.
IGNORED = ("body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion", "body.details.uid")
ITEMS = ("body.items", "body.metadata.resourceVersion")
ROWS = ("body.rows.*.object.metadata",)
POD = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "example.com/a:1"}]}}


def core(resource, name=""):
    return f"/api/v1/namespaces/{NS}/{resource}" + (f"/{name}" if name else "")


def of(group, resource, name="", namespaced=True):
    middle = f"namespaces/{NS}/" if namespaced else ""
    return f"/apis/{group}/{middle}{resource}" + (f"/{name}" if name else "")


def k(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest


def labelled(kind, version, name, labels, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}} | rest


WORKLOADS = {
    "deployments": ("Deployment", "apps/v1", {"selector": {"matchLabels": {"a": "b"}}, "template": POD}),
    "replicasets": ("ReplicaSet", "apps/v1", {"selector": {"matchLabels": {"a": "b"}}, "template": POD}),
    "statefulsets": ("StatefulSet", "apps/v1", {"serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": POD}),
    "daemonsets": ("DaemonSet", "apps/v1", {"selector": {"matchLabels": {"a": "b"}}, "template": POD}),
    "jobs": ("Job", "batch/v1", {"template": {"spec": POD["spec"] | {"restartPolicy": "Never"}}}),
    "cronjobs": ("CronJob", "batch/v1", {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": POD["spec"] | {"restartPolicy": "Never"}}}}}),
}


def collections():
    """What goes with a collection."""
    at = core("configmaps")
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        yield post(f"map {name}", at, labelled("ConfigMap", "v1", name, {"of": label}), compare="status")
    yield delete("collection dry", f"{at}?dryRun=All&labelSelector=of=x", ignore=ITEMS)
    yield delete("collection by both", f"{at}?labelSelector=of=x&fieldSelector=metadata.name=b", ignore=ITEMS)
    yield get("after both", at, accept=PARTIAL_LIST, ignore=("body.items.*.metadata.managedFields", "body.items.*.metadata.resourceVersion"))
    yield delete("collection by a wrong label", f"{at}?labelSelector=of==", ignore=ITEMS)
    yield delete("collection by a wrong field", f"{at}?fieldSelector=data.x=y", ignore=ITEMS)
    yield delete("collection limited", f"{at}?labelSelector=of=x&limit=1", ignore=ITEMS)
    yield delete("collection with options", f"{at}?labelSelector=of=y", {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}, ignore=ITEMS)
    yield delete("collection with a precondition", f"{at}?labelSelector=of=y", {"preconditions": {"uid": "x"}}, ignore=ITEMS)
    yield delete("collection that orphans", f"{at}?labelSelector=of=y&propagationPolicy=Orphan&orphanDependents=true", ignore=ITEMS)
    yield delete("collection of another policy", f"{at}?labelSelector=of=y&propagationPolicy=Never", ignore=ITEMS)
    yield delete("collection of nothing", f"{at}?labelSelector=of=z", ignore=ITEMS)
    for resource, (kind, version, spec) in WORKLOADS.items():
        at = of(version, resource)
        yield post(f"{resource} labelled", at, labelled(kind, version, "c", {"of": "x"}, spec=spec), compare="status")
        yield delete(f"{resource} collection", f"{at}?labelSelector=of=x&dryRun=All", ignore=ITEMS)
        yield delete(f"{resource} away", f"{at}/c?propagationPolicy=Background", compare="status")
    yield delete("namespaces have no collection", "/api/v1/namespaces", ignore=ITEMS)
    yield delete("services collection", f"{core('services')}?labelSelector=of=x", ignore=ITEMS)
    yield delete("collection of a kind that is read", "/apis/authorization.k8s.io/v1/subjectaccessreviews")


def made_names():
    """Names that are made for what is not stored."""
    for resource, (kind, version, spec) in WORKLOADS.items():
        object_ = {"apiVersion": version, "kind": kind, "metadata": {"generateName": "gen-"}, "spec": spec}
        ignored = (*IGNORED, "body.metadata.name", "body.metadata.labels", "body.spec.selector", "body.spec.template.metadata")
        yield post(f"{resource} named", f"{of(version, resource)}?dryRun=All", object_, ignore=ignored)
    for prefix in ("Gen_", "a" * 70, "a" * 260, "gen."):
        object_ = {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": prefix}}
        # The name that was made is told.
        told = ("body.message", "body.details.name", "body.details.causes.1.message")
        yield post(f"secret named {prefix[:9]}", f"{core('secrets')}?dryRun=All", object_, ignore=(*IGNORED, "body.metadata.name", *told))
    yield post("named twice", f"{core('secrets')}?dryRun=All", {"metadata": {"name": "n", "generateName": "gen-"}}, ignore=IGNORED)
    yield post("no name", f"{core('secrets')}?dryRun=All", {"metadata": {}})


def verbs():
    """Subresources by verbs that they do not have."""
    yield post("pod", core("pods"), k("Pod", "v1", "p", spec=POD["spec"]), compare="status")
    yield post("deployment", of("apps/v1", "deployments"), k("Deployment", "apps/v1", "d", spec=WORKLOADS["deployments"][2]), compare="status")
    yield post("account", core("serviceaccounts"), k("ServiceAccount", "v1", "s"), compare="status")
    for path, methods in {
        core("pods", "p/status"): ("POST", "DELETE"),
        core("pods", "p/binding"): ("GET", "PUT", "DELETE", "PATCH"),
        core("pods", "p/eviction"): ("GET", "PUT", "DELETE"),
        core("pods", "p/log"): ("POST", "PUT", "DELETE", "PATCH"),
        core("pods", "p/ephemeralcontainers"): ("POST", "DELETE"),
        core("pods", "p/resize"): ("POST", "DELETE"),
        core("pods", "p/nothing"): ("GET", "POST"),
        of("apps/v1", "deployments", "d/status"): ("POST", "DELETE"),
        of("apps/v1", "deployments", "d/scale"): ("POST", "DELETE"),
        of("apps/v1", "deployments", "d/rollback"): ("POST",),
        of("apps/v1", "daemonsets", "d/scale"): ("GET", "PUT"),
        core("serviceaccounts", "s/token"): ("GET", "PUT", "DELETE"),
        core("configmaps", "c/status"): ("GET", "PUT"),
        f"/api/v1/namespaces/{NS}/finalize": ("GET", "POST", "DELETE", "PATCH"),
        f"/api/v1/namespaces/{NS}/status": ("POST", "DELETE"),
        "/api/v1/componentstatuses": ("POST", "DELETE"),
        core("bindings"): ("GET", "DELETE"),
        "/apis/certificates.k8s.io/v1/certificatesigningrequests/x/approval": ("POST", "DELETE"),
        "/apis/resource.k8s.io/v1/resourceslices/x/status": ("GET", "PATCH"),
        "/apis/scheduling.k8s.io/v1/priorityclasses/x/status": ("GET",),
        "/apis/coordination.k8s.io/v1/leases": ("POST",),
    }.items():
        for method in methods:
            body = {} if method in ("POST", "PUT", "PATCH") else None
            kind = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
            yield {"GET": get, "DELETE": delete, "POST": post, "PUT": put}.get(method, lambda *a, **kw: post(*a, **kw) | {"method": "PATCH"})(
                f"{method} {path[-40:]}", path, body=body, ignore=("body.status",) if method == "GET" else (), **kind
            )


def reviews_and_tokens():
    """Tokens, evictions and bindings with what does not fit."""
    token = core("serviceaccounts", "s/token")
    request = lambda **spec: {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}  # noqa: E731
    ignored = ("body.status", "body.metadata")
    yield post("token short", token, request(expirationSeconds=5))
    yield post("token long", token, request(expirationSeconds=2**33))
    yield post("token bound to nothing", token, request(boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "none"}), ignore=ignored)
    yield post("token bound to another kind", token, request(boundObjectRef={"kind": "ConfigMap", "apiVersion": "v1", "name": "c"}), ignore=ignored)
    yield post("token of nobody", core("serviceaccounts", "none/token"), request(), ignore=ignored)
    evict = lambda name, **more: {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}} | more  # noqa: E731
    yield post("eviction of another", core("pods", "p/eviction"), evict("q"))
    yield post("eviction of none", core("pods", "none/eviction"), evict("none"))
    yield post("eviction dry", core("pods", "p/eviction") + "?dryRun=All", evict("p"))
    yield post("eviction with a policy", core("pods", "p/eviction"), evict("p", deleteOptions={"propagationPolicy": "Never"}))
    yield post("eviction with a uid", core("pods", "p/eviction"), evict("p", deleteOptions={"preconditions": {"uid": "x"}}))
    binding = lambda **target: {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": target}  # noqa: E731
    yield post("binding to a pod", core("pods", "p/binding"), binding(kind="Pod", name="n"))
    yield post("binding to nothing", core("pods", "p/binding"), binding(kind="Node"))
    yield post("binding dry", core("pods", "p/binding") + "?dryRun=All", binding(kind="Node", name="n"))


def signing_requests():
    """Requests for certificates are approved or denied, once."""
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n").decode()
    at, version = "/apis/certificates.k8s.io/v1/certificatesigningrequests", "certificates.k8s.io/v1"
    yield post("request that is none", at, k("CertificateSigningRequest", version, "xcorners", spec={"request": pem, "signerName": "a.com/b", "usages": ["client auth"]}))
    for field, value in {"signerName": "b", "usages": ["x"], "expirationSeconds": 5}.items():
        spec = {"request": "", "signerName": "a.com/b", "usages": ["client auth"]} | {field: value}
        yield post(f"request with {field}", at, k("CertificateSigningRequest", version, "xcorners", spec=spec))
    yield patch("approval of none", f"{at}/none/approval", "merge", {"status": {"conditions": []}})
    yield get("requests by signer", f"{at}?fieldSelector=spec.signerName=a.com/b", ignore=ITEMS)
    yield get("requests in a table", at + "?fieldSelector=spec.signerName=none.com/b", accept=TABLE, ignore=ROWS)


def small_types():
    """What may become of leases, classes and addresses."""
    leases = of("coordination.k8s.io/v1", "leases")
    lease = lambda **spec: k("Lease", "coordination.k8s.io/v1", "l", spec=spec)  # noqa: E731
    for what, spec in {
        "held": {"holderIdentity": "me", "leaseDurationSeconds": 10},
        "held by nobody": {"holderIdentity": ""},
        "for no time": {"leaseDurationSeconds": 0},
        "turned": {"leaseTransitions": -1},
        "by strategy": {"strategy": "OldestEmulationVersion", "preferredHolder": "you"},
        "by an odd strategy": {"strategy": "a b"},
        "preferred": {"preferredHolder": "you"},
    }.items():
        yield post(f"lease {what}", f"{leases}?dryRun=All", lease(**spec), ignore=IGNORED)
    yield post("lease", leases, lease(holderIdentity="me"), ignore=IGNORED)
    for what, spec in {"held by another": {"holderIdentity": "you", "leaseTransitions": 1}, "held for long": {"leaseDurationSeconds": -5}, "renewed": {"renewTime": "2020-01-01T00:00:00.000000Z"}}.items():
        yield patch(f"lease is {what}", f"{leases}/l?dryRun=All", "merge", {"spec": spec}, ignore=IGNORED)
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    for what, more in {
        "plain": {"handler": "h"},
        "wrong": {"handler": "H_", "overhead": {"podFixed": {"cpu": "-1"}}},
        "placed": {"handler": "h", "scheduling": {"nodeSelector": {"a b": "c"}, "tolerations": [{"key": "a"}, {"key": "a"}]}},
    }.items():
        yield post(f"runtime class {what}", f"{classes}?dryRun=All", k("RuntimeClass", "node.k8s.io/v1", "xcorners", **more), ignore=IGNORED)
    yield post("runtime class", classes, k("RuntimeClass", "node.k8s.io/v1", "xcorners", handler="h"), ignore=IGNORED)
    yield patch("runtime class changes", f"{classes}/xcorners?dryRun=All", "merge", {"handler": "i"}, ignore=IGNORED)
    yield patch("runtime class changes wrongly", f"{classes}/xcorners?dryRun=All", "merge", {"handler": "I_", "metadata": {"uid": "x", "finalizers": ["a"]}}, ignore=IGNORED)
    yield delete("runtime class away", f"{classes}/xcorners", ignore=IGNORED)
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    for what, more in {
        "high": {"value": 1000000001},
        "low": {"value": -2147483648},
        "preempting": {"value": 1, "preemptionPolicy": "Sometimes"},
        "of the system": {"value": 1, "globalDefault": False, "metadata": {"name": "system-x"}},
        "for all": {"value": 1, "globalDefault": True},
    }.items():
        yield post(f"priority class {what}", f"{classes}?dryRun=All", k("PriorityClass", "scheduling.k8s.io/v1", "xcorners") | more, ignore=IGNORED)
    yield post("priority class", classes, k("PriorityClass", "scheduling.k8s.io/v1", "xcorners", value=5), ignore=IGNORED)
    for what, more in {"value": {"value": 6}, "policy": {"preemptionPolicy": "Never"}, "description": {"description": "d", "globalDefault": True}}.items():
        yield patch(f"priority class's {what}", f"{classes}/xcorners?dryRun=All", "merge", more, ignore=IGNORED)
    yield delete("priority class away", f"{classes}/xcorners", ignore=IGNORED)
    yield delete("system priority class", f"{classes}/system-node-critical?dryRun=All", ignore=IGNORED)
    ranges = "/apis/networking.k8s.io/v1/servicecidrs"
    for what, cidrs in {"one": ["10.250.0.0/24"], "two": ["10.250.0.0/24", "2001:db8::/64"], "alike": ["10.250.0.0/24", "10.251.0.0/24"], "three": ["10.250.0.0/24", "2001:db8::/64", "10.251.0.0/24"], "loose": ["10.250.0.1/24"], "none": []}.items():
        yield post(f"range {what}", f"{ranges}?dryRun=All", k("ServiceCIDR", "networking.k8s.io/v1", "xcorners", spec={"cidrs": cidrs}), ignore=IGNORED)
    addresses = "/apis/networking.k8s.io/v1/ipaddresses"
    parent = {"parentRef": {"resource": "services", "name": "a", "namespace": "b"}}
    for name, spec in {"10.251.0.1": parent, "10.251.0.01": parent, "2001:DB8::1": parent, "x": parent, "10.251.0.2": {}, "10.251.0.3": {"parentRef": {"name": "a"}}, "10.251.0.4": {"parentRef": {"group": "G_", "resource": "a/b", "name": "..", "namespace": "%"}}}.items():
        yield post(f"address {name}", f"{addresses}?dryRun=All", k("IPAddress", "networking.k8s.io/v1", name, spec=spec), ignore=IGNORED)
    yield post("address", addresses, k("IPAddress", "networking.k8s.io/v1", "10.251.0.1", spec=parent), ignore=IGNORED)
    yield patch("address of another", f"{addresses}/10.251.0.1?dryRun=All", "merge", {"spec": {"parentRef": {"name": "c"}}}, ignore=IGNORED)
    yield patch("address of nobody", f"{addresses}/10.251.0.1?dryRun=All", "merge", {"metadata": {"uid": "x"}, "spec": {"parentRef": None}}, ignore=IGNORED)
    yield get("addresses by parent", f"{addresses}?fieldSelector=spec.parentRef.name=a", ignore=IGNORED)
    yield get("address in a table", f"{addresses}/10.251.0.1", accept=TABLE, ignore=ROWS)
    yield delete("address away", f"{addresses}/10.251.0.1", ignore=IGNORED)


def policies():
    """Policies of admission, and what they are bound to."""
    version = "admissionregistration.k8s.io/v1"
    at = f"/apis/{version}/validatingadmissionpolicies"
    rules = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["xnone"]}]}
    policy = lambda **spec: k("ValidatingAdmissionPolicy", version, "xcorners", spec=spec)  # noqa: E731
    yield post("policy", at, policy(matchConstraints=rules, validations=[{"expression": "object.x == 1"}]), ignore=IGNORED)
    for what, spec in {"expression": {"validations": [{"expression": "object.x =="}]}, "failure": {"failurePolicy": "Maybe"}, "parameters": {"paramKind": {"apiVersion": "v1", "kind": ""}}, "conditions": {"matchConditions": [{"name": "", "expression": "1"}]}}.items():
        yield patch(f"policy's {what}", f"{at}/xcorners?dryRun=All", "merge", {"spec": spec}, ignore=IGNORED)
    condition = {"type": "A", "status": "True", "reason": "B", "message": "c", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    for what, status in {"conditions": {"conditions": [condition]}, "wrong conditions": {"conditions": [condition, {"type": "A"}]}, "checks": {"typeChecking": {"expressionWarnings": [{"fieldRef": "spec", "warning": ""}, {}]}}, "generation": {"observedGeneration": -1}}.items():
        yield patch(f"policy's status with {what}", f"{at}/xcorners/status?dryRun=All", "merge", {"status": status}, ignore=IGNORED)
    yield get("policy in a table", f"{at}/xcorners", accept=TABLE, ignore=ROWS)
    yield get("policy in part", f"{at}/xcorners", accept=PARTIAL, ignore=IGNORED)
    bindings = f"/apis/{version}/validatingadmissionpolicybindings"
    for what, spec in {"plain": {"policyName": "xcorners", "validationActions": ["Deny"]}, "two ways": {"policyName": "xcorners", "validationActions": ["Deny", "Warn"]}, "twice": {"policyName": "x", "validationActions": ["Audit", "Audit"]}, "empty": {}, "parameters": {"policyName": "x", "validationActions": ["Warn"], "paramRef": {"name": "a", "selector": {}}}}.items():
        yield post(f"binding {what}", f"{bindings}?dryRun=All", k("ValidatingAdmissionPolicyBinding", version, "xcorners", spec=spec), ignore=IGNORED)
    yield delete("policy away", f"{at}/xcorners", ignore=IGNORED)


def priority_and_fairness():
    """Levels and schemas that have to be there."""
    root = "/apis/flowcontrol.apiserver.k8s.io/v1"
    yield patch("exempt gets shares", f"{root}/prioritylevelconfigurations/exempt?dryRun=All", "merge", {"spec": {"exempt": {"nominalConcurrencyShares": -1}}}, ignore=IGNORED)
    yield patch("exempt gets limited", f"{root}/prioritylevelconfigurations/exempt?dryRun=All", "merge", {"spec": {"type": "Limited"}}, ignore=IGNORED)
    yield patch("catch-all gets shares", f"{root}/prioritylevelconfigurations/catch-all?dryRun=All", "merge", {"spec": {"limited": {"nominalConcurrencyShares": 50}}}, ignore=IGNORED)
    level = lambda **limited: k("PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1", "xcorners", spec={"type": "Limited", "limited": limited})  # noqa: E731
    for what, limited in {
        "queueing": {"limitResponse": {"type": "Queue", "queuing": {"queues": 0, "handSize": 9, "queueLengthLimit": -1}}},
        "queueing wide": {"limitResponse": {"type": "Queue", "queuing": {"queues": 10000001, "handSize": 2, "queueLengthLimit": 5}}},
        "rejecting with queues": {"limitResponse": {"type": "Reject", "queuing": {}}},
        "lending": {"lendablePercent": 101, "borrowingLimitPercent": -1, "limitResponse": {"type": "Reject"}},
    }.items():
        yield post(f"level {what}", f"{root}/prioritylevelconfigurations?dryRun=All", level(**limited), ignore=IGNORED)
    schema = lambda **spec: k("FlowSchema", "flowcontrol.apiserver.k8s.io/v1", "xcorners", spec=spec)  # noqa: E731
    user = {"kind": "User", "user": {"name": "u"}}
    for what, spec in {
        "for nobody": {"priorityLevelConfiguration": {"name": "exempt"}, "rules": [{"subjects": [], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/a*b"]}]}]},
        "for a user": {"priorityLevelConfiguration": {"name": "global-default"}, "matchingPrecedence": 0, "rules": [{"subjects": [user], "resourceRules": [{"verbs": ["get", "*"], "apiGroups": ["*", "a"], "resources": ["*"], "clusterScope": True}]}]},
        "by another": {"priorityLevelConfiguration": {"name": ""}, "matchingPrecedence": 10001, "distinguisherMethod": {"type": "ByOther"}, "rules": [{"subjects": [user | {"group": {"name": "g"}}]}]},
    }.items():
        yield post(f"schema {what}", f"{root}/flowschemas?dryRun=All", schema(**spec), ignore=IGNORED)
    yield delete("mandatory schema dry", f"{root}/flowschemas/exempt?dryRun=All", compare="status")


def versions_that_are_off():
    """Groups and versions that are not served until somebody asks for them."""
    for path in (
        "/apis/scheduling.k8s.io/v1alpha2", "/apis/scheduling.k8s.io/v1alpha2/workloads", f"/apis/scheduling.k8s.io/v1alpha2/namespaces/{NS}/podgroups",
        "/apis/storagemigration.k8s.io", "/apis/storagemigration.k8s.io/v1beta1/storageversionmigrations", "/apis/resource.k8s.io/v1beta1/resourceslices",
        "/apis/resource.k8s.io/v1alpha3/devicetaintrules", "/apis/certificates.k8s.io/v1beta1/clustertrustbundles", "/apis/coordination.k8s.io/v1beta1/leasecandidates",
        "/apis/internal.apiserver.k8s.io/v1alpha1/storageversions", "/apis/apps/v1beta1/deployments", "/apis/policy/v1beta1", "/apis/networking.k8s.io/v1beta1/ipaddresses",
    ):
        yield get(f"off {path[6:60]}", path)


def statuses():
    """Statuses of workloads, budgets and quotas."""
    for resource, (kind, version, spec) in WORKLOADS.items():
        at = of(version, resource)
        yield post(f"{resource} for a status", at, k(kind, version, "t", spec=spec), compare="status")
        ignored = (*IGNORED, "body.spec", "body.metadata.labels")
        negative = {"lastScheduleTime": "2020-01-01T00:00:00Z"} if resource == "cronjobs" else {"replicas": -1, "active": -1, "desiredNumberScheduled": -1}
        for what, status in {"negative": negative, "observed": {"observedGeneration": 7, "replicas": 2}, "condition": {"conditions": [{"type": "A b", "status": "X"}]}}.items():
            yield patch(f"{resource} status {what}", f"{at}/t/status?dryRun=All", "merge", {"status": status, "spec": {"paused": True}}, ignore=ignored)
        yield patch(f"{resource} status applied", f"{at}/t/status?dryRun=All&fieldManager=m", "apply", k(kind, version, "t", status={"conditions": []}), ignore=ignored)
        yield delete(f"{resource} gone", f"{at}/t?propagationPolicy=Background", compare="status")
    quotas = core("resourcequotas")
    yield post("quota", quotas, k("ResourceQuota", "v1", "q", spec={"hard": {"pods": "10"}}), compare="status")
    for what, status in {"used": {"hard": {"pods": "10"}, "used": {"pods": "1"}}, "used wrongly": {"used": {"pods": "1.5", "a b": "1"}}, "used below": {"used": {"cpu": "-1"}}}.items():
        yield patch(f"quota {what}", f"{quotas}/q/status?dryRun=All", "merge", {"status": status}, ignore=IGNORED)
    yield patch("quota's scopes", f"{quotas}/q?dryRun=All", "merge", {"spec": {"scopes": ["BestEffort"]}}, ignore=IGNORED)
    yield delete("quota away", f"{quotas}/q", ignore=IGNORED)
    budgets = of("policy/v1", "poddisruptionbudgets")
    yield post("budget", budgets, k("PodDisruptionBudget", "policy/v1", "b", spec={"minAvailable": 1, "selector": {"matchLabels": {"x": "y"}}}), compare="status")
    for what, status in {"counts": {"disruptionsAllowed": -1, "currentHealthy": -1, "desiredHealthy": -1, "expectedPods": -1}, "conditions": {"disruptionsAllowed": 1, "conditions": [{"type": "a b"}]}}.items():
        yield patch(f"budget's {what}", f"{budgets}/b/status?dryRun=All", "merge", {"status": status}, ignore=IGNORED)
    yield patch("budget's both", f"{budgets}/b?dryRun=All", "merge", {"spec": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "X"}}, ignore=IGNORED)


def kept_data():
    """What is immutable, and what has one of two forms."""
    maps = core("configmaps")
    yield post("map kept", maps, k("ConfigMap", "v1", "k", immutable=True, data={"a": "b"}), compare="status")
    for what, change in {"data": {"data": {"a": "c"}}, "flag": {"immutable": False}, "labels": {"metadata": {"labels": {"a": "b"}}}, "binary": {"binaryData": {"a": "Yg=="}}}.items():
        yield patch(f"map's {what}", f"{maps}/k?dryRun=All", "merge", change, ignore=IGNORED)
    secrets = core("secrets")
    for kind, data in {"kubernetes.io/tls": {}, "kubernetes.io/basic-auth": {}, "kubernetes.io/ssh-auth": {}, "kubernetes.io/dockerconfigjson": {".dockerconfigjson": "e30="}, "kubernetes.io/dockercfg": {".dockercfg": "eA=="}, "kubernetes.io/service-account-token": {}, "bootstrap.kubernetes.io/token": {}, "a.com/b": {"k": "eA=="}}.items():
        yield post(f"secret {kind}", f"{secrets}?dryRun=All", k("Secret", "v1", "s", type=kind, data=data), ignore=IGNORED)
    yield post("secret", secrets, k("Secret", "v1", "s", stringData={"a": "b"}, data={"a": "eA==", "b": "eA=="}), ignore=IGNORED)
    yield patch("secret's type", f"{secrets}/s?dryRun=All", "merge", {"type": "a.com/b"}, ignore=IGNORED)
    yield patch("secret's text", f"{secrets}/s?dryRun=All", "strategic", {"stringData": {"c": "d"}, "data": {"a": None}}, ignore=IGNORED)
    revisions = of("apps/v1", "controllerrevisions")
    yield post("revision", revisions, k("ControllerRevision", "apps/v1", "r", revision=1, data={}), ignore=IGNORED)
    for what, change in {"data": {"data": [1]}, "number": {"revision": -1}, "more": {"revision": 2}}.items():
        yield patch(f"revision's {what}", f"{revisions}/r?dryRun=All", "merge", change, ignore=IGNORED)


STEPS = [
    namespace(NS), *collections(), *made_names(), *verbs(), *reviews_and_tokens(), *signing_requests(), *small_types(), *policies(),
    *priority_and_fairness(), *versions_that_are_off(), *statuses(), *kept_data(),
]
