//! Pods, and the templates that they are made of.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::tree::Value;
use apimachinery::validation::place::Place;

use super::{Warnings, address, claim, fraction, name_of_hosts, node_selector_term, old_node_label, paths};
use crate::strategies::pods::app_armor;

const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];
const OLD_VOLUMES: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const SECCOMP: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF: &str = "container.seccomp.security.alpha.kubernetes.io/";
const USE_SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";

pub(crate) fn of_pod(pod: &Value, out: &mut Warnings) {
    let pod = Place::root(pod);
    name_of_hosts(&pod, "the Pod's hostname", out);
    both(&pod, false, out);
}

/// A template, at its place in the object that has it.
pub(crate) fn of_template(template: &Place<'_, '_>, out: &mut Warnings) {
    if template.is_given() {
        both(template, true, out);
    }
}

/// The same of an update, which warns only if it asks for something else than before.
pub(crate) fn changed_template(object: &Place<'_, '_>, path: &str, old: Option<&Value>, out: &mut Warnings) {
    let generation = object.at("metadata.generation");
    if old.is_none_or(|old| &old["metadata"]["generation"] != generation.value()) {
        of_template(&object.at(path), out);
    }
}

fn both(pod: &Place<'_, '_>, is_template: bool, out: &mut Warnings) {
    let spec = pod.at("spec");
    placement(&spec, out);
    let annotations = pod.at("metadata.annotations");
    for (annotation, instead) in OLD_ANNOTATIONS {
        if annotations.entry(annotation).is_given() {
            out.push(format!("{}: {instead}", annotations.entry(annotation).path()));
        }
    }
    for volume in spec.at("volumes").items() {
        for (member, since) in OLD_VOLUMES.iter().filter(|(member, _)| volume.at(member).is_given()) {
            // Upstream spells two of them otherwise.
            let shown = match *member {
                "storageos" => "storageOS",
                member => member,
            };
            out.push(format!("{}: {since}", volume.at(shown).path()));
        }
        claim(&volume.at("ephemeral.volumeClaimTemplate.spec"), out);
    }
    paths::of_volumes(&spec.at("volumes"), out);
    repeated(&spec, "hostAliases", "ip", out);
    repeated(&spec, "imagePullSecrets", "name", out);
    for secret in spec.at("imagePullSecrets").items().filter(|secret| secret.at("name").is_empty()) {
        out.push(format!("{}: invalid empty name \"\"", secret.at("name").path()));
    }
    for resource in ["memory", "ephemeral-storage"] {
        fraction(&spec.at("overhead").entry(resource), out);
    }
    if !spec.at("securityContext.seccompProfile").is_given() && annotations.entry(SECCOMP).is_given() {
        out.push(format!("{}: {USE_SECCOMP}", annotations.entry(SECCOMP).path()));
    }
    each_container(&spec, &mut |container| self::container(container, pod, is_template, out));
    ports(&spec, out);
    let grace = spec.at("terminationGracePeriodSeconds");
    if grace.number().is_some_and(|seconds| seconds < 0) {
        out.push(format!("{}: must be >= 0; negative values are invalid and will be treated as 1", grace.path()));
    }
    for kind in ["affinity.podAffinity", "affinity.podAntiAffinity"] {
        let affinity = spec.at(kind);
        for term in affinity.at("requiredDuringSchedulingIgnoredDuringExecution").items() {
            selects_nothing(&term.at("labelSelector"), out);
        }
        for term in affinity.at("preferredDuringSchedulingIgnoredDuringExecution").items() {
            selects_nothing(&term.at("podAffinityTerm.labelSelector"), out);
        }
    }
    spec.at("dnsConfig.nameservers").items().for_each(|server| address(&server, out));
    spec.at("hostAliases").items().for_each(|alias| address(&alias.at("ip"), out));
}

fn placement(spec: &Place<'_, '_>, out: &mut Warnings) {
    for (label, place) in spec.at("nodeSelector").entries() {
        if let Some(instead) = old_node_label(label) {
            out.push(format!("{}: {instead}", place.path()));
        }
    }
    let affinity = spec.at("affinity.nodeAffinity");
    for term in affinity.at("requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms").items() {
        node_selector_term(&term, false, out);
    }
    for wish in affinity.at("preferredDuringSchedulingIgnoredDuringExecution").items() {
        node_selector_term(&wish.at("preference"), true, out);
    }
    for constraint in spec.at("topologySpreadConstraints").items() {
        let key = constraint.at("topologyKey");
        if let Some(instead) = old_node_label(key.text()) {
            out.push(format!("{}: {} is {instead}", key.path(), key.text()));
        }
        selects_nothing(&constraint.at("labelSelector"), out);
    }
}

fn selects_nothing(selector: &Place<'_, '_>, out: &mut Warnings) {
    if !selector.is_given() {
        out.push(format!("{}: a null labelSelector results in matching no pod", selector.path()));
    }
}

fn repeated(spec: &Place<'_, '_>, list: &str, key: &str, out: &mut Warnings) {
    let mut seen = BTreeSet::new();
    for item in spec.at(list).items() {
        let key_of = item.at(key);
        if !seen.insert(key_of.text()) {
            out.push(format!("{}: duplicate {key} \"{}\"", key_of.path(), key_of.text()));
        }
    }
}

fn each_container(spec: &Place<'_, '_>, visit: &mut dyn FnMut(&Place<'_, '_>)) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        spec.at(list).items().for_each(|container| visit(&container));
    }
}

