//! What may become of a pod that is there: little, and each subresource has its own part.

use apimachinery::schema::internal;
use apimachinery::tree::{Map, Text, Value};
use apimachinery::validation::place::{Findings, Place};

use super::placement::scheduling_tolerations;
use super::resources::RESTART_ALWAYS;
use super::{annotations, metadata_and_spec};
use crate::strategies::pods::quality;
use crate::tree::{existing, is_empty, items_mut, remove};

const SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const UPDATABLE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// All findings about a change of the pod itself, but those about its metadata.
pub(in super::super) fn update(object: &Value, old: &Value, findings: &mut Findings) {
    metadata_and_spec(object, findings);
    let (root, before) = (Place::root(object), Place::root(old));
    annotations::change(&root, &before, findings);
    let (spec, old_spec) = (root.at("spec"), before.at("spec"));
    for list in ["containers", "initContainers"] {
        let containers = spec.at(list);
        if containers.count() != old_spec.at(list).count() {
            return containers.forbidden("pod updates may not add or remove containers", findings);
        }
        for container in containers.items() {
            let image = container.at("image");
            image.must_be_given(findings);
            if image.text().trim() != image.text() {
                image.invalid("must not have leading or trailing whitespace", findings);
            }
        }
    }
    if !deadline(&spec, &old_spec, findings) {
        return;
    }
    added_tolerations(&spec, &old_spec, findings);
    deleted_gates(&spec, &old_spec, findings);
    if spec.value() == old_spec.value() {
        return;
    }
    let mut munged = with_what_may_change(spec.value(), old_spec.value());
    if !old_spec.at("schedulingGates").is_empty() {
        while_gated(&spec, &mut munged, old_spec.value(), findings);
    }
    if !same(&munged, old_spec.value()) {
        let difference = internal::diff(SPEC, old_spec.value(), &munged);
        spec.forbidden(format!("{UPDATABLE}\n{difference}"), findings);
    }
}

/// Whether the rest is to be looked at.
fn deadline(spec: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) -> bool {
    let (new, old) = (spec.at("activeDeadlineSeconds"), old.at("activeDeadlineSeconds"));
    match (new.number(), old.number()) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            new.between(0, i64::from(i32::MAX), findings);
            false
        }
        (Some(seconds), Some(before)) if before < seconds => {
            new.invalid("must be less than or equal to previous value", findings);
            false
        }
        (None, Some(_)) => {
            new.invalid_as(&Value::Null, "must not update from a positive integer to nil value", findings);
            true
        }
        _ => true,
    }
}

fn added_tolerations(spec: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) {
    let tolerations = spec.at("tolerations");
    let timeless = |toleration: &Value| {
        let mut toleration = toleration.clone();
        remove(&mut toleration, "tolerationSeconds");
        toleration
    };
    let new: Vec<Value> = tolerations.items().map(|toleration| timeless(toleration.value())).collect();
    if old.at("tolerations").items().any(|toleration| !new.contains(&timeless(toleration.value()))) {
        return tolerations.forbidden("existing toleration can not be modified except its tolerationSeconds", findings);
    }
    scheduling_tolerations(&tolerations, findings);
}

fn deleted_gates(spec: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) {
    let before = old.at("schedulingGates");
    for gate in spec.at("schedulingGates").items() {
        let name = gate.at("name");
        if !before.items().any(|other| other.at("name").text() == name.text()) {
            let why = format!("only deletion is allowed, but found new scheduling gate '{}'", name.text());
            name.forbidden(why, findings);
        }
    }
}

