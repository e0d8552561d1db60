#!/usr/bin/env python3
"""Compares what a server's OpenAPI documents say with what those of a real kube-apiserver say.

    openapi.py run    --server URL [credentials] [--record FILE] [--verbose]
    openapi.py record --server URL [credentials] [--record FILE]

Both create the definitions of openapi-definitions.json first, so that custom resources are compared,
too. `run` prints each difference, those of one kind together, and exits 1 if there are any; `record`
writes the record from the server that it is pointed at, which has to be a real kube-apiserver.

The record holds the shape of all documents and no description: where there is one, it says so, and a
server that has none there differs; one that describes more does not. Credentials: --cert FILE --key FILE; --ca FILE, else the
certificate is not verified. Only Python's standard library is needed.
"""
import argparse, collections, http.client, itertools, json, lzma, pathlib, re, ssl, sys, time, urllib.parse

HERE = pathlib.Path(__file__).resolve().parent


class Server:
    def __init__(self, args):
        url = urllib.parse.urlsplit(args.server)
        context = ssl.create_default_context(cafile=args.ca) if args.ca else ssl._create_unverified_context()
        context.check_hostname = False
        context.load_cert_chain(args.cert, args.key)
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=120, context=context)

    def send(self, method, path, body=None):
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def get(self, path):
        status, answer = self.send("GET", path)
        if status != 200:
            sys.exit(f"{path}: {status} {answer}")
        return answer


# ---- the documents -------------------------------------------------------------------------------


