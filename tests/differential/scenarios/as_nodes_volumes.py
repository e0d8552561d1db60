"""Nodes and volumes: what a cluster's machines and disks are."""

from differential import *

N = "/api/v1/namespaces/xvolumes"
MF = ["body.metadata.managedFields"]
ST = "/apis/storage.k8s.io/v1"
SV = "storage.k8s.io/v1"


def k(kind, av, name="x", **rest):
    return {"apiVersion": av, "kind": kind, "metadata": {"name": name}} | rest


def pv(**s):
    return k(
        "PersistentVolume",
        "v1",
        "xpv",
        spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}} | s,
    )


def pvc(**s):
    return k(
        "PersistentVolumeClaim",
        "v1",
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}} | s,
    )


cases = [
    ("pv none", "/api/v1/persistentvolumes", k("PersistentVolume", "v1", "xpv")),
    (
        "pv bad",
        "/api/v1/persistentvolumes",
        pv(
            capacity={"storage": "-1", "x": "1"},
            accessModes=["X", "ReadWriteOncePod", "ReadWriteOnce"],
            persistentVolumeReclaimPolicy="X",
            volumeMode="X",
            storageClassName="A",
            nodeAffinity={},
        ),
    ),
    ("pv two", "/api/v1/persistentvolumes", pv(nfs={"server": "a", "path": "/b"})),
    (
        "pv local",
        "/api/v1/persistentvolumes",
        k(
            "PersistentVolume",
            "v1",
            "xpv",
            spec={"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "local": {"path": "/a/../b"}},
        ),
    ),
    (
        "pv csi",
        "/api/v1/persistentvolumes",
        k(
            "PersistentVolume",
            "v1",
            "xpv",
            spec={
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "csi": {
                    "driver": "A_",
                    "volumeHandle": "",
                    "nodeStageSecretRef": {"name": ""},
                    "nodePublishSecretRef": {"name": "A", "namespace": ""},
                },
                "volumeAttributesClassName": "",
            },
        ),
    ),
    ("pv recycle", "/api/v1/persistentvolumes", pv(hostPath={"path": "/"}, persistentVolumeReclaimPolicy="Recycle")),
    ("pv empty capacity", "/api/v1/persistentvolumes", pv(capacity={})),
    ("pvc none", f"{N}/persistentvolumeclaims", k("PersistentVolumeClaim", "v1")),
    (
        "pvc bad",
        f"{N}/persistentvolumeclaims",
        pvc(
            accessModes=["X"],
            resources={"requests": {"storage": "0"}},
            volumeMode="X",
            storageClassName="A",
            selector={"matchLabels": {"a b": "c"}},
            dataSource={"kind": "Secret", "name": ""},
            dataSourceRef={"kind": "PersistentVolumeClaim", "name": "x"},
        ),
    ),
    (
        "pvc ref ns",
        f"{N}/persistentvolumeclaims",
        pvc(dataSourceRef={"apiGroup": "A", "kind": "K", "name": "n", "namespace": "X"}),
    ),
    ("pvc ds", f"{N}/persistentvolumeclaims", pvc(dataSource={"kind": "PersistentVolumeClaim", "name": "x"})),
    ("pvc dsref", f"{N}/persistentvolumeclaims", pvc(dataSourceRef={"kind": "PersistentVolumeClaim", "name": "x"})),
    ("sc none", f"{ST}/storageclasses", k("StorageClass", SV, "xsc")),
    (
        "sc bad",
        f"{ST}/storageclasses",
        k(
            "StorageClass",
            SV,
            "xsc",
            provisioner="a b",
            reclaimPolicy="Recycle",
            volumeBindingMode="X",
            parameters={"": "x"},
            allowedTopologies=[
                {"matchLabelExpressions": [{"key": "a", "values": []}, {"key": "a", "values": ["x", "x"]}]}
            ],
        ),
    ),
    (
        "csidriver",
        f"{ST}/csidrivers",
        k(
            "CSIDriver",
            SV,
            "xcd",
            spec={
                "fsGroupPolicy": "X",
                "volumeLifecycleModes": ["X"],
                "tokenRequests": [{"audience": "a"}, {"audience": "a"}, {"audience": "b", "expirationSeconds": 1}],
            },
        ),
    ),
    ("csidriver ok", f"{ST}/csidrivers", k("CSIDriver", SV, "xcd", spec={})),
    (
        "csinode",
        f"{ST}/csinodes",
        k(
            "CSINode",
            SV,
            "xcn",
            spec={
                "drivers": [
                    {"name": "", "nodeID": "", "topologyKeys": ["a b", ""]},
                    {"name": "a", "nodeID": "n", "allocatable": {"count": -1}},
                    {"name": "a", "nodeID": "n"},
                ]
            },
        ),
    ),
    (
        "va",
        f"{ST}/volumeattachments",
        k("VolumeAttachment", SV, "xva", spec={"attacher": "", "nodeName": "", "source": {}}),
    ),
    (
        "va both",
        f"{ST}/volumeattachments",
        k(
            "VolumeAttachment",
            SV,
            "xva",
            spec={"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": ""}},
        ),
    ),
    (
        "cap",
        f"{ST}/namespaces/xvolumes/csistoragecapacities",
        k("CSIStorageCapacity", SV, storageClassName="A", capacity="-1"),
    ),
    ("vac", f"{ST}/volumeattributesclasses", k("VolumeAttributesClass", SV, "xvac", driverName="")),
    (
        "node",
        "/api/v1/nodes",
        k(
            "Node",
            "v1",
            "xnode",
            spec={
                "taints": [
                    {"key": "a b"},
                    {"key": "a", "effect": "X"},
                    {"key": "a", "effect": "NoSchedule"},
                    {"key": "a", "effect": "NoSchedule"},
                ],
                "podCIDRs": ["x", "10.0.0.0/8"],
            },
            status={"capacity": {"cpu": "-1", "pods": "1500m"}},
        ),
    ),
]
STEPS = [namespace("xvolumes")] + [post(a, p + "?dryRun=All", v, ignore=MF) for a, p, v in cases]
STEPS += [
    post("sc create", f"{ST}/storageclasses", k("StorageClass", SV, "xsc", provisioner="a.b/c"), ignore=MF),
    patch(
        "sc change",
        f"{ST}/storageclasses/xsc",
        "merge",
        {
            "provisioner": "x",
            "parameters": {"b": "c", "a": "d"},
            "reclaimPolicy": "Retain",
            "allowVolumeExpansion": True,
        },
    ),
    delete("sc delete", f"{ST}/storageclasses/xsc", compare="status"),
    post("pvc create", f"{N}/persistentvolumeclaims", pvc(), ignore=MF),
    patch("pvc change", f"{N}/persistentvolumeclaims/x", "merge", {"spec": {"accessModes": ["ReadWriteMany"]}}),
    patch(
        "pvc shrink",
        f"{N}/persistentvolumeclaims/x",
        "merge",
        {"spec": {"resources": {"requests": {"storage": "1Mi"}}}},
    ),
    patch(
        "pvc status",
        f"{N}/persistentvolumeclaims/x/status",
        "merge",
        {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}},
        ignore=MF,
    ),
    patch(
        "pvc grow",
        f"{N}/persistentvolumeclaims/x",
        "merge",
        {"spec": {"resources": {"requests": {"storage": "2Gi"}}}},
        ignore=MF,
    ),
    patch(
        "pvc shrink bound",
        f"{N}/persistentvolumeclaims/x",
        "merge",
        {"spec": {"resources": {"requests": {"storage": "1Mi"}}}},
    ),
    delete("pvc delete", f"{N}/persistentvolumeclaims/x", ignore=MF),
    post("pv create", "/api/v1/persistentvolumes", pv(), ignore=MF),
    patch(
        "pv change",
        "/api/v1/persistentvolumes/xpv",
        "merge",
        {"spec": {"hostPath": {"path": "/y"}, "volumeMode": "Block"}},
    ),
    patch(
        "pv fine",
        "/api/v1/persistentvolumes/xpv",
        "merge",
        {"spec": {"persistentVolumeReclaimPolicy": "Delete"}},
        ignore=MF,
    ),
    delete("pv delete", "/api/v1/persistentvolumes/xpv", compare="status"),
    post(
        "node create",
        "/api/v1/nodes",
        k("Node", "v1", "xnode", spec={"podCIDR": "10.9.0.0/24", "providerID": "a"}),
        ignore=MF,
    ),
    patch(
        "node change",
        "/api/v1/nodes/xnode",
        "merge",
        {"spec": {"podCIDR": "10.8.0.0/24", "providerID": "b", "unschedulable": True}},
    ),
    patch(
        "node status",
        "/api/v1/nodes/xnode/status",
        "strategic",
        {
            "status": {
                "addresses": [{"type": "InternalIP", "address": "1.1.1.1"}],
                "conditions": [{"type": "Ready", "status": "True"}],
                "capacity": {"cpu": "4"},
            }
        },
        ignore=MF,
    ),
    delete("node delete", "/api/v1/nodes/xnode", compare="status"),
]
