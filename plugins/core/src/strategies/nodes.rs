//! Nodes. A new one is not ready, so nothing is scheduled on it until somebody says that it is.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::schema::internal;
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::network::Range;
use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::{metadata, names};
use plugin_sdk::Store;

use super::pods::validate::resources;
use crate::tree::{child, existing, items, or_set, remove, text};
use crate::warnings::{self, Warnings};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const FEATURE_LENGTH_MAX: usize = 253;
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) struct Nodes;

impl Strategy for Nodes {
    fn default(&self, object: &mut Value) {
        // The first range and the list of all say the same.
        if let Some(spec) = existing(object, "spec") {
            let first = text(spec, "podCIDR").to_string();
            if !first.is_empty() && spec["podCIDRs"][0] != *first {
                spec["podCIDRs"] = json!([first]);
            } else if first.is_empty() && spec["podCIDRs"][0].is_string() {
                spec["podCIDR"] = spec["podCIDRs"][0].clone();
            }
        }
        let Some(status) = existing(object, "status") else { return };
        if let Some(capacity) = status.get("capacity").cloned().filter(|capacity| !capacity.is_null()) {
            or_set(status, "allocatable", capacity);
        }
    }

    /// `TaintNodesByCondition`.
    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        _store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        if old.is_none() && operation.subresource.is_empty() {
            let spec = child(object, "spec");
            let tainted = items(spec, "taints")
                .any(|taint| text(taint, "key") == NOT_READY && text(taint, "effect") == "NoSchedule");
            if !tainted {
                if !spec["taints"].is_array() {
                    spec["taints"] = json!([]);
                }
                if let Some(taints) = spec["taints"].as_array_mut() {
                    taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
                }
            }
        }
        Box::pin(std::future::ready(Ok(Companions::default())))
    }

    /// How nodes once found their configuration is not kept.
    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        if let Some(spec) = existing(object, "spec") {
            remove(spec, "configSource");
        }
        if let Some(status) = existing(object, "status") {
            remove(status, "config");
        }
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, _old: &Value) {
        let (part, member) = match operation.subresource {
            "status" => ("status", "config"),
            _ => ("spec", "configSource"),
        };
        if let Some(part) = existing(object, part) {
            remove(part, member);
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        taints(&root, errors);
        amounts(&root, errors);
        let swap = root.at("status.nodeInfo.swap.capacity");
        if swap.is_given() {
            // Upstream tells another place.
            root.at("metadata.nodeSwapStatus.capacity").with(swap.value()).positive(errors);
        }
        features(&root.at("status.declaredFeatures"), errors);
        let ranges = root.at("spec.podCIDRs");
        ranges.items().for_each(|range| range.range(&[], errors));
        let wrong = ranges.items().enumerate().find(|(_, range)| Range::parse(range.text()).is_none());
        if let Some((at, range)) = wrong.filter(|_| ranges.count() > 1) {
            let why = format!(
                "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR[{at}]: <nil> (invalid CIDR address: {})",
                range.text()
            );
            errors.push(FieldError::new(FieldErrorKind::Internal, ranges.path(), "", why));
        }
        let new = ranges.items().filter(|range| range.text().contains(':')).count();
        if ranges.count() > 2 || (ranges.count() == 2 && new != 1) {
            ranges.invalid("may specify no more than one CIDR for each IP family", errors);
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
        metadata::between(operation.definition, operation.subresource, object, old, errors);
        let root = Place::root(object);
        amounts(&root, errors);
        features(&root.at("status.declaredFeatures"), errors);
        let mut seen = BTreeSet::new();
        for address in root.at("status.addresses").items() {
            if !seen.insert((address.at("type").text(), address.at("address").text())) {
                let shown = internal::show("io.k8s.api.core.v1.NodeAddress", address.value());
                address.duplicate_as(&shown, errors);
            }
        }
        let ranges = root.at("spec.podCIDRs");
        let before: Vec<&Value> = items(&old["spec"], "podCIDRs").collect();
        if !before.is_empty() {
            const WHY: &str = "node updates may not change podCIDR except from \"\" to valid";
            if before.len() != ranges.count() {
                ranges.forbidden(WHY, errors);
            } else {
                let changed = ranges.items().zip(before).filter(|(range, before)| range.value() != *before);
                changed.for_each(|_| ranges.forbidden(WHY, errors));
            }
        }
        let provider = root.at("spec.providerID");
        let before = text(&old["spec"], "providerID");
        if !before.is_empty() && provider.text() != before {
            provider.forbidden("node updates may not change providerID except from \"\" to valid", errors);
        }
        taints(&root, errors);
        let external = root.at("spec.externalID");
        if external.text() != text(&old["spec"], "externalID") {
            external.forbidden("may not be updated", errors);
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Warnings {
        let (mut out, spec) = (Warnings::new(), &object["spec"]);
        if operation.subresource.is_empty() {
            if !text(spec, "externalID").is_empty() {
                out.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
            }
            let root = Place::root(object);
            root.at("spec.podCIDRs").items().for_each(|range| warnings::range(&range, &mut out));
        }
        out
    }

    fn keeps_status_on_create(&self) -> bool {
        true
    }
}

/// Upstream tells the taints in `metadata`.
fn taints(root: &Place<'_, '_>, findings: &mut Findings) {
    let place = root.at("metadata.taints");
    let place = place.with(root.at("spec.taints").value());
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for taint in place.items() {
        let (key, value, effect) = (taint.at("key"), taint.at("value"), taint.at("effect"));
        key.label_name(findings);
        let wrong = names::label_value(value.text());
        if !wrong.is_empty() {
            value.invalid(wrong.join(";"), findings);
        }
        effect.one_of(&EFFECTS, findings);
        if !seen.entry(effect.text()).or_default().insert(key.text()) {
            let shown = internal::show("io.k8s.api.core.v1.Taint", taint.value()).to_string();
            let why = "taints must be unique by key and effect pair";
            findings.push(FieldError::new(FieldErrorKind::Duplicate, taint.path(), shown, why));
        }
    }
}

/// What a node can do that not all nodes can.
fn features(features: &Place<'_, '_>, findings: &mut Findings) {
    let mut before: Option<&str> = None;
    for feature in features.items() {
        let name = feature.text();
        match before {
            Some(before) if before == name => feature.duplicate(findings),
            Some(before) if before > name => feature.invalid("list must be sorted alphabetically", findings),
            _ => {}
        }
        before = Some(name);
        let shown = apimachinery::validation::quoted(name);
        if name.len() > FEATURE_LENGTH_MAX {
            let why = format!("invalid feature name {shown}: must be no more than {FEATURE_LENGTH_MAX} characters");
            feature.invalid(why, findings);
        } else if !is_feature(name) {
            let why = format!(
                "invalid feature name {shown}: must start with an UpperCamelCase segment, with subsequent segments \
                 separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters \
                 and slashes"
            );
            feature.invalid(why, findings);
        }
    }
}

fn is_feature(name: &str) -> bool {
    let word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    name.starts_with(|first: char| first.is_ascii_uppercase()) && name.split('/').all(word)
}

fn amounts(root: &Place<'_, '_>, findings: &mut Findings) {
    for list in ["status.capacity", "status.allocatable"] {
        let place = root.at(list);
        for (name, amount) in place.entries() {
            // Told as a member, not as an entry.
            resources::quantity(name, &place.at(name).with(amount.value()), findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_named_and_sorted() {
        let found = |list: Value| {
            let mut findings = Vec::new();
            features(&Place::named("f", &list), &mut findings);
            findings.iter().map(|finding| format!("{} {:.12}", finding.field, finding.detail)).collect::<Vec<_>>()
        };
        assert!(found(json!(["A", "B/c", "B2/C/d"])).is_empty());
        assert_eq!(
            found(json!(["B", "A", "A", "a", "B/"])),
            ["f[1] list must be", "f[2] ", "f[3] invalid feat", "f[4] list must be", "f[4] invalid feat"]
        );
    }
}
