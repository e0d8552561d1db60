#!/usr/bin/env python3
"""Sessions with kubectl, written down with what it printed against a real kube-apiserver.

    transcripts.py check  --kubectl FILE --kubeconfig FILE [NAME...]
    transcripts.py record --kubectl FILE --kubeconfig FILE [NAME...]

A transcript in transcripts/ is a list of commands (`$ `, further lines of one `> `), each followed by
what it prints and, if it fails, by its code in brackets. They run one after the other in a shell,
in an empty directory and a namespace of their own, whose name is in NAMESPACE. `check` prints
what is not as written and exits 1 if there is something; `record` writes it anew, from a server that has to be
a real kube-apiserver. Lines that begin with `! ` after what a command printed say that the difference is known, and why.
Only Python's standard library is needed.
"""
import argparse, difflib, json, os, pathlib, re, subprocess, sys, tempfile

TRANSCRIPTS = pathlib.Path(__file__).resolve().parent / "transcripts"
COMMAND_SECONDS_MAX = 240


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["check", "record"])
    parser.add_argument("--kubectl", required=True, type=pathlib.Path)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_intermixed_args()
    differing = 0
    for path in sorted(TRANSCRIPTS.glob("*.txt")):
        if options.names and path.stem not in options.names:
            continue
        steps = read(path.read_text())
        with Session(path.stem, options) as session:
            if options.command == "record":
                for step in steps:
                    step.printed = session.run(step.command)
                path.write_text("".join(map(str, steps)))
            else:
                differing += sum(not is_as_written(path.stem, step, session.run(step.command)) for step in steps)
    sys.exit(1 if differing else 0)


def is_as_written(name, step, printed):
    equal = normal(printed) == normal(step.printed)
    if equal == (not step.known):
        return True
    print(f"{name}: $ {step.command}")
    if equal:
        print("is as recorded now: the lines that begin with `! ` have to go")
    for line in difflib.unified_diff(normal(step.printed), normal(printed), "kube-apiserver", "this server", n=1, lineterm=""):
        print(line)
    return False


# ---- transcripts ---------------------------------------------------------------------------------


class Step:
    """What is before a command, the command, what it printed, and why that is not so here."""
    def __init__(self, above, command):
        self.above, self.command, self.printed, self.known = above, command, "", []

    def __str__(self):
        command = "$ " + self.command.replace("\n", "\n> ") + "\n"
        return "".join(self.above) + command + self.printed + "".join(self.known)


def read(text):
    steps, above = [], []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            steps.append(Step(above, line[2:].rstrip("\n")))
            above = []
        elif line.startswith("> ") and not steps[-1].printed:
            steps[-1].command += "\n" + line[2:].rstrip("\n")
        elif line.startswith("! "):
            steps[-1].known.append(line)
        elif line.startswith("# ") or not line.strip():
            above.append(line)
        else:
            # What looks like a remark may have been printed.
            steps[-1].printed += "".join(above) + line
            above = []
    return steps


class Session:
    """A shell's surroundings: a directory and a namespace."""
    def __init__(self, name, options):
        self.options, self.namespace = options, f"session-{name}"

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        home = pathlib.Path(self.directory.name)
        (home / "bin").mkdir()
        (home / "bin/kubectl").symlink_to(self.options.kubectl.resolve())
        (home / "work").mkdir()
        self.environment = {
            "HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}", "NAMESPACE": self.namespace,
            "KUBECONFIG": f"{home}/kubeconfig", "LC_ALL": "C",
        }
        configuration = subprocess.run(
            ["kubectl", "config", "view", "--flatten", "--kubeconfig", self.options.kubeconfig],
            env=self.environment, check=True, capture_output=True, text=True)
        (home / "kubeconfig").write_text(configuration.stdout)
        self.run(f"kubectl create namespace {self.namespace}")
        self.run(f"kubectl config set-context --current --namespace={self.namespace}")
        return self

    def run(self, command):
        run = subprocess.run(["sh", "-c", command], env=self.environment, cwd=f"{self.environment['HOME']}/work",
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             timeout=COMMAND_SECONDS_MAX)
        printed = run.stdout if run.stdout.endswith("\n") or not run.stdout else run.stdout + "\n"
        return printed + (f"[{run.returncode}]\n" if run.returncode else "")

    def __exit__(self, *_):
        self.directory.cleanup()


# What two runs against one server do not have in common.
DRAWN = [
    (re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    # Of up to ten minutes: a whole number of them has no seconds.
    (re.compile(r"(?<=\s)(\d+d)?(\d+h)?(\d+m)?\d+s(?=\s|$)|(?<=\s)[2-9]m(?=\s|$)|<invalid>"), "AGE"),
    (re.compile(r"\b10\.0\.0\.(?!0/)\d+"), "ADDRESS"),
    # Before PORT: a server may listen where node ports are, too.
    (re.compile(r"https://127\.0\.0\.1:\d+|https://localhost:\d+"), "SERVER"),
    (re.compile(r"\b3[0-2]\d{3}(?=/TCP|\s|$)"), "PORT"),
    (re.compile(r"/tmp/[\w.-]+"), "DIRECTORY"),
    (re.compile(r"^[IWE]\d{4} .*?\] ", re.M), "LOG "),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"[ \t]+$", re.M), ""),
]


def normal(printed):
    for pattern, name in DRAWN:
        printed = pattern.sub(name, printed)
    # Blank lines at the end are read as those before the next command.
    return printed.rstrip("\n").splitlines()


if __name__ == "__main__":
    main()
