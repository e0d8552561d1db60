//! On which nodes a pod may run, and beside which others.

use std::collections::BTreeSet;

use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const IN_BOTH: &str = "exists in both matchLabelKeys and labelSelector";
const NO_SELECTOR: &str = "must not be specified when labelSelector is not set";

pub(super) fn affinity(affinity: &Place<'_, '_>, findings: &mut Findings) {
    let node = affinity.at("nodeAffinity");
    let required = node.at(REQUIRED);
    if required.is_given() {
        node_selector(&required, findings);
    }
    for term in node.at(PREFERRED).items() {
        weight(&term.at("weight"), findings);
        selector_term(&term.at("preference"), false, findings);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let kind = affinity.at(kind);
        kind.at(REQUIRED).items().for_each(|term| pod_term(&term, findings));
        for term in kind.at(PREFERRED).items() {
            weight(&term.at("weight"), findings);
            pod_term(&term.at("podAffinityTerm"), findings);
        }
    }
}

fn weight(weight: &Place<'_, '_>, findings: &mut Findings) {
    let number = weight.number().unwrap_or(0);
    if !(1..=100).contains(&number) {
        weight.invalid_as(&number.into(), "must be in the range 1-100", findings);
    }
}

/// Which nodes.
pub(crate) fn node_selector(selector: &Place<'_, '_>, findings: &mut Findings) {
    let terms = selector.at("nodeSelectorTerms");
    if terms.is_empty() {
        return terms.required("must have at least one node selector term", findings);
    }
    terms.items().for_each(|term| selector_term(&term, true, findings));
}

/// What only prefers is not checked for values that no label has.
fn selector_term(term: &Place<'_, '_>, check_values: bool, findings: &mut Findings) {
    for requirement in term.at("matchExpressions").items() {
        let (operator, values) = (requirement.at("operator"), requirement.at("values"));
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                values.required("must be specified when `operator` is 'In' or 'NotIn'", findings);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'", findings);
            }
            "Gt" | "Lt" if values.count() != 1 => {
                values.required("must be specified single value when `operator` is 'Lt' or 'Gt'", findings);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => operator.invalid("not a valid selector operator", findings),
        }
        requirement.at("key").label_name(findings);
        if check_values {
            for value in values.items() {
                value.shaped(names::label_value, findings);
            }
        }
    }
    for requirement in term.at("matchFields").items() {
        let (operator, values, key) = (requirement.at("operator"), requirement.at("values"), requirement.at("key"));
        match operator.text() {
            "In" | "NotIn" if values.count() != 1 => {
                let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
                values.required(why, findings);
            }
            "In" | "NotIn" => {}
            _ => operator.invalid("not a valid selector operator", findings),
        }
        match key.text() {
            "metadata.name" => {
                for value in values.items() {
                    value.shaped(names::dns1123_subdomain, findings);
                }
            }
            _ => key.invalid("not a valid field selector key", findings),
        }
    }
}

fn pod_term(term: &Place<'_, '_>, findings: &mut Findings) {
    let selector = term.at("labelSelector");
    selector.selector(findings);
    term.at("namespaceSelector").selector(findings);
    for name in term.at("namespaces").items() {
        term.at("namespace").with(name.value()).shaped(names::dns1123_label, findings);
    }
    label_keys(term, findings);
    let key = term.at("topologyKey");
    if key.is_empty() {
        key.required("can not be empty", findings);
    }
    key.label_name(findings);
}

fn label_keys(term: &Place<'_, '_>, findings: &mut Findings) {
    let (matching, mismatching, selector) =
        (term.at("matchLabelKeys"), term.at("mismatchLabelKeys"), term.at("labelSelector"));
    for keys in [matching, mismatching] {
        if keys.is_empty() {
        } else if !selector.is_given() {
            keys.forbidden(NO_SELECTOR, findings);
        } else {
            keys.items().for_each(|key| key.label_name(findings));
        }
    }
    let mut selected: BTreeSet<&str> = selector.at("matchLabels").entries().map(|(key, _)| key).collect();
    for expression in selector.at("matchExpressions").items() {
        let key = expression.at("key");
        let position = matching.items().rposition_of(key.text());
        if let Some(position) = position
            && selected.contains(key.text())
        {
            term.item(position).with(key.value()).invalid(IN_BOTH, findings);
        }
        selected.insert(key.text());
    }
    for key in matching.items() {
        if mismatching.items().any(|other| other.text() == key.text()) {
            key.invalid("exists in both matchLabelKeys and mismatchLabelKeys", findings);
        }
    }
}

