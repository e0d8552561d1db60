//! Replica sets, and replication controllers before them.

use apimachinery::rest::object::metadata_mut;
use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};

use super::deployments::replicated;
use super::{counts, named, no_more, restarting};
use crate::check;
use crate::strategies::pods::defaults;
use crate::strategies::rules::{RULES, Rules};
use crate::tree::{child, is_empty, or_set};
use crate::warnings::{changed_template, of_template};

const COUNTS: [&str; 5] =
    ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];

pub(in super::super) static REPLICA_SETS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set(spec, "replicas", 1);
        defaults::template(spec);
    },
    forget_disabled,
    prepare: |object| object["status"] = json!({"replicas": 0}),
    validate: |object, findings| {
        let spec = object.at("spec");
        spec.at("replicas").not_negative(findings);
        spec.at("minReadySeconds").not_negative(findings);
        replicated(&spec, findings);
    },
    status,
    immutable: &["spec.selector"],
    warnings: |object, old, out| {
        named(object, old, out);
        changed_template(object, "spec.template", old, out);
    },
    generation: true,
    nothing: &[("replicas", 0)],
    ..RULES
};

pub(in super::super) static REPLICATION_CONTROLLERS: Rules = Rules {
    default: controller_defaults,
    forget_disabled,
    prepare: |object| object["status"] = json!({"replicas": 0}),
    validate: |object, findings| {
        let spec = object.at("spec");
        spec.at("minReadySeconds").not_negative(findings);
        let selector = spec.at("selector");
        selector.must_be_given(findings);
        spec.at("replicas").not_negative(findings);
        let template = spec.at("template");
        if !template.is_given() {
            return template.required("", findings);
        }
        let labels = template.at("metadata.labels");
        let wanted = json!({"matchLabels": selector.value()});
        if !selector.is_empty() && !check::selects(&wanted, labels.value()) {
            let shown = internal::sorted(labels.value());
            labels.invalid_as(&shown, "`selector` does not match template `labels`", findings);
        }
        restarting(&spec, "ReplicationController", findings);
    },
    status,
    warnings: |object, old, out| {
        named(object, old, out);
        // Of an update upstream looks at the template that was.
        match old {
            Some(old) if &old["metadata"]["generation"] != object.at("metadata.generation").value() => {
                of_template(&Place::root(old).at("spec.template"), out);
            }
            Some(_) => {}
            None => of_template(&object.at("spec.template"), out),
        }
    },
    generation: true,
    orphans: true,
    ..RULES
};

fn forget_disabled(object: &mut Value) {
    defaults::forget_disabled_in_template(child(object, "spec"));
}

fn status(object: &Place<'_, '_>, _old: &Value, findings: &mut Findings) {
    let status = object.at("status");
    counts(&status, &COUNTS, findings);
    status.at("terminatingReplicas").not_negative(findings);
    for part in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        no_more(&status, part, "replicas", "status.replicas", findings);
    }
    no_more(&status, "availableReplicas", "readyReplicas", "readyReplicas", findings);
}

/// A controller selects what its template makes, and is labelled like it.
fn controller_defaults(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    if !is_empty(&labels) {
        if is_empty(&object["spec"]["selector"]) {
            object["spec"]["selector"] = labels.clone();
        }
        if is_empty(&object["metadata"]["labels"]) {
            metadata_mut(object).insert("labels", labels);
        }
    }
    let spec = child(object, "spec");
    or_set(spec, "replicas", 1);
    if defaults::has_template(spec) {
        defaults::template(spec);
    }
}
