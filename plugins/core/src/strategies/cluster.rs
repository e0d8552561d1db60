//! The smaller resources of the core group, and classes that pods refer to.

use std::collections::BTreeSet;

use apimachinery::rest::object::meta;
use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use super::pods::validate;
use super::rules::{RULES, Rules};
use super::services::public_address;
use crate::tree::{existing, items_mut, or_set, or_set_text, remove};
use crate::warnings;

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";
/// Classes of the system may be above what users may have.
const USER_PRIORITY_MAX: i64 = 1_000_000_000;
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

pub(super) static SERVICE_ACCOUNTS: Rules = Rules {
    warnings: |object, old, out| {
        let annotation = object.at("metadata.annotations").entry(MOUNTABLE).path();
        let has = |object: &Value| object["metadata"]["annotations"].get(MOUNTABLE).is_some();
        if has(object.value()) && !old.is_some_and(has) {
            out.push(format!(
                "{annotation}: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
            ));
        }
    },
    prepare: name_secrets_alone,
    prepare_update: |object, _| name_secrets_alone(object),
    returns_deleted: true,
    ..RULES
};

/// Of secrets a service account keeps the names, whatever else a reference may say.
fn name_secrets_alone(object: &mut Value) {
    for secret in items_mut(object, "secrets").filter_map(Value::as_object_mut) {
        secret.retain(|member, _| member == "name");
    }
}

pub(super) static ENDPOINTS: Rules = Rules {
    default: |object| {
        for subset in items_mut(object, "subsets") {
            items_mut(subset, "ports").for_each(|port| or_set_text(port, "protocol", "TCP"));
        }
    },
    validate: |object, findings| subsets(&object.at("subsets"), findings),
    validates_updates: false,
    change: |object, old, findings| {
        let place = object.at("subsets");
        if place.value() != &old["subsets"] {
            subsets(&place, findings);
        }
    },
    warnings: |object, _, out| {
        if object.at("metadata.labels").entry("endpoints.kubernetes.io/managed-by").text() == "endpoint-controller" {
            return;
        }
        for subset in object.at("subsets").items() {
            for list in ["addresses", "notReadyAddresses"] {
                subset.at(list).items().for_each(|address| warnings::address(&address.at("ip"), out));
            }
        }
    },
    create_on_update: true,
    ..RULES
};

pub(super) static PRIORITY_CLASSES: Rules = Rules {
    default: |object| or_set(object, "preemptionPolicy", "PreemptLowerPriority"),
    validate: priority_class,
    validates_updates: false,
    change: |object, old, findings| {
        if object.at("value").number().unwrap_or(0) != old["value"].as_i64().unwrap_or(0) {
            object.at("value").forbidden("may not be changed in an update.", findings);
        }
        object.at("preemptionPolicy").immutable(&old["preemptionPolicy"], findings);
    },
    stays: |object| {
        let own = SYSTEM_PRIORITIES.iter().any(|(name, _)| meta(object, "name") == *name);
        own.then_some("this is a system priority class and cannot be deleted")
    },
    generation: true,
    generation_stays: true,
    ..RULES
};

pub(super) static LEASES: Rules = Rules {
    // Coordinated leader election is behind a feature that is off.
    forget_disabled: |object| {
        if let Some(spec) = existing(object, "spec") {
            remove(spec, "strategy");
            remove(spec, "preferredHolder");
        }
    },
    validate: |object, findings| {
        let spec = object.at("spec");
        let seconds = spec.at("leaseDurationSeconds");
        if seconds.number().is_some_and(|seconds| seconds <= 0) {
            seconds.invalid("must be greater than 0", findings);
        }
        spec.at("leaseTransitions").not_negative(findings);
    },
    knows_finalizers: false,
    create_on_update: true,
    unconditional_update: false,
    ..RULES
};