def create_definitions(server):
    """Creates the custom resources, and waits until every version that is served is published."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    documents = set()
    for definition in json.loads((HERE / "openapi-definitions.json").read_text()):
        status, answer = server.send("POST", path, definition)
        if status not in (201, 409):
            sys.exit(f"{definition['metadata']['name']}: {status} {answer.get('message')}")
        spec = definition["spec"]
        documents |= {(f"apis/{spec['group']}/{version['name']}", spec["names"]["plural"])
                      for version in spec["versions"] if version["served"]}
    deadline = time.monotonic() + 120
    while missing := [name for name in documents if not published(server, *name)]:
        if time.monotonic() > deadline:
            sys.exit(f"not published: {missing}")
        time.sleep(0.5)


def published(server, document, plural):
    index = server.get("/openapi/v3")["paths"]
    if document not in index:
        return False
    of_version = server.get(index[document]["serverRelativeURL"])
    return all(any(path.startswith(f"/{document}/") and path.endswith(f"/{plural}") for path in known["paths"])
               for known in (of_version, server.get("/openapi/v2")))


def fetch(server):
    create_definitions(server)
    index = server.get("/openapi/v3")["paths"]
    documents = {name: server.get(of["serverRelativeURL"]) for name, of in index.items()}
    documents["v2"] = server.get("/openapi/v2")
    return {name: shape(document) for name, document in documents.items()}


def shape(value, names=False):
    """The value with `true` in the place of every description. `names`: its keys are no keywords."""
    if isinstance(value, list):
        return [shape(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: True if key == "description" and not names and isinstance(member, str)
            else shape(member, names=not names and key in ("properties", "schemas", "definitions", "paths"))
            for key, member in value.items()}


# ---- comparing -----------------------------------------------------------------------------------


def facts(value, path=()):
    """Every leaf by its path. Parameters go by name; their order, which is that of the arguments of
    generated functions, is a fact of its own, and so is that of properties."""
    if isinstance(value, dict) and value:
        depth = len(path) - len([*itertools.dropwhile(lambda key: key == "properties", reversed(path))])
        if depth % 2:  # a field may be called so, too
            yield (*path, "order"), list(value)
        if path and path[-1] == "parameters" and len(path) == 2:
            value = {f"{number} {member['name']}": member for number, member in enumerate(by_content(value))}
        for key, member in value.items():
            yield from facts(member, (*path, key))
    elif isinstance(value, list) and value:
        if path[-1] == "required":
            yield path, sorted(value)
            return
        if path[-1] == "parameters":
            names = [parameter_name(item) for item in value]
            yield (*path, "order"), names
            value = list(zip(names, value))
        elif all(isinstance(item, str) for item in value):
            yield path, value
            return
        else:
            value = [(f"[{number}]", item) for number, item in enumerate(value)]
        for key, member in value:
            yield from facts(member, (*path, key))
    else:
        yield path, re.sub(r"^(#/parameters/.*)-.{8}$", r"\1", value) if isinstance(value, str) else value


def by_content(shared):
    """Shared parameters of version 2 have a hash in their name, of a text that is not compared."""
    return sorted(shared.values(), key=lambda parameter: json.dumps(parameter, sort_keys=True))


def parameter_name(parameter):
    if "$ref" in parameter:
        return parameter["$ref"].rsplit("/", 1)[1][:-9]
    return parameter["name"]


def differences(recorded, answered):
    """(path, recorded, answered) of every fact that is not the same. What is missing as a whole is
    one difference."""
    for name in sorted(recorded.keys() | answered.keys()):
        if name not in answered or name not in recorded:
            yield (name,), *(("a document", None) if name in recorded else (None, "a document"))
            continue
        yield from members((name,), recorded[name], answered[name])


def members(path, recorded, answered):
    if isinstance(recorded, dict) and isinstance(answered, dict) and len(path) < 5 and path[-1] != "parameters":
        if path[-2:-1] == ("paths",) and list(recorded) != list(answered):
            yield (*path, "order"), list(recorded), list(answered)
        for key in sorted(recorded.keys() | answered.keys()):
            if key not in answered:
                yield (*path, key), "…" if isinstance(recorded[key], (dict, list)) else recorded[key], None
            elif key not in recorded and key != "description":
                yield (*path, key), None, "…" if isinstance(answered[key], (dict, list)) else answered[key]
            elif key in recorded:
                yield from members((*path, key), recorded[key], answered[key])
        return
    recorded, answered = dict(facts(recorded, path)), dict(facts(answered, path))
    for key in sorted(recorded.keys() | answered.keys()):
        # More may be described than upstream describes.
        if recorded.get(key) != answered.get(key) and (key[-1] != "description" or key in recorded):
            yield key, recorded.get(key), answered.get(key)


def kind_of(path, recorded, answered):
    """What differences have in common: documents, types and resources are not told apart."""
    keys = [re.sub(r"^(io|com|org)\..*", "TYPE", re.sub(r"^/.*", "PATH", key)) for key in path[1:]]
    out = []
    for number, key in enumerate(keys):
        out.append("FIELD" if number and keys[number - 1] == "properties" else key)
    return ("v2" if path[0] == "v2" else "v3", *out), json.dumps(recorded)[:60], json.dumps(answered)[:60]


def report(found, verbose):
    kinds = collections.defaultdict(list)
    for path, recorded, answered in found:
        kinds[kind_of(path, recorded, answered)].append((path, recorded, answered))
    for _, alike in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        print(f"{len(alike)} alike:")
        for path, recorded, answered in alike if verbose else alike[:1]:
            print(f"  {' › '.join(path)}\n    recorded: {json.dumps(recorded)}\n    answered: {json.dumps(answered)}")
    print(f"openapi: {sum(map(len, kinds.values()))} differences of {len(kinds)} kinds")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "record"])
    parser.add_argument("--server", required=True)
    for option in ("cert", "key", "ca"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--record", type=pathlib.Path, default=HERE / "goldens" / "openapi.json.xz")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()

    answered = fetch(Server(args))
    if args.action == "record":
        text = json.dumps(answered, separators=(",", ":")).encode()
        args.record.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
        print(f"{len(answered)} documents recorded")
        return
    found = list(differences(json.loads(lzma.decompress(args.record.read_bytes())), answered))
    report(found, args.verbose)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
