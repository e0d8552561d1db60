//! Stateful sets.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::{
    always, amount, collisions, counts, no_more, no_more_than_all, number_or_percent, selector, selects, validate,
};
use crate::strategies::pods::defaults;
use crate::strategies::rules::{RULES, Rules};
use crate::tree::{child, existing, is_empty, items, items_mut, or_set, or_set_text, remove, text};
use crate::warnings::{changed_template, claim};

/// What an update may change.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(in super::super) static STATEFUL_SETS: Rules = Rules {
    default,
    forget_disabled: |object| {
        let spec = child(object, "spec");
        defaults::forget_disabled_in_template(spec);
        if let Some(rolling) = existing(spec, "updateStrategy").and_then(|strategy| existing(strategy, "rollingUpdate"))
        {
            remove(rolling, "maxUnavailable");
        }
    },
    validate: |object, findings| {
        let object_spec = object.at("spec");
        spec(&object_spec, true, findings);
    },
    validates_updates: false,
    change: |object, old, findings| {
        spec(&object.at("spec"), false, findings);
        let fixed = |spec: &Value| {
            let mut spec = spec.clone();
            if let Value::Object(map) = &mut spec {
                map.retain(|key, value| !MUTABLE.contains(&key.as_str()) && !is_empty(value));
            }
            spec
        };
        if fixed(object.at("spec").value()) != fixed(&old["spec"]) {
            object.at("spec").forbidden(
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                 'minReadySeconds' are forbidden",
                findings,
            );
        }
    },
    status: |object, old, findings| {
        let status = object.at("status");
        let counted = [
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ];
        counts(&status, &counted, findings);
        for part in ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] {
            no_more(&status, part, "replicas", "status.replicas", findings);
        }
        no_more(&status, "availableReplicas", "readyReplicas", "status.readyReplicas", findings);
        collisions(&status, old, findings);
    },
    name: names::dns1123_label,
    warnings: |object, old, out| {
        changed_template(object, "spec.template", old, out);
        for template in object.at("spec.volumeClaimTemplates").items() {
            // Upstream spells the paths so.
            let shown = template.at("Spec");
            let place = if old.is_some() { &shown } else { &template };
            claim(&place.with(template.at("spec").value()), out);
        }
        if object.at("spec.revisionHistoryLimit").number().is_some_and(|limit| limit < 0) {
            out.push(
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is \
                 recommended"
                    .into(),
            );
        }
    },
    generation: true,
    nothing: &[("replicas", 0)],
    ..RULES
};

fn default(object: &mut Value) {
    let spec = child(object, "spec");
    or_set_text(spec, "podManagementPolicy", "OrderedReady");
    let strategy = child(spec, "updateStrategy");
    if text(strategy, "type").is_empty() {
        strategy["type"] = "RollingUpdate".into();
        child(strategy, "rollingUpdate");
    }
    if strategy["type"] == "RollingUpdate"
        && let Some(rolling) = existing(strategy, "rollingUpdate")
    {
        or_set(rolling, "partition", 0);
    }
    let retention = child(spec, "persistentVolumeClaimRetentionPolicy");
    or_set_text(retention, "whenDeleted", "Retain");
    or_set_text(retention, "whenScaled", "Retain");
    or_set(spec, "replicas", 1);
    or_set(spec, "revisionHistoryLimit", 10);
    defaults::template(spec);
    for claim in items_mut(spec, "volumeClaimTemplates") {
        // Whatever was sent.
        claim["apiVersion"] = "v1".into();
        claim["kind"] = "PersistentVolumeClaim".into();
        or_set(child(claim, "spec"), "volumeMode", "Filesystem");
        or_set_text(child(claim, "status"), "phase", "Pending");
    }
}

/// What cannot change is looked at only once, in a `new` set.
fn spec(spec: &Place<'_, '_>, new: bool, findings: &mut Findings) {
    let policy = spec.at("podManagementPolicy");
    if !["OrderedReady", "Parallel"].contains(&policy.text()) {
        policy.invalid("must be 'OrderedReady' or 'Parallel'", findings);
    }
    strategy(&spec.at("updateStrategy"), findings);
    for when in ["whenDeleted", "whenScaled"] {
        spec.at("persistentVolumeClaimRetentionPolicy").at(when).none_or_one_of(&["Retain", "Delete"], findings);
    }
    if new {
        let claims = spec.at("volumeClaimTemplates");
        claims.items().for_each(|claim| validate::claim_spec(&claim.at("spec"), &Value::Null, findings));
    }
    for field in ["replicas", "minReadySeconds", "ordinals.start"] {
        spec.at(field).not_negative(findings);
    }
    if new {
        spec.at("serviceName").optional_shaped(names::dns1123_label, findings);
    }
    let place = spec.at("selector");
    if !place.is_given() {
        place.required("", findings);
    }
    if selector(&place, "statefulset", findings) {
        let everything =
            place.is_given() && place.at("matchLabels").is_empty() && place.at("matchExpressions").is_empty();
        if !everything {
            selects(spec, findings);
        }
        template(spec, findings);
    } else {
        place.invalid_as(&internal::show(super::SELECTOR, place.value()), "", findings);
    }
    always(spec, "StatefulSet", findings);
}

fn strategy(strategy: &Place<'_, '_>, findings: &mut Findings) {
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "OnDelete" if rolling.is_given() => {
            let shown = internal::show("io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy", rolling.value());
            rolling.invalid_as(&shown, "only allowed for updateStrategy 'RollingUpdate'", findings);
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            rolling.at("partition").not_negative(findings);
            let unavailable = rolling.at("maxUnavailable");
            if unavailable.is_given() {
                number_or_percent(&unavailable, findings);
                if amount(unavailable.value()) == 0 {
                    unavailable.invalid("cannot be 0", findings);
                }
                no_more_than_all(&unavailable, findings);
            }
        }
        _ => {
            let shown = internal::show("io.k8s.api.apps.v1.StatefulSetUpdateStrategy", strategy.value());
            strategy.invalid_as(&shown, "must be 'RollingUpdate' or 'OnDelete'", findings);
        }
    }
}

/// The pods' volumes are made from the claims, and their names by the controller. Upstream
/// looks at the template's metadata a second time.
fn template(spec: &Place<'_, '_>, findings: &mut Findings) {
    let template = spec.at("template");
    let mut made = template.value().clone();
    if let Some(pod) = made.get_mut("spec") {
        remove(pod, "subdomain");
        remove(pod, "hostname");
        let mut claims: Vec<&str> =
            items(spec.value(), "volumeClaimTemplates").map(|claim| text(&claim["metadata"], "name")).collect();
        let mut seen = BTreeSet::new();
        claims.retain(|name| seen.insert(*name));
        if !claims.is_empty() {
            let others = items(pod, "volumes").filter(|volume| !claims.contains(&text(volume, "name"))).cloned();
            let volumes: Vec<Value> = claims
                .iter()
                .map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}}))
                .chain(others)
                .collect();
            pod["volumes"] = volumes.into();
        }
    }
    let template = template.with(&made);
    validate::template(&template, findings);
    validate::template_metadata(&template, findings);
}
