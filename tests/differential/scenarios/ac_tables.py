"""What a table shows of objects that have a life behind them: states, statuses, more than one of everything."""
from differential import TABLE, delete, get, namespace, patch, post

NS = "xtables"
ROWS = ("body.rows.*.object.metadata.managedFields", "body.rows.*.object.metadata.uid", "body.rows.*.object.metadata.resourceVersion")
LONG_AGO = "2020-01-01T00:00:00Z"
LATER = "2020-01-01T00:05:00Z"
C = {"name": "c", "image": "example.com/a:1"}
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C, {"name": "d", "image": "example.com/b:2"}]}}
SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "DoesNotExist"}]}


def k(kind, version, name, **rest):
    metadata = {"name": name} | rest.pop("metadata", {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata} | rest


def at(version, resource):
    return f"/api/v1/namespaces/{NS}/{resource}" if version == "v1" else f"/apis/{version}/namespaces/{NS}/{resource}"


def everywhere(version, resource):
    return f"/api/v1/{resource}" if version == "v1" else f"/apis/{version}/{resource}"


def state(name="c", restarts=0, ready=False, last=None, **now):
    return {"name": name, "image": "a", "imageID": "", "ready": ready, "restartCount": restarts, "state": now, "lastState": last or {}}


RUNNING = {"startedAt": LONG_AGO}
ENDED = {"exitCode": 0, "reason": "Completed", "finishedAt": LATER}
SIDECAR = {"name": "side", "image": "a", "restartPolicy": "Always"}
SCHEDULED = {"type": "PodScheduled", "status": "True"}
PODS = {
    "running": ({}, {"phase": "Running", "podIP": "10.1.1.1", "hostIP": "10.0.0.9", "containerStatuses": [state(ready=True, running=RUNNING)], "conditions": [{"type": "Ready", "status": "True"}]}),
    "not-ready": ({}, {"phase": "Running", "containerStatuses": [state(restarts=3, running=RUNNING)]}),
    "restarted": ({}, {"phase": "Running", "containerStatuses": [state(restarts=3, ready=True, running=RUNNING, last={"terminated": ENDED})]}),
    "crashing": ({}, {"phase": "Running", "containerStatuses": [state(restarts=7, waiting={"reason": "CrashLoopBackOff"})]}),
    "waiting": ({}, {"phase": "Pending", "containerStatuses": [state(waiting={"reason": "ContainerCreating"})]}),
    "no-image": ({}, {"phase": "Pending", "reason": "Odd", "containerStatuses": [state(waiting={"reason": "ErrImagePull", "message": "m"})]}),
    "completed": ({}, {"phase": "Succeeded", "containerStatuses": [state(terminated=ENDED)]}),
    "completed-runs": ({"containers": [C, C | {"name": "d"}]}, {"phase": "Running", "containerStatuses": [state(terminated=ENDED), state("d", ready=True, running=RUNNING)], "conditions": [{"type": "Ready", "status": "True"}]}),
    "completed-waits": ({"containers": [C, C | {"name": "d"}]}, {"phase": "Running", "containerStatuses": [state(terminated=ENDED), state("d", running=RUNNING)]}),
    "failed": ({}, {"phase": "Failed", "containerStatuses": [state(terminated={"exitCode": 2, "reason": ""})]}),
    "signalled": ({}, {"phase": "Failed", "containerStatuses": [state(terminated={"exitCode": 137, "signal": 9})]}),
    "evicted": ({}, {"phase": "Failed", "reason": "Evicted", "message": "m"}),
    "gated": ({"schedulingGates": [{"name": "a.b/c"}]}, None),
    "gone-node": ({}, {"phase": "Running", "reason": "NodeLost"}),
    "init": ({"initContainers": [C | {"name": "i"}, C | {"name": "j"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", ready=True, terminated=ENDED), state("j", running=RUNNING)]}),
    "init-fails": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", restarts=2, terminated={"exitCode": 1, "reason": "Error"})]}),
    "init-signal": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", restarts=2, terminated={"exitCode": 1, "signal": 9})]}),
    "init-code": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", terminated={"exitCode": 4})]}),
    "init-waits": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", waiting={"reason": "ImagePullBackOff"})]}),
    "init-begins": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Pending", "initContainerStatuses": [state("i", waiting={"reason": "PodInitializing"})]}),
    "sidecar": ({"initContainers": [SIDECAR, C | {"name": "j"}]}, {"phase": "Pending", "initContainerStatuses": [state("side", ready=True, running=RUNNING) | {"started": True}, state("j", running=RUNNING)]}),
    "sidecar-up": ({"initContainers": [SIDECAR]}, {"phase": "Running", "initContainerStatuses": [state("side", restarts=2, ready=True, running=RUNNING) | {"started": True}], "containerStatuses": [state(ready=True, restarts=1, running=RUNNING)]}),
    "initialized": ({"initContainers": [C | {"name": "i"}]}, {"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}], "initContainerStatuses": [state("i", restarts=5, terminated={"exitCode": 1})], "containerStatuses": [state(ready=True, running=RUNNING)]}),
    "nominated": ({"readinessGates": [{"conditionType": "a.b/c"}, {"conditionType": "a.b/d"}]}, {"phase": "Pending", "nominatedNodeName": "n2", "conditions": [{"type": "a.b/c", "status": "True"}, {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
    "two-addresses": ({"nodeName": "n1"}, {"phase": "Running", "podIPs": [{"ip": "10.1.1.2"}, {"ip": "fd00::1"}], "podIP": "10.1.1.2"}),
}


def pods():
    pods_at = at("v1", "pods")
    for name, (spec, status) in PODS.items():
        yield post(f"pod {name}", pods_at, k("Pod", "v1", name, spec={"containers": [C]} | spec), compare="status")
        if status:
            yield patch(f"pod {name} is", f"{pods_at}/{name}/status", "merge", {"status": status}, compare="status")
        yield get(f"pod {name} as a row", f"{pods_at}/{name}", accept=TABLE, ignore=ROWS)
    yield post("pod on a node", pods_at, k("Pod", "v1", "going", spec={"containers": [C], "nodeName": "n1"}), compare="status")
    yield patch("pod on a node runs", f"{pods_at}/going/status", "merge", {"status": PODS["running"][1]}, compare="status")
    yield delete("pod on a node goes", f"{pods_at}/going", compare="status")
    yield get("pod that goes", f"{pods_at}/going", accept=TABLE, ignore=ROWS)
    yield patch("pod that goes is lost", f"{pods_at}/going/status", "merge", {"status": {"reason": "NodeLost"}}, compare="status")
    yield get("pod that goes and is lost", f"{pods_at}/going", accept=TABLE, ignore=ROWS)
    yield patch("pod that goes has ended", f"{pods_at}/going/status", "merge", {"status": {"phase": "Succeeded", "reason": None}}, compare="status")
    yield get("pod that goes and has ended", f"{pods_at}/going", accept=TABLE, ignore=ROWS)
    yield get("all pods", f"{pods_at}?labelSelector=!x", accept=TABLE, ignore=ROWS)


def condition(kind, status, **more):
    return {"type": kind, "status": status} | more


# version, resource, kind, namespaced, objects: name to (rest, status)
OBJECTS = [
    ("v1", "nodes", "Node", False, {
        "xt-a": ({"metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "node-role.kubernetes.io/a": "", "kubernetes.io/role": "old"}}, "spec": {"unschedulable": True}},
                 {"conditions": [condition("Ready", "True"), condition("DiskPressure", "True")], "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "InternalIP", "address": "10.0.0.2"}, {"type": "ExternalIP", "address": "192.0.2.1"}],
                  "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Linux 1", "kernelVersion": "6.1", "containerRuntimeVersion": "containerd://2", "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64"}}),
        "xt-b": ({}, {"conditions": [condition("Ready", "False")], "addresses": [{"type": "Hostname", "address": "h"}]}),
        "xt-c": ({}, {"conditions": [condition("Ready", "Unknown"), condition("Odd", "True")]}),
        "xt-d": ({}, None),
    }),
    ("v1", "persistentvolumes", "PersistentVolume", False, {
        "xt-bound": ({"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"], "hostPath": {"path": "/a"}, "claimRef": {"namespace": "n", "name": "c"}, "storageClassName": "s", "volumeMode": "Block", "volumeAttributesClassName": "v"}}, {"phase": "Bound", "reason": "r"}),
        "xt-old": ({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "beta"}}, "spec": {"capacity": {"storage": "1500M"}, "accessModes": ["ReadOnlyMany"], "nfs": {"server": "a", "path": "/"}, "persistentVolumeReclaimPolicy": "Recycle"}}, None),
    }),
    ("v1", "persistentvolumeclaims", "PersistentVolumeClaim", True, {
        "bound": ({"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "v", "storageClassName": "s", "volumeAttributesClassName": "x"}}, {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}),
        "lost": ({"spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Block"}}, {"phase": "Lost"}),
        "pending": ({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "b"}}, "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}}, None),
    }),
    ("v1", "services", "Service", True, {
        "headless": ({"spec": {"clusterIP": "None", "ports": [{"port": 80, "name": "a"}, {"port": 81, "protocol": "UDP", "name": "b"}], "selector": {"b": "c", "a": "d"}}}, None),
        "external": ({"spec": {"type": "ExternalName", "externalName": "example.com", "externalIPs": ["192.0.2.1"]}}, None),
        "ips": ({"spec": {"clusterIP": "10.0.0.8", "externalIPs": ["192.0.2.1", "192.0.2.2"], "ports": [{"port": 80}]}}, None),
        "ports": ({"spec": {"type": "NodePort", "clusterIP": "10.0.0.9", "ports": [{"port": 80, "nodePort": 30077, "name": "a"}, {"port": 81, "nodePort": 30078, "name": "b", "protocol": "SCTP"}]}}, None),
        "balanced": ({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.11", "externalIPs": ["192.0.2.9"], "ports": [{"port": 80, "nodePort": 30079}]}}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.3"}, {"hostname": "a.example.com"}]}}),
        "balancing": ({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.12", "ports": [{"port": 80, "nodePort": 30080}]}}, None),
        "long": ({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.13", "ports": [{"port": 80, "nodePort": 30081}]}}, {"loadBalancer": {"ingress": [{"hostname": "a-very-long-name-of-a-load-balancer.example.com"}, {"ip": "192.0.2.4"}]}}),
    }),
    ("v1", "endpoints", "Endpoints", True, {
        "many": ({"subsets": [{"addresses": [{"ip": f"192.0.2.{i}"} for i in range(1, 6)], "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]}, {"notReadyAddresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 8080}]}]}, None),
        "none": ({}, None),
        "portless": ({"subsets": [{"addresses": [{"ip": "192.0.2.1"}, {"ip": "192.0.2.2"}]}]}, None),
    }),
    ("v1", "replicationcontrollers", "ReplicationController", True, {
        "r": ({"spec": {"replicas": 3, "selector": {"a": "b"}, "template": TEMPLATE}}, {"replicas": 2, "readyReplicas": 1}),
    }),
    ("v1", "secrets", "Secret", True, {"s": ({"type": "example.com/x", "data": {"a": "YQ==", "b": ""}}, None)}),
    ("v1", "configmaps", "ConfigMap", True, {"c": ({"data": {"a": "1"}, "binaryData": {"b": "YQ=="}}, None)}),
    ("v1", "serviceaccounts", "ServiceAccount", True, {"a": ({"secrets": [{"name": "x"}, {"name": "y"}]}, None)}),
    ("v1", "resourcequotas", "ResourceQuota", True, {"q": ({"spec": {"hard": {"pods": "100", "requests.cpu": "20", "limits.memory": "64Gi", "count/x.y": "1"}}}, {"hard": {"pods": "100", "requests.cpu": "20", "limits.memory": "64Gi", "count/x.y": "1"}, "used": {"pods": "1", "requests.cpu": "1500m"}})}),
    ("v1", "limitranges", "LimitRange", True, {"l": ({"spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "200Gi"}}]}}, None)}),
    ("v1", "podtemplates", "PodTemplate", True, {"p": ({"template": TEMPLATE}, None)}),
    ("v1", "namespaces", "Namespace", False, {"xt-going": ({"metadata": {"finalizers": ["example.com/x"]}}, None)}),
    ("v1", "events", "Event", True, {
        "old": ({"involvedObject": {"kind": "Pod", "namespace": NS, "name": "p", "fieldPath": "spec.containers{c}"}, "reason": "R", "message": " long\nmessage ", "type": "Warning", "count": 7, "firstTimestamp": LONG_AGO, "lastTimestamp": LATER, "source": {"component": "kubelet", "host": "n1"}}, None),
        "new": ({"involvedObject": {"kind": "Pod", "namespace": NS, "name": "p"}, "reason": "R", "type": "Normal", "action": "a", "eventTime": "2020-01-01T00:00:00.000001Z", "reportingComponent": "example.com/c", "reportingInstance": "i", "series": {"count": 9, "lastObservedTime": "2020-01-01T00:05:00.000000Z"}}, None),
    }),
    ("apps/v1", "deployments", "Deployment", True, {"d": ({"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}}, {"replicas": 4, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2, "unavailableReplicas": 2})}),
    ("apps/v1", "replicasets", "ReplicaSet", True, {"d": ({"spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}}, {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1})}),
    ("apps/v1", "statefulsets", "StatefulSet", True, {"d": ({"spec": {"replicas": 3, "serviceName": "s", "selector": SELECTOR, "template": TEMPLATE}}, {"replicas": 2, "readyReplicas": 1, "availableReplicas": 1})}),
    ("apps/v1", "daemonsets", "DaemonSet", True, {"d": ({"spec": {"selector": SELECTOR, "template": TEMPLATE | {"spec": TEMPLATE["spec"] | {"nodeSelector": {"b": "c", "a": "d"}}}}}, {"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberMisscheduled": 1, "numberReady": 3, "updatedNumberScheduled": 2, "numberAvailable": 1})}),
    ("apps/v1", "controllerrevisions", "ControllerRevision", True, {"c": ({"revision": 7, "data": {}, "metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": True}]}}, None), "lone": ({"revision": 1, "data": {}, "metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "d", "uid": "u"}]}}, None)}),
    ("batch/v1", "jobs", "Job", True, {
        "complete": ({"spec": {"completions": 2, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}, {"startTime": LONG_AGO, "completionTime": LATER, "succeeded": 2, "conditions": [condition("SuccessCriteriaMet", "True", lastTransitionTime=LATER), condition("Complete", "True", lastTransitionTime=LATER)], "uncountedTerminatedPods": {}, "ready": 0, "terminating": 0}),
        "failed": ({"spec": {"parallelism": 3, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}, {"startTime": LONG_AGO, "failed": 1, "conditions": [condition("FailureTarget", "True", lastTransitionTime=LATER), condition("Failed", "True", lastTransitionTime=LATER)], "uncountedTerminatedPods": {}, "ready": 0, "terminating": 0}),
        "suspended": ({"spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}, {"conditions": [condition("Suspended", "True")]}),
        "parallel": ({"spec": {"parallelism": 3, "template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}, {"active": 2}),
        "failing": ({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}, {"startTime": LONG_AGO, "active": 1, "conditions": [condition("FailureTarget", "True", lastTransitionTime=LATER)]}),
    }),
    ("batch/v1", "cronjobs", "CronJob", True, {
        "c": ({"spec": {"schedule": "*/5 * * * *", "timeZone": "Etc/UTC", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C]}}}}}}, {"active": [{"kind": "Job", "name": "a"}, {"kind": "Job", "name": "b"}], "lastScheduleTime": LONG_AGO}),
    }),
    ("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, {
        "h": ({"spec": {"minReplicas": 2, "maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},
            {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
            {"type": "Pods", "pods": {"metric": {"name": "p"}, "target": {"type": "AverageValue", "averageValue": "10"}}},
            {"type": "Object", "object": {"metric": {"name": "o"}, "describedObject": {"kind": "Service", "name": "s"}, "target": {"type": "Value", "value": "5"}}},
        ]}}, {"currentReplicas": 3, "desiredReplicas": 4, "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 70, "averageValue": "1"}}}, {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "512Mi"}}}]}),
        "external": ({"spec": {"maxReplicas": 9, "scaleTargetRef": {"kind": "ReplicationController", "name": "d"}, "metrics": [{"type": "External", "external": {"metric": {"name": "e"}, "target": {"type": "AverageValue", "averageValue": "7"}}}, {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": {"type": "Utilization", "averageUtilization": 5}}}]}}, {"currentReplicas": 1, "desiredReplicas": 1, "currentMetrics": [{"type": "External", "external": {"metric": {"name": "e"}, "current": {"averageValue": "3"}}}]}),
    }),
    ("autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True, {"one": ({"spec": {"maxReplicas": 9, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": {"kind": "Deployment", "name": "d"}}}, {"currentReplicas": 1, "desiredReplicas": 1, "currentCPUUtilizationPercentage": 20})}),
    ("networking.k8s.io/v1", "ingresses", "Ingress", True, {
        "i": ({"spec": {"ingressClassName": "n", "tls": [{"hosts": ["a.example.com"]}], "rules": [{"host": f"{h}.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}} for h in "abcd"]}}, {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}}),
        "all": ({"spec": {"defaultBackend": {"service": {"name": "s", "port": {"name": "http"}}}}}, None),
    }),
    ("networking.k8s.io/v1", "ingressclasses", "IngressClass", False, {"xt-i": ({"spec": {"controller": "example.com/c", "parameters": {"apiGroup": "x.y", "kind": "P", "name": "n", "scope": "Cluster"}}}, None)}),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", True, {"n": ({"spec": {"podSelector": SELECTOR}}, None)}),
    ("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR", False, {"xt-c": ({"spec": {"cidrs": ["10.77.0.0/24", "2001:db8:77::/64"]}}, None)}),
    ("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", True, {"max": ({"spec": {"maxUnavailable": "30%", "selector": SELECTOR}}, {"disruptionsAllowed": 2, "currentHealthy": 5, "desiredHealthy": 3, "expectedPods": 5}), "min": ({"spec": {"minAvailable": 2}}, None)}),
    ("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding", True, {"b": ({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "Group", "name": "g", "apiGroup": "rbac.authorization.k8s.io"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}, {"kind": "User", "name": "v", "apiGroup": "rbac.authorization.k8s.io"}]}, None)}),
    ("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", False, {"xt-b": ({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}, {"kind": "ServiceAccount", "name": "t", "namespace": "n"}]}, None)}),
    ("rbac.authorization.k8s.io/v1", "roles", "Role", True, {"r": ({"rules": []}, None)}),
    ("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", False, {"xt-p": ({"value": 1000, "preemptionPolicy": "Never"}, None)}),
    ("storage.k8s.io/v1", "storageclasses", "StorageClass", False, {"xt-s": ({"provisioner": "example.com/p", "reclaimPolicy": "Retain", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": True, "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}, None), "xt-t": ({"provisioner": "example.com/p"}, None)}),
    ("storage.k8s.io/v1", "csidrivers", "CSIDriver", False, {"xt-d": ({"spec": {"attachRequired": False, "podInfoOnMount": True, "storageCapacity": True, "tokenRequests": [{"audience": "a"}, {"audience": "b", "expirationSeconds": 600}], "requiresRepublish": True, "volumeLifecycleModes": ["Ephemeral", "Persistent"]}}, None)}),
    ("storage.k8s.io/v1", "csinodes", "CSINode", False, {"xt-n": ({"spec": {"drivers": [{"name": "d", "nodeID": "n", "topologyKeys": ["a"]}, {"name": "e", "nodeID": "n", "topologyKeys": None}]}}, None)}),
    ("storage.k8s.io/v1", "csistoragecapacities", "CSIStorageCapacity", True, {"c": ({"storageClassName": "s", "capacity": "1Gi"}, None)}),
    ("storage.k8s.io/v1", "volumeattachments", "VolumeAttachment", False, {"xt-v": ({"spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}}}, {"attached": True})}),
    ("storage.k8s.io/v1", "volumeattributesclasses", "VolumeAttributesClass", False, {"xt-v": ({"driverName": "d.e", "parameters": {"a": "b"}, "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}, None)}),
    ("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", False, {"xt-r": ({"handler": "h"}, None)}),
    ("coordination.k8s.io/v1", "leases", "Lease", True, {"l": ({"spec": {"holderIdentity": "me"}}, None), "m": ({}, None)}),
    ("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", True, {
        "e": ({"addressType": "IPv4", "endpoints": [{"addresses": [f"192.0.2.{i}"]} for i in range(1, 6)], "ports": [{"port": 80, "name": "a"}, {"name": "b", "port": 81}, {"name": "c", "port": 82}, {"name": "d", "port": 83}]}, None),
        "none": ({"addressType": "FQDN", "endpoints": []}, None),
    }),
    ("certificates.k8s.io/v1", "certificatesigningrequests", "CertificateSigningRequest", False, {}),
    ("flowcontrol.apiserver.k8s.io/v1", "flowschemas", "FlowSchema", False, {"xt-f": ({"spec": {"priorityLevelConfiguration": {"name": "nope"}, "matchingPrecedence": 7, "distinguisherMethod": {"type": "ByNamespace"}}}, {"conditions": [condition("Dangling", "True")]})}),
    ("flowcontrol.apiserver.k8s.io/v1", "prioritylevelconfigurations", "PriorityLevelConfiguration", False, {"xt-p": ({"spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, "limitResponse": {"type": "Queue", "queuing": {"queues": 64, "handSize": 6, "queueLengthLimit": 50}}}}}, None), "xt-r": ({"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}}, None)}),
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", False, {"xt-v": ({"spec": {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "matchConstraints": {"resourceRules": [{"apiGroups": ["x"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["y"]}]}, "validations": [{"expression": "true"}, {"expression": "true"}]}}, None)}),
    ("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", False, {"xt-v": ({"spec": {"policyName": "xt-none", "validationActions": ["Deny"], "paramRef": {"name": "c", "namespace": "d", "parameterNotFoundAction": "Deny"}}}, None), "xt-s": ({"spec": {"policyName": "xt-none", "validationActions": ["Deny"], "paramRef": {"selector": {}, "parameterNotFoundAction": "Deny"}}}, None)}),
    ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", False, {"xt-w": ({"webhooks": [{"name": f"{n}.b.c", "clientConfig": {"url": "https://a.example.com"}, "sideEffects": "None", "admissionReviewVersions": ["v1"]} for n in "ab"]}, None)}),
    ("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False, {"xt-w": ({"webhooks": []}, None)}),
    ("resource.k8s.io/v1", "deviceclasses", "DeviceClass", False, {"xt-d": ({"spec": {"selectors": [{"cel": {"expression": "device.driver == 'a.b'"}}]}}, None)}),
    ("resource.k8s.io/v1", "resourceclaims", "ResourceClaim", True, {"r": ({"spec": {"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "c"}}]}}}, {"allocation": {"devices": {"results": [{"request": "a", "driver": "d.e", "pool": "p", "device": "x"}]}}, "reservedFor": [{"resource": "pods", "name": "p", "uid": "u"}]})}),
    ("resource.k8s.io/v1", "resourceclaimtemplates", "ResourceClaimTemplate", True, {"r": ({"spec": {"spec": {"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "c"}}]}}}}, None)}),
    ("resource.k8s.io/v1", "resourceslices", "ResourceSlice", False, {"xt-r": ({"spec": {"driver": "d.e", "nodeName": "n", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}, "devices": []}}, None)}),
    ("apiregistration.k8s.io/v1", "apiservices", "APIService", False, {"v1.xt.example.com": ({"spec": {"group": "xt.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 1, "insecureSkipTLSVerify": True, "service": {"name": "s", "namespace": "n", "port": 8443}}}, None)}),
]


def objects():
    for version, resource, kind, namespaced, named in OBJECTS:
        place = at(version, resource) if namespaced else everywhere(version, resource)
        for name, (rest, status) in named.items():
            of = f"{resource} {name}"
            yield post(of, place, k(kind, version, name, **rest), compare="status")
            if status:
                yield patch(f"{of} is", f"{place}/{name}/status", "merge", {"status": status}, compare="status")
            if resource == "namespaces":
                yield delete(f"{of} goes", f"{place}/{name}", compare="status")
            # Whether a service is there is found out in time.
            wait = 30 if resource == "apiservices" else None
            yield get(f"{of} as a row", f"{place}/{name}", accept=TABLE, ignore=ROWS, wait=wait)
        # A server may tell of its own in events.
        if named and namespaced and resource != "events":
            yield get(f"{resource} {version} as rows", place, accept=TABLE, ignore=ROWS)
            yield get(f"{resource} {version} after one", f"{place}?limit=1", accept=TABLE, ignore=ROWS)
    yield patch("namespace may go", "/api/v1/namespaces/xt-going", "merge", {"metadata": {"finalizers": None}}, compare="none")
    for version, resource, _, namespaced, named in OBJECTS:
        for name in () if namespaced or resource == "namespaces" else named:
            if resource == "persistentvolumes":
                yield patch(f"{resource} {name} let go", f"{everywhere(version, resource)}/{name}", "merge", {"metadata": {"finalizers": None}}, compare="none")
            yield delete(f"{resource} {name} away", f"{everywhere(version, resource)}/{name}", compare="none")


STEPS = [namespace(NS), *pods(), *objects()]
