//! What may be said of a pod that runs, by those who run it.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use crate::tree::{items, items_mut, or_set_text, remove, text};

/// Conditions of the system's own, whose names need no check.
const SYSTEM: [&str; 3] = ["PodScheduled", "Ready", "Initialized"];
const HEALTH: [&str; 3] = ["Healthy", "Unhealthy", "Unknown"];
const HEALTH_MESSAGE_BYTES_MAX: usize = 1024;
const STATUSES: [&str; 3] = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];

/// What is not said again stays, and what belongs to features that are off is not kept.
pub(super) fn prepare(object: &mut Value, old: &Value) {
    let Some(status) = object.get_mut("status").filter(|status| status.is_object()) else { return };
    or_set_text(status, "qosClass", text(&old["status"], "qosClass"));
    keep_observed(status, &old["status"]);
    remove(status, "nodeAllocatableResourceClaimStatuses");
    for list in STATUSES {
        for mount in items_mut(status, list).flat_map(|container| items_mut(container, "volumeMounts")) {
            remove(mount, "volumeStatus");
        }
    }
}

/// A generation that was observed is not unobserved again, of the status nor of its conditions. Several
/// of one type are paired in their order.
fn keep_observed(status: &mut Value, old: &Value) {
    const OBSERVED: &str = "observedGeneration";
    let keep = |new: &mut Value, old: &Value| {
        if new[OBSERVED].as_i64().unwrap_or(0) == 0 && old[OBSERVED].as_i64().unwrap_or(0) != 0 {
            new[OBSERVED] = old[OBSERVED].clone();
        }
    };
    keep(status, old);
    let mut before: Vec<&Value> = items(old, "conditions").collect();
    for condition in items_mut(status, "conditions") {
        let kind = text(condition, "type").to_string();
        if let Some(at) = before.iter().position(|old| text(old, "type") == kind) {
            keep(condition, before.remove(at));
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
    if !text(&old["spec"], "nodeName").is_empty()
        && !nominated.is_empty()
        && nominated.text() != text(before, "nominatedNodeName")
    {
        nominated.forbidden("may not be set on pods that are already bound to a node", findings);
    }
    not_below_zero(&status.at("observedGeneration"), findings);
    let quality = status.at("qosClass");
    if quality.text() != text(before, "qosClass") {
        quality.invalid("field is immutable", findings);
    }
    ended(&status, before, &object.at("spec"), findings);
    claims(&status.at("resourceClaimStatuses"), &object.at("spec.resourceClaims"), findings);
    extended_claim(&status.at("extendedResourceClaimStatus"), &object.at("spec"), findings);
    addresses(&status.at("podIPs"), before, "podIPs", findings);
    let hosts = status.at("hostIPs");
    if let Some(first) = hosts.items().next() {
        let ip = first.at("ip");
        if ip.text() != status.at("hostIP").text() {
            ip.invalid("must be equal to `hostIP`", findings);
        }
    }
    addresses(&hosts, before, "hostIPs", findings);
    for list in STATUSES {
        for container in status.at(list).items() {
            user(&container.at("user.linux"), object.at("spec.os.name").text(), findings);
        }
    }
    for (list, containers) in [("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")] {
        for container in status.at(list).items() {
            let name = container.at("name").text();
            let own = items(object.at("spec").value(), containers).find(|own| text(own, "name") == name);
            allocated(&container.at("allocatedResourcesStatus"), own, findings);
        }
    }
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

/// As whom a container runs.
fn user(user: &Place<'_, '_>, os: &str, findings: &mut Findings) {
    const WHY: &str = "must be between 0 and 2147483647, inclusive";
    if !user.is_given() {
        return;
    }
    match os {
        "windows" => return user.forbidden("cannot be set for a windows pod", findings),
        "" | "linux" => {}
        _ => return,
    }
    let (id, group, groups) = (user.at("uid"), user.at("gid"), user.at("supplementalGroups"));
    for number in [id, group].into_iter().chain(groups.items()) {
        if !(0..=i64::from(i32::MAX)).contains(&number.number().unwrap_or(0)) {
            number.invalid(WHY, findings);
        }
    }
}

/// How the devices are that a container has.
fn allocated(resources: &Place<'_, '_>, container: Option<&Value>, findings: &mut Findings) {
    for resource in resources.items() {
        let name = resource.at("name");
        if let Some(container) = container {
            let wanted = &container["resources"];
            let of_claim = |claim: &Value| match text(claim, "request") {
                "" => format!("claim:{}", text(claim, "name")),
                request => format!("claim:{}/{request}", text(claim, "name")),
            };
            let (found, why) = match name.text().starts_with("claim:") {
                true => (
                    items(wanted, "claims").any(|claim| of_claim(claim) == name.text()),
                    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or \
                     'claim:<claimName>' if request is empty",
                ),
                false => (
                    wanted["requests"].get(name.text()).is_some(),
                    "must match one of the container's resource requests",
                ),
            };
            if !found {
                name.invalid(why, findings);
            }
        }
        let mut seen = BTreeSet::new();
        for device in resource.at("resources").items() {
            let (health, message) = (device.at("health"), device.at("message"));
            if !HEALTH.contains(&health.text()) {
                health.unsupported(&HEALTH, findings);
            }
            if message.is_given() && message.is_empty() {
                message.required("must be non-empty if specified", findings);
            } else if message.text().len() > HEALTH_MESSAGE_BYTES_MAX {
                message.too_long(HEALTH_MESSAGE_BYTES_MAX, findings);
            }
            let id = device.at("resourceID");
            if !seen.insert(id.text()) {
                id.duplicate(findings);
            }
        }
    }
}

/// What has ended stays so, unless it is started again.
fn ended(status: &Place<'_, '_>, before: &Value, spec: &Place<'_, '_>, findings: &mut Findings) {
    let pods = spec.at("restartPolicy").text();
    let any_restarts_all = ["containers", "initContainers"].iter().any(|list| {
        let rules = items(spec.value(), list).flat_map(|container| items(container, "restartPolicyRules"));
        rules.into_iter().any(|rule| rule["action"] == "RestartAllContainers")
    });
    for (list, containers) in STATUSES.into_iter().zip(["containers", "initContainers", ""]) {
        let (list, was) = (status.at(list), &before[list]);
        if any_restarts_all && !containers.is_empty() {
            continue;
        }
        for (index, old) in was.as_array().into_iter().flatten().enumerate() {
            let Some(code) = old["state"].get("terminated").map(|end| end["exitCode"].as_i64().unwrap_or(0)) else {
                continue;
            };
            let same = |one: &Place<'_, '_>| one.at("name").text() == text(old, "name");
            let is_back = list.items().any(|one| same(&one) && !one.at("state.terminated").is_given());
            let container = items(spec.value(), containers).find(|one| one["name"] == old["name"]);
            if is_back && !container.is_some_and(|container| restarts(container, pods, code)) {
                list.item(index).at("state").forbidden("may not be transitioned to non-terminated state", findings);
            }
        }
    }
}

/// Whether a container is started again after it ended so.
fn restarts(container: &Value, pods_policy: &str, code: i64) -> bool {
    let by_policy = |policy: &str| match policy {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    };
    let own = text(container, "restartPolicy");
    let matches = |rule: &&Value| {
        let codes = &rule["exitCodes"];
        let listed = items(codes, "values").any(|value| *value == code);
        codes.is_object() && if codes["operator"] == "In" { listed } else { codes["operator"] == "NotIn" && !listed }
    };
    match items(container, "restartPolicyRules").find(matches).filter(|_| !own.is_empty()) {
        Some(rule) if matches!(text(rule, "action"), "Restart" | "RestartAllContainers") => true,
        _ => by_policy(if own.is_empty() { pods_policy } else { own }),
    }
}

/// The claim that was made for what containers want of others' resources.
fn extended_claim(status: &Place<'_, '_>, spec: &Place<'_, '_>, findings: &mut Findings) {
    const PARTS: [&str; 3] = ["containerName", "resourceName", "requestName"];
    if !status.is_given() {
        return;
    }
    let mappings = status.at("requestMappings");
    if mappings.is_empty() {
        mappings.required("at least one request mapping is required", findings);
    }
    let mut seen = BTreeSet::new();
    for mapping in mappings.items() {
        let [container, resource, request] = PARTS.map(|part| mapping.at(part).text());
        let all = ["containers", "initContainers"].into_iter().flat_map(|list| items(spec.value(), list));
        match all.into_iter().find(|one| text(one, "name") == container) {
            None => mapping.at("containerName").invalid(
                "must match the name of an entry in spec.initContainers.name or spec.containers.name",
                findings,
            ),
            Some(one) if one["resources"]["requests"].get(resource).is_none() => mapping.at("resourceName").invalid(
                "must match the extended resource name of an entry in spec.initContainers.resources.requests or \
                 spec.containers.resources.requests",
                findings,
            ),
            Some(_) => {}
        }
        status.at("requestName").with(mapping.at("requestName").value()).shaped(names::dns1123_label, findings);
        if !seen.insert((container, resource, request)) {
            PARTS.iter().for_each(|part| mapping.at(part).duplicate(findings));
        }
    }
    status.at("resourceClaimName").required_shaped(names::dns1123_subdomain, findings);
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
    if list.count() < 2 {
        return;
    }
    let wrong = list.items().enumerate().find(|(_, one)| Address::parse(one.at("ip").text()).is_none());
    if let Some((index, one)) = &wrong {
        let ip = one.at("ip").text();
        let why = format!("failed to check for dual stack with error:invalid IP[{index}]: {ip}");
        findings.push(FieldError::new(FieldErrorKind::Internal, list.path(), "", why));
    }
    let both = wrong.is_none() && families.contains(&true) && families.contains(&false);
    if !both || list.count() > 2 {
        let shown = internal::show("io.k8s.api.core.v1.PodIP", list.value());
        list.invalid_as(&shown, "may specify no more than one IP for each IP family", findings);
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn what_has_ended_stays_so_unless_it_restarts() {
        let rule = |action: &str| json!([{"action": action, "exitCodes": {"operator": "In", "values": [3]}}]);
        for (pods, container, code, restarts) in [
            ("Always", json!({}), 0, true),
            ("Never", json!({}), 1, false),
            ("OnFailure", json!({}), 1, true),
            ("OnFailure", json!({}), 0, false),
            ("Never", json!({"restartPolicy": "Always"}), 0, true),
            ("Never", json!({"restartPolicy": "Never", "restartPolicyRules": rule("Restart")}), 3, true),
            ("Never", json!({"restartPolicy": "Never", "restartPolicyRules": rule("Restart")}), 4, false),
            ("Never", json!({"restartPolicyRules": rule("Restart")}), 3, false),
        ] {
            assert_eq!(super::restarts(&container, pods, code), restarts, "{pods} {container} {code}");
        }
    }

    #[test]
    fn a_claim_for_resources_of_others_names_who_wants_them() {
        let spec = json!({"containers": [{"name": "a", "resources": {"requests": {"a.com/gpu": "1"}}}]});
        let of = |container: &str, resource: &str| json!({"containerName": container, "resourceName": resource, "requestName": "r"});
        for (mappings, count) in [
            (json!([of("a", "a.com/gpu")]), 0),
            (json!([of("b", "a.com/gpu")]), 1),
            (json!([of("a", "a.com/tpu")]), 1),
            (json!([of("a", "a.com/gpu"), of("a", "a.com/gpu")]), 3),
            (json!([]), 1),
        ] {
            let (status, mut findings) = (json!({"requestMappings": mappings, "resourceClaimName": "c"}), Vec::new());
            extended_claim(&Place::named("s", &status), &Place::named("spec", &spec), &mut findings);
            assert_eq!(findings.len(), count, "{mappings}: {findings:?}");
        }
    }
}
