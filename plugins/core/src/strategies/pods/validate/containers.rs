//! The three lists of containers, and what is asked of each one in them.

use std::collections::BTreeSet;

use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::{Scope, environment, handlers, mounts, network, resources, restarts, security};

const MESSAGE_POLICIES: [&str; 2] = ["File", "FallbackToLogsOnError"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const SIDECARS_ONLY: &str = "may not be set for init containers without restartPolicy=Always";
const NOT_EPHEMERAL: &str = "cannot be set for an Ephemeral Container";

pub(super) fn all<'v>(spec: &Place<'_, 'v>, scope: &Scope<'v>, findings: &mut Findings) {
    let (containers, init, ephemeral) =
        (spec.at("containers"), spec.at("initContainers"), spec.at("ephemeralContainers"));
    let mut names = BTreeSet::new();
    if containers.is_empty() {
        containers.required("", findings);
    }
    for container in containers.items() {
        common(&container, scope, findings);
        unique(&container, &mut names, findings);
        handlers::lifecycle(&container, scope, findings);
        handlers::probes(&container, scope, findings);
        restarts::of_container(&container, findings);
    }
    network::unique_host_ports(containers.items(), findings);
    for container in init.items() {
        common(&container, scope, findings);
        restarts::of_init_container(&container, findings);
        if !container.at("name").is_empty() {
            unique(&container, &mut names, findings);
        }
        // Upstream looks at each one by itself, as if it were the first.
        network::unique_host_ports(std::iter::once(init.item(0).with(container.value())), findings);
        if container.at("restartPolicy").text() == "Always" {
            handlers::lifecycle(&container, scope, findings);
            handlers::probes(&container, scope, findings);
        } else {
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.at(field).is_given() {
                    container.at(field).forbidden(SIDECARS_ONLY, findings);
                }
            }
            for policy in container.at("resizePolicy").items() {
                if policy.at("restartPolicy").text() == "RestartContainer" {
                    let why = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                    policy.at("restartPolicy").invalid(why, findings);
                }
            }
        }
    }
    let others = names.clone();
    for container in ephemeral.items() {
        common(&container, scope, findings);
        only_for_pods(&container, findings);
        unique(&container, &mut names, findings);
        let target = container.at("targetContainerName");
        if !target.is_empty() && !others.contains(target.text()) {
            target.not_found("", findings);
        }
        ephemeral_fields(&container, findings);
    }
}

fn unique<'v>(container: &Place<'_, 'v>, names: &mut BTreeSet<&'v str>, findings: &mut Findings) {
    let name = container.at("name");
    if !names.insert(name.text()) {
        name.with(if name.is_given() { name.value() } else { &super::EMPTY }).duplicate(findings);
    }
}

fn common(container: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    container.at("name").required_shaped(names::dns1123_label, findings);
    container.at("image").must_be_given(findings);
    container.at("terminationMessagePolicy").one_of(&MESSAGE_POLICIES, findings);
    network::ports(&container.at("ports"), findings);
    environment::variables(&container.at("env"), findings);
    environment::sources(&container.at("envFrom"), findings);
    mounts::mounts(container, scope, findings);
    mounts::devices(container, scope, findings);
    container.at("imagePullPolicy").one_of(&PULL_POLICIES, findings);
    resources::of_container(&container.at("resources"), &scope.resource_claims, findings);
    restarts::resizing(&container.at("resizePolicy"), scope.restart_policy, findings);
    security::of_container(&container.at("securityContext"), scope.host_users, findings);
}

/// What templates were never checked for, and so may not be now.
pub(super) fn only_for_pods(container: &Place<'_, '_>, findings: &mut Findings) {
    let image = container.at("image");
    if image.text().trim() != image.text() {
        image.invalid("must not have leading or trailing whitespace", findings);
    }
}

/// Ephemeral containers have the fields of others, and may not use all of them.
fn ephemeral_fields(container: &Place<'_, '_>, findings: &mut Findings) {
    for field in [
        "ports",
        "resources",
        "resizePolicy",
        "restartPolicy",
        "restartPolicyRules",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle",
    ] {
        let of_struct = field == "resources";
        let field = container.at(field);
        // Resources are always there, and so are given if something in them is.
        if field.is_given() && !(of_struct && field.is_empty()) {
            field.forbidden(NOT_EPHEMERAL, findings);
        }
    }
    for mount in container.at("volumeMounts").items() {
        for field in ["subPath", "subPathExpr"] {
            if !mount.at(field).is_empty() {
                mount.at(field).forbidden(NOT_EPHEMERAL, findings);
            }
        }
    }
}
