//! What containers and pods may use, and what they ask for.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::codec::quantity::Quantity;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::Scope;

pub(crate) const RESTART_ALWAYS: &str = "Always";

const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];
/// Counted, so never in parts.
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

pub(crate) fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Kubernetes' own resources, which have no domain before their name or its own.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// What a device plugin offers.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::qualified_name(&format!("requests.{name}")).is_empty()
}

pub(crate) fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-")
}

fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// The amount in billionths; nothing counts as none.
pub(crate) fn amount(value: &Value) -> i128 {
    value.as_str().and_then(|text| Quantity::parse(text).ok()).map_or(0, |quantity| quantity.nanos())
}

/// Any resource's name. `at` shows in messages as the value that the name is.
pub(crate) fn name(name: &str, place: &Place<'_, '_>, findings: &mut Findings) -> bool {
    let value = Value::from(name);
    let place = place.with(&value);
    if !place.shaped(names::qualified_name, findings) {
        return false;
    }
    let good = name.contains('/') || is_standard(name);
    if !good {
        place.invalid("must be a standard resource type or fully qualified", findings);
    }
    good
}

pub(crate) fn container_name(name: &str, place: &Place<'_, '_>, findings: &mut Findings) {
    self::name(name, place, findings);
    let value = Value::from(name);
    let place = place.with(&value);
    if !name.contains('/') {
        if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !is_huge_page(name) {
            place.invalid("must be a standard resource for containers", findings);
        }
    } else if !is_native(name) && !is_extended(name) {
        place.invalid("doesn't follow extended resource name standard", findings);
    }
}

fn pod_name(name: &str, place: &Place<'_, '_>, findings: &mut Findings) {
    if self::name(name, place, findings) && !matches!(name, "cpu" | "memory") && !is_huge_page(name) {
        place.with(&name.into()).unsupported(&["cpu", "hugepages-", "memory"], findings);
    }
}

/// An amount may not be negative, nor a part of what is counted.
pub(crate) fn quantity(name: &str, place: &Place<'_, '_>, findings: &mut Findings) {
    let parsed = Quantity::parse(place.text()).ok();
    if amount(place.value()) < 0 {
        place.invalid("must be greater than or equal to 0", findings);
    }
    if (COUNTED.contains(&name) || is_extended(name)) && parsed.is_some_and(|parsed| !parsed.is_whole()) {
        place.invalid("must be an integer", findings);
    }
}

pub(crate) fn of_container(resources: &Place<'_, '_>, claims: &BTreeSet<&str>, findings: &mut Findings) {
    requirements(resources, container_name, claims, findings);
}

/// A container's resources in a list of limits alone.
pub(super) fn overhead(overhead: &Place<'_, '_>, findings: &mut Findings) {
    if overhead.is_given() {
        let limits = apimachinery::tree::json!({"limits": overhead.value()});
        requirements(&overhead.with(&limits), container_name, &BTreeSet::new(), findings);
    }
}

fn requirements(
    resources: &Place<'_, '_>,
    name_rules: fn(&str, &Place<'_, '_>, &mut Findings),
    claims: &BTreeSet<&str>,
    findings: &mut Findings,
) {
    let (limits, requests) = (resources.at("limits"), resources.at("requests"));
    let (mut huge, mut plain) = (false, false);
    for (name, limit) in limits.entries() {
        name_rules(name, &limit, findings);
        quantity(name, &limit, findings);
        huge |= huge_pages(name, &limit, findings);
        plain |= matches!(name, "cpu" | "memory");
    }
    for (name, request) in requests.entries() {
        name_rules(name, &request, findings);
        quantity(name, &request, findings);
        let limit = limits.entry(name);
        if limit.is_given() {
            let (asked, allowed) = (amount(request.value()), amount(limit.value()));
            if asked != allowed && !may_overcommit(name) {
                let why = format!("must be equal to {name} limit of {}", limit.text());
                requests.invalid_as(request.value(), why, findings);
            } else if asked > allowed {
                let why = format!("must be less than or equal to {name} limit of {}", limit.text());
                requests.invalid_as(request.value(), why, findings);
            }
        } else if !may_overcommit(name) {
            limits.required("Limit must be set for non overcommitable resources", findings);
        }
        huge |= huge_pages(name, &request, findings);
        plain |= matches!(name, "cpu" | "memory");
    }
    if huge && !plain {
        resources.forbidden("HugePages require cpu or memory", findings);
    }
    claim_names(&resources.at("claims"), claims, findings);
}

