"""Each field of the built-in types with values that are right, wrong and empty, in objects that are otherwise small.

The fields are read from the engine's own table of types; of all values a fixed part is sent.
"""
import copy
import importlib.util
import json
import pathlib
import zlib

from differential import namespace, post

HERE = pathlib.Path(__file__).resolve().parent
TYPES = json.loads((HERE.parents[2] / "plugins/apimachinery/data/types.json").read_text())
SPEC = importlib.util.spec_from_file_location("y_every_type", HERE / "y_every_type.py")
OTHER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(OTHER)
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
# Parts that have scenarios of their own, or that other types show.
SKIPPED = (META + "ObjectMeta", "io.k8s.api.core.v1.PodTemplateSpec", "io.k8s.api.core.v1.PersistentVolumeClaimTemplate")


def type_of(version, kind):
    names = (f"{version} {kind}", f"/{version} {kind}", f"core/{version} {kind}")
    return next(name for name, of in TYPES.items() if any(known in names for known in of.get("kinds", [])))


def plausible(field):
    """A value that is likely to be right."""
    ref = field.get("ref", "")
    if ref.endswith("Quantity"):
        return "1"
    if ref.endswith("IntOrString") or field.get("format") == "int-or-string":
        return 1
    if ref.endswith("MicroTime"):
        return "2020-01-01T00:00:00.000000Z"
    if ref.endswith(".Time") or field.get("format") == "date-time":
        return "2020-01-01T00:00:00Z"
    if ref:
        return smallest(ref)
    if "items" in field:
        return [plausible(field["items"])]
    if "map" in field:
        return {"a": plausible(field["map"])}
    if "enum" in field:
        return next(value for value in field["enum"] if value)
    if field.get("format") == "byte":
        return "YQ=="
    return {"string": "a", "integer": 1, "boolean": True, "number": 1.5}.get(field.get("type"), {})


def smallest(name):
    fields = TYPES.get(name, {})
    required = [member for member in fields.get("required", []) if fields["fields"][member].get("ref") != name]
    return {member: plausible(fields["fields"][member]) for member in required}


def values(field):
    """Values of every kind that a field may be sent with."""
    ref = field.get("ref", "")
    if ref.endswith("Quantity"):
        return ["0", "-1", "abc", "1.5", 5]
    if ref.endswith("IntOrString"):
        return [0, -1, "x", "50%", "150%", "-5%", 70000]
    if ref.endswith("Time"):
        return ["2020-01-01T00:00:00Z", "x"]
    if ref:
        known = ref in TYPES and "fields" in TYPES[ref]
        return [{}] + ([smallest(ref)] if smallest(ref) else []) if known else [{}, {"a": 1}]
    if "items" in field:
        items = values(field["items"])
        return [[]] + [[item] for item in items[:2]] + [[items[0], items[0]]]
    if "map" in field:
        of = values(field["map"])
        return [{}, {"": of[0]}, {"Bad Key!": of[-1]}, {"a": of[0]}]
    if "enum" in field:
        return ["Wrong", ""] + [value for value in field["enum"] if value][:3]
    if field.get("format") == "byte":
        return ["YQ==", "!"]
    if field.get("format") == "date-time":
        return ["2020-01-01T00:00:00Z", "x"]
    if field.get("format") == "int-or-string":
        return [0, -1, "x", "50%", "150%"]
    return {
        "string": ["", "Bad_Value!", "good", "x" * 300],
        "integer": [0, -1, 1, 2147483647],
        "boolean": [True, False],
        "number": [0, -1.5],
    }.get(field.get("type"), [{}, "x", 1])


def paths(name, depth, around=()):
    """The ways to all fields below a type, the first item of a list standing for all."""
    for member, field in TYPES[name].get("fields", {}).items():
        if not around and member in ("apiVersion", "kind", "metadata", "status"):
            continue
        inner, way = field, [member]
        while "items" in inner or "map" in inner:
            way = way + [0 if "items" in inner else "a"]
            inner = inner.get("items") or inner.get("map")
        ref = inner.get("ref")
        if ref in SKIPPED:
            continue
        yield [member], field
        if ref in TYPES and "fields" in TYPES[ref] and depth > 1 and ref not in around:
            for rest, below in paths(ref, depth - 1, around + (name,)):
                yield way + rest, below


def put_at(root, name, path, value):
    """Sets a value, and makes what is on the way to it."""
    at, of = root, {"ref": name}
    for step, after in zip(path, path[1:]):
        field = TYPES[of["ref"]]["fields"][step] if "ref" in of else (of.get("items") or of.get("map"))
        if at is not root and isinstance(at, list) and not at:
            at.append(smallest(field["ref"]) if "ref" in field else {})
        elif isinstance(at, dict) and at.get(step) in (None, ""):
            at[step] = [] if "items" in field else {} if "map" in field else smallest(field["ref"])
        at, of = at[step], field
        if isinstance(after, int) and not at:
            at.append(smallest(of["items"]["ref"]) if "ref" in of["items"] else [])
    at[path[-1]] = value


def changed(object_, name, path, value):
    """The object with the value in its place, or nothing where the way leads through something else."""
    object_ = copy.deepcopy(object_)
    try:
        put_at(object_, name, path, copy.deepcopy(value))
    except (KeyError, TypeError, IndexError, AttributeError):
        return None
    return object_


def shown(path, value):
    return f"{'.'.join(map(str, path))} {json.dumps(value)[:40]}"


def is_sent(text, one_of):
    """A fixed part of all, spread evenly."""
    return zlib.crc32(text.encode()) % one_of == 0


def steps_of(resource, kind, version, namespaced, rest):
    name, root = type_of(version, kind), "/api/v1" if version == "v1" else f"/apis/{version}"
    rest = json.loads(json.dumps(rest).replace("xtypes", "xfields"))
    at = f"{root}/namespaces/xfields/{resource}" if namespaced else f"{root}/{resource}"
    smallest_object = {"apiVersion": version, "kind": kind, "metadata": {"name": "f"}} | rest
    for path, field in paths(name, 5 if kind == "Pod" else 4):
        for value in values(field):
            step, object_ = f"{resource} {version} {shown(path, value)}", changed(smallest_object, name, path, value)
            empty = value in ("", [], {}) and isinstance(value, (str, list, dict))
            # Where the address or the port is any free one, or an identity is shown.
            random = (kind == "Job" and path[1:2] == ["selector"]) or value in ("NodePort", "LoadBalancer")
            if object_ and not random and is_sent(step, 6 if empty and kind != "Pod" else 12):
                yield post(step, f"{at}?dryRun=All", object_, ignore=("body.metadata.managedFields", "body.metadata.uid"))


STEPS = [namespace("xfields")] + [s for t in OTHER.TYPES for s in steps_of(*t)]
