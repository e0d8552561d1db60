//! Daemon sets.

use apimachinery::rest::object::{meta_number, metadata_mut};
use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};

use super::{amount, collisions, counts, no_more_than_all, number_or_percent, restarting, selector, selects};
use crate::strategies::pods::defaults;
use crate::strategies::rules::{RULES, Rules};
use crate::tree::{child, existing, or_set, or_set_text, same};
use crate::warnings::of_template;

/// Where the number of changes of the template is, which was a field once.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

pub(in super::super) static DAEMON_SETS: Rules = Rules {
    default: |object| {
        // Every client owns the annotation, as it owned the field: with no value yet.
        if template_generation(object).is_none() {
            set_template_generation(object, 0);
        }
        let spec = child(object, "spec");
        defaults::template(spec);
        let strategy = child(spec, "updateStrategy");
        or_set_text(strategy, "type", "RollingUpdate");
        if strategy["type"] == "RollingUpdate" {
            let rolling = child(strategy, "rollingUpdate");
            or_set(rolling, "maxUnavailable", 1);
            or_set(rolling, "maxSurge", 0);
        } else if let Some(rolling) = existing(strategy, "rollingUpdate") {
            // Upstream's own form of it has both numbers.
            or_set(rolling, "maxUnavailable", 0);
            or_set(rolling, "maxSurge", 0);
        }
        or_set(spec, "revisionHistoryLimit", 10);
    },
    forget_disabled: |object| defaults::forget_disabled_in_template(child(object, "spec")),
    prepare: |object| set_template_generation(object, 1),
    prepare_update: |object, old| {
        let generation = template_generation(old).unwrap_or(0);
        let changed = object["spec"]["template"] != old["spec"]["template"];
        let own = meta_number(object, "generation").unwrap_or(1);
        let generation = if generation == 0 { own } else { generation + i64::from(changed) };
        set_template_generation(object, generation);
    },
    prepare_status: |object, old| set_template_generation(object, template_generation(old).unwrap_or(0)),
    validate: |object, findings| spec(&object.at("spec"), findings),
    change: |object, old, findings| {
        let selector = object.at("spec.selector");
        if !same(selector.value(), &old["spec"]["selector"]) {
            let shown = internal::show("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", selector.value());
            selector.invalid_as(&shown, "field is immutable", findings);
        }
    },
    change_first: true,
    warnings: |object, old, out| {
        let new = old.is_none_or(|old| template_generation(old) != template_generation(object.value()));
        if new {
            of_template(&object.at("spec.template"), out);
        }
    },
    status: |object, old, findings| {
        let status = object.at("status");
        let counted = [
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
            "observedGeneration",
            "updatedNumberScheduled",
            "numberAvailable",
            "numberUnavailable",
            "collisionCount",
        ];
        counts(&status, &counted, findings);
        collisions(&status, old, findings);
    },
    generation: true,
    folded_annotations: &[TEMPLATE_GENERATION],
    ..RULES
};

fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    let place = spec.at("selector");
    let before = findings.len();
    place.selector(findings);
    if findings.len() == before {
        selects(spec, findings);
    }
    let mut again = Findings::new();
    selector(&place, "daemonset", &mut again);
    findings.extend(again.pop().filter(|finding| finding.field == "spec.selector"));
    restarting(spec, "DaemonSet", findings);
    spec.at("minReadySeconds").not_negative(findings);
    strategy(&spec.at("updateStrategy"), findings);
    spec.at("revisionHistoryLimit").not_negative(findings);
}

fn strategy(strategy: &Place<'_, '_>, findings: &mut Findings) {
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "OnDelete" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            number_or_percent(&unavailable, findings);
            number_or_percent(&surge, findings);
            no_more_than_all(&unavailable, findings);
            no_more_than_all(&surge, findings);
            match (amount(unavailable.value()) != 0, amount(surge.value()) != 0) {
                (true, true) => surge.invalid("may not be set when maxUnavailable is non-zero", findings),
                (false, false) => unavailable.required("cannot be 0 when maxSurge is 0", findings),
                _ => {}
            }
        }
        _ => {
            let shown = internal::show("io.k8s.api.apps.v1.DaemonSetUpdateStrategy", strategy.value());
            strategy.with(&shown).unsupported(&["RollingUpdate", "OnDelete"], findings);
        }
    }
}

fn template_generation(object: &Value) -> Option<i64> {
    object["metadata"]["annotations"][TEMPLATE_GENERATION].as_str()?.parse().ok()
}

fn set_template_generation(object: &mut Value, generation: i64) {
    let annotations = metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    annotations[TEMPLATE_GENERATION] = generation.to_string().into();
}