/// Whether the resource is huge pages, which come whole.
fn huge_pages(name: &str, place: &Place<'_, '_>, findings: &mut Findings) -> bool {
    let Some(size) = name.strip_prefix("hugepages-") else { return false };
    let size = amount(&size.into());
    if size <= 0 || amount(place.value()) % size != 0 {
        place.invalid(format!("{} is not positive integer multiple of {name}", place.text()), findings);
    }
    true
}

fn claim_names(claims: &Place<'_, '_>, of_pod: &BTreeSet<&str>, findings: &mut Findings) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for claim in claims.items() {
        let (name, request) = (claim.at("name").text(), claim.at("request"));
        let shown = Value::from(name);
        let place = claim.with(&shown);
        if name.is_empty() {
            claim.required("", findings);
            continue;
        }
        if seen.contains(name) {
            place.duplicate(findings);
        } else {
            let mut key = name.to_string();
            if !request.is_empty() {
                request.shaped(names::dns1123_label, findings);
                key = format!("{name}/{}", request.text());
            }
            if seen.contains(&key) {
                claim.duplicate_as(&key.as_str().into(), findings);
            } else if request.is_empty() {
                let parts = seen.iter().filter(|key| key.split_once('/').is_some_and(|(of, _)| of == name));
                parts.for_each(|_| place.duplicate(findings));
            }
            seen.insert(key);
        }
        if !of_pod.contains(name) {
            let listed: Vec<&str> = of_pod.iter().copied().collect();
            let listed =
                if listed.is_empty() { " which is empty".to_string() } else { format!(": {}", listed.join(", ")) };
            place.not_found(format!("must be one of the names in pod.spec.resourceClaims{listed}"), findings);
        }
    }
}

/// Resources of the pod as a whole.
pub(super) fn of_pod(spec: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    let resources = spec.at("resources");
    if !resources.is_given() {
        return;
    }
    if scope.os["name"] == "windows" {
        return resources.forbidden("may not be set for a windows pod", findings);
    }
    if resources.at("claims").is_given() {
        resources.at("claims").forbidden("claims may not be set for Resources at pod-level", findings);
    }
    requirements(&resources, pod_name, &scope.resource_claims, findings);
    let (requests, limits) = (resources.at("requests"), resources.at("limits"));
    for (name, sum) in total(spec, "requests") {
        let own = requests.entry(&name);
        if own.is_given() && sum.0 > amount(own.value()) {
            let why = format!("must be greater than or equal to aggregate container requests of {}", sum.1);
            own.invalid(why, findings);
        }
    }
    for (name, sum) in total(spec, "limits").into_iter().filter(|(name, _)| is_huge_page(name)) {
        let own = limits.entry(&name);
        if own.is_given() && sum.0 > amount(own.value()) {
            let why = format!("must be greater than or equal to aggregate container limits of {}", sum.1);
            own.invalid(why, findings);
        }
    }
    let containers = resources.at("containers");
    for (index, container) in spec.at("containers").items().enumerate() {
        for (name, limit) in container.at("resources.limits").entries() {
            let own = limits.entry(name);
            if own.is_given() && amount(limit.value()) > amount(own.value()) {
                // Where upstream has them.
                let (place, why) =
                    (containers.item(index), format!("must be less than or equal to pod limits of {}", own.text()));
                place.entry(name).at("limits").with(limit.value()).invalid(why, findings);
            }
        }
    }
}

/// What all containers take at the same time: those that go on, or the largest of those that
/// come before.
fn total(spec: &Place<'_, '_>, list: &str) -> BTreeMap<String, (i128, String)> {
    type Amounts = BTreeMap<String, i128>;
    fn add(to: &mut Amounts, from: &Place<'_, '_>) {
        for (name, value) in from.entries() {
            *to.entry(name.to_string()).or_default() += amount(value.value());
        }
    }
    fn raise(to: &mut Amounts, from: &Amounts) {
        for (name, value) in from {
            let own = to.entry(name.clone()).or_default();
            *own = (*own).max(*value);
        }
    }
    let field = format!("resources.{list}");
    let mut sum = Amounts::new();
    spec.at("containers").items().for_each(|container| add(&mut sum, &container.at(&field)));
    let (mut beside, mut before) = (Amounts::new(), Amounts::new());
    for container in spec.at("initContainers").items() {
        let mut own = Amounts::new();
        if container.at("restartPolicy").text() == RESTART_ALWAYS {
            add(&mut sum, &container.at(&field));
            add(&mut beside, &container.at(&field));
            own.clone_from(&beside);
        } else {
            own.clone_from(&beside);
            add(&mut own, &container.at(&field));
        }
        raise(&mut before, &own);
    }
    raise(&mut sum, &before);
    sum.into_iter().map(|(name, nanos)| (name, (nanos, Quantity::of_nanos(nanos).to_string()))).collect()
}
