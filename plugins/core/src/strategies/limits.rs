//! Limits of a namespace: of each thing in it, and of all together.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::rest::clock;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::pods::validate::resources::{self, amount, is_huge_page, is_native};
use super::rules::{RULES, Rules};
use crate::tree::{child, items_mut, or_set, text};

const QUOTA: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];
const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];
/// Scopes that exclude each other.
const CONFLICTS: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["NotTerminating", "Terminating"]];

pub(super) static LIMIT_RANGES: Rules = Rules {
    default: limit_range_defaults,
    prepare: |object| {
        if text(&object["metadata"], "name").is_empty() {
            child(object, "metadata")["name"] = clock::uid().into();
        }
    },
    validate: |object, findings| limit_range(&object.at("spec.limits"), findings),
    create_on_update: true,
    ..RULES
};

pub(super) static RESOURCE_QUOTAS: Rules = Rules {
    validate: |object, findings| {
        let spec = object.at("spec");
        amounts(&spec.at("hard"), findings);
        scopes(&spec, findings);
        scope_selector(&spec, findings);
    },
    change: |object, old, findings| {
        let scopes = object.at("spec.scopes");
        let set = |value: &Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().map(ToString::to_string).collect()
        };
        if set(scopes.value()) != set(&old["spec"]["scopes"]) {
            scopes.invalid_as(scopes.value(), "field is immutable", findings);
        }
    },
    status: |object, _, findings| {
        amounts(&object.at("status.hard"), findings);
        amounts(&object.at("status.used"), findings);
    },
    returns_deleted: true,
    ..RULES
};

/// A limit is also what is asked for by default, and the other way round, as far as bounds go.
fn limit_range_defaults(object: &mut Value) {
    for limit in items_mut(child(object, "spec"), "limits").filter(|limit| limit["type"] == "Container") {
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let Some(amounts) = limit.get(from).and_then(Value::as_object).cloned() else { continue };
            let target = child(limit, to);
            for (name, amount) in amounts {
                or_set(target, &name, amount);
            }
        }
    }
}

fn limit_range(limits: &Place<'_, '_>, findings: &mut Findings) {
    let mut types = BTreeSet::new();
    for limit in limits.items() {
        let kind = limit.at("type");
        if kind.shaped(names::qualified_name, findings)
            && !kind.text().contains('/')
            && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind.text())
        {
            kind.invalid("must be a standard limit type or fully qualified", findings);
        }
        if !types.insert(kind.text()) {
            kind.duplicate(findings);
        }
        let of_pod = kind.text() == "Pod";
        let mut found: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
        for list in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            let place = limit.at(list);
            if of_pod && matches!(list, "default" | "defaultRequest") {
                if !place.is_empty() {
                    place.forbidden("may not be specified when `type` is 'Pod'", findings);
                }
                continue;
            }
            if list == "maxLimitRequestRatio" && kind.text() == "PersistentVolumeClaim" {
                storage_is_bounded(&limit, findings);
            }
            for (name, amount) in place.entries() {
                match kind.text() {
                    "Pod" | "Container" => resources::container_name(name, &amount, findings),
                    _ => drop(resources::name(name, &amount, findings)),
                }
                found.entry(name).or_default().insert(list, amount.value());
            }
        }
        for (name, amounts) in &found {
            compare(&limit, name, amounts, findings);
        }
    }
}

fn storage_is_bounded(limit: &Place<'_, '_>, findings: &mut Findings) {
    if !limit.at("min.storage").is_given() && !limit.at("max.storage").is_given() {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        limit.at("limits").required(why, findings);
    }
}