/// The new spec with the old one's values wherever a change is allowed.
fn with_what_may_change(new: &Value, old: &Value) -> Value {
    let mut spec = new.clone();
    for list in ["containers", "initContainers"] {
        for (index, container) in items_mut(&mut spec, list).enumerate() {
            put(container, "image", &old[list][index]["image"]);
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        put(&mut spec, field, &old[field]);
    }
    if old["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0)
        && spec["terminationGracePeriodSeconds"] == 1
    {
        put(&mut spec, "terminationGracePeriodSeconds", &old["terminationGracePeriodSeconds"]);
    }
    spec
}

/// Until a pod may be scheduled, its choice of nodes may become narrower.
fn while_gated(spec: &Place<'_, '_>, munged: &mut Value, old: &Value, findings: &mut Findings) {
    let selector = spec.at("nodeSelector");
    if !same(selector.value(), &old["nodeSelector"]) {
        let kept = |(key, value): (&Text, &Value)| selector.value().get(key) == Some(value);
        if !old["nodeSelector"].as_object().into_iter().flatten().all(kept) {
            let shown = internal::sorted(selector.value());
            let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            selector.invalid_as(&shown, why, findings);
        }
        put(munged, "nodeSelector", &old["nodeSelector"]);
    }
    let affinity = spec.at("affinity.nodeAffinity");
    let before = old["affinity"].get("nodeAffinity").cloned().unwrap_or_default();
    if same(affinity.value(), &before) {
        return;
    }
    narrower(&affinity, &before, findings);
    let others = ["podAffinity", "podAntiAffinity"].iter().any(|kind| munged["affinity"].get(kind).is_some());
    if before.is_null() && old.get("affinity").is_none() && !others {
        remove(munged, "affinity");
    } else {
        put(crate::tree::child(munged, "affinity"), "nodeAffinity", &before);
    }
}

fn narrower(affinity: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let Some(before) = old.get(REQUIRED) else { return };
    let before = before["nodeSelectorTerms"].as_array().map(Vec::as_slice).unwrap_or_default();
    let required = affinity.at(REQUIRED);
    let terms = required.at("nodeSelectorTerms");
    let shown = |value: &Value| internal::show("io.k8s.api.core.v1.NodeSelectorTerm", value);
    if !before.is_empty() && before.len() != terms.count() {
        let all = terms.items().map(|term| shown(term.value())).collect::<Vec<_>>();
        let all = if terms.is_given() { all.into() } else { Value::Null };
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return terms.invalid_as(&all, why, findings);
    }
    for (term, before) in terms.items().zip(before) {
        let parts = ["matchExpressions", "matchFields"];
        let list = |value: &Value, part: &str| value[part].as_array().cloned().unwrap_or_default();
        let nothing = parts.iter().all(|part| list(before, part).is_empty());
        let something = parts.iter().any(|part| !list(term.value(), part).is_empty());
        let starts = parts.iter().all(|part| list(term.value(), part).starts_with(&list(before, part)));
        if (nothing && something) || !starts {
            let why = "only additions are allowed (no mutations or deletions)";
            term.invalid_as(&shown(term.value()), why, findings);
        }
    }
}

/// Findings about containers that are added to look into a pod.
pub(in super::super) fn ephemeral_containers(object: &Value, old: &Value, findings: &mut Findings) {
    metadata_and_spec(object, findings);
    let (root, before) = (Place::root(object), Place::root(old));
    annotations::change(&root, &before, findings);
    if old["metadata"]["annotations"].get(annotations::MIRROR).is_some() {
        findings.clear();
        return Place::root(&Value::Null).forbidden("static pods do not support ephemeral containers", findings);
    }
    let containers = root.at("spec.ephemeralContainers");
    for was in before.at("spec.ephemeralContainers").items() {
        let name = was.at("name").text();
        let shown = apimachinery::validation::quoted(name);
        match containers.items().rfind(|container| container.at("name").text() == name) {
            None => {
                containers.forbidden(format!("existing ephemeral containers {shown} may not be removed\n"), findings);
            }
            Some(container) if !same(container.value(), was.value()) => {
                let of = "io.k8s.api.core.v1.EphemeralContainer";
                let difference = internal::diff(of, was.value(), container.value());
                let why = format!("existing ephemeral containers {shown} may not be changed\n{difference}");
                containers.forbidden(why, findings);
            }
            Some(_) => {}
        }
    }
}

/// Findings about new amounts of processors and memory.
pub(in super::super) fn resize(object: &Value, old: &Value, findings: &mut Findings) {
    metadata_and_spec(object, findings);
    let (root, before) = (Place::root(object), Place::root(old));
    let refused = if old["metadata"]["annotations"].get(annotations::MIRROR).is_some() {
        Some("static pods cannot be resized")
    } else if old["spec"]["os"]["name"] == "windows" {
        Some("windows pods cannot be resized")
    } else {
        None
    };
    if let Some(why) = refused {
        findings.clear();
        return Place::root(&Value::Null).forbidden(why, findings);
    }
    let (spec, old_spec) = (root.at("spec"), before.at("spec"));
    let class = match old["status"]["qosClass"].as_str() {
        Some(class) if !class.is_empty() => class,
        _ => quality::of(old_spec.value()),
    };
    if class != quality::of(spec.value()) {
        let shown = &object["status"]["qosClass"];
        spec.invalid_as(shown, "Pod QOS Class may not change as a result of resizing", findings);
    }
    let running = before.at("status.containerStatuses");
    let running = running.items().find(|status| status.at("state.running").is_given());
    if running.is_some_and(|status| !status.at("resources").is_given()) {
        spec.forbidden("Pod running on node without support for resize", findings);
    }
    let mut munged = spec.value().clone();
    of_whole_pod(&spec, &old_spec, &mut munged, findings);
    if !same_order(&spec, &old_spec, findings) {
        return;
    }
    for list in ["initContainers", "containers"] {
        let (containers, before) = (spec.at(list), old_spec.at(list));
        for (container, was) in containers.items().zip(before.items()) {
            removed(
                &container.at("resources"),
                was.at("resources").value(),
                ["resource requests cannot be removed", "resource limits cannot be removed"],
                findings,
            );
        }
    }
    only_amounts(&spec, &old_spec, &mut munged, findings);
    if findings.is_empty() && !same(&munged, old_spec.value()) {
        spec.forbidden("only cpu and memory resources are mutable", findings);
    }
}

fn of_whole_pod(spec: &Place<'_, '_>, old: &Place<'_, '_>, munged: &mut Value, findings: &mut Findings) {
    let (resources, before) = (spec.at("resources"), old.at("resources"));
    if !resources.is_given() && !before.is_given() {
        return;
    }
    if before.is_given() && !resources.is_given() {
        return resources.forbidden("pod-level resources cannot be removed", findings);
    }
    let words = ["pod-level resource requests cannot be removed", "pod-level resource limits cannot be removed"];
    removed(&resources, before.value(), words, findings);
    if let Some(own) = existing(munged, "resources") {
        keep_amounts(own, before.value());
    }
    if !before.is_given() && munged["resources"].as_object().is_some_and(Map::is_empty) {
        remove(munged, "resources");
    }
    if !same(&munged["resources"], before.value()) {
        spec.forbidden("only cpu and memory resources are mutable at pod-level", findings);
    }
}

fn removed(resources: &Place<'_, '_>, old: &Value, words: [&str; 2], findings: &mut Findings) {
    for (list, why) in ["requests", "limits"].into_iter().zip(words) {
        let mut names = old[list].as_object().into_iter().flat_map(Map::keys);
        let amounts = resources.at(list);
        if names.any(|name| amounts.value().get(name).is_none()) {
            amounts.forbidden(why, findings);
        }
    }
}

fn same_order(spec: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) -> bool {
    let before = findings.len();
    for list in ["containers", "initContainers"] {
        let (containers, was) = (spec.at(list), old.at(list));
        if containers.count() != was.count() {
            containers.forbidden(format!("{list} may not be added or removed on resize"), findings);
            continue;
        }
        for (container, was) in containers.items().zip(was.items()) {
            if container.at("name").text() != was.at("name").text() {
                container.at("name").forbidden(format!("{list} may not be renamed or reordered on resize"), findings);
            }
        }
    }
    findings.len() == before
}

fn only_amounts(spec: &Place<'_, '_>, old: &Place<'_, '_>, munged: &mut Value, findings: &mut Findings) {
    let before = |list: &str, index: usize| old.at(list).item(index).value().clone();
    for (index, container) in items_mut(munged, "containers").enumerate() {
        let was = before("containers", index);
        keep_amounts(crate::tree::child(container, "resources"), &was["resources"]);
        if !same(container, &was) {
            spec.forbidden("only cpu and memory resources are mutable", findings);
        }
    }
    let init = spec.at("initContainers");
    for (index, container) in items_mut(munged, "initContainers").enumerate() {
        let was = before("initContainers", index);
        let modified = !same(container, &was);
        keep_amounts(crate::tree::child(container, "resources"), &was["resources"]);
        if !same(container, &was) {
            let why = "only cpu and memory resources for init or sidecar containers are mutable";
            init.item(index).forbidden(why, findings);
        }
        if modified && container["restartPolicy"] != RESTART_ALWAYS {
            let restarting = container["resizePolicy"].as_array().into_iter().flatten();
            for _ in restarting.filter(|policy| policy["restartPolicy"] == "RestartContainer") {
                let why = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
                init.item(index).forbidden(why, findings);
            }
        }
    }
}

/// Puts back the amounts that may change.
fn keep_amounts(resources: &mut Value, old: &Value) {
    for list in ["limits", "requests"] {
        for name in ["cpu", "memory"] {
            if !old[list][name].is_null() {
                crate::tree::child(resources, list)[name] = old[list][name].clone();
            } else if let Some(amounts) = existing(resources, list) {
                remove(amounts, name);
            }
        }
        if is_empty(&resources[list]) {
            remove(resources, list);
        }
    }
}

fn put(object: &mut Value, key: &str, value: &Value) {
    match value {
        Value::Null => drop(remove(object, key)),
        value => object[key] = value.clone(),
    }
}

/// Whether two parts say the same: what is empty says nothing.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let given = |map: &Map| map.values().filter(|value| !is_empty(value)).count();
            given(left) == given(right)
                && left
                    .iter()
                    .all(|(key, value)| is_empty(value) || right.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        _ => one == other || (is_empty(one) && is_empty(other)),
    }
}
