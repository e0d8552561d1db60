//! The definitions and example objects of projects that nobody here wrote.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::{Host, Kubectl, compared, module_directory};

#[test]
fn argo_rollouts_is_served() {
    let Some(module) = module_directory("github.com/argoproj/argo-rollouts") else { return };
    Project {
        definitions: manifests(&module.join("manifests/crds"), "-crd.yaml"),
        objects: manifests(&module.join("examples"), ".yaml"),
        resources: &[
            "rollouts.argoproj.io",
            "experiments.argoproj.io",
            "analysistemplates.argoproj.io",
            "clusteranalysistemplates.argoproj.io",
        ],
        // Names and a column of its own, as an example in the project has them.
        table: (&["get", "ro", "rollout-canary"], &["NAME", "DESIRED", "CURRENT", "rollout-canary", "5"]),
    }
    .is_served();
}

#[test]
fn cert_manager_is_served() {
    let Some(module) = module_directory("github.com/cert-manager/cert-manager") else { return };
    Project {
        // These are templates, which set labels and annotations only.
        definitions: manifests(&module.join("deploy/crds"), ".yaml")
            .iter()
            .map(|text| without_templates(text))
            .collect(),
        objects: manifests(&module.join("test/fixtures"), "cert-manager-resources.yaml"),
        resources: &["issuers.cert-manager.io", "certificates.cert-manager.io"],
        table: (
            &["get", "cert", "test1", "-o", "wide"],
            &["NAME", "READY", "SECRET", "ISSUER", "test1", "selfsigned-issuer"],
        ),
    }
    .is_served();
}

#[test]
fn what_projects_ship_is_judged_as_by_kube_apiserver() {
    let Some(host) = Host::start() else { return };
    let Some(compared) = compared("projects/manifests.py", &[], &host) else { return };
    assert_eq!(compared.code, Some(0), "{}{}", compared.stdout, compared.stderr);
}

struct Project<'a> {
    definitions: Vec<String>,
    objects: Vec<String>,
    /// What the objects are instances of.
    resources: &'a [&'a str],
    /// A command, and words that its answer holds.
    table: (&'a [&'a str], &'a [&'a str]),
}

impl Project<'_> {
    #[track_caller]
    fn is_served(&self) {
        let Some(host) = Host::start() else { return };
        let Some(kubectl) = Kubectl::of(&host) else { return };

        assert!(!self.definitions.is_empty() && !self.objects.is_empty(), "the project holds no manifests");
        for definition in &self.definitions {
            // Some are too large for the annotation that `apply` writes.
            kubectl.run_with(&["create", "-f", "-"], definition).success();
        }
        kubectl.run(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]).success();

        for object in &self.objects {
            kubectl.run_with(&["apply", "-f", "-"], object).success();
        }
        for object in &self.objects {
            // What is stored is what was applied, whatever defaults make kubectl send again.
            let versions = ["get", "-f", "-", "-o", "jsonpath={..metadata.resourceVersion}"];
            let before = kubectl.run_with(&versions, object).success();
            kubectl.run_with(&["apply", "-f", "-"], object).success();
            assert_eq!(kubectl.run_with(&versions, object).success(), before, "{object}");
            let differences = kubectl.run_with(&["diff", "-f", "-"], object);
            assert_eq!(differences.code, Some(0), "{}{}", differences.stdout, differences.stderr);
        }

        let (command, words) = self.table;
        let table = kubectl.run(command).success();
        for word in words {
            assert!(table.contains(word), "no `{word}` in:\n{table}");
        }
        for resource in self.resources {
            let names = kubectl.run(&["get", resource, "-A", "-o", "name"]).success();
            assert!(!names.is_empty(), "no {resource}");
            kubectl.run(&["describe", resource, "-A"]).success();
            kubectl.run(&["explain", &format!("{resource}.spec")]).success();
        }
        for object in &self.objects {
            kubectl.run_with(&["delete", "-f", "-", "--timeout=60s"], object).success();
        }
        kubectl.run(&["delete", "crd", "--all", "--timeout=60s"]).success();
    }
}

/// The manifests in a directory whose names end in `suffix`, in order.
fn manifests(directory: &Path, suffix: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.to_string_lossy().ends_with(suffix));
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).expect("a file of the module can be read")).collect()
}

fn without_templates(manifest: &str) -> String {
    manifest.lines().filter(|line| !line.contains("{{")).flat_map(|line| [line, "\n"]).collect()
}
