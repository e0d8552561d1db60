"""Each field of the built-in types and of their statuses, changed by a patch."""
import importlib.util
import json
import pathlib

from differential import delete, namespace, patch, post

SPEC = importlib.util.spec_from_file_location("n_fields", pathlib.Path(__file__).with_name("n_fields.py"))
FIELDS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FIELDS)
IGNORED = ("body.metadata.managedFields", "body.metadata.uid", "body.metadata.resourceVersion")


def changes(at, of, name, object_, around, wrap, kinds):
    for path, field in FIELDS.paths(name, 3, around):
        for value in FIELDS.values(field)[:3]:
            step, body = f"{of} {FIELDS.shown(path, value)}", FIELDS.changed({}, name, path, value)
            # A time that is none is shown with the whole object, which has its version inside.
            if body and value != "x" and FIELDS.is_sent(step, 8):
                kind = kinds[len(step) % len(kinds)]
                yield patch(f"{kind} {step}", f"{at}?dryRun=All", kind, wrap(body), ignore=IGNORED)


def steps_of(resource, kind, version, namespaced, rest):
    name, root = FIELDS.type_of(version, kind), "/api/v1" if version == "v1" else f"/apis/{version}"
    rest = json.loads(json.dumps(rest).replace("xtypes", "xchanges"))
    at = f"{root}/namespaces/xchanges/{resource}" if namespaced else f"{root}/{resource}"
    own = {"v2": "o-two"}.get(version.split("/")[-1], "o-new" if resource == "events" and "/" in version else "o-type")
    object_ = {"apiVersion": version, "kind": kind, "metadata": {"name": own}} | rest
    of = f"{resource} {version}"
    yield post(f"{of} create", at, object_, compare="status")
    yield from changes(f"{at}/{own}", of, name, object_, (), lambda body: body, ("strategic", "merge"))
    status = FIELDS.TYPES[name]["fields"].get("status")
    if status:
        wrap = lambda body: {"status": body}  # noqa: E731
        yield from changes(f"{at}/{own}/status", f"{of} status", status["ref"], object_, ("status",), wrap, ("merge",))
    yield patch(f"{of} let go", f"{at}/{own}", "merge", {"metadata": {"finalizers": None}}, compare="none")
    yield delete(f"{of} delete", f"{at}/{own}", compare="none")


# What a controller writes, it writes when it can.
LEFT_OUT = ("flowschemas", "prioritylevelconfigurations")
STEPS = [namespace("xchanges")] + [s for t in FIELDS.OTHER.TYPES if t[0] not in LEFT_OUT for s in steps_of(*t)]
