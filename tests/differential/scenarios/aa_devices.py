"""Devices: what classes, claims, templates and slices may say, and what becomes of a claim."""
from differential import PARTIAL_LIST, TABLE, delete, get, namespace, patch, post, put

NS, API = "xdevices", "/apis/resource.k8s.io/v1"
CLAIMS, TEMPLATES = f"{API}/namespaces/{NS}/resourceclaims", f"{API}/namespaces/{NS}/resourceclaimtemplates"
SLICES, CLASSES = f"{API}/resourceslices", f"{API}/deviceclasses"
IGNORED = ("body.metadata.managedFields", "body.metadata.uid")
ROWS = ("body.rows.*.object.metadata.managedFields",)
SHARE = "a0b1c2d3-e4f5-4678-9abc-def012345678"


def k(kind, name, **rest):
    return {"apiVersion": "resource.k8s.io/v1", "kind": kind, "metadata": {"name": name}} | rest


def exactly(**more):
    return {"deviceClassName": "c"} | more


def request(name="r", **more):
    return {"name": name, "exactly": exactly(**more)}


def dry(of, at, object_):
    return post(of, f"{at}?dryRun=All", object_, ignore=IGNORED)


def claims():
    """What a claim may ask for."""
    for of, devices in {
        "nothing": {},
        "a device": {"requests": [request()]},
        "all": {"requests": [request(allocationMode="All")]},
        "all of three": {"requests": [request(allocationMode="All", count=3)]},
        "none": {"requests": [request(allocationMode="ExactCount", count=-1)]},
        "another mode": {"requests": [request(allocationMode="Some")]},
        "neither": {"requests": [{"name": "r"}]},
        "both": {"requests": [request() | {"firstAvailable": [exactly(name="p")]}]},
        "alternatives": {"requests": [{"name": "r", "firstAvailable": [exactly(name="p"), exactly(name="q", count=2)]}]},
        "alternatives alike": {"requests": [{"name": "r", "firstAvailable": [exactly(name="p"), exactly(name="p")]}]},
        "alternatives unnamed": {"requests": [{"name": "r", "firstAvailable": [{"deviceClassName": "C_"}]}]},
        "alternatives many": {"requests": [{"name": "r", "firstAvailable": [exactly(name=f"p{i}") for i in range(9)]}]},
        "alternatives empty": {"requests": [{"name": "r", "firstAvailable": []}]},
        "requests alike": {"requests": [request(), request()]},
        "requests many": {"requests": [request(f"r{i}") for i in range(33)]},
        "request name": {"requests": [request("R_")]},
        "class": {"requests": [request(deviceClassName="A_")]},
        "no class": {"requests": [{"name": "r", "exactly": {}}]},
        "selectors": {"requests": [request(selectors=[{}, {"cel": {}}, {"cel": {"expression": "1"}}])]},
        "selector long": {"requests": [request(selectors=[{"cel": {"expression": "true" + " " * 10240}}])]},
        "selectors many": {"requests": [request(selectors=[{"cel": {"expression": "true"}}] * 33)]},
        "tolerations": {
            "requests": [
                request(
                    tolerations=[
                        {"key": "a", "operator": "Exists"},
                        {"key": "a b"},
                        {"key": "a", "operator": "Exists", "value": "x"},
                        {"key": "a", "value": "x y"},
                        {"operator": "Other", "effect": "Wrong"},
                        {"key": "a", "effect": "NoExecute", "tolerationSeconds": 5},
                    ]
                )
            ]
        },
        "capacity": {"requests": [request(capacity={"requests": {"memory": "1Gi"}})]},
        "capacity wrong": {"requests": [request(capacity={"requests": {"memory": "x"}})]},
        "match": {"requests": [request()], "constraints": [{"requests": ["r"], "matchAttribute": "a.com/b"}]},
        "distinct": {"requests": [request()], "constraints": [{"distinctAttribute": "a.com/b"}]},
        "no attribute": {"constraints": [{}]},
        "both attributes": {"constraints": [{"matchAttribute": "a.com/b", "distinctAttribute": "c"}]},
        "attribute names": {
            "constraints": [
                {"matchAttribute": name}
                for name in ("b", "a.com/", "/b", "A b/c", "a.com/1b", "a/b/c", "a.com/" + "b" * 33, "a" * 64 + "/b", "")
            ]
        },
        "constraints many": {"constraints": [{"matchAttribute": "a.com/b"}] * 33},
        "references": {
            "requests": [request(), {"name": "s", "firstAvailable": [exactly(name="p")]}],
            "constraints": [
                {"requests": ["r", "s/p", "s"], "matchAttribute": "a.com/b"},
                {"requests": ["r", "r"], "matchAttribute": "a.com/b"},
                {"requests": ["x", "r/p", "s/q", "s/p/p", "B_"], "matchAttribute": "a.com/b"},
            ],
        },
        "config": {"config": [{"opaque": {"driver": "d.com", "parameters": {"a": 1}}}]},
        "config not opaque": {"config": [{}]},
        "config driver": {"config": [{"opaque": {"driver": "D_", "parameters": {"a": 1}}}]},
        "config driver in capitals": {"config": [{"opaque": {"driver": "D.com", "parameters": {"a": 1}}}]},
        "config driver long": {"config": [{"opaque": {"driver": "d" * 64, "parameters": {"a": 1}}}]},
        "config no driver": {"config": [{"opaque": {"parameters": {}}}]},
        "config no parameters": {"config": [{"opaque": {"driver": "d"}}]},
        "config null parameters": {"config": [{"opaque": {"driver": "d", "parameters": None}}]},
        "config text": {"config": [{"opaque": {"driver": "d", "parameters": "a"}}]},
        "config list": {"config": [{"opaque": {"driver": "d", "parameters": [1]}}]},
        "config long": {"config": [{"opaque": {"driver": "d", "parameters": {"a": "b" * 10240}}}]},
        "config references": {"requests": [request()], "config": [{"requests": ["r", "q"], "opaque": {"driver": "d", "parameters": {}}}]},
        "config many": {"config": [{"opaque": {"driver": "d", "parameters": {}}}] * 33},
    }.items():
        yield dry(f"claim {of}", CLAIMS, k("ResourceClaim", "n", spec={"devices": devices}))
    yield dry("claim name", CLAIMS, k("ResourceClaim", "N_", spec={}))
    yield dry("claim with a status", CLAIMS, k("ResourceClaim", "n", spec={}, status={"reservedFor": [{"resource": "pods", "name": "a", "uid": "b"}]}))


