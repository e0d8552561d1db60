"""What is valid, and odd all the same: the texts in `Warning` headers."""

from differential import delete, namespace, patch, post, put

NS = "/api/v1/namespaces/xwarn"
APPS = "/apis/apps/v1/namespaces/xwarn"
BATCH = "/apis/batch/v1/namespaces/xwarn"
NET = "/apis/networking.k8s.io/v1/namespaces/xwarn"
C = {"name": "c", "image": "example.com/a:1"}
NOISE = ("body.metadata", "body.spec", "body.status")


def of(kind, version, name="x", annotations=None, **rest):
    metadata = {"name": name} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata} | rest


def pod(name="x", annotations=None, **spec):
    return of("Pod", "v1", name, annotations, spec={"containers": [C]} | spec)


def container(**more):
    return pod(containers=[C | more])


def deployment(name="x", replicas=1, **spec):
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C]} | spec}
    return of(
        "Deployment",
        "apps/v1",
        name,
        spec={"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template},
    )


def service(annotations=None, **spec):
    return of("Service", "v1", "x", annotations, spec={"ports": [{"port": 80}]} | spec)


OLD = "beta.kubernetes.io/os"
IN = {"key": OLD, "operator": "In", "values": ["linux"]}
PODS = {
    "name": pod("a.b"),
    "node selector": pod(nodeSelector={OLD: "linux"}),
    "node affinity": pod(
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [IN]}]}
            }
        }
    ),
    "preferred node": pod(
        affinity={
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]},
                    }
                ]
            }
        }
    ),
    "spread": pod(
        topologySpreadConstraints=[
            {
                "maxSkew": 1,
                "topologyKey": "failure-domain.beta.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
            }
        ]
    ),
    "pod affinity": pod(
        affinity={
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "a"}],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": {"topologyKey": "a"}}
                ],
            }
        }
    ),
    "annotations": pod(annotations={"scheduler.alpha.kubernetes.io/critical-pod": ""}),
    "seccomp annotation": pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": "runtime/default"}),
    "volumes": pod(
        volumes=[
            {"name": "a", "gitRepo": {"repository": "x"}},
            {"name": "b", "glusterfs": {"endpoints": "e", "path": "p"}},
            {"name": "c", "cephfs": {"monitors": ["m"]}},
            {"name": "d", "rbd": {"monitors": ["m"], "image": "i"}},
        ]
    ),
    "ephemeral volume": pod(
        volumes=[
            {
                "name": "a",
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1500m"}}}
                    }
                },
            }
        ]
    ),
    "paths": pod(
        volumes=[
            {
                "name": "a",
                "configMap": {"name": "m", "items": [{"key": "k", "path": "x"}, {"key": "l", "path": "x/y"}]},
            },
            {
                "name": "b",
                "projected": {
                    "sources": [
                        {"secret": {"name": "s", "items": [{"key": "k", "path": "t"}]}},
                        {"serviceAccountToken": {"path": "t"}},
                    ]
                },
            },
        ]
    ),
    "host aliases": pod(
        hostAliases=[{"ip": "192.0.2.1", "hostnames": ["a"]}, {"ip": "192.0.2.1", "hostnames": ["b"]}]
    ),
    "pull secrets": pod(imagePullSecrets=[{"name": "a"}, {"name": "a"}, {}]),
    "memory": container(resources={"limits": {"memory": "100m"}}),
    "environment": container(
        env=[
            {"name": "A", "value": "1"},
            {"name": "A", "value": "$(A)2"},
            {"name": "A", "value": "3"},
            {"name": "A", "value": "$(A)"},
        ]
    ),
    "ports": container(
        ports=[
            {"name": "p", "containerPort": 80},
            {"containerPort": 80, "hostPort": 81},
            {"containerPort": 82, "hostIP": "192.0.2.1"},
        ]
    ),
    "port names": pod(
        containers=[
            C | {"ports": [{"name": "p", "containerPort": 80}]},
            {"name": "d", "image": "x", "ports": [{"name": "p", "containerPort": 81}]},
        ]
    ),
    "nameservers": pod(dnsConfig={"nameservers": ["2001:DB8::1"]}),
    "apparmor": pod(annotations={"container.apparmor.security.beta.kubernetes.io/c": "runtime/default"}),
}
SERVICES = {
    "hints": service({"service.kubernetes.io/topology-aware-hints": "auto"}),
    "headless": service(
        clusterIP="None", externalIPs=["192.0.2.7"], loadBalancerIP="192.0.2.8", sessionAffinity="ClientIP"
    ),
    "external addresses": service(externalIPs=["192.0.2.7", "2001:DB8::7"]),
    "source ranges": service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.1/8"]),
    "external name": service(externalName="example.com"),
    "external name with addresses": service(
        type="ExternalName", externalName="example.com", externalIPs=["192.0.2.7"]
    ),
    "distribution": service(trafficDistribution="PreferClose"),
}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C], "nodeSelector": {OLD: "linux"}}}
JOB = {"template": {"spec": {"containers": [C], "restartPolicy": "Never", "nodeSelector": {OLD: "linux"}}}}
SELECTOR = {"matchLabels": {"a": "b"}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1500m"}}}
VOLUME = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}
WEBHOOK = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
OTHERS = [
    ("deployment", f"{APPS}/deployments", deployment("a.b", nodeSelector={OLD: "linux"})),
    (
        "replica set",
        f"{APPS}/replicasets",
        of("ReplicaSet", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE}),
    ),
    (
        "daemon set",
        f"{APPS}/daemonsets",
        of("DaemonSet", "apps/v1", spec={"selector": SELECTOR, "template": TEMPLATE}),
    ),
    (
        "stateful set",
        f"{APPS}/statefulsets",
        of(
            "StatefulSet",
            "apps/v1",
            spec={
                "selector": SELECTOR,
                "serviceName": "s",
                "template": TEMPLATE,
                "revisionHistoryLimit": -1,
                "volumeClaimTemplates": [{"metadata": {"name": "c"}, "spec": CLAIM}],
            },
        ),
    ),
    (
        "replication controller",
        f"{NS}/replicationcontrollers",
        of("ReplicationController", "v1", "a.b", spec={"template": TEMPLATE}),
    ),
    ("pod template", f"{NS}/podtemplates", of("PodTemplate", "v1", template=TEMPLATE)),
    ("job", f"{BATCH}/jobs", of("Job", "batch/v1", "a.b", spec=JOB)),
    (
        "cron job",
        f"{BATCH}/cronjobs",
        of("CronJob", "batch/v1", spec={"schedule": "@daily", "jobTemplate": {"spec": JOB}}),
    ),
    (
        "claim",
        f"{NS}/persistentvolumeclaims",
        of("PersistentVolumeClaim", "v1", annotations={"volume.beta.kubernetes.io/storage-class": "c"}, spec=CLAIM),
    ),
    (
        "volume",
        "/api/v1/persistentvolumes",
        of(
            "PersistentVolume",
            "v1",
            "xwarn",
            {"volume.beta.kubernetes.io/mount-options": "ro"},
            spec=VOLUME | {"persistentVolumeReclaimPolicy": "Recycle"},
        ),
    ),
    (
        "node",
        "/api/v1/nodes",
        of("Node", "v1", "xwarn", spec={"externalID": "e", "podCIDRs": ["10.0.0.1/24"], "podCIDR": "10.0.0.1/24"}),
    ),
    (
        "service account",
        f"{NS}/serviceaccounts",
        of("ServiceAccount", "v1", annotations={"kubernetes.io/enforce-mountable-secrets": "true"}),
    ),
    (
        "endpoints",
        f"{NS}/endpoints",
        of("Endpoints", "v1", subsets=[{"addresses": [{"ip": "2001:DB8::1"}], "ports": [{"port": 80}]}]),
    ),
    (
        "endpoint slice",
        "/apis/discovery.k8s.io/v1/namespaces/xwarn/endpointslices",
        of("EndpointSlice", "discovery.k8s.io/v1", addressType="FQDN", endpoints=[], ports=[]),
    ),
    (
        "ingress",
        f"{NET}/ingresses",
        of(
            "Ingress",
            "networking.k8s.io/v1",
            annotations={"kubernetes.io/ingress.class": "c"},
            spec={"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}},
        ),
    ),
    (
        "network policy",
        f"{NET}/networkpolicies",
        of(
            "NetworkPolicy",
            "networking.k8s.io/v1",
            spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.1/8"}}]}]},
        ),
    ),
    (
        "runtime class",
        "/apis/node.k8s.io/v1/runtimeclasses",
        of("RuntimeClass", "node.k8s.io/v1", handler="h", scheduling={"nodeSelector": {OLD: "linux"}}),
    ),
    (
        "storage class",
        "/apis/storage.k8s.io/v1/storageclasses",
        of(
            "StorageClass",
            "storage.k8s.io/v1",
            provisioner="example.com/p",
            allowedTopologies=[{"matchLabelExpressions": [{"key": OLD, "values": ["linux"]}]}],
        ),
    ),
    (
        "driver",
        "/apis/storage.k8s.io/v1/csidrivers",
        of("CSIDriver", "storage.k8s.io/v1", spec={"tokenRequests": [{"audience": "a"}]}),
    ),
    (
        "capacity",
        "/apis/storage.k8s.io/v1/namespaces/xwarn/csistoragecapacities",
        of(
            "CSIStorageCapacity",
            "storage.k8s.io/v1",
            storageClassName="c",
            nodeTopology={"matchLabels": {OLD: "linux"}},
        ),
    ),
    ("webhook", WEBHOOK, of("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "x.static.k8s.io")),
    (
        "secret",
        f"{NS}/secrets",
        of("Secret", "v1", type="kubernetes.io/tls", stringData={"tls.crt": "x", "tls.key": "y"}),
    ),
    (
        "slice",
        "/apis/resource.k8s.io/v1/resourceslices",
        of(
            "ResourceSlice",
            "resource.k8s.io/v1",
            spec={"driver": "A.example.com", "allNodes": True, "pool": {"name": "p", "resourceSliceCount": 1}},
        ),
    ),
]

STEPS = [namespace("xwarn")]
STEPS += [post(f"pod: {id}", f"{NS}/pods?dryRun=All", body, ignore=NOISE) for id, body in PODS.items()]
STEPS += [post(f"service: {id}", f"{NS}/services?dryRun=All", body, ignore=NOISE) for id, body in SERVICES.items()]
STEPS += [
    post(
        id,
        path + "?dryRun=All",
        body,
        ignore=NOISE + ("body.data", "body.endpoints", "body.template", "body.subsets"),
    )
    for id, path, body in OTHERS
]
STEPS += [
    post(
        "invalid is not odd",
        f"{NS}/pods?dryRun=All",
        pod(nodeSelector={OLD: "linux"}, restartPolicy="X"),
        ignore=("body.metadata",),
    ),
    post("deployment made", f"{APPS}/deployments", deployment(nodeSelector={OLD: "linux"}), ignore=NOISE),
    put("same again", f"{APPS}/deployments/x", deployment(nodeSelector={OLD: "linux"}), ignore=NOISE),
    put("another number", f"{APPS}/deployments/x", deployment(replicas=2, nodeSelector={OLD: "linux"}), ignore=NOISE),
    patch("label", f"{APPS}/deployments/x", "merge", {"metadata": {"labels": {"c": "d"}}}, ignore=NOISE),
    patch("apply", f"{APPS}/deployments/x?fieldManager=m&force=true", "apply", deployment(replicas=3), ignore=NOISE),
    post("job made", f"{BATCH}/jobs", of("Job", "batch/v1", spec=JOB), ignore=NOISE),
    delete("job deleted", f"{BATCH}/jobs/x?dryRun=All", ignore=NOISE),
    delete(
        "job deleted in the background",
        f"{BATCH}/jobs/x?dryRun=All&propagationPolicy=Background",
        ignore=NOISE + ("body.details.uid",),
    ),
]
