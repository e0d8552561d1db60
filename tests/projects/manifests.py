#!/usr/bin/env python3
"""The manifests that some well-known projects ship, created with kubectl: what a server says of each is
compared with what a real kube-apiserver said.

    manifests.py check  --kubectl FILE --kubeconfig FILE [--only PROJECT] [--objects DIRECTORY]
    manifests.py record --kubectl FILE --kubeconfig FILE [--only PROJECT] [--objects DIRECTORY]

The manifests are those in the Go modules that go.mod pins, read where Go keeps them. `check` prints each
verdict that is not as recorded, unless differences.txt has it, and exits 1 if there is one. `record`
writes verdicts/ anew, from a server that has to be a real kube-apiserver. Both begin with a server that
holds no objects, and play the projects in order on the one server.

A verdict is what kubectl prints: errors and warnings as they are, and for each created object its name
and a digest of all it holds, so that defaults and the owners of fields are compared too. To see how
an object differs, keep those of both servers with `--objects` and compare the directories.
Only Python's standard library is needed.
"""
import argparse, collections, datetime, difflib, hashlib, json, os, pathlib, re, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Each with the paths in it that hold no manifests for a server.
PROJECTS = {
    # Descriptions of the API, and what the server itself begins with.
    "k8s.io/kubernetes": "^api/|^plugin/pkg/auth/",
    "github.com/argoproj/argo-rollouts": "^$",
    "github.com/cert-manager/cert-manager": "^$",
    "github.com/kedacore/keda/v2": "^$",
    # Steps of tests, which hold parts of objects, most of them many times.
    "github.com/kyverno/kyverno": "^test/conformance/",
    "github.com/prometheus-operator/prometheus-operator": "^$",
    "istio.io/api": "^$",
    "knative.dev/serving": "^$",
    "sigs.k8s.io/cluster-api": "^$",
    "sigs.k8s.io/gateway-api": "^$",
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["check", "record"])
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--only")
    parser.add_argument("--objects", type=pathlib.Path)
    options = parser.parse_args()
    known = differences()
    with tempfile.TemporaryDirectory() as home:
        for project, excluded in PROJECTS.items():
            if options.only not in (None, project):
                continue
            verdicts = judge(project, excluded, Kubectl(options, home), options.objects)
            recorded = HERE / "verdicts" / (project.replace("/", "_") + ".txt")
            if options.command == "record":
                recorded.write_text("".join(f"{verdict}\n" for verdict in verdicts))
                continue
            found = compare(recorded.read_text().splitlines(), verdicts)
            known.subtract(found)
            new = [line for line in found if known[line] < 0]
            print(f"{project}: {len(verdicts)} verdicts, {len(new)} lines differ", *new, sep="\n")
    gone = [line for line, count in known.items() if count > 0] if options.command == "check" and not options.only else []
    if gone:
        print("as recorded, so they have to go from differences.txt:", *gone, sep="\n")
    sys.exit(1 if gone or any(count < 0 for count in known.values()) else 0)


def differences():
    """The lines that are known to differ, and how often. Others are reasons."""
    lines = (HERE / "differences.txt").read_text().splitlines()
    return collections.Counter(line for line in lines if line.startswith(("-", "+")))


def compare(recorded, verdicts):
    """What kube-apiserver said and this server did not (-), and the other way round (+)."""
    found = []
    matcher = difflib.SequenceMatcher(None, [*map(in_order, recorded)], [*map(in_order, verdicts)], autojunk=False)
    for same, i, j, k, l in matcher.get_opcodes():
        if same != "equal":
            found += [f"-{line}" for line in recorded[i:j]] + [f"+{line}" for line in verdicts[k:l]]
    return found


def in_order(verdict):
    """A schema's findings come in whatever order Go's maps have."""
    return tuple(sorted(re.split(r", |\[|\]$", verdict))) if " is invalid: [" in verdict else verdict


# ---- what kubectl is asked -----------------------------------------------------------------------


class Kubectl:
    def __init__(self, options, home):
        self.command = [options.kubectl, "--kubeconfig", options.kubeconfig]
        self.environment = {"HOME": home, "PATH": os.environ["PATH"]}

    def __call__(self, *arguments, input=None):
        return subprocess.run(self.command + list(arguments), env=self.environment, input=input, capture_output=True, text=True)


# They change what a server says of other objects: created last, and deleted again.
RULES = ("validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicybindings,"
         "mutatingadmissionpolicybindings,resourcequotas,limitranges")