def device(name="d", **more):
    return {"name": name} | more


def slices():
    """What a slice may say of devices."""
    here = {"driver": "d.com", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}, "nodeName": "n"}
    each = {name: value for name, value in here.items() if name != "nodeName"} | {"perDeviceNodeSelection": True}
    term = {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
    policy = lambda **of: {"allowMultipleAllocations": True, "capacity": {"m": {"value": "10Gi", "requestPolicy": of}}}  # noqa: E731
    devices = {
        "named": {"name": "D_"},
        "bool": {"attributes": {"a": {"bool": True}}},
        "texts": {"attributes": {"a.com/a": {"string": "x" * 65}}},
        "version": {"attributes": {"a": {"version": "1.2"}}},
        "version long": {"attributes": {"a": {"version": "1.2.3-" + "x" * 60}}},
        "two values": {"attributes": {"a": {"int": 1, "bool": False}}},
        "no value": {"attributes": {"a": {}}},
        "lists": {"attributes": {"a": {"ints": [1, 2]}}},
        "list beside": {"attributes": {"a": {"ints": [1, 2], "int": 1}}},
        "attribute name": {"attributes": {"a b": {"int": 1}}},
        "attribute domain": {"attributes": {"/a": {"int": 1}}},
        "attribute long": {"attributes": {"a" * 64 + ".com/" + "b" * 40: {}}},
        "many attributes": {"attributes": {f"a{i}": {"int": i} for i in range(33)}},
        "more attributes": {"attributes": {f"a{i}": {"int": i} for i in range(49)}},
        "attributes and amounts": {"attributes": {f"a{i}": {"int": i} for i in range(20)}, "capacity": {f"c{i}": {"value": "1"} for i in range(13)}},
        "amount": {"capacity": {"m": {"value": "1Gi"}}},
        "amount name": {"capacity": {"m m": {"value": "1Gi"}}},
        "policy alone": {"capacity": {"m": {"value": "1Gi", "requestPolicy": {"default": "1"}}}},
        "policy default": policy(default="1"),
        "policy values": policy(default="1Gi", validValues=["1Gi", "2Gi"]),
        "policy values without": policy(validValues=["1Gi"]),
        "policy values unsorted": policy(default="1Gi", validValues=["2Gi", "1Gi", "2Gi", "20Gi"]),
        "policy values many": policy(default="20", validValues=[str(i) for i in range(11)]),
        "policy values not default": policy(default="3Gi", validValues=["1Gi"]),
        "policy both": policy(default="1Gi", validValues=["1Gi"], validRange={"min": "1Gi"}),
        "policy range": policy(default="1Gi", validRange={"min": "1Gi", "max": "9Gi", "step": "1Gi"}),
        "policy range without": policy(validRange={"min": "1Gi"}),
        "policy range no min": policy(default="1Gi", validRange={"max": "1Gi"}),
        "policy range wide": policy(default="1Gi", validRange={"min": "11Gi", "max": "20Gi", "step": "1Gi"}),
        "policy range default": policy(default="5Gi", validRange={"min": "1Gi", "max": "2Gi"}),
        "policy range turned": policy(default="3Gi", validRange={"min": "4Gi", "max": "2Gi"}),
        "policy range step": policy(default="2Gi", validRange={"min": "1Gi", "max": "4Gi", "step": "2Gi"}),
        "policy range step wide": policy(default="1Gi", validRange={"min": "1Gi", "step": "10Gi"}),
        "taints": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "a b", "value": "x y"}, {"effect": "Other"}]},
        "taints many": {"taints": [{"key": "a", "effect": "None"}] * 17},
        "taint time": {"taints": [{"key": "a", "effect": "None", "timeAdded": "2020-01-01T00:00:00Z"}]},
        "counters": {"consumesCounters": [{"counterSet": "s", "counters": {"c": {"value": "1"}}}]},
        "counters wrong": {"consumesCounters": [{"counterSet": "S_", "counters": {"C_": {"value": "1"}}}, {}]},
        "counters alike": {"consumesCounters": [{"counterSet": "s", "counters": {"c": {"value": "1"}}}] * 2},
        "counters many": {"consumesCounters": [{"counterSet": f"s{i}", "counters": {"c": {"value": "1"}}} for i in range(3)]},
        "counters full": {"consumesCounters": [{"counterSet": "s", "counters": {f"c{i}": {"value": "1"} for i in range(33)}}]},
        "binding": {"bindsToNode": True, "bindingConditions": ["a"], "bindingFailureConditions": ["b"]},
        "binding alone": {"bindingConditions": ["a"]},
        "binding failure alone": {"bindingFailureConditions": ["a", "a b"]},
        "binding alike": {"bindingConditions": ["a", "a"], "bindingFailureConditions": ["b", "b", "a"]},
        "binding many": {"bindingConditions": ["a", "b", "c", "d", "e"], "bindingFailureConditions": ["f", "g", "h", "i", "j"]},
        "placed": {"nodeName": "n"},
        "mapped": {"nodeAllocatableResourceMappings": {"cpu": {"capacityKey": "x"}}},
    }
    for of, more in devices.items():
        yield dry(f"device {of}", SLICES, k("ResourceSlice", "n", spec=here | {"devices": [device(**more)]}))
    for of, more in {
        "nowhere": {},
        "by name": {"nodeName": "n"},
        "by no name": {"nodeName": ""},
        "by a wrong name": {"nodeName": "N_"},
        "by selector": {"nodeSelector": {"nodeSelectorTerms": [term, term]}},
        "by a wrong selector": {"nodeSelector": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "X"}]}]}},
        "everywhere": {"allNodes": True},
        "not everywhere": {"allNodes": False},
        "twice": {"allNodes": True, "nodeName": "n"},
    }.items():
        yield dry(f"device placed {of}", SLICES, k("ResourceSlice", "n", spec=each | {"devices": [device(**more)]}))
        if of != "by selector":
            spec = {name: value for name, value in each.items() if name != "perDeviceNodeSelection"}
            yield dry(f"slice placed {of}", SLICES, k("ResourceSlice", "n", spec=spec | more))
    sets = [{"name": "s", "counters": {"c": {"value": "1"}}}]
    for of, more in {
        "no terms": {"nodeName": None, "nodeSelector": {"nodeSelectorTerms": []}},
        "two terms": {"nodeName": None, "nodeSelector": {"nodeSelectorTerms": [term, term]}},
        "counters": {"sharedCounters": sets},
        "counters beside devices": {"sharedCounters": sets, "devices": [device()]},
        "counters beside none": {"sharedCounters": sets, "devices": []},
        "counters alike": {"sharedCounters": sets * 2},
        "counters many": {"sharedCounters": [sets[0] | {"name": f"s{i}"} for i in range(9)]},
        "counters wrong": {"sharedCounters": [{"name": "S_", "counters": {"C_": {"value": "1"}}}, {}]},
        "counters full": {"sharedCounters": [{"name": "s", "counters": {f"c{i}": {"value": "1"} for i in range(33)}}]},
        "devices alike": {"devices": [device(), device()]},
        "devices many": {"devices": [device(f"d{i}") for i in range(129)]},
        "devices special": {"devices": [device(f"d{i}", taints=[{"key": "a", "effect": "None"}]) for i in range(65)]},
        "not per device": {"perDeviceNodeSelection": False},
        "driver": {"driver": "D_"},
        "driver in capitals": {"driver": "D.com"},
        "no driver": {"driver": ""},
        "pool name": {"pool": {"name": "a/B_/" + "c" * 250, "resourceSliceCount": 1}},
        "pool": {"pool": {"generation": -1}},
    }.items():
        yield dry(f"slice {of}", SLICES, k("ResourceSlice", "n", spec={n: v for n, v in (here | more).items() if v is not None}))
    spec = here | {"devices": [device(taints=[{"key": "a", "effect": "NoSchedule", "timeAdded": "2020-01-01T00:00:00Z"}])]}
    yield post("slice", SLICES, k("ResourceSlice", "xdevices", spec=spec), ignore=IGNORED)
    at = f"{SLICES}/xdevices"
    for of, more in {
        "same": {},
        "driver": {"driver": "e.com"},
        "no driver": {"driver": None},
        "pool": {"pool": {"name": "q"}},
        "node": {"nodeName": "m"},
        "no node": {"nodeName": None, "allNodes": True},
        "generation": {"pool": {"generation": 2}},
        "devices": {"devices": [device("e")]},
        "taint": {"devices": [device(taints=[{"key": "a b", "effect": "X"}])]},
        "counters": {"sharedCounters": sets},
    }.items():
        yield patch(f"slice becomes {of}", f"{at}?dryRun=All", "merge", {"spec": more}, ignore=IGNORED)
    yield get("slices by node", f"{SLICES}?fieldSelector=spec.nodeName=n", accept=PARTIAL_LIST, ignore=("body.items.*.metadata.managedFields",))
    yield get("slices by driver", f"{SLICES}?fieldSelector=spec.driver=d.com,spec.nodeName!=m", accept=TABLE, ignore=ROWS)
    yield get("slices by pool", f"{SLICES}?fieldSelector=spec.pool.name=p")
    yield delete("slice away", at, ignore=IGNORED)


