"""Creates and updates of built-in types with one to three fields changed at random, as a fuzzer sent them.

The requests are in `am_fuzzed_creates.json`, bodies as text: numbers are spelled oddly, fields are there twice. `there`
holds the objects that the updates are about. Nothing but these is stored.
"""
import json
import pathlib

from differential import delete, namespace, post, step

REQUESTS = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text())


def name(path, body):
    return f"{path}/{body['metadata']['name']}"


def sent(id, method, path, content_type, body):
    return step(id, method, path, raw=body, content_type=content_type)


STEPS = [
    namespace("xfuzz"),
    # What limits and counts is kept away from the others.
    namespace("xfuzz2"),
    *(post(f"set-up: {name(path, body)}", path, body, compare="status") for path, body in REQUESTS["there"]),
    *(sent(*request) for request in REQUESTS["steps"]),
    *(delete(f"gone: {name(path, body)}", name(path, body), compare="none") for path, body in REQUESTS["there"]),
]