/// What is said of one resource must fit together.
fn compare(limit: &Place<'_, '_>, name: &str, amounts: &BTreeMap<&str, &Value>, findings: &mut Findings) {
    let get = |list: &str| amounts.get(list).map(|value| (amount(value), *value));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    // The smaller, the larger, how each is called, whose place it is, and which one shows.
    let pairs = [
        ("min", "min value", "max", "max value", "min", "min"),
        ("min", "min value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "default request value", "max", "max value", "defaultRequest", "defaultRequest"),
        (
            "defaultRequest",
            "default request value",
            "default",
            "default limit value",
            "defaultRequest",
            "defaultRequest",
        ),
        ("min", "min value", "default", "default value", "default", "min"),
        ("default", "default value", "max", "max value", "default", "max"),
    ];
    for (small, small_name, large, large_name, at, shown) in pairs {
        if let (Some(less), Some(more)) = (get(small), get(large))
            && less.0 > more.0
        {
            let why = format!("{small_name} {} is greater than {large_name} {}", text(less.1), text(more.1));
            let place = limit.at(at);
            place.entry(name).invalid_as(amounts[shown], why, findings);
        }
    }
    ratio(limit, name, amounts, findings);
    if let (Some(limited), Some(asked)) = (get("default"), get("defaultRequest"))
        && (!is_native(name) || is_huge_page(name))
        && limited.0 != asked.0
    {
        let why =
            format!("default value {} must equal to defaultRequest value {} in {name}", text(limited.1), text(asked.1));
        let place = limit.at("defaultRequest");
        place.entry(name).invalid_as(asked.1, why, findings);
    }
}

fn ratio(limit: &Place<'_, '_>, name: &str, amounts: &BTreeMap<&str, &Value>, findings: &mut Findings) {
    const ONE: i128 = 1_000_000_000;
    let Some(ratio) = amounts.get("maxLimitRequestRatio") else { return };
    let place = limit.at("maxLimitRequestRatio");
    let place = place.entry(name);
    let shown = ratio.as_str().unwrap_or_default();
    if amount(ratio) < ONE {
        place.invalid_as(ratio, format!("ratio {shown} is less than 1"), findings);
    }
    if let (Some(least), Some(most)) = (amounts.get("min"), amounts.get("max")) {
        // In thousandths if all can be counted so, else in whole numbers.
        const MANY: i128 = i64::MAX as i128 / 1_000;
        let up = |value: &Value, unit: i128| amount(value).saturating_add(unit - 1).div_euclid(unit);
        let few = [ratio, least, most].iter().all(|value| up(value, ONE) < MANY);
        let unit = if few { ONE / 1_000 } else { ONE };
        let bound = up(most, unit) as f64 / up(least, unit) as f64;
        if up(ratio, unit) as f64 * unit as f64 / ONE as f64 > bound {
            place.invalid_as(ratio, format!("ratio {shown} is greater than max/min = {bound:.6}"), findings);
        }
    }
}

fn amounts(amounts: &Place<'_, '_>, findings: &mut Findings) {
    for (name, amount) in amounts.entries() {
        resources::name(name, &amount, findings);
        if !name.contains('/') && !is_quota(name) {
            amount.invalid_as(&name.into(), "must be a standard resource for quota", findings);
        }
        resources::quantity(name, &amount, findings);
    }
}

fn is_quota(name: &str) -> bool {
    QUOTA.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-")
}

/// Whether a scope says something of a resource.
fn applies(scope: &str, resource: &str) -> bool {
    const COMPUTE: [&str; 6] = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ if SCOPES.contains(&scope) => resource == "pods" || COMPUTE.contains(&resource),
        _ => true,
    }
}

fn scopes(spec: &Place<'_, '_>, findings: &mut Findings) {
    let scopes = spec.at("scopes");
    for scope in scopes.items() {
        if !SCOPES.contains(&scope.text()) {
            scopes.invalid("unsupported scope", findings);
        }
        for (name, _) in spec.at("hard").entries() {
            if is_quota(name) && !applies(scope.text(), name) {
                scopes.invalid("unsupported scope applied to resource", findings);
            }
        }
    }
    for pair in CONFLICTS {
        if pair.iter().all(|name| scopes.items().any(|scope| scope.text() == *name)) {
            scopes.invalid("conflicting scopes", findings);
        }
    }
}

fn scope_selector(spec: &Place<'_, '_>, findings: &mut Findings) {
    const EXISTS_ONLY: &str = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
        ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or \
        ResourceQuotaScopeCrossNamespacePodAffinity";
    let expressions = spec.at("scopeSelector.matchExpressions");
    for expression in expressions.items() {
        let (scope, operator, values) =
            (expression.at("scopeName"), expression.at("operator"), expression.at("values"));
        // Upstream tells the list, not the item.
        if !SCOPES.contains(&scope.text()) {
            expressions.at("scopeName").with(scope.value()).invalid("unsupported scope", findings);
        }
        for (name, _) in spec.at("hard").entries() {
            if is_quota(name) && !applies(scope.text(), name) {
                let selector = spec.at("scopeSelector");
                let shown = apimachinery::schema::internal::show("io.k8s.api.core.v1.ScopeSelector", selector.value());
                expressions.invalid_as(&shown, "unsupported scope applied to resource", findings);
            }
        }
        let plain =
            !matches!(scope.text(), "PriorityClass" | "VolumeAttributesClass") && SCOPES.contains(&scope.text());
        let told = expressions.at("operator");
        let told = told.with(operator.value());
        if plain && operator.text() != "Exists" {
            told.invalid(EXISTS_ONLY, findings);
        }
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                expressions.at("values").required(why, findings);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                expressions.at("values").with(values.value()).invalid(why, findings);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => told.invalid("not a valid selector operator", findings),
        }
    }
    for pair in CONFLICTS {
        if pair.iter().all(|name| expressions.items().any(|other| other.at("scopeName").text() == *name)) {
            expressions.with(spec.at("scopes").value()).invalid_as(
                spec.at("scopes").value(),
                "conflicting scopes",
                findings,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_limit_is_a_default_request() {
        let mut object =
            json!({"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}, "default": {"cpu": "1"}}]}});
        limit_range_defaults(&mut object);
        assert_eq!(object["spec"]["limits"][0]["default"], json!({"cpu": "1", "memory": "1Gi"}));
        assert_eq!(object["spec"]["limits"][0]["defaultRequest"], json!({"cpu": "1", "memory": "1Gi"}));
    }

    #[test]
    fn limits_fit_together() {
        let limits = json!([
            {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}},
            {"type": "Nothing"},
            // More than can be counted is a great deal.
            {"type": "Pod", "min": {"cpu": "1"}, "max": {"cpu": "1e31"}, "maxLimitRequestRatio": {"cpu": "2"}},
        ]);
        let mut findings = Vec::new();
        limit_range(&Place::named("limits", &limits), &mut findings);
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1",
                "limits[1].type: Invalid value: \"Nothing\": must be a standard limit type or fully qualified",
            ]
        );
    }
}