def classes():
    """What a class may say, and how it may change."""
    for of, spec in {
        "resource": {"extendedResourceName": "a.com/gpu"},
        "native resource": {"extendedResourceName": "cpu"},
        "requested resource": {"extendedResourceName": "requests.a.com/gpu"},
        "empty resource": {"extendedResourceName": ""},
        "selectors many": {"selectors": [{"cel": {"expression": "true"}}] * 33},
        "selectors": {"selectors": [{}, {"cel": {"expression": "device.nope"}}]},
        "config": {"config": [{}, {"opaque": {"driver": "", "parameters": 5}}]},
        "config many": {"config": [{"opaque": {"driver": "d", "parameters": {}}}] * 33},
    }.items():
        yield dry(f"class {of}", CLASSES, k("DeviceClass", "n", spec=spec))
    yield post("class", CLASSES, k("DeviceClass", "xdevices", spec={"config": [{"opaque": {"driver": "d", "parameters": {"a": 1}}}]}), ignore=IGNORED)
    at = f"{CLASSES}/xdevices"
    for of, spec in {"resource": {"extendedResourceName": "a.com/gpu"}, "wrong": {"extendedResourceName": "cpu"}, "config": {"config": [{}]}}.items():
        yield patch(f"class becomes {of}", f"{at}?dryRun=All", "merge", {"spec": spec}, ignore=IGNORED)
    yield get("classes in a table", CLASSES + "?fieldSelector=metadata.name=xdevices", accept=TABLE, ignore=ROWS)
    yield delete("class away", at, ignore=IGNORED)


