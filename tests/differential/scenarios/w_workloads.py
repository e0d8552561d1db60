"""Workloads: validation."""

from differential import *

A = "/apis/apps/v1/namespaces/xwork"
B = "/apis/batch/v1/namespaces/xwork"
MF = ["body.metadata.managedFields"]
T = {"metadata": {"labels": {"a": "x"}}, "spec": {"containers": [{"name": "c", "image": "a:1"}]}}
S = {"matchLabels": {"a": "x"}}


def o(kind, av, **spec):
    return {"apiVersion": av, "kind": kind, "metadata": {"name": "w"}, "spec": spec}


def d(kind="Deployment", **s):
    return o(kind, "apps/v1", **({"selector": S, "template": T} | s))


def j(**s):
    return o("Job", "batch/v1", **({"template": {"spec": T["spec"] | {"restartPolicy": "Never"}}} | s))


def cj(schedule="* * * * *", job=None, **s):
    return o(
        "CronJob",
        "batch/v1",
        schedule=schedule,
        jobTemplate={"spec": {"template": {"spec": T["spec"] | {"restartPolicy": "Never"}}} | (job or {})},
        **s,
    )


BADT = {
    "metadata": {"labels": {"a": "x", "b c": "d"}, "annotations": {"x y": "z"}},
    "spec": {"containers": [{"name": "C", "image": ""}], "restartPolicy": "Never", "activeDeadlineSeconds": 5},
}
cases = []
for kind, res in [
    ("Deployment", "deployments"),
    ("ReplicaSet", "replicasets"),
    ("StatefulSet", "statefulsets"),
    ("DaemonSet", "daemonsets"),
]:
    cases += [
        (f"{kind} no selector", f"{A}/{res}", o(kind, "apps/v1", template=T)),
        (f"{kind} empty selector", f"{A}/{res}", d(kind, selector={})),
        (f"{kind} no template", f"{A}/{res}", o(kind, "apps/v1", selector=S)),
        (f"{kind} nothing", f"{A}/{res}", o(kind, "apps/v1")),
        (
            f"{kind} bad selector",
            f"{A}/{res}",
            d(
                kind,
                selector={"matchExpressions": [{"key": "a", "operator": "Nope"}, {"key": "b c", "operator": "In"}]},
            ),
        ),
        (f"{kind} bad template", f"{A}/{res}", d(kind, template=BADT)),
        (f"{kind} no labels", f"{A}/{res}", d(kind, template={"spec": T["spec"]})),
        (
            f"{kind} negatives",
            f"{A}/{res}",
            d(
                kind,
                **({} if kind == "DaemonSet" else {"replicas": -1}),
                minReadySeconds=-1,
                **({} if kind == "ReplicaSet" else {"revisionHistoryLimit": -1}),
            ),
        ),
    ]
