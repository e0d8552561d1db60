//! Classes of storage, and of what can be asked of a volume later.

use std::collections::BTreeMap;

use apimachinery::schema::internal;
use apimachinery::validation::place::{Findings, Place};

use super::{parameters, protect, provisioner, validate};
use crate::strategies::rules::{RULES, Rules};
use crate::tree::or_set;
use crate::warnings;

pub(in super::super) static STORAGE_CLASSES: Rules = Rules {
    default: |object| {
        or_set(object, "reclaimPolicy", "Delete");
        or_set(object, "volumeBindingMode", "Immediate");
    },
    validate: |object, findings| {
        provisioner(&object.at("provisioner"), findings);
        parameters(&object.at("parameters"), true, findings);
        let policy = object.at("reclaimPolicy");
        if !policy.is_empty() {
            policy.none_or_one_of(&["Delete", "Retain"], findings);
        }
        object.at("volumeBindingMode").none_or_one_of(&["Immediate", "WaitForFirstConsumer"], findings);
        topologies(&object.at("allowedTopologies"), findings);
    },
    change: |object, old, findings| {
        for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
            let place = object.at(field);
            if place.value() != &old[field] {
                place.invalid_as(&internal::sorted(place.value()), "field is immutable", findings);
            }
        }
    },
    warnings: |object, _, out| {
        for term in object.at("allowedTopologies").items() {
            for expression in term.at("matchLabelExpressions").items() {
                let key = expression.at("key");
                out.extend(warnings::old_node_label(key.text()).map(|instead| format!("{}: {instead}", key.path())));
            }
        }
    },
    returns_deleted: true,
    ..RULES
};

pub(in super::super) static ATTRIBUTES_CLASSES: Rules = Rules {
    prepare: |object| protect(object, "kubernetes.io/vac-protection"),
    validate: |object, findings| {
        provisioner(&object.at("driverName"), findings);
        parameters(&object.at("parameters"), false, findings);
    },
    change: |object, old, findings| {
        for field in ["driverName", "parameters"] {
            if object.at(field).value() != &old[field] {
                object.at(field).forbidden(format!("updates to {field} are forbidden."), findings);
            }
        }
    },
    change_first: true,
    returns_deleted: true,
    ..RULES
};

fn topologies(terms: &Place<'_, '_>, findings: &mut Findings) {
    validate::topology_terms(terms, findings);
    let shape = |term: &Place<'_, '_>| -> BTreeMap<String, Vec<String>> {
        let place = term.at("matchLabelExpressions");
        place
            .items()
            .map(|expression| {
                let mut values: Vec<String> =
                    expression.at("values").items().map(|value| value.text().to_string()).collect();
                values.sort();
                (expression.at("key").text().to_string(), values)
            })
            .collect()
    };
    // As if as many empty terms stood before them: upstream makes room that way.
    let mut seen = vec![BTreeMap::new(); terms.count()];
    for term in terms.items() {
        let own = shape(&term);
        for _ in seen.iter().filter(|other| **other == own) {
            term.at("matchLabelExpressions").duplicate_as(&"".into(), findings);
        }
        seen.push(own);
    }
}
