//! What may be said of a pod that runs, by those who run it.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use crate::tree::{items, items_mut, or_set_text, remove, text};

/// Conditions of the system's own, whose names need no check.
const SYSTEM: [&str; 3] = ["PodScheduled", "Ready", "Initialized"];
const STATUSES: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/// What is not said again stays, and what belongs to features that are off is not kept.
pub(super) fn prepare(object: &mut Value, old: &Value) {
    let Some(status) = object.get_mut("status").filter(|status| status.is_object()) else { return };
    or_set_text(status, "qosClass", text(&old["status"], "qosClass"));
    remove(status, "nodeAllocatableResourceClaimStatuses");
    for list in STATUSES {
        for mount in items_mut(status, list).flat_map(|container| items_mut(container, "volumeMounts")) {
            remove(mount, "volumeStatus");
        }
    }
}

pub(super) fn change(object: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let (status, before) = (object.at("status"), &old["status"]);
    for condition in status.at("conditions").items() {
        not_below_zero(&condition.at("observedGeneration"), findings);
        let kind = condition.at("type");
        if !SYSTEM.contains(&kind.text()) {
            condition.at("Type").with(kind.value()).shaped(names::qualified_name, findings);
        }
    }
    let nominated = status.at("nominatedNodeName");
    if !nominated.is_empty() && nominated.text() != text(before, "nominatedNodeName") {
        nominated.shaped(names::dns1123_subdomain, findings);
    }
    not_below_zero(&status.at("observedGeneration"), findings);
    let quality = status.at("qosClass");
    if quality.text() != text(before, "qosClass") {
        quality.invalid("field is immutable", findings);
    }
    claims(&status.at("resourceClaimStatuses"), &object.at("spec.resourceClaims"), findings);
    addresses(&status.at("podIPs"), before, "podIPs", findings);
    let hosts = status.at("hostIPs");
    if let Some(first) = hosts.items().next() {
        let ip = first.at("ip");
        if ip.text() != status.at("hostIP").text() {
            ip.invalid("must be equal to `hostIP`", findings);
        }
    }
    addresses(&hosts, before, "hostIPs", findings);
    for container in status.at("ephemeralContainerStatuses").items() {
        let allocated = container.at("allocatedResourcesStatus");
        if !allocated.is_empty() {
            allocated.forbidden("must not be specified in container status", findings);
        }
    }
}

fn not_below_zero(number: &Place<'_, '_>, findings: &mut Findings) {
    if number.number().is_some_and(|number| number < 0) {
        number.invalid("must be a non-negative integer", findings);
    }
}

fn claims(statuses: &Place<'_, '_>, claims: &Place<'_, '_>, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for status in statuses.items() {
        let (name, made) = (status.at("name"), status.at("resourceClaimName"));
        if !claims.items().any(|claim| claim.at("name").text() == name.text()) {
            name.invalid("must match the name of an entry in `spec.resourceClaims`", findings);
        }
        if !seen.insert(name.text()) {
            name.duplicate(findings);
        }
        if made.is_given() {
            made.shaped(names::dns1123_subdomain, findings);
        }
    }
}

/// At most one address of each family; those that were there may stay as they are.
fn addresses(list: &Place<'_, '_>, before: &Value, field: &str, findings: &mut Findings) {
    let had: Vec<&str> = items(before, field).map(|one| text(one, "ip")).collect();
    for one in list.items() {
        let ip = one.at("ip").text().into();
        one.with(&ip).address(&had, findings);
    }
    let families: Vec<bool> = list
        .items()
        .filter_map(|one| Address::parse(one.at("ip").text()))
        .map(|address| address.ip.is_ipv6())
        .collect();
    if list.count() > 1 && families.len() == list.count() && (list.count() > 2 || families[0] == families[1]) {
        let shown = internal::show("io.k8s.api.core.v1.PodIP", list.value());
        list.invalid_as(&shown, "may specify no more than one IP for each IP family", findings);
    }
}