trait Position {
    /// The last place of a text.
    fn rposition_of(self, text: &str) -> Option<usize>;
}

impl<'p, 'v: 'p, I: Iterator<Item = Place<'p, 'v>>> Position for I {
    fn rposition_of(self, text: &str) -> Option<usize> {
        self.enumerate().filter(|(_, key)| key.text() == text).last().map(|(index, _)| index)
    }
}

pub(super) fn spread(constraints: &Place<'_, '_>, findings: &mut Findings) {
    let all: Vec<Place<'_, '_>> = constraints.items().collect();
    for (index, constraint) in all.iter().enumerate() {
        let (key, action) = (constraint.at("topologyKey"), constraint.at("whenUnsatisfiable"));
        constraint.at("maxSkew").positive(findings);
        if key.is_empty() {
            key.required("can not be empty", findings);
        }
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&action.text()) {
            action.unsupported(&["DoNotSchedule", "ScheduleAnyway"], findings);
        }
        let same = |other: &Place<'_, '_>| {
            other.at("topologyKey").text() == key.text() && other.at("whenUnsatisfiable").text() == action.text()
        };
        if all[index + 1..].iter().any(same) {
            let shown = format!("{{{}, {}}}", key.text(), action.text());
            constraint.at("{topologyKey, whenUnsatisfiable}").duplicate_as(&shown.into(), findings);
        }
        let domains = constraint.at("minDomains");
        if domains.is_given() {
            domains.positive(findings);
            if action.text() != "DoNotSchedule" {
                let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", action.text());
                domains.invalid(why, findings);
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            constraint.at(policy).none_or_one_of(&["Honor", "Ignore"], findings);
        }
        label_keys(constraint, findings);
        constraint.at("labelSelector").selector(findings);
    }
}

pub(super) fn tolerations(tolerations: &Place<'_, '_>, findings: &mut Findings) {
    scheduling_tolerations(tolerations, findings);
}

/// What taints of nodes are borne.
pub(crate) fn scheduling_tolerations(tolerations: &Place<'_, '_>, findings: &mut Findings) {
    for toleration in tolerations.items() {
        let (key, operator, value, effect) =
            (toleration.at("key"), toleration.at("operator"), toleration.at("value"), toleration.at("effect"));
        if !key.is_empty() {
            key.label_name(findings);
        } else if operator.text() != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            operator.invalid(why, findings);
        }
        if toleration.at("tolerationSeconds").is_given() && effect.text() != "NoExecute" {
            effect.invalid("effect must be 'NoExecute' when `tolerationSeconds` is set", findings);
        }
        match operator.text() {
            "" | "Equal" => {
                let wrong = names::label_value(value.text());
                if !wrong.is_empty() {
                    operator.with(value.value()).invalid(wrong.join(";"), findings);
                }
            }
            "Exists" if !value.is_empty() => {
                operator.with(value.value()).invalid("value must be empty when `operator` is 'Exists'", findings);
            }
            "Exists" => {}
            "Lt" | "Gt" => operator.unsupported(&["Equal", "Exists", "Lt", "Gt"], findings),
            _ => operator.unsupported(&["Equal", "Exists"], findings),
        }
        if !effect.is_empty() {
            effect.none_or_one_of(&EFFECTS, findings);
        }
    }
}

/// Which places of a topology a storage class offers.
pub(crate) fn topology_terms(terms: &Place<'_, '_>, findings: &mut Findings) {
    for term in terms.items() {
        let mut keys = BTreeSet::new();
        for requirement in term.at("matchLabelExpressions").items() {
            let (key, values) = (requirement.at("key"), requirement.at("values"));
            values.must_be_given(findings);
            let mut seen = BTreeSet::new();
            for value in values.items() {
                if !seen.insert(value.text()) {
                    value.duplicate(findings);
                }
            }
            key.label_name(findings);
            if !keys.insert(key.text()) {
                key.duplicate(findings);
            }
        }
    }
}