pub(super) static RUNTIME_CLASSES: Rules = Rules {
    validate: |object, findings| {
        object.at("handler").required_shaped(names::dns1123_label, findings);
        let overhead = object.at("overhead");
        if overhead.is_given() {
            let limits = json!({"limits": overhead.at("podFixed").value()});
            validate::resources::of_container(&overhead.with(&limits), &BTreeSet::new(), findings);
        }
        object.at("scheduling.nodeSelector").labels(findings);
        let tolerations = object.at("scheduling.tolerations");
        validate::scheduling_tolerations(&tolerations, findings);
        let mut seen = BTreeSet::new();
        for toleration in tolerations.items() {
            let key = ["key", "operator", "value", "effect"].map(|field| toleration.at(field).text().to_string());
            if !seen.insert(key) {
                let shown = internal::show("io.k8s.api.core.v1.Toleration", toleration.value());
                toleration.duplicate_as(&shown, findings);
            }
        }
    },
    immutable: &["handler"],
    warnings: |object, _, out| {
        for (label, _) in object.at("scheduling.nodeSelector").entries() {
            out.extend(warnings::old_node_label(label).map(|instead| format!("scheduling.nodeSelector: {instead}")));
        }
    },
    knows_finalizers: false,
    create_on_update: true,
    unconditional_update: false,
    ..RULES
};

fn priority_class(object: &Place<'_, '_>, findings: &mut Findings) {
    let (name, value) = (object.at("metadata.name"), object.at("value").number().unwrap_or(0));
    let prefixed = name.text().starts_with("system-");
    let known = SYSTEM_PRIORITIES.iter().find(|(known, _)| *known == name.text());
    let wrong = match known {
        Some((_, right)) if *right != value => Some(format!("value of {} PriorityClass must be {right}", name.text())),
        Some(_) if object.at("globalDefault").is_true() => {
            Some(format!("globalDefault of {} PriorityClass must be false", name.text()))
        }
        None if prefixed => Some(format!("{} is not a known system priority class", name.text())),
        _ => None,
    };
    if let Some(wrong) = wrong {
        let why =
            format!("priority class names with 'system-' prefix are reserved for system use only. error: {wrong}");
        name.forbidden(why, findings);
    }
    if !prefixed && value > USER_PRIORITY_MAX {
        let why = format!("maximum allowed value of a user defined priority is {USER_PRIORITY_MAX}");
        object.at("value").forbidden(why, findings);
    }
    let policy = object.at("preemptionPolicy");
    if policy.is_given() {
        policy.one_of(&["PreemptLowerPriority", "Never"], findings);
    }
}

fn subsets(subsets: &Place<'_, '_>, findings: &mut Findings) {
    for subset in subsets.items() {
        let lists = [subset.at("addresses"), subset.at("notReadyAddresses")];
        if lists.iter().all(Place::is_empty) {
            subset.required("must specify `addresses` or `notReadyAddresses`", findings);
        }
        for list in lists {
            for address in list.items() {
                let ip = address.at("ip");
                ip.address(&[], findings);
                address.at("hostname").optional_shaped(names::dns1123_label, findings);
                if address.at("nodeName").is_given() {
                    address.at("nodeName").shaped(names::dns1123_subdomain, findings);
                }
                if Address::parse(ip.text()).is_none() {
                    ip.invalid("must be a valid IP address", findings);
                }
                public_address(&ip, findings);
            }
        }
        let ports = subset.at("ports");
        for port in ports.items() {
            let name = port.at("name");
            if name.is_empty() && ports.count() > 1 {
                name.required("", findings);
            }
            name.optional_shaped(names::dns1123_label, findings);
            port.at("port").port(findings);
            port.at("protocol").one_of(&["SCTP", "TCP", "UDP"], findings);
            if port.at("appProtocol").is_given() {
                port.at("appProtocol").shaped(names::qualified_name, findings);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn names_of_the_system_are_the_systems() {
        for (name, value, count) in
            [("a", 7, 0), ("system-x", 7, 1), ("a", 2_000_000_000, 1), ("system-node-critical", 2_000_001_000, 0)]
        {
            let mut findings = Vec::new();
            priority_class(&Place::root(&json!({"metadata": {"name": name}, "value": value})), &mut findings);
            assert_eq!(findings.len(), count, "{name}");
        }
    }
}
