//! Kubernetes' own conformance tests, against a host.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

use serde_json::Value;

use crate::Host;
use crate::tools::{checkout, require, run};

/// How each of some conformance tests ended: with nothing, or with what it complains about. `None` where they have
/// not been built.
pub fn conformance(host: &Host, names: &[&str]) -> Option<BTreeMap<String, Option<String>>> {
    let binary = require(checkout().join(".cache/conformance/e2e.test"), "run `scripts/conformance`")?;
    // The tests call kubectl by its name.
    let kubectl = require(checkout().join(".cache/clients/bin/kubectl"), "run `make clients`")?;
    let tools = kubectl.parent().expect("it is in a directory").to_owned();
    let path = env::join_paths([tools].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())));
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let report = directory.path().join("report.json");

    let mut command = Command::new(binary);
    command.env("PATH", path.expect("a path can be joined")).env("HOME", directory.path());
    command.current_dir(directory.path()).arg("-kubeconfig").arg(host.kubeconfig());
    // There are no nodes to wait for.
    command.args(["-provider=skeleton", "-allowed-not-ready-nodes=-1", "--ginkgo.no-color", "--ginkgo.succinct"]);
    // In the same order each time.
    command.arg("--ginkgo.seed=1");
    command.arg(format!("--ginkgo.json-report={}", report.display()));
    command.args(names.iter().map(|name| format!("--ginkgo.focus={}", literally(name))));
    let output = run(&mut command, "");

    let report = std::fs::read(&report).unwrap_or_else(|_| panic!("there is no report: {output:?}"));
    let suites: Value = serde_json::from_slice(&report).expect("a report is JSON");
    let specs = suites.as_array().into_iter().flatten().flat_map(|suite| suite["SpecReports"].as_array());
    let specs = specs.flatten().filter(|spec| spec["State"] != "skipped" && spec["LeafNodeType"] == "It");
    Some(specs.map(|spec| (name(spec), complaint(spec))).collect())
}

/// The text of a test, with those of what it is in.
fn name(spec: &Value) -> String {
    let around = spec["ContainerHierarchyTexts"].as_array().into_iter().flatten();
    let texts: Vec<&str> = around.chain([&spec["LeafNodeText"]]).filter_map(Value::as_str).collect();
    texts.join(" ")
}

fn complaint(spec: &Value) -> Option<String> {
    let failure = &spec["Failure"];
    (spec["State"] != "passed").then(|| format!("{}: {}", failure["Location"]["FileName"], failure["Message"]))
}

/// A regular expression for a text.
fn literally(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
