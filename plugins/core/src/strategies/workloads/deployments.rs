//! Deployments.

use apimachinery::schema::internal;
use apimachinery::validation::place::{Findings, Place};

use super::{
    amount, collisions, counts, named, no_more, no_more_than_all, number_or_percent, restarting, selector, selects,
};
use crate::strategies::pods::defaults;
use crate::strategies::rules::{RULES, Rules};
use crate::tree::{child, or_set, or_set_text};
use crate::warnings::changed_template;

pub(in super::super) static DEPLOYMENTS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set(spec, "replicas", 1);
        defaults::template(spec);
        let strategy = child(spec, "strategy");
        or_set_text(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            let rolling = child(strategy, "rollingUpdate");
            or_set(rolling, "maxUnavailable", "25%");
            or_set(rolling, "maxSurge", "25%");
        }
        or_set(spec, "revisionHistoryLimit", 10);
        or_set(spec, "progressDeadlineSeconds", 600);
    },
    forget_disabled: |object| defaults::forget_disabled_in_template(child(object, "spec")),
    validate: |object, findings| spec(&object.at("spec"), findings),
    status: |object, old, findings| {
        let status = object.at("status");
        let counted = [
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ];
        counts(&status, &counted, findings);
        for part in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
            no_more(&status, part, "replicas", "status.replicas", findings);
        }
        no_more(&status, "availableReplicas", "readyReplicas", "readyReplicas", findings);
        collisions(&status, old, findings);
    },
    immutable: &["spec.selector"],
    warnings: |object, old, out| {
        named(object, old, out);
        changed_template(object, "spec.template", old, out);
    },
    generation: true,
    annotations_count: true,
    nothing: &[("replicas", 0)],
    ..RULES
};

fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    spec.at("replicas").not_negative(findings);
    replicated(spec, findings);
    strategy(&spec.at("strategy"), findings);
    spec.at("minReadySeconds").not_negative(findings);
    spec.at("revisionHistoryLimit").not_negative(findings);
    let (deadline, ready) = (spec.at("progressDeadlineSeconds"), spec.at("minReadySeconds").number().unwrap_or(0));
    deadline.not_negative(findings);
    if deadline.number().is_some_and(|seconds| seconds <= ready) {
        deadline.invalid("must be greater than minReadySeconds", findings);
    }
}

/// What deployments and replica sets ask of selector and template.
pub(super) fn replicated(spec: &Place<'_, '_>, findings: &mut Findings) {
    let place = spec.at("selector");
    if !place.is_given() {
        place.required("", findings);
    }
    if !selector(&place, "deployment", findings) {
        let shown = internal::show(super::SELECTOR, place.value());
        return place.invalid_as(&shown, "invalid label selector", findings);
    }
    let everything = place.is_given() && place.at("matchLabels").is_empty() && place.at("matchExpressions").is_empty();
    if !everything {
        selects(spec, findings);
    }
    restarting(spec, "ReplicaSet", findings);
}

fn strategy(strategy: &Place<'_, '_>, findings: &mut Findings) {
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "Recreate" if rolling.is_given() => {
            rolling.forbidden("may not be specified when strategy `type` is 'Recreate'", findings);
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            number_or_percent(&unavailable, findings);
            number_or_percent(&surge, findings);
            if amount(unavailable.value()) == 0 && amount(surge.value()) == 0 {
                unavailable.invalid("may not be 0 when `maxSurge` is 0", findings);
            }
            no_more_than_all(&unavailable, findings);
        }
        _ => {
            let shown = internal::show("io.k8s.api.apps.v1.DeploymentStrategy", strategy.value());
            strategy.with(&shown).unsupported(&["Recreate", "RollingUpdate"], findings);
        }
    }
}
