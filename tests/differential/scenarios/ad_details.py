"""Details that clients rarely meet: requests for certificates byte by byte, what selecting devices may cost, overheads,
data that only its writer understands, disruptions of pods that several budgets watch."""
import base64

from differential import TABLE, delete, get, namespace, patch, post, put

NS = "xdetails"
IGNORED = ("body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion", "body.spec.username", "body.spec.extra")
# Made with openssl.
PEMS = {
'rsa' : '-----BEGIN CERTIFICATE REQUEST-----\nMIICXTCCAUUCAQAwGDEKMAgGA1UECgwBYTEKMAgGA1UEAwwBYjCCASIwDQYJKoZI\nhvcNAQEBBQADggEPADCCAQoCggEBALUR8YbEyIk40XuPW4S333xdiI5u4NFjJmJS\nhkp9npjxBtBfoW/QCC1BW2hjw0au9D72aJfkgATnQ+CX3NQtUZUT6mXjXajSX9Al\nX3HLbhmYLYojepUXZeD6R770yNzyeYXb3qZlRczcrDFYk3USP4zcZszMu9GbP565\nCchdhJZAZoK/A9b4phdjNPPMffSdnYUtcfBOFiEGTNPw9XsNGI9h7ZzU2aWBh45D\na341amnnt81oU50sOBzPjZUZESZ2NlsUKv6YOGdrG1Y947Cw5t9+An6Ogb92xCzS\nkZahPAzFSQrY6fqC8dyaJJbiBGO+E8klfyKT4VMmEld6TgzLGrcCAwEAAaAAMA0G\nCSqGSIb3DQEBCwUAA4IBAQBVNc4YSp/5j37tZ2JRxVywFNGjpjPgIWklaYq6AJdY\nOax/kKKTu9HHXui9NGn0ZZCz/0IGdTic6iVZ8MaT+Zh00wckyd+fAuHzBhSyhon7\nJ7meP71Q1FlaOr7A59HakO4FLhoOq9eOAnI07dQ0gA3rb1t6hcRLg1h+u4MZwVde\neP/jDZetraYkN2g3/gUcjhIOuIsNJkwvOT9/uQhgyo0btajcIz7e05JypN6RIduo\nFjIdDrQdHYAZ+bUMJpCIdG5Ga8LxcNjiUQ4LoKW7W9O/9buneKSlwfLkz4fQz5hs\nxFOYWMzN4AKnZ6JLFaUQb1EbLtRmig3ntJ22ddKcoIh2\n-----END CERTIFICATE REQUEST-----\n' ,
'masters' : '-----BEGIN CERTIFICATE REQUEST-----\nMIGwMGQCAQAwMTEKMAgGA1UECgwBeDEXMBUGA1UECgwOc3lzdGVtOm1hc3RlcnMx\nCjAIBgNVBAMMAWIwKjAFBgMrZXADIQC3Aq6QmrL1z0gyprLIWR3yJrJp91x7Dwq8\n2N+C4frKfaAAMAUGAytlcANBAP2VXl+Oa/W8STsYP8gqHnn3M/ls3R9KnmPyMHm1\nAGo0BVFtoQhHM6Mj4iQ62LeJrUOYEmY3jx7R/mBQEtrJew8=\n-----END CERTIFICATE REQUEST-----\n' ,
'ec' : '-----BEGIN CERTIFICATE REQUEST-----\nMIHGMG4CAQAwDDEKMAgGA1UEAwwBYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\nBIsOBG463Ja3UxnuaGGOXJ680PxkktDEzx9Dd3VKC2R1voS+2un+32DlywuKdFpY\nrm4roDKVIDuIh3KbZz92W4GgADAKBggqhkjOPQQDAgNIADBFAiAUwVKm/flsP4VK\nsoRncsiQA4dPr0d850UYQFenI/9HugIhAOKsQqeErwbZLEOwG5Gw1KdlIUIl7ERv\nNXUPJ/UVVAOC\n-----END CERTIFICATE REQUEST-----\n' ,
'empty' : '-----BEGIN CERTIFICATE REQUEST-----\nMH8wMwIBADAAMCowBQYDK2VwAyEA4WQSxXeUzHK0oOQPk9U3k9AGqgPxwOLw4gAy\njuQZ33CgADAFBgMrZXADQQC5ODP7hVBrquj6htoYwHkigDP7CnpglzoHspIHIRnC\nEp7nmW+yOsK5m8+qA4eaLDnAuEp7BArzNHPuVSaHrcgB\n-----END CERTIFICATE REQUEST-----\n' ,
'cert' : '-----BEGIN CERTIFICATE-----\nMIIBLDCB36ADAgECAhRn7ENSt2I/NfQDbrEGa5H46qcrDjAFBgMrZXAwDDEKMAgG\nA1UEAwwBYzAeFw0yNjExMjIwOTMwMzNaFw0yNjExMjMwOTMwMzNaMAwxCjAIBgNV\nBAMMAWMwKjAFBgMrZXADIQDhZBLFd5TMcrSg5A+T1TeT0AaqA/HA4vDiADKO5Bnf\ncKNTMFEwHQYDVR0OBBYEFLPEn4gc5+cCzccqRDfXTLcEZ7EoMB8GA1UdIwQYMBaA\nFLPEn4gc5+cCzccqRDfXTLcEZ7EoMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA\nbbLFa00Fzu+Nxns/EMsV4ynVuIZQj23GiGcPZ0lOpnTzWBYr1REKfPmC56emttes\nf0Hp/PaYuxhEDJ/3p7BDBA==\n-----END CERTIFICATE-----\n' ,
}