def templates():
    """What is made from a template may have labels and annotations only."""
    for of, spec in {
        "plain": {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": {"devices": {"requests": [request()]}}},
        "named": {"metadata": {"name": "a"}, "spec": {}},
        "finalizers": {"metadata": {"finalizers": ["a.com/b"], "labels": {"a b": "c"}}, "spec": {}},
        "request": {"spec": {"devices": {"requests": [{"name": "R_"}]}}},
        "admin": {"spec": {"devices": {"requests": [request(adminAccess=True)]}}},
    }.items():
        yield dry(f"template {of}", TEMPLATES, k("ResourceClaimTemplate", "n", spec=spec))
    yield post("template", TEMPLATES, k("ResourceClaimTemplate", "a", spec={"spec": {"devices": {"requests": [request()]}}}), ignore=IGNORED)
    for of, change in {
        "labelled": {"metadata": {"labels": {"a": "b"}}},
        "labelled wrongly": {"metadata": {"labels": {"a b": "c"}}},
        "another": {"metadata": {"uid": "x"}, "spec": {"spec": {"devices": {"requests": [request("s")]}}}},
        "wrong": {"spec": {"spec": {"devices": {"requests": [{"name": "R_"}]}}}},
    }.items():
        yield patch(f"template becomes {of}", f"{TEMPLATES}/a?dryRun=All", "merge", change, ignore=IGNORED)
    yield get("templates in a table", TEMPLATES, accept=TABLE, ignore=ROWS)
    yield delete("template away", f"{TEMPLATES}/a", ignore=IGNORED)


def result(**more):
    return {"request": "r", "driver": "d.com", "pool": "p", "device": "x"} | more


def said(**more):
    return {"driver": "d.com", "pool": "p", "device": "x"} | more


def life():
    """A claim is given devices, used, spoken of and let go."""
    at = f"{CLAIMS}/a"
    status = lambda of, status, **kw: patch(f"status {of}", f"{at}/status", "merge", {"status": status}, ignore=IGNORED, **kw)  # noqa: E731
    tried = lambda of, status: patch(f"status {of}", f"{at}/status?dryRun=All", "merge", {"status": status}, ignore=IGNORED)  # noqa: E731
    given = lambda *results, **more: {"allocation": {"devices": {"results": list(results)} | more}}  # noqa: E731
    user = {"resource": "pods", "name": "p", "uid": "u"}
    condition = {"type": "Ready", "status": "True", "reason": "Good", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    yield post("a claim", CLAIMS, k("ResourceClaim", "a", spec={"devices": {"requests": [request(), {"name": "s", "firstAvailable": [exactly(name="p")]}]}}), ignore=IGNORED)
    yield patch("spec stays", at, "merge", {"spec": {"devices": {"requests": [request("t")]}}}, ignore=IGNORED)
    yield patch("labels change", f"{at}?dryRun=All", "merge", {"metadata": {"labels": {"a": "b"}}}, ignore=IGNORED)
    yield put("put of another", f"{at}?dryRun=All", k("ResourceClaim", "a", spec={}), ignore=IGNORED)
    for of, results in {
        "wrong": [result(request="q", driver="D_", pool="P_", device="X_")],
        "empty": [{}],
        "alternative": [result(request="s/p")],
        "share": [result(shareID=SHARE)],
        "share wrong": [result(shareID="x"), result(shareID=SHARE.upper()), result(shareID="{" + SHARE + "}"), result(shareID=SHARE.replace("-", ""))],
        "consumed": [result(shareID=SHARE, consumedCapacity={"m": "1Gi"})],
        "tolerated": [result(tolerations=[{"key": "a"}])],
        "awaited": [result(bindingConditions=["a"], bindingFailureConditions=["b"])],
        "awaited wrong": [result(bindingConditions=["a", "a b", "a"])],
        "admin": [result(), result(adminAccess=True, device="X_")],
        "many": [result(device=f"x{i}") for i in range(33)],
    }.items():
        yield tried(f"given {of}", given(*results))
    opaque = {"opaque": {"driver": "d.com", "parameters": {"a": 1}}}
    for of, config in {
        "config": [opaque | {"source": "FromClass", "requests": ["r"]}],
        "config wrong": [opaque | {"source": "Other", "requests": ["q", "q"]}, {}],
        "config many": [opaque | {"source": "FromClaim"}] * 65,
    }.items():
        yield tried(of, given(result(), config=config))
    for of, selector in {
        "nodes": {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]},
        "nodes none": {"nodeSelectorTerms": []},
        "nodes wrong": {"nodeSelectorTerms": [{"matchFields": [{"key": "spec.x", "operator": "X"}]}]},
    }.items():
        yield tried(of, {"allocation": {"nodeSelector": selector}})
    yield tried("used before", {"reservedFor": [user]})
    yield tried("said before", {"devices": [said()]})
    yield status("given", given(result(), result(device="y")) | {"reservedFor": [user]})
    yield get("claims in a table", CLAIMS, accept=TABLE, ignore=ROWS)
    yield tried("given another", given(result(device="z")))
    yield tried("users alike", {"reservedFor": [user, user, {}]})
    yield tried("users many", {"reservedFor": [user | {"uid": f"u{i}"} for i in range(257)]})
    for of, devices in {
        "nothing": [said()],
        "twice": [said(), said()],
        "another": [said(device="z")],
        "wrong": [{"driver": "D_", "pool": "/", "device": ""}],
        "share": [said(shareID="x")],
        "conditions": [said(conditions=[condition, condition, {"type": "a b", "status": "X"}])],
        "conditions many": [said(conditions=[condition | {"type": f"T{i}"} for i in range(9)])],
        "data": [said(data={"a": [1]})],
        "data wrong": [said(data=[1])],
        "data null": [said(data=None)],
        "data long": [said(data={"a": "b" * 10240})],
        "network": [said(networkData={"interfaceName": "eth0", "hardwareAddress": "a", "ips": ["10.9.8.7/24", "2001:db8::1/64"]})],
        "network wrong": [said(networkData={"interfaceName": "e" * 257, "hardwareAddress": "a" * 129, "ips": ["10.9.8.7", "010.9.8.7/24", "::ffff:10.9.8.7/120", "x", "x"]})],
        "network many": [said(networkData={"ips": [f"10.0.0.{i}/8" for i in range(17)]})],
    }.items():
        yield tried(f"said {of}", {"devices": devices})
    yield status("said", {"devices": [said(conditions=[condition]), said(device="y", data={"a": 1})]})
    yield patch("spec with status", at, "merge", {"metadata": {"labels": {"a": "b"}}, "status": {"devices": None}}, ignore=IGNORED)
    yield patch("finalized", at, "merge", {"metadata": {"finalizers": ["a.com/b"]}}, ignore=IGNORED)
    yield delete("is let go", at, ignore=IGNORED)
    yield tried("used late", {"reservedFor": [user, user | {"uid": "v"}]})
    yield tried("unused", {"reservedFor": None})
    yield status("taken back", {"allocation": None, "reservedFor": None})
    yield patch("gone", at, "merge", {"metadata": {"finalizers": None}}, ignore=IGNORED)


def administrators():
    """Devices that others use are for labelled namespaces."""
    claim = lambda name, **more: k("ResourceClaim", name, spec={"devices": {"requests": [request("r"), request("s", adminAccess=True, **more)]}})  # noqa: E731
    yield dry("admin", CLAIMS, claim("n"))
    yield dry("admin and wrong", CLAIMS, claim("N_", deviceClassName="C_"))
    yield patch("label", f"/api/v1/namespaces/{NS}", "merge", {"metadata": {"labels": {"resource.kubernetes.io/admin-access": "true"}}}, compare="status")
    yield dry("admin in a labelled namespace", CLAIMS, claim("n"))
    yield dry("admin and wrong in a labelled namespace", CLAIMS, claim("N_", deviceClassName="C_"))


STEPS = [namespace(NS), *claims(), *slices(), *classes(), *templates(), *life(), *administrators()]
