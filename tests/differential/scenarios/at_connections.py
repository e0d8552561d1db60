"""What leads to a node, a pod or a service: what is said before anybody connects."""

from differential import *

N = "/api/v1/namespaces/at"
P = f"{N}/pods"
LOG = f"{P}/r/log"
SINCE = "2020-01-01T00:00:00Z"


def node(name, *addresses):
    return [
        post(f"node {name}", "/api/v1/nodes", {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name}}, compare="status"),
        patch(f"node {name} has addresses", f"/api/v1/nodes/{name}/status", "merge",
              {"status": {"addresses": [{"type": kind, "address": address} for kind, address in addresses]}}, compare="status"),
    ]


def pod(name, node="", ip="", containers=("c",), port=0):
    spec = {"containers": [{"name": name, "image": "i"} for name in containers], "nodeName": node}
    if port:
        spec["containers"][0]["ports"] = [{"containerPort": port}]
    steps = [post(f"pod {name}", P, {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, "spec": spec}, compare="status")]
    if ip:
        body = {"status": {"podIP": ip, "podIPs": [{"ip": ip}]}}
        steps.append(patch(f"pod {name} has an address", f"{P}/{name}/status", "merge", body, compare="status"))
    return steps


def service(name, *ports):
    body = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": name}, "spec": {"ports": list(ports)}}
    return post(f"service {name}", f"{N}/services", body, compare="status")


def evict(id, name, body, query=""):
    return post(f"evict {id}", f"{P}/{name}/eviction{query}", {"kind": "Eviction", "apiVersion": "policy/v1"} | body)


BOTH = [("GET", "exec"), ("POST", "exec"), ("GET", "attach"), ("POST", "attach"), ("GET", "portforward"), ("POST", "portforward")]

STEPS = [
    namespace("at"),
    *node("at-far", ("InternalIP", "10.9.9.9")),
    *node("at-near", ("ExternalIP", "10.9.9.9"), ("InternalIP", "127.0.0.1")),
    *node("at-link", ("ExternalIP", "169.254.1.1")),
    *node("at-none"),
    *node("at-odd", ("Odd", "10.9.9.9"), ("Other", "10.9.9.8")),
    *pod("r"),
    *pod("onn", "at-far", "127.0.0.1"),
    *pod("two", "at-near", containers=("a", "b"), port=80),
    *pod("nowhere", "at-nobody"),
    *pod("bare", "at-none"),
    *pod("odd", "at-odd"),
    *pod("six", ip="fe80::1"),
    # Streams.
    *[
        step(f"{method} {what} of {name}{query}", method, f"{P}/{name}/{what}{query}")
        for method, what in BOTH
        for name, query in [
            ("r", ""), ("onn", ""), ("onn", "?container=c"), ("onn", "?container=zz"), ("two", ""), ("two", "?container=b"),
            ("nowhere", ""), ("nowhere", "?container=zz"), ("bare", ""), ("odd", ""), ("missing", ""),
            ("r", "?container=zz"),
        ]
    ],
    *[
        step(f"{method} portforward {name} {ports}", method, f"{P}/{name}/portforward?ports={ports}")
        for method in ("GET", "POST")
        for name in ("onn", "missing", "r")
        for ports in ("x", "99999", "-1", "", "80,x", "80,81", "80&ports=y", "%2B1", "65535", "65536", "1_0")
    ],
    # Logs.
    *[get(f"log of {name}", f"{P}/{name}/log") for name in ("r", "two", "nowhere", "bare", "odd", "missing")],
    *[
        get(f"log with {query}", f"{LOG}?{query}")
        for query in (
            "stream=Stdout", "stream=Foo", "stream=All", "stream=", "stream=Stdout&tailLines=3", "stream=Stdout&tailLines=-3",
            f"sinceSeconds=3&sinceTime={SINCE}", f"sinceSeconds=0&sinceTime={SINCE}&limitBytes=0&tailLines=-1&stream=x",
            f"sinceTime={SINCE}", "sinceSeconds=0", "sinceTime=zzz", "sinceTime=", "sinceTime=null",
            "sinceTime=zzz&tailLines=x", "sinceSeconds=x&sinceTime=zzz", "limitBytes=x&sinceTime=zzz",
            "sinceTime=2020-01-01T00:00:00.5%2B01:00", "sinceSeconds=1&sinceTime=",
        )
    ],
    # Proxies.
    *[
        get(f"proxy node {what}", f"/api/v1/nodes/{what}")
        for what in (
            "at-near/proxy", "at-near/proxy/a", "at-near:80/proxy", "http:at-near:80/proxy/", "at-link/proxy", "at-none/proxy",
            "at-odd/proxy", "at-nobody/proxy", "a:b:c:d/proxy/", "ftp:at-near:80/proxy", "http::80/proxy",
        )
    ],
    *[
        get(f"proxy pod {what}", f"{P}/{what}")
        for what in (
            "onn/proxy", "onn:7499/proxy/a", "http:onn:7499/proxy/a", "r/proxy", "r:zz/proxy/a", "nowhere/proxy", "bare:zz/proxy/a",
            "six/proxy", "missing/proxy", "missing:80/proxy/", "a:b:c:d/proxy/", "ftp:onn:80/proxy", "http::80/proxy",
        )
    ],
    service("noep", {"port": 80}),
    service("named", {"port": 80, "name": "a"}, {"port": 81, "name": "b"}),
    post("endpoints named", f"{N}/endpoints", {
        "kind": "Endpoints", "apiVersion": "v1", "metadata": {"name": "named"},
        "subsets": [{"addresses": [{"ip": "10.9.9.9"}], "ports": [{"name": "a", "port": 80}]}],
    }, compare="status"),
    post("endpoints empty", f"{N}/endpoints", {"kind": "Endpoints", "apiVersion": "v1", "metadata": {"name": "noep"}}, compare="status"),
    *[
        get(f"proxy service {what}", f"{N}/services/{what}")
        for what in (
            "noep/proxy/", "noep:80/proxy/", "noep:99/proxy/", "https:noep:99/proxy/", "noep:zz/proxy/", "http:noep:zz/proxy/",
            "named/proxy/", "named:80/proxy/", "named:81/proxy/", "named:82/proxy/", "http:named:zz/proxy/", "named:a/proxy/",
            "named:-1/proxy/", "missing/proxy/", "missing:80/proxy/", "missing:zz/proxy/", "a:b:c:d/proxy/", "ftp:named:80/proxy/",
        )
    ],
    # Evictions.
    evict("another, with bad options", "onn", {"metadata": {"name": "onz"}, "deleteOptions": {"dryRun": ["Bad"]}}),
    evict("bad options", "onn", {"metadata": {"name": "onn"}, "deleteOptions": {"dryRun": ["Bad"]}}),
    evict("nobody, with bad options", "missing", {"metadata": {"name": "missing"}, "deleteOptions": {"dryRun": ["Bad"]}}),
    evict("another", "onn", {"metadata": {"name": "onz"}}),
]