def k(kind, version, name, **rest):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name} | rest.pop("metadata", {})} | rest


def core(resource):
    return f"/api/v1/namespaces/{NS}/{resource}"


def of(version, resource):
    return f"/apis/{version}/namespaces/{NS}/{resource}"


def der(name):
    return base64.b64decode("".join(line for line in PEMS[name].splitlines() if not line.startswith("-----")))


def pem(content, kind="CERTIFICATE REQUEST", headers=""):
    return f"-----BEGIN {kind}-----\n{headers}{base64.b64encode(content).decode()}\n-----END {kind}-----\n"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def signing_requests():
    at = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    request = lambda text, **spec: k("CertificateSigningRequest", "certificates.k8s.io/v1", "xdetails", spec={"request": encoded(text), "signerName": "example.com/s", "usages": ["client auth"]} | spec)  # noqa: E731
    good = der("masters")
    changed = lambda at, byte: good[:at] + bytes([byte]) + good[at + 1:]  # noqa: E731
    for what, text in {
        "rsa": PEMS["rsa"], "ec": PEMS["ec"], "no subject": PEMS["empty"], "empty": "", "text": "text", "no end": PEMS["ec"][:-10],
        "not base64": "-----BEGIN CERTIFICATE REQUEST-----\n!!\n-----END CERTIFICATE REQUEST-----\n",
        "between text": "a\n" + PEMS["ec"] + "b", "after text on the line": "a" + PEMS["ec"], "of another kind": pem(good, "CERTIFICATE"),
        "new": pem(good, "NEW CERTIFICATE REQUEST"), "with headers": pem(good, headers="a: b\n\n"), "two": PEMS["ec"] + PEMS["rsa"],
        "nothing inside": "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        "one byte": pem(b"0"), "two bytes": pem(b"0\0"), "a number": pem(b"\2\1\0"), "a set": pem(b"1\0"), "text inside": pem(b"text inside"),
        "long length": pem(b"0\x84\xff\xff\xff\xff"), "zeros in length": pem(b"0\x82\0\1\0"), "not minimal": pem(b"0\x81\1\0"), "indefinite": pem(b"0\x80\0\0"),
        "longer": pem(good + b"\0"), "half": pem(good[:len(good) // 2]), "a few": pem(good[:20]),
        "version no number": pem(changed(6, 4)), "inner no sequence": pem(changed(3, 0x31)), "no such algorithm": pem(b"0\x0b0\x07\2\1\0001\0000\0000"),
        "certificate": PEMS["cert"],
    }.items():
        yield post(f"request {what}", f"{at}?dryRun=All", request(text), ignore=IGNORED)
    for what, text, signer in (("masters", "masters", "kubernetes.io/kube-apiserver-client"), ("masters elsewhere", "masters", "example.com/s"), ("others", "rsa", "kubernetes.io/kube-apiserver-client"), ("kubelet", "masters", "kubernetes.io/kubelet-serving")):
        yield post(f"request of {what}", f"{at}?dryRun=All", request(PEMS[text], signerName=signer), ignore=IGNORED)
    yield post("masters wrongly", f"{at}?dryRun=All", request(PEMS["masters"], signerName="kubernetes.io/kube-apiserver-client", usages=[]), ignore=IGNORED)
    yield post("request", at, request(PEMS["rsa"], expirationSeconds=600), ignore=IGNORED)
    for what, text in {"plain": PEMS["cert"], "twice": PEMS["cert"] * 2, "request": PEMS["ec"], "headers": pem(der("cert"), "CERTIFICATE", "a: b\n\n"), "empty": pem(b"", "CERTIFICATE"), "broken": pem(b"0\0", "CERTIFICATE"), "text": pem(b"text", "CERTIFICATE"), "none": "text"}.items():
        yield patch(f"certificate {what}", f"{at}/xdetails/status?dryRun=All", "merge", {"status": {"certificate": encoded(text)}}, ignore=IGNORED)
    for what, conditions in {"approved": [{"type": "Approved", "status": "True", "reason": "r", "message": "m"}], "both": [{"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}], "not": [{"type": "Approved", "status": "False"}], "other": [{"type": "X"}]}.items():
        yield patch(f"request {what}", f"{at}/xdetails/approval?dryRun=All", "merge", {"status": {"conditions": conditions}}, ignore=(*IGNORED, "body.status.conditions.*.lastUpdateTime"))
    yield get("request as a row", f"{at}/xdetails", accept=TABLE, ignore=("body.rows.*.object", "body.rows.*.cells.3"))
    yield delete("request away", f"{at}/xdetails", ignore=IGNORED)


def overheads():
    at = core("pods")
    pod = lambda **spec: k("Pod", "v1", "p", spec={"containers": [{"name": "c", "image": "a"}]} | spec)  # noqa: E731
    classes = "/apis/node.k8s.io/v1/runtimeclasses"
    for name, more in {"xdetails-plain": {}, "xdetails-cost": {"overhead": {"podFixed": {"cpu": "100m", "memory": "1Gi"}}}, "xdetails-empty": {"overhead": {}}, "xdetails-placed": {"scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "k", "operator": "Exists"}]}}}.items():
        yield post(f"class {name}", classes, k("RuntimeClass", "node.k8s.io/v1", name, handler="h", **more), compare="status")
        for what, overhead in {"none": None, "empty": {}, "same": {"cpu": "0.1", "memory": "1024Mi"}, "other": {"cpu": "1"}}.items():
            spec = {} if overhead is None else {"overhead": overhead}
            yield post(f"pod in {name}, overhead {what}", f"{at}?dryRun=All", pod(runtimeClassName=name, **spec), ignore=IGNORED)
    yield post("pod of two selectors", f"{at}?dryRun=All", pod(runtimeClassName="xdetails-placed", nodeSelector={"a": "c"}), ignore=IGNORED)
    yield post("pod with overhead alone", f"{at}?dryRun=All", pod(overhead={}), ignore=IGNORED)
    yield post("pod with null overhead", f"{at}?dryRun=All", pod(overhead=None), ignore=IGNORED)
    yield post("wrong pod with overhead", f"{at}?dryRun=All", pod(overhead={}, restartPolicy="X"), ignore=IGNORED)
    yield patch("pod applied with overhead", f"{at}/q?fieldManager=m&dryRun=All", "apply", pod(overhead={}) | {"metadata": {"name": "q"}}, ignore=IGNORED)
    for name in ("plain", "cost", "empty", "placed"):
        yield delete(f"class {name} away", f"{classes}/xdetails-{name}", compare="none")
    limits = core("limitranges")
    yield post("limits", limits, k("LimitRange", "v1", "l", spec={"limits": [{"type": "Container", "max": {"cpu": "1"}}, {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]}), compare="status")
    yield post("pod beyond limits", f"{at}?dryRun=All", pod(containers=[{"name": "c", "image": "a", "resources": {"limits": {"cpu": "2"}}}]), wait=5, ignore=IGNORED)
    yield post("wrong pod beyond limits", f"{at}?dryRun=All", pod(restartPolicy="X", containers=[{"name": "c", "image": "a", "resources": {"limits": {"cpu": "2"}}}]), ignore=IGNORED)
    yield post("pod with overhead beyond limits", f"{at}?dryRun=All", pod(overhead={}, containers=[{"name": "c", "image": "a", "resources": {"limits": {"cpu": "2"}}}]), ignore=IGNORED)
    claim = lambda size, **spec: k("PersistentVolumeClaim", "v1", "c", spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}} | spec)  # noqa: E731
    yield post("claim beyond limits", f"{core('persistentvolumeclaims')}?dryRun=All", claim("2Gi"), ignore=IGNORED)
    yield post("wrong claim beyond limits", f"{core('persistentvolumeclaims')}?dryRun=All", claim("2Gi", volumeMode="X"), ignore=IGNORED)
    yield post("claim", core("persistentvolumeclaims"), claim("1Gi"), compare="status")
    yield patch("claim grows wrongly", f"{core('persistentvolumeclaims')}/c?dryRun=All", "merge", {"spec": {"resources": {"requests": {"storage": "2Gi"}}, "volumeName": "x y"}}, ignore=IGNORED)
    yield patch("claim grows", f"{core('persistentvolumeclaims')}/c?dryRun=All", "merge", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}, ignore=IGNORED)
    yield delete("limits away", f"{limits}/l", compare="status")


def selectors():
    classes = "/apis/resource.k8s.io/v1/deviceclasses?dryRun=All"
    ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    deep = "true"
    for name in "abcdef":
        deep = f"{ten}.all({name}, {deep})"
    for what, expression in {
        "driver": "device.driver == 'a.b'", "empty": "", "number": "1", "text": "'a'", "unknown": "device.attributes['a.b'].c", "not there": "device.nope",
        "syntax": "device.driver ==", "unbalanced": "(((", "costly": deep, "costly by size": "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a == b))))",
        "quantity": "device.capacity['a.b'].memory.compareTo(quantity('1Gi')) >= 0", "bound": "cel.bind(a, device.attributes['a.b'], a.c && a.d)", "version": "device.attributes['a.b'].v.isGreaterThan(semver('1.0.0'))",
        "many": "device.allowMultipleAllocations", "other": "object.spec", "matches": "device.driver.matches('[a')", "types": "device.driver > 1", "macro": "device.attributes.exists_one(x, x == 'a')",
        "include": "device.attributes['a.b'].c.includes('d')", "lines": "device.driver\n  == 1", "optional": "device.attributes[?'a.b'].orValue({}).size() == 0", "sets": "sets.contains(['a'], [device.driver])",
    }.items():
        yield post(f"selector {what}", classes, k("DeviceClass", "resource.k8s.io/v1", "xdetails", spec={"selectors": [{"cel": {"expression": expression}}]}), ignore=IGNORED)


def raw():
    """Data that passes through unread."""
    at = of("apps/v1", "controllerrevisions")
    body = lambda data, name="r": '{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"%s"},"revision":1,"data":%s}' % (name, data)  # noqa: E731
    for what, data in {
        "spaces": '{ "b" : 1 ,\n "a": [ ] }', "order": '{"z":1,"a":2}', "numbers": '{"a":1.0,"b":1e3,"d":-0}', "text": '"a"', "number": "7", "null": "null", "list": "[1, 2]",
        "twice": '{"a":1,"a":2}', "escapes": '{"a":"\\u003c<>&\\u00e9\\/\\ud83d\\ude00"}', "typed": '{"kind":"Pod","apiVersion":"v1","spec":{"x":null}}', "deep": '{"a":{"b":{"c":{}}}}', "bool": "true", "empty": "{}",
    }.items():
        yield post(f"revision of {what}", f"{at}?dryRun=All", raw=body(data), ignore=IGNORED, compare="body")
        yield post(f"revision of {what}, as it is", f"{at}", raw=body(data, f"r-{what}"), compare="status")
        yield get(f"revision of {what} again", f"{at}/r-{what}", ignore=IGNORED)
    yield post("revision in yaml", f"{at}?dryRun=All", raw="apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: y}\nrevision: 1\ndata:\n  z: 1\n  a: [x,   y]\n", content_type="application/yaml", ignore=IGNORED)
    yield post("revision of no data", f"{at}?dryRun=All", k("ControllerRevision", "apps/v1", "n", revision=1), ignore=IGNORED)
    yield patch("revision merged", f"{at}/r-order?dryRun=All", "merge", {"data": {"b": 3}}, ignore=IGNORED)
    yield patch("revision strategically", f"{at}/r-order?dryRun=All", "strategic", {"data": {"b": 3}}, ignore=IGNORED)
    yield patch("revision applied", f"{at}/applied?fieldManager=m", "apply", k("ControllerRevision", "apps/v1", "applied", revision=1, data={"z": 1, "a": {"c": 2}}), ignore=IGNORED[1:])
    yield patch("revision applied by another", f"{at}/applied?fieldManager=n", "apply", k("ControllerRevision", "apps/v1", "applied", data={"z": 2}), ignore=IGNORED[1:])
    claims = of("resource.k8s.io/v1", "resourceclaims")
    claim = lambda parameters: '{"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"a","exactly":{"deviceClassName":"x"}}],"config":[{"opaque":{"driver":"d.e","parameters":%s}}]}}}' % parameters  # noqa: E731
    for what, parameters in {"spaces": '{ "b" : 1 ,  "a": [ ] }', "text": '"a"', "null": "null", "twice": '{"a":1,"a":2}', "list": "[]", "empty": "{}"}.items():
        yield post(f"parameters of {what}", f"{claims}?dryRun=All", raw=claim(parameters), ignore=IGNORED)


def evictions():
    pods, budgets = core("pods"), of("policy/v1", "poddisruptionbudgets")
    pod = lambda name, **more: k("Pod", "v1", name, spec={"nodeName": "n", "containers": [{"name": "c", "image": "a"}]}, metadata={"labels": {"app": "e"}} | more)  # noqa: E731
    evict = lambda name, **more: k("Eviction", "policy/v1", name, **more)  # noqa: E731
    for name in "abcd":
        yield post(f"pod {name}", pods, pod(name), compare="status")
        yield patch(f"pod {name} runs", f"{pods}/{name}/status", "merge", {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}, compare="status")
    yield post("eviction dry", f"{pods}/a/eviction", evict("a", deleteOptions={"dryRun": ["All"]}))
    yield post("budget", budgets, k("PodDisruptionBudget", "policy/v1", "one", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "e"}}}), compare="status")
    yield post("eviction before the budget counts", f"{pods}/a/eviction", evict("a"))
    yield patch("budget counts", f"{budgets}/one/status", "merge", {"status": {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 4, "desiredHealthy": 1, "expectedPods": 4}}, compare="status")
    yield post("eviction of another name", f"{pods}/a/eviction", evict("b"))
    yield post("eviction in another namespace", f"{pods}/a/eviction", evict("a", metadata={"namespace": "other"}))
    yield post("eviction of none", f"{pods}/none/eviction", evict("none"))
    yield post("eviction of nothing", f"{pods}/a/eviction", {})
    yield post("eviction in the old version", f"{pods}/a/eviction", k("Eviction", "policy/v1beta1", "a"))
    yield post("eviction in a dry run", f"{pods}/a/eviction?dryRun=All", evict("a"))
    yield post("eviction", f"{pods}/a/eviction", evict("a", deleteOptions={"gracePeriodSeconds": 5}))
    yield get("evicted pod", f"{pods}/a", ignore=IGNORED)
    yield get("budget after it", f"{budgets}/one", ignore=IGNORED)
    yield post("eviction again", f"{pods}/a/eviction", evict("a"))
    yield post("eviction beyond the budget", f"{pods}/b/eviction", evict("b"))
    yield post("second budget", budgets, k("PodDisruptionBudget", "policy/v1", "two", spec={"maxUnavailable": 1, "selector": {}}), compare="status")
    yield post("eviction with two budgets", f"{pods}/b/eviction", evict("b"))
    yield delete("first budget away", f"{budgets}/one", compare="status")
    yield delete("second budget away", f"{budgets}/two", compare="status")
    yield patch("pod not ready", f"{pods}/c/status", "merge", {"status": {"phase": "Pending"}}, compare="status")
    yield post("strict budget", budgets, k("PodDisruptionBudget", "policy/v1", "strict", spec={"minAvailable": 4, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": {"matchLabels": {"app": "e"}}}), compare="status")
    yield patch("strict budget counts", f"{budgets}/strict/status", "merge", {"status": {"observedGeneration": 1, "disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 4, "expectedPods": 4}}, compare="status")
    yield post("eviction of a pending pod", f"{pods}/c/eviction", evict("c"))
    yield post("eviction of a running pod", f"{pods}/d/eviction", evict("d"))
    yield patch("pod unready", f"{pods}/d/status", "merge", {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, compare="status")
    yield post("eviction of an unready pod", f"{pods}/d/eviction", evict("d"))
    yield get("evictions are not read", f"{pods}/d/eviction")
    yield delete("evictions are not deleted", f"{pods}/d/eviction")
    yield delete("pods away", f"{pods}?labelSelector=app=e", {"gracePeriodSeconds": 0}, compare="status")


STEPS = [namespace(NS), *signing_requests(), *overheads(), *selectors(), *raw(), *evictions()]
