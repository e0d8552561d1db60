"""Services and networking."""

from differential import *

N = "/api/v1/namespaces/xsvc"
W = "/apis/networking.k8s.io/v1/namespaces/xsvc"
MF = ["body.metadata.managedFields"]


def s(name="s", annotations=None, **spec):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name} | ({"annotations": annotations} if annotations else {}),
        "spec": {"ports": [{"port": 80}]} | spec,
    }


def ing(**spec):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}, "spec": spec}


def path(**p):
    return ing(
        rules=[
            {
                "host": "a.b",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "s", "port": {"number": 80}}},
                        }
                        | p
                    ]
                },
            }
        ]
    )


def np(**spec):
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "n"},
        "spec": {"podSelector": {}} | spec,
    }


SV = f"{N}/services"
cases = [
    ("digit name", SV, s("1a")),
    ("bad name", SV, s("A_")),
    ("type", SV, s(type="X")),
    ("affinity", SV, s(sessionAffinity="X")),
    (
        "affinity timeout",
        SV,
        s(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 0}}),
    ),
    (
        "ports",
        SV,
        s(
            ports=[
                {"port": 80, "name": "a"},
                {"port": 80, "name": "a"},
                {"port": 70000, "name": "B", "protocol": "X", "targetPort": "a--b", "appProtocol": "a b"},
                {"port": 81},
            ]
        ),
    ),
    ("node port on cluster ip", SV, s(ports=[{"port": 80, "nodePort": 30001}])),
    (
        "node port twice",
        SV,
        s(
            type="NodePort",
            ports=[{"port": 80, "name": "a", "nodePort": 30001}, {"port": 81, "name": "b", "nodePort": 30001}],
        ),
    ),
    ("node port out", SV, s(type="NodePort", ports=[{"port": 80, "nodePort": 1}])),
    ("cluster ip bad", SV, s(clusterIP="x")),
    ("cluster ip out", SV, s(clusterIP="1.2.3.4")),
    ("cluster ips mismatch", SV, s(clusterIP="10.0.0.5", clusterIPs=["10.0.0.6"])),
    ("cluster ips only", SV, s(clusterIPs=["10.0.0.7"])),
    ("none and more", SV, s(clusterIP="None", clusterIPs=["None", "10.0.0.1"])),
    ("ip families", SV, s(ipFamilies=["IPv4", "IPv4", "X"])),
    ("family policy", SV, s(ipFamilyPolicy="X")),
    ("ipv6", SV, s(ipFamilies=["IPv6"])),
    ("dual", SV, s(ipFamilyPolicy="RequireDualStack")),
    ("prefer dual", SV, s(ipFamilyPolicy="PreferDualStack")),
    ("external name none", SV, s(type="ExternalName")),
    ("external name bad", SV, s(type="ExternalName", externalName="A_", clusterIP="10.0.0.1")),
    ("external ips", SV, s(externalIPs=["x", "127.0.0.1", "0.0.0.0", "169.254.1.1", "1.2.3.4"])),
    ("external traffic", SV, s(externalTrafficPolicy="Local")),
    ("external traffic bad", SV, s(type="NodePort", externalTrafficPolicy="X")),
    ("internal traffic", SV, s(internalTrafficPolicy="X")),
    ("lb class on cluster", SV, s(loadBalancerClass="a/b")),
    ("lb class bad", SV, s(type="LoadBalancer", loadBalancerClass="a b")),
    ("lb ranges", SV, s(type="LoadBalancer", loadBalancerSourceRanges=["x", "10.0.0.1/8"])),
    ("lb ranges on cluster", SV, s(loadBalancerSourceRanges=["10.0.0.0/8"])),
    ("lb allocate on cluster", SV, s(allocateLoadBalancerNodePorts=True)),
    ("health port", SV, s(healthCheckNodePort=30000)),
    ("lb local", SV, s(type="LoadBalancer", externalTrafficPolicy="Local")),
    ("distribution", SV, s(trafficDistribution="X")),
    ("distribution ok", SV, s(trafficDistribution="PreferClose")),
    ("selector", SV, s(selector={"a b": "c"})),
    ("headless nodeport", SV, s(type="NodePort", clusterIP="None")),
    ("annotation ranges", SV, s(annotations={"service.beta.kubernetes.io/load-balancer-source-ranges": "x"})),
    (
        "topology",
        SV,
        s(
            annotations={
                "service.kubernetes.io/topology-mode": "a",
                "service.kubernetes.io/topology-aware-hints": "b",
            }
        ),
    ),
    ("no spec", SV, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}),
    ("headless no selector", SV, s(clusterIP="None", ports=[])),
    ("headless selector", SV, s(clusterIP="None", selector={"a": "b"})),
    ("publish", SV, s(publishNotReadyAddresses=True, selector={"a": "b"})),
    ("ing nothing", f"{W}/ingresses", ing()),
    ("ing empty rules", f"{W}/ingresses", ing(rules=[])),
    (
        "ing host ip",
        f"{W}/ingresses",
        ing(rules=[{"host": "1.2.3.4"}, {"host": "*.a"}, {"host": "a*"}, {"host": "A"}]),
    ),
    ("ing paths none", f"{W}/ingresses", ing(rules=[{"http": {"paths": []}}])),
    ("ing type", f"{W}/ingresses", path(pathType="X")),
    ("ing no type", f"{W}/ingresses", path(pathType=None)),
    ("ing paths", f"{W}/ingresses", path(path="a//b/../%2f/.")),
    ("ing impl", f"{W}/ingresses", path(path="a", pathType="ImplementationSpecific")),
    ("ing no backend", f"{W}/ingresses", path(backend={})),
    ("ing both", f"{W}/ingresses", path(backend={"service": {"name": "s"}, "resource": {"kind": "", "name": ""}})),
    ("ing resource", f"{W}/ingresses", path(backend={"resource": {"apiGroup": "A", "kind": "", "name": "a/b"}})),
    ("ing no port", f"{W}/ingresses", path(backend={"service": {"name": "S"}})),
    ("ing both ports", f"{W}/ingresses", path(backend={"service": {"name": "", "port": {"name": "a", "number": 1}}})),
    ("ing bad ports", f"{W}/ingresses", path(backend={"service": {"name": "s", "port": {"number": 70000}}})),
    ("ing bad port name", f"{W}/ingresses", path(backend={"service": {"name": "s", "port": {"name": "A"}}})),
    (
        "ing tls",
        f"{W}/ingresses",
        ing(
            defaultBackend={"service": {"name": "s", "port": {"number": 1}}},
            tls=[{"hosts": ["*", "A", "*.a"], "secretName": "A"}],
            ingressClassName="A",
        ),
    ),
    (
        "ing class both",
        f"{W}/ingresses",
        ing(defaultBackend={"service": {"name": "s", "port": {"number": 1}}}, ingressClassName="x")
        | {"metadata": {"name": "i", "annotations": {"kubernetes.io/ingress.class": "y"}}},
    ),
    (
        "ic",
        "/apis/networking.k8s.io/v1/ingressclasses",
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "xc"}, "spec": {}},
    ),
    (
        "ic bad",
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "xc"},
            "spec": {"controller": "x", "parameters": {"apiGroup": "A", "kind": "", "name": "", "scope": "X"}},
        },
    ),
    (
        "ic ns",
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "xc"},
            "spec": {"controller": "x.y/z", "parameters": {"kind": "K", "name": "n", "scope": "Namespace"}},
        },
    ),
    (
        "ic cluster ns",
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": "xc"},
            "spec": {"controller": "x.y/z", "parameters": {"kind": "K", "name": "n", "namespace": "q"}},
        },
    ),
    (
        "np ports",
        f"{W}/networkpolicies",
        np(
            ingress=[
                {
                    "ports": [
                        {"protocol": "X"},
                        {"port": 0},
                        {"port": "A"},
                        {"port": 5, "endPort": 3},
                        {"endPort": 3},
                        {"port": "a", "endPort": 4},
                        {"port": 5, "endPort": 70000},
                    ],
                    "from": [
                        {},
                        {"ipBlock": {"cidr": ""}},
                        {"ipBlock": {"cidr": "x"}},
                        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "10.0.0.0/8", "y"]}},
                        {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.1/8"}},
                        {"podSelector": {"matchLabels": {"a b": "c"}}},
                    ],
                }
            ]
        ),
    ),
    ("np types", f"{W}/networkpolicies", np(policyTypes=["X"])),
    ("np types many", f"{W}/networkpolicies", np(policyTypes=["Ingress", "Egress", "X"])),
    (
        "np none",
        f"{W}/networkpolicies",
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"}},
    ),
    ("np egress", f"{W}/networkpolicies", np(egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": 53}]}])),
    (
        "ipa name",
        "/apis/networking.k8s.io/v1/ipaddresses",
        {"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": "x"}},
    ),
    (
        "ipa canonical",
        "/apis/networking.k8s.io/v1/ipaddresses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": "2001:DB8::1"},
            "spec": {"parentRef": {}},
        },
    ),
    (
        "ipa zeros",
        "/apis/networking.k8s.io/v1/ipaddresses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": "010.0.0.1"},
            "spec": {"parentRef": {"resource": "a/b", "name": "", "group": "A"}},
        },
    ),
    (
        "ipa ok",
        "/apis/networking.k8s.io/v1/ipaddresses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": "10.5.0.1"},
            "spec": {"parentRef": {"resource": "services", "name": "x", "namespace": "y"}},
        },
    ),
    (
        "cidr none",
        "/apis/networking.k8s.io/v1/servicecidrs",
        {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "xcidr"}},
    ),
    (
        "cidr many",
        "/apis/networking.k8s.io/v1/servicecidrs",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": "xcidr"},
            "spec": {"cidrs": ["a", "b", "c"]},
        },
    ),
    (
        "cidr bad",
        "/apis/networking.k8s.io/v1/servicecidrs",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": "xcidr"},
            "spec": {"cidrs": ["10.1.0.1/16", "x"]},
        },
    ),
    (
        "cidr same",
        "/apis/networking.k8s.io/v1/servicecidrs",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": "xcidr"},
            "spec": {"cidrs": ["10.1.0.0/16", "10.2.0.0/16"]},
        },
    ),
    (
        "eps",
        f"/apis/discovery.k8s.io/v1/namespaces/xsvc/endpointslices",
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "e"},
            "addressType": "X",
            "endpoints": [{"addresses": []}],
            "ports": [{"name": "A", "protocol": "X"}, {"name": "A"}],
        },
    ),
    (
        "eps none",
        f"/apis/discovery.k8s.io/v1/namespaces/xsvc/endpointslices",
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "e"}},
    ),
    (
        "eps v4",
        f"/apis/discovery.k8s.io/v1/namespaces/xsvc/endpointslices",
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "e"},
            "addressType": "IPv4",
            "endpoints": [
                {
                    "addresses": ["x", "::1", "127.0.0.1"],
                    "hostname": "A",
                    "nodeName": "B",
                    "hints": {"forZones": [{"name": "a"}, {"name": "a"}]},
                }
            ],
        },
    ),
    (
        "eps v6",
        f"/apis/discovery.k8s.io/v1/namespaces/xsvc/endpointslices",
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "e"},
            "addressType": "IPv6",
            "endpoints": [{"addresses": ["1.2.3.4", "2001:DB8::1"]}],
        },
    ),
    (
        "eps fqdn",
        f"/apis/discovery.k8s.io/v1/namespaces/xsvc/endpointslices",
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "e"},
            "addressType": "FQDN",
            "endpoints": [{"addresses": ["a", "A.b", "a.b"]}],
        },
    ),
    (
        "ep",
        f"{N}/endpoints",
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": "e"},
            "subsets": [
                {},
                {
                    "addresses": [{"ip": "x", "hostname": "A"}, {"ip": "127.0.0.1", "nodeName": "A"}],
                    "ports": [{"port": 0}, {"port": 80, "protocol": "X", "name": "A"}],
                },
            ],
        },
    ),
]
STEPS = [namespace("xsvc")] + [
    post(
        k,
        p + "?dryRun=All",
        v,
        ignore=MF
        + [
            "body.spec.clusterIP",
            "body.spec.clusterIPs",
            "body.spec.ports.*.nodePort",
            "body.spec.healthCheckNodePort",
        ],
    )
    for k, p, v in cases
]
STEPS += [
    post("create", SV, s("u", clusterIP="10.0.0.3"), ignore=MF),
    post("create taken", SV, s("v", clusterIP="10.0.0.3")),
    patch("ip change", f"{SV}/u", "merge", {"spec": {"clusterIP": "10.0.0.4", "clusterIPs": ["10.0.0.4"]}}),
    patch("ip gone", f"{SV}/u", "merge", {"spec": {"clusterIP": "", "clusterIPs": None}}, ignore=MF),
    patch("family change", f"{SV}/u", "merge", {"spec": {"ipFamilies": ["IPv6"]}}),
    patch("to none", f"{SV}/u", "merge", {"spec": {"clusterIP": "None", "clusterIPs": ["None"]}}),
    patch(
        "to nodeport",
        f"{SV}/u",
        "merge",
        {"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30023}]}},
        ignore=MF,
    ),
    post("np taken", SV, s("w", type="NodePort", ports=[{"port": 80, "nodePort": 30023}])),
    patch("to lb", f"{SV}/u", "merge", {"spec": {"type": "LoadBalancer", "loadBalancerClass": "a/b"}}, ignore=MF),
    patch("lb class change", f"{SV}/u", "merge", {"spec": {"loadBalancerClass": "a/c"}}),
    patch(
        "lb status",
        f"{SV}/u/status",
        "merge",
        {"status": {"loadBalancer": {"ingress": [{"ip": "x"}, {"hostname": "1.2.3.4"}, {"ip": "1.2.3.4"}]}}},
        ignore=MF,
    ),
    patch(
        "lb status ok",
        f"{SV}/u/status",
        "merge",
        {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}},
        ignore=MF,
    ),
    patch("to cluster", f"{SV}/u", "merge", {"spec": {"type": "ClusterIP"}}, ignore=MF),
    patch(
        "to external name", f"{SV}/u", "merge", {"spec": {"type": "ExternalName", "externalName": "a.b"}}, ignore=MF
    ),
    patch(
        "back",
        f"{SV}/u",
        "merge",
        {"spec": {"type": "ClusterIP", "externalName": None}},
        ignore=MF + ["body.spec.clusterIP", "body.spec.clusterIPs"],
    ),
    get("proxy", f"{SV}/u/proxy/"),
    delete("delete", f"{SV}/u", ignore=MF),
    delete("collection", SV, compare="status"),
    post("ing create", f"{W}/ingresses", path(), ignore=MF),
    patch(
        "ing status",
        f"{W}/ingresses/i/status",
        "merge",
        {"status": {"loadBalancer": {"ingress": [{"ip": "x", "hostname": "1.2.3.4"}]}}},
    ),
    post(
        "cidr create",
        "/apis/networking.k8s.io/v1/servicecidrs",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": "xcidr"},
            "spec": {"cidrs": ["10.9.0.0/24"]},
        },
        ignore=MF,
    ),
    patch(
        "cidr change", "/apis/networking.k8s.io/v1/servicecidrs/xcidr", "merge", {"spec": {"cidrs": ["10.8.0.0/24"]}}
    ),
    delete("cidr delete", "/apis/networking.k8s.io/v1/servicecidrs/xcidr", compare="status"),
    post(
        "ipa create",
        "/apis/networking.k8s.io/v1/ipaddresses",
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IPAddress",
            "metadata": {"name": "10.5.0.1"},
            "spec": {"parentRef": {"resource": "services", "name": "x", "namespace": "y"}},
        },
        ignore=MF,
    ),
    patch(
        "ipa change",
        "/apis/networking.k8s.io/v1/ipaddresses/10.5.0.1",
        "merge",
        {"spec": {"parentRef": {"name": "z"}}},
    ),
    delete("ipa delete", "/apis/networking.k8s.io/v1/ipaddresses/10.5.0.1", compare="status"),
]
