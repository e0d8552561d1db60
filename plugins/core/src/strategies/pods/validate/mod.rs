//! Whether a pod's spec, or a template's, can be run: every finding, in upstream's order and
//! words.
//!
//! - `volumes`, `projections`, `claims`: where a pod's data is.
//! - `containers`, `environment`, `mounts`, `handlers`, `restarts`: what runs in it.
//! - `resources`: what it may use.
//! - `security`, `windows`: as whom it runs.
//! - `placement`: where it runs.
//! - `annotations`: what annotations say of the same.
//! - `change`: what may become of a pod that is there.

mod annotations;
mod change;
mod claims;
mod containers;
mod environment;
mod handlers;
mod mounts;
mod network;
mod placement;
mod projections;
pub(crate) mod resources;
mod restarts;
mod security;
pub(crate) mod volumes;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::tree::{Text, Value};
use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::{metadata, names};

pub(super) use change::{ephemeral_containers, resize, update};
pub(crate) use claims::{access_modes, claim_spec, template_metadata as claim_template_metadata};
pub(crate) use placement::{node_selector, scheduling_tolerations, topology_terms};
pub(crate) use resources::RESTART_ALWAYS;
pub(super) use security::app_armor;

const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

/// What the rules for one part of a spec have to know of the others.
struct Scope<'v> {
    /// A pod, not the template of one: some rules wait until there is a pod.
    is_pod: bool,
    /// The pod's name, if it is known.
    name: &'v str,
    grace_seconds: Option<i64>,
    restart_policy: &'v str,
    os: &'v Value,
    host_users: bool,
    /// Sources of the volumes that are right, by their names.
    volumes: BTreeMap<&'v str, &'v Value>,
    resource_claims: BTreeSet<&'v str>,
}

/// All findings about a new pod, but those about its metadata.
pub(super) fn pod(object: &Value, findings: &mut Findings) {
    metadata_and_spec(object, findings);
    let root = Place::root(object);
    let spec = root.at("spec");
    if !spec.at("ephemeralContainers").is_empty() {
        spec.at("ephemeralContainers").forbidden("cannot be set on create", findings);
    }
    if !spec.at("nodeName").is_empty() && !spec.at("schedulingGates").is_empty() {
        spec.at("nodeName").forbidden("cannot be set until all schedulingGates have been cleared", findings);
    }
    annotations::match_fields(&root, findings);
}

fn metadata_and_spec(object: &Value, findings: &mut Findings) {
    let root = Place::root(object);
    let spec = root.at("spec");
    annotations::specific(&root.at("metadata.annotations"), &spec, findings);
    self::spec(&spec, Some(&object["metadata"]), findings);
    if spec.at("serviceAccountName").is_empty() {
        projections::tokens_without_account(&spec, findings);
    }
    for list in ["containers", "initContainers"] {
        spec.at(list).items().for_each(|container| containers::only_for_pods(&container, findings));
    }
}

/// A template. Upstream tells its labels and annotations without `metadata`.
pub(crate) fn template(template: &Place<'_, '_>, findings: &mut Findings) {
    template_metadata(template, findings);
    spec(&template.at("spec"), None, findings);
    annotations::match_fields(template, findings);
    let ephemeral = template.at("spec.ephemeralContainers");
    if !ephemeral.is_empty() {
        ephemeral.forbidden("ephemeral containers not allowed in pod template", findings);
    }
}

pub(crate) fn template_metadata(template: &Place<'_, '_>, findings: &mut Findings) {
    template.at("labels").with(template.at("metadata.labels").value()).labels(findings);
    let annotations = template.at("annotations");
    let annotations = annotations.with(template.at("metadata.annotations").value());
    metadata::annotations(annotations.value(), &annotations.path(), findings);
    annotations::specific(&annotations, &template.at("spec"), findings);
}