fn container(container: &Place<'_, '_>, pod: &Place<'_, '_>, is_template: bool, out: &mut Warnings) {
    let annotations = pod.at("metadata.annotations");
    if !annotations.is_empty() {
        old_profiles(container, pod, &annotations, is_template, out);
    }
    for resource in ["memory", "ephemeral-storage"] {
        for part in ["resources.limits", "resources.requests"] {
            fraction(&container.at(part).entry(resource), out);
        }
    }
    let mut seen = BTreeSet::new();
    for variable in container.at("env").items() {
        let (name, value) = (variable.at("name").text(), variable.at("value").text());
        if seen.insert(name) {
            continue;
        }
        // One that refers to what it replaces may be meant so.
        let reference = format!("$({name})");
        if variable.at("valueFrom").is_given() || value == reference || !value.contains(&reference) {
            out.push(format!(
                "{}: hides previous definition of \"{name}\", which may be dropped when using apply",
                variable.path()
            ));
        }
    }
}

/// Annotations that say what fields of the container say now.
fn old_profiles(
    container: &Place<'_, '_>,
    pod: &Place<'_, '_>,
    annotations: &Place<'_, '_>,
    is_template: bool,
    out: &mut Warnings,
) {
    let name = container.at("name").text();
    let key = format!("{SECCOMP_OF}{name}");
    if !container.at("securityContext.seccompProfile").is_given() && annotations.entry(&key).is_given() {
        out.push(format!("{}: {USE_SECCOMP}", annotations.entry(&key).path()));
    }
    if is_template && !container.at("securityContext.appArmorProfile").is_given() {
        let key = app_armor::key(name);
        let annotation = annotations.entry(&key);
        let of_pod = pod.at("spec.securityContext.appArmorProfile");
        let same = app_armor::field(annotation.text()).is_some_and(|field| field == *of_pod.value());
        if annotation.is_given() && !same {
            out.push(app_armor::warning(&annotation.path()));
        }
    }
}

/// A port of a container, by its place: its path is written only when there is something to say.
#[derive(Clone, Copy)]
struct Port<'v> {
    list: &'static str,
    container: usize,
    index: usize,
    ip: &'v str,
    host: i64,
}

impl Port<'_> {
    fn path(&self, spec: &Place<'_, '_>) -> String {
        let list = spec.at(self.list);
        let container = list.item(self.container);
        container.at("ports").item(self.index).path()
    }
}

fn ports(spec: &Place<'_, '_>, out: &mut Warnings) {
    let mut all: BTreeMap<(i64, &str), Vec<Port<'_>>> = BTreeMap::new();
    let mut named: Vec<String> = Vec::new();
    let mut names: BTreeMap<&str, Port<'_>> = BTreeMap::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (container, of) in spec.at(list).items().enumerate() {
            for (index, port) in of.at("ports").items().enumerate() {
                let own = |field: &str| port.at(field).number().unwrap_or(0);
                let (number, host) = (own("containerPort"), own("hostPort"));
                let (ip, name, protocol) =
                    (port.at("hostIP").text(), port.at("name").text(), port.at("protocol").text());
                if !ip.is_empty() && host == 0 {
                    out.push(format!(
                        "{}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{number} \
                         Protocol:{protocol} HostIP:{ip}}}",
                        port.path()
                    ));
                }
                let others = all.entry((number, protocol)).or_default();
                for other in others.iter() {
                    let how = if ip == other.ip && host == other.host {
                        "duplicate"
                    } else if host == 0 || other.host == 0 {
                        "overlapping"
                    } else if host == other.host && ip.is_empty() != other.ip.is_empty() {
                        "dangerously ambiguous"
                    } else {
                        continue;
                    };
                    out.push(format!("{}: {how} port definition with {}", port.path(), other.path(spec)));
                }
                let own = Port { list, container, index, ip, host };
                others.push(own);
                if let Some(first) = names.get(name).filter(|_| !name.is_empty()) {
                    let (path, first) = (port.path(), first.path(spec));
                    named.push(format!(
                        "{path}: duplicate port name \"{name}\" with {first}, services and probes that select ports by \
                         name will use {first}"
                    ));
                } else {
                    names.insert(name, own);
                }
            }
        }
    }
    out.append(&mut named);
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn odd_pods_are_named() {
        let pod = json!({"metadata": {"name": "a.b"}, "spec": {
            "nodeSelector": {"beta.kubernetes.io/os": "x"},
            "imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}],
            "terminationGracePeriodSeconds": -1,
            "containers": [{"name": "c", "resources": {"limits": {"memory": "100m"}},
                "env": [{"name": "E", "value": "1"}, {"name": "E", "value": "$(E)2"}, {"name": "E", "value": "3"}],
                "ports": [{"name": "p", "containerPort": 1, "protocol": "TCP"}, {"name": "p", "containerPort": 1, "protocol": "TCP", "hostPort": 2}]}],
        }});
        let mut out = Vec::new();
        of_pod(&pod, &mut out);
        let starts: Vec<&str> = out.iter().map(|text| text.split_once(": ").expect("a path").0).collect();
        assert_eq!(
            starts,
            [
                "metadata.name",
                "spec.nodeSelector[beta.kubernetes.io/os]",
                "spec.imagePullSecrets[1].name",
                "spec.imagePullSecrets[2].name",
                "spec.containers[0].resources.limits[memory]",
                "spec.containers[0].env[2]",
                "spec.containers[0].ports[1]",
                "spec.containers[0].ports[1]",
                "spec.terminationGracePeriodSeconds",
            ]
        );
        assert!(out[6].ends_with("overlapping port definition with spec.containers[0].ports[0]"), "{}", out[6]);
    }
}