RULE = re.compile(r"""^\s*"?kind"?: "?(\w+WebhookConfiguration|\w+AdmissionPolicyBinding|ResourceQuota|LimitRange|APIService)\b""", re.M)
DEFINITION = re.compile(r"""^"?kind"?: "?CustomResourceDefinition\b""", re.M)
# Ports that a service asks for by number: created before any is drawn, which might be that one.
PORT = re.compile(r"""^\W*nodePort"?: *[0-9]+""", re.M)
KIND = re.compile(r"""^\s*"?kind"?: """, re.M)
VERSION = re.compile(r"""^\s*"?apiVersion"?: """, re.M)
NAMESPACE = re.compile(r"""^ *"?namespace"?: "?([a-z0-9-]+)"?,?$""", re.M)
# What kubectl says of a file before it asks a server.
OWN = re.compile("error parsing |Object 'Kind' is missing|error: unable to decode")


def judge(project, excluded, kubectl, objects):
    root = module_directory(project)
    definitions, ports, others, rules = [], [], [], []
    namespaces = set()
    for path in sorted(root.rglob("*")):
        relative = str(path.relative_to(root))
        # kubectl takes a comma for the end of a name.
        if path.suffix not in (".yaml", ".yml", ".json") or "," in relative or re.search(excluded, relative):
            continue
        text = path.read_text(errors="replace")
        if KIND.search(text) and VERSION.search(text):
            part = (rules if RULE.search(text) else definitions if DEFINITION.search(text)
                    else ports if PORT.search(text) else others)
            part.append(f"--filename={path}")
            namespaces.update(NAMESPACE.findall(text))
    missing = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(namespaces)]
    kubectl("create", "--filename=-", input="\n".join(map(json.dumps, missing)))
    verdicts = []
    for files in filter(None, (definitions, ports, others, rules)):
        created = kubectl("create", "--output=json", "--show-managed-fields", *files)
        made = list(objects_in(created.stdout))
        verdicts += [kept(each, objects) for each in made]
        said = UID.sub("a uid", GENERATED.sub('?"', created.stderr.replace(f"{root}/", ""))).splitlines()
        verdicts += [line for line in said if not OWN.search(line)]
        new = [f"crd/{each['metadata']['name']}" for each in made if each["kind"] == "CustomResourceDefinition"]
        if new:
            kubectl("wait", "--for=condition=Established", "--timeout=60s", *new)
    kubectl("delete", RULES, "--all", "--all-namespaces")
    kubectl("delete", "apiservices", "--selector=!kube-aggregator.kubernetes.io/automanaged")
    kubectl("delete", "services", "--all-namespaces", "--field-selector=metadata.name!=kubernetes")
    return verdicts


def module_directory(module):
    described = subprocess.run(["go", "mod", "download", "-json", module], cwd=HERE, capture_output=True, text=True)
    return pathlib.Path(json.loads(described.stdout)["Dir"])


# ---- what came of it -----------------------------------------------------------------------------


def objects_in(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        found, at = decoder.raw_decode(text, at)
        yield found
        while at < len(text) and text[at].isspace():
            at += 1


def kept(created, directory):
    metadata = created["metadata"]
    kind = ".".join(filter(None, [created["kind"], created["apiVersion"].rpartition("/")[0]]))
    place = [metadata.get("namespace"), metadata.get("generateName") or metadata.get("name")]
    name = "/".join([kind, *filter(None, place)])
    if created["kind"] == "CertificateSigningRequest":
        # Who has sent it.
        created["spec"] = {key: value for key, value in created["spec"].items() if key not in ("username", "extra")}
    text = json.dumps(normal(created), indent=1, sort_keys=True)
    if "generateName" in metadata:
        # The name may stand in labels, too.
        text = text.replace(metadata["name"], "generated")
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / (name.replace("/", "_") + ".json")).write_text(text)
    return f"{name} {hashlib.sha256(text.encode()).hexdigest()[:8]}"


TODAY = datetime.datetime.now(datetime.timezone.utc).date()
NOW = re.compile("|".join(str(TODAY + datetime.timedelta(days)) for days in (-1, 0, 1)))
UID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GENERATED = re.compile('(?<=-)[bcdfghjklmnpqrstvwxz2456789]{5}"')
# What a server draws or counts.
DRAWN = {"uid", "resourceVersion", "nodePort", "healthCheckNodePort"}


def normal(value, key=""):
    """The value without what no two servers have in common."""
    if isinstance(value, dict):
        return {name: normal(inner, name) for name, inner in value.items() if name not in DRAWN}
    if isinstance(value, list):
        return [normal(inner, key) for inner in value]
    if isinstance(value, str):
        if NOW.match(value):
            return "now"
        if UID.fullmatch(value):
            return "a uid"
        if key in ("clusterIP", "clusterIPs") and value != "None":
            return "an address"
    return value


if __name__ == "__main__":
    main()