/// All findings about a spec; `metadata` is the pod's.
fn spec(spec: &Place<'_, '_>, metadata: Option<&Value>, findings: &mut Findings) {
    if !spec.at("terminationGracePeriodSeconds").is_given() {
        spec.at("terminationGracePeriodSeconds").required("", findings);
    }
    let mut scope = Scope {
        is_pod: metadata.is_some(),
        name: metadata.and_then(|metadata| metadata["name"].as_str()).unwrap_or_default(),
        grace_seconds: spec.at("terminationGracePeriodSeconds").number(),
        restart_policy: spec.at("restartPolicy").text(),
        os: spec.at("os").value(),
        host_users: spec.at("hostUsers").value() != false,
        volumes: BTreeMap::new(),
        resource_claims: spec.at("resourceClaims").items().map(|claim| claim.at("name").text()).collect(),
    };
    scope.resource_claims.remove("");
    scope.volumes = volumes::all(&spec.at("volumes"), scope.name, scope.is_pod, findings);
    claims::resource_claims(&spec.at("resourceClaims"), metadata, findings);
    containers::all(spec, &scope, findings);
    resources::of_pod(spec, &scope, findings);
    network::host_ports(spec, scope.is_pod, findings);
    spec.at("restartPolicy").one_of(&RESTART_POLICIES, findings);
    spec.at("dnsPolicy").one_of(&DNS_POLICIES, findings);
    spec.at("nodeSelector").labels(findings);
    security::of_pod(spec, findings);
    placement::affinity(&spec.at("affinity"), findings);
    network::dns_config(spec, findings);
    gates(spec, findings);
    placement::spread(&spec.at("topologySpreadConstraints"), findings);
    windows::host_process(spec, findings);
    security::own_users(spec, findings);
    network::hostname_override(spec, findings);
    spec.at("serviceAccountName").optional_shaped(names::dns1123_subdomain, findings);
    spec.at("nodeName").optional_shaped(names::dns1123_subdomain, findings);
    spec.at("activeDeadlineSeconds").between(1, i64::from(i32::MAX), findings);
    spec.at("hostname").optional_shaped(names::dns1123_label, findings);
    spec.at("subdomain").optional_shaped(names::dns1123_label, findings);
    placement::tolerations(&spec.at("tolerations"), findings);
    network::host_aliases(&spec.at("hostAliases"), findings);
    spec.at("priorityClassName").optional_shaped(names::dns1123_subdomain, findings);
    if spec.at("runtimeClassName").is_given() {
        spec.at("runtimeClassName").shaped(names::dns1123_subdomain, findings);
    }
    if spec.at("preemptionPolicy").is_given() {
        spec.at("preemptionPolicy").one_of(&["PreemptLowerPriority", "Never"], findings);
    }
    resources::overhead(&spec.at("overhead"), findings);
    windows::operating_system(spec, findings);
    if spec.at("schedulingGroup").is_given() {
        let name = spec.at("schedulingGroup.podGroupName");
        match name.is_given() {
            true => drop(name.shaped(names::dns1123_subdomain, findings)),
            false => name.invalid_as(&Value::Null, "must specify one of: `podGroupName`", findings),
        }
    }
    environment::file_volumes(spec, findings);
}

fn gates(spec: &Place<'_, '_>, findings: &mut Findings) {
    for gate in spec.at("readinessGates").items() {
        gate.at("conditionType").shaped(names::qualified_name, findings);
    }
    let mut seen = BTreeSet::new();
    for gate in spec.at("schedulingGates").items() {
        let name = gate.at("name");
        let named = gate.with(if name.is_given() { name.value() } else { &EMPTY });
        named.shaped(names::qualified_name, findings);
        if !seen.insert(name.text()) {
            named.duplicate(findings);
        }
    }
}

static EMPTY: Value = Value::String(Text::new_static(""));

/// Each container of a spec, in upstream's order of visits.
fn visit<'v>(spec: &Place<'_, 'v>, mut each: impl FnMut(&Place<'_, 'v>)) {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        spec.at(list).items().for_each(|container| each(&container));
    }
}

#[cfg(test)]
mod tests;
