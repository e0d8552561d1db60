"""Every built-in type: what an update that breaks its metadata is told, and how often."""
import importlib.util
import json
import pathlib

from differential import delete, namespace, patch, post

SPEC = importlib.util.spec_from_file_location("y_every_type", pathlib.Path(__file__).with_name("y_every_type.py"))
OTHER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(OTHER)
# The causes say it all.
IGN = ["body.message"]


def steps_of(resource, kind, version, namespaced, rest):
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    at = f"{root}/namespaces/xupdates/{resource}" if namespaced else f"{root}/{resource}"
    name = {"v2": "u-two"}.get(version.split("/")[-1], "u-type")
    if resource == "events" and "/" in version:
        name = "u-new"
    of = f"{resource} {version}:"
    rest = json.loads(json.dumps(rest).replace("xtypes", "xupdates"))
    return [
        post(f"{of} create", at, {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | rest, compare="status"),
        patch(f"{of} label", f"{at}/{name}", "merge", {"metadata": {"labels": {"a b": "c"}}}, ignore=IGN),
        patch(f"{of} finalizer", f"{at}/{name}", "merge", {"metadata": {"finalizers": ["nope"]}}, ignore=IGN),
        patch(f"{of} uid", f"{at}/{name}", "merge", {"metadata": {"uid": "other"}}, ignore=IGN),
        patch(f"{of} status", f"{at}/{name}/status?dryRun=All", "merge", {"metadata": {"annotations": {"a": "b"}, "finalizers": ["nope"]}}, ignore=IGN + ["body.metadata.managedFields"]),
        patch(f"{of} kind", f"{at}/{name}", "merge", {"kind": "Other"}, compare="status"),
        patch(f"{of} text for labels", f"{at}/{name}", "strategic", {"metadata": {"labels": "x"}}, ignore=IGN),
        delete(f"{of} delete", f"{at}/{name}", compare="none"),
    ]


STEPS = [namespace("xupdates")] + [s for t in OTHER.TYPES for s in steps_of(*t)]