cases += [
    ("strategy type", f"{A}/deployments", d(strategy={"type": "X"})),
    ("strategy recreate", f"{A}/deployments", d(strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})),
    ("strategy zero", f"{A}/deployments", d(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}})),
    ("strategy bad", f"{A}/deployments", d(strategy={"rollingUpdate": {"maxSurge": "x%", "maxUnavailable": "101%"}})),
    ("strategy negative", f"{A}/deployments", d(strategy={"rollingUpdate": {"maxSurge": -1, "maxUnavailable": "x"}})),
    ("progress", f"{A}/deployments", d(progressDeadlineSeconds=5, minReadySeconds=10)),
    (
        "sts policy",
        f"{A}/statefulsets",
        d("StatefulSet", podManagementPolicy="X", updateStrategy={"type": "X"}, serviceName="A_"),
    ),
    (
        "sts ondelete",
        f"{A}/statefulsets",
        d("StatefulSet", updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
    ),
    (
        "sts partition",
        f"{A}/statefulsets",
        d(
            "StatefulSet",
            updateStrategy={"rollingUpdate": {"partition": -1}},
            ordinals={"start": -1},
            persistentVolumeClaimRetentionPolicy={"whenDeleted": "X"},
        ),
    ),
    (
        "sts claims",
        f"{A}/statefulsets",
        d(
            "StatefulSet",
            volumeClaimTemplates=[
                {"metadata": {"name": "v"}, "spec": {}},
                {
                    "metadata": {"name": "w"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
                },
            ],
        ),
    ),
    ("ds ondelete", f"{A}/daemonsets", d("DaemonSet", updateStrategy={"type": "OnDelete"})),
    ("ds type", f"{A}/daemonsets", d("DaemonSet", updateStrategy={"type": "X"})),
    (
        "ds both",
        f"{A}/daemonsets",
        d("DaemonSet", updateStrategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}),
    ),
    (
        "ds none",
        f"{A}/daemonsets",
        d("DaemonSet", updateStrategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
    ),
    ("ds pct", f"{A}/daemonsets", d("DaemonSet", updateStrategy={"rollingUpdate": {"maxUnavailable": "120%"}})),
    ("job always", f"{B}/jobs", j(template={"spec": T["spec"] | {"restartPolicy": "Always"}})),
    ("job restart bad", f"{B}/jobs", j(template={"spec": T["spec"] | {"restartPolicy": "X"}})),
    (
        "job negatives",
        f"{B}/jobs",
        j(parallelism=-1, completions=-1, backoffLimit=-1, activeDeadlineSeconds=-1, ttlSecondsAfterFinished=-1),
    ),
    ("job indexed", f"{B}/jobs", j(completionMode="Indexed")),
    ("job mode", f"{B}/jobs", j(completionMode="X")),
    ("job per index", f"{B}/jobs", j(backoffLimitPerIndex=1, maxFailedIndexes=1)),
    ("job max failed", f"{B}/jobs", j(completionMode="Indexed", completions=2, maxFailedIndexes=5)),
    ("job managed", f"{B}/jobs", j(managedBy="x")),
    (
        "job failure policy",
        f"{B}/jobs",
        j(
            podFailurePolicy={
                "rules": [
                    {"action": "X"},
                    {
                        "action": "Ignore",
                        "onExitCodes": {"operator": "In", "values": [0, 3, 1, 1], "containerName": "q"},
                    },
                    {"action": "FailIndex", "onPodConditions": [{"type": "a b", "status": "X"}]},
                    {
                        "action": "Count",
                        "onExitCodes": {"operator": "X", "values": []},
                        "onPodConditions": [{"type": "A", "status": "True"}],
                    },
                ]
            }
        ),
    ),
    (
        "job failure policy restart",
        f"{B}/jobs",
        j(podFailurePolicy={"rules": []}, template={"spec": T["spec"] | {"restartPolicy": "OnFailure"}}),
    ),
    ("job success", f"{B}/jobs", j(successPolicy={"rules": []})),
    (
        "job success rules",
        f"{B}/jobs",
        j(
            completionMode="Indexed",
            completions=3,
            successPolicy={
                "rules": [
                    {},
                    {"succeededCount": 9},
                    {"succeededIndexes": "1-9"},
                    {"succeededIndexes": "0-1", "succeededCount": 3},
                ]
            },
        ),
    ),
    ("job selector", f"{B}/jobs", j(selector=S)),
    ("job manual", f"{B}/jobs", j(manualSelector=True, selector=S)),
    (
        "job manual ok",
        f"{B}/jobs",
        j(
            manualSelector=True,
            selector=S,
            template={"metadata": {"labels": {"a": "x"}}, "spec": T["spec"] | {"restartPolicy": "Never"}},
        ),
    ),
    ("job replacement", f"{B}/jobs", j(podReplacementPolicy="X")),
    ("cron empty", f"{B}/cronjobs", cj("")),
    ("cron tz", f"{B}/cronjobs", cj("TZ=UTC * * * * *")),
    ("cron zone", f"{B}/cronjobs", cj(timeZone="Nope/Nope")),
    ("cron zone empty", f"{B}/cronjobs", cj(timeZone="")),
    ("cron zone local", f"{B}/cronjobs", cj(timeZone="Local")),
    ("cron zone good", f"{B}/cronjobs", cj(timeZone="Europe/Berlin")),
    (
        "cron policy",
        f"{B}/cronjobs",
        cj(
            concurrencyPolicy="X",
            startingDeadlineSeconds=-1,
            successfulJobsHistoryLimit=-1,
            failedJobsHistoryLimit=-1,
        ),
    ),
    ("cron job spec", f"{B}/cronjobs", cj(job={"parallelism": -1, "selector": S, "manualSelector": True})),
    ("cron long", f"{B}/cronjobs", cj() | {"metadata": {"name": "a" * 53}}),
] + [
    (f"cron {s}", f"{B}/cronjobs", cj(s))
    for s in [
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "5-1 * * * *",
        "@every 1x",
        "@every 1h",
        "@nope",
        "a * * * *",
        "1-2-3 * * * *",
        "*/a * * * *",
        "? * * * *",
        "1,2,60 * * * *",
        "1/2/3 * * * *",
        "* * * JAN MON",
        "* * * FOO *",
        "-1 * * * *",
    ]
]
RC = "/api/v1/namespaces/xwork/replicationcontrollers"
cases += [
    ("rc none", RC, o("ReplicationController", "v1")),
    ("rc", RC, o("ReplicationController", "v1", template=T, selector={"a": "y"}, replicas=-1, minReadySeconds=-1)),
    ("rc ok", RC, o("ReplicationController", "v1", template=T)),
    ("rc bad", RC, o("ReplicationController", "v1", template=BADT)),
    (
        "pt",
        "/api/v1/namespaces/xwork/podtemplates",
        {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "w"}, "template": BADT},
    ),
    (
        "pt none",
        "/api/v1/namespaces/xwork/podtemplates",
        {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "w"}},
    ),
    (
        "cr",
        f"{A}/controllerrevisions",
        {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "w"}, "revision": -1},
    ),
    (
        "cr data",
        f"{A}/controllerrevisions",
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {"name": "w"},
            "revision": 1,
            "data": [1],
        },
    ),
    (
        "cr ok",
        f"{A}/controllerrevisions",
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {"name": "w"},
            "revision": 1,
            "data": {"a": 1},
        },
    ),
]
STEPS = [namespace("xwork")] + [post(k, p + "?dryRun=All", v, ignore=MF) for k, p, v in cases]
STEPS += [
    post("create sts", f"{A}/statefulsets", d("StatefulSet"), ignore=MF),
    patch(
        "sts change",
        f"{A}/statefulsets/w",
        "merge",
        {"spec": {"serviceName": "q", "podManagementPolicy": "Parallel"}},
    ),
    patch(
        "sts status",
        f"{A}/statefulsets/w/status",
        "merge",
        {"status": {"replicas": 1, "readyReplicas": 2, "currentReplicas": -1}},
    ),
    get("sts scale", f"{A}/statefulsets/w/scale"),
    patch("sts scale patch", f"{A}/statefulsets/w/scale", "merge", {"spec": {"replicas": -2}}),
    post("create dep", f"{A}/deployments", d(), ignore=MF),
    patch(
        "dep status",
        f"{A}/deployments/w/status",
        "merge",
        {
            "status": {
                "replicas": 1,
                "updatedReplicas": 2,
                "readyReplicas": 2,
                "availableReplicas": 3,
                "unavailableReplicas": -1,
            }
        },
    ),
    patch("dep scale neg", f"{A}/deployments/w/scale", "merge", {"spec": {"replicas": -2}}),
    patch(
        "dep scale apply",
        f"{A}/deployments/w/scale?fieldManager=x",
        "apply",
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}},
    ),
    patch(
        "dep scale apply force",
        f"{A}/deployments/w/scale?fieldManager=x&force=true",
        "apply",
        {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": "w", "namespace": "xwork"},
            "spec": {"replicas": 4},
        },
    ),
    get("dep after", f"{A}/deployments/w"),
    put(
        "dep scale wrong name",
        f"{A}/deployments/w/scale",
        {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "q"}, "spec": {"replicas": 3}},
    ),
    patch(
        "dep selector and more",
        f"{A}/deployments/w",
        "merge",
        {"spec": {"selector": {"matchLabels": {"a": "y"}}, "replicas": -1}},
    ),
    post("create ds", f"{A}/daemonsets", d("DaemonSet"), ignore=MF),
    patch(
        "ds template",
        f"{A}/daemonsets/w",
        "strategic",
        {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "b"}]}}}},
        ignore=MF,
    ),
    patch("ds selector", f"{A}/daemonsets/w", "merge", {"spec": {"selector": {"matchLabels": {"a": "y"}}}}),
    patch(
        "ds status", f"{A}/daemonsets/w/status", "merge", {"status": {"numberReady": -1, "currentNumberScheduled": 1}}
    ),
    post("create job", f"{B}/jobs", j(), ignore=MF),
    patch(
        "job template",
        f"{B}/jobs/w",
        "strategic",
        {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "b"}]}}}},
        ignore=["body.message", "body.details.causes"],
    ),
    patch("job completions", f"{B}/jobs/w", "merge", {"spec": {"completions": 5}}),
    patch("job parallelism", f"{B}/jobs/w", "merge", {"spec": {"parallelism": 5}}, ignore=MF),
    patch("job suspend", f"{B}/jobs/w", "merge", {"spec": {"suspend": True}}, ignore=MF),
    patch(
        "job mode change",
        f"{B}/jobs/w",
        "merge",
        {
            "spec": {
                "completionMode": "Indexed",
                "podFailurePolicy": {
                    "rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [1]}}]
                },
            }
        },
    ),
    patch(
        "job status bad",
        f"{B}/jobs/w/status",
        "merge",
        {"status": {"active": -1, "completionTime": "2026-01-01T00:00:00Z", "ready": 3, "completedIndexes": "1"}},
    ),
    patch(
        "job status complete",
        f"{B}/jobs/w/status",
        "merge",
        {"status": {"active": 1, "conditions": [{"type": "Complete", "status": "True"}]}},
    ),
    delete("job delete", f"{B}/jobs/w", ignore=["body.metadata"]),
    post("create cj", f"{B}/cronjobs", cj(), ignore=MF),
    patch("cj schedule", f"{B}/cronjobs/w", "merge", {"spec": {"schedule": "nope"}}),
    post("create rs", f"{A}/replicasets", d("ReplicaSet"), ignore=MF),
    patch(
        "rs status",
        f"{A}/replicasets/w/status",
        "merge",
        {"status": {"replicas": 1, "fullyLabeledReplicas": 2, "availableReplicas": 1}},
    ),
    patch("rs selector", f"{A}/replicasets/w", "merge", {"spec": {"selector": {"matchLabels": {"a": "y"}}}}),
    post(
        "create cr",
        f"{A}/controllerrevisions",
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {"name": "w"},
            "revision": 1,
            "data": {"a": 1},
        },
        ignore=MF,
    ),
    patch("cr change", f"{A}/controllerrevisions/w", "merge", {"data": {"a": 2}, "revision": 2}),
]
