//! Whether a job can be run, and what of it may change.

use apimachinery::schema::internal;
use apimachinery::tree::{Map, Text, Value};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::failures::{failure_policy, success_policy};
use super::{NAME, UID};
use crate::check;
use crate::strategies::pods::validate;
use crate::tree::{child, items, remove};

const MANAGED_BY_LENGTH_MAX: usize = 63;
const INDEXED_MAX: i64 = 100_000;
/// From so many completions on the rest is bounded more tightly.
const MANY_COMPLETIONS: i64 = 100_000;
const MANY_BOUND: i64 = 10_000;
const SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";
const TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
const POD_SPEC: &str = "io.k8s.api.core.v1.PodSpec";

/// `old` is what it was before, if it is there already.
pub(super) fn job(object: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    generated_selector(object, old, findings);
    let spec = object.at("spec");
    whole_spec(&spec, findings);
    let completions = spec.at("completions").number().unwrap_or(0);
    if spec.at("completionMode").text() == "Indexed" && completions > 0 {
        let name = object.at("metadata.name");
        let host = format!("{}-{}", name.text(), completions - 1);
        if !names::dns1123_label(&host).is_empty() {
            name.invalid(format!("will not able to create pod with invalid DNS label: {host}"), findings);
        }
    }
}

/// Unless a client selects by itself, a job selects by its identity.
fn generated_selector(object: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    let (selector, uid, name) = (object.at("spec.selector"), object.at("metadata.uid"), object.at("metadata.name"));
    if object.at("spec.manualSelector").is_true() || !selector.is_given() {
        return;
    }
    let metadata = object.at("spec.template.metadata");
    let wanted = [("controller-uid", uid.text()), ("job-name", name.text()), (UID, uid.text()), (NAME, name.text())];
    // Jobs were there before two of the labels.
    let had_all = old.is_none_or(|old| {
        let labels = &old["spec"]["template"]["metadata"]["labels"];
        [UID, NAME].iter().all(|label| labels.get(*label).is_some())
    });
    let wanted = if had_all { &wanted[..] } else { &wanted[..2] };
    for (label, want) in wanted.iter().copied() {
        let labels = metadata.at("labels");
        let own = labels.entry(label);
        if !own.is_given() {
            own.required(&format!("must be '{want}'"), findings);
        } else if own.text() != want {
            own.invalid_as(&internal::sorted(labels.value()), format!("must be '{want}'"), findings);
        }
    }
    let expected = Value::Object(wanted.iter().map(|(label, want)| (Text::from(*label), Value::from(*want))).collect());
    let mut unreadable = Findings::new();
    selector.selector(&mut unreadable);
    if unreadable.is_empty() && !check::selects(selector.value(), &expected) {
        let shown = internal::show(SELECTOR, selector.value());
        selector.invalid_as(&shown, "`selector` not auto-generated", findings);
    }
}

fn whole_spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    self::spec(spec, findings);
    let selector = spec.at("selector");
    if !selector.is_given() {
        selector.required("", findings);
    }
    let before = findings.len();
    selector.selector(findings);
    let labels = spec.at("template.metadata.labels");
    let selects = selector.is_given() && check::selects(selector.value(), labels.value());
    if findings.len() == before && !selects {
        labels.invalid_as(&internal::sorted(labels.value()), "`selector` does not match template `labels`", findings);
    }
}

/// What jobs and the templates of cron jobs have in common.
pub(super) fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        spec.at(field).not_negative(findings);
    }
    let per_index = spec.at("backoffLimitPerIndex");
    if spec.at("maxFailedIndexes").is_given() && !per_index.is_given() {
        per_index.required("when maxFailedIndexes is specified", findings);
    }
    let manager = spec.at("managedBy");
    if manager.is_given() {
        manager.domain_path(findings);
        if manager.text().len() > MANAGED_BY_LENGTH_MAX {
            manager.too_long(MANAGED_BY_LENGTH_MAX, findings);
        }
    }
    spec.at("completionMode").none_or_one_of(&["NonIndexed", "Indexed"], findings);
    match spec.at("completionMode").text() {
        "Indexed" => indexed(spec, findings),
        mode if mode == "NonIndexed" || !spec.at("completionMode").is_given() => {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if spec.at(field).is_given() {
                    spec.at(field).invalid("requires indexed completion mode", findings);
                }
            }
        }
        _ => {}
    }
    let (failures, success) = (spec.at("podFailurePolicy"), spec.at("successPolicy"));
    if failures.is_given() {
        failure_policy(spec, &failures, findings);
    }
    if success.is_given() {
        if spec.at("completionMode").text() == "Indexed" {
            success_policy(spec, &success, findings);
        } else {
            let shown = internal::show("io.k8s.api.batch.v1.SuccessPolicy", success.value());
            success.invalid_as(&shown, "requires indexed completion mode", findings);
        }
    }
    let allowed: &[&str] = if failures.is_given() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    spec.at("podReplacementPolicy").none_or_one_of(allowed, findings);
    validate::template(&spec.at("template"), findings);
    let policy = spec.at("template.spec.restartPolicy");
    match policy.text() {
        "" | "Always" => policy.required("valid values: \"OnFailure\", \"Never\"", findings),
        "OnFailure" if failures.is_given() => {
            policy.invalid("only \"Never\" is supported when podFailurePolicy is specified", findings);
        }
        "OnFailure" | "Never" => {}
        _ => policy.unsupported(&["OnFailure", "Never"], findings),
    }
}

fn indexed(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (completions, parallel, failed) = (spec.at("completions"), spec.at("parallelism"), spec.at("maxFailedIndexes"));
    if !completions.is_given() {
        completions.required("when completion mode is Indexed", findings);
    }
    let above = |place: &Place<'_, '_>, most: i64| place.number().is_some_and(|number| number > most);
    if above(&parallel, INDEXED_MAX) {
        let why = format!("must be less than or equal to {INDEXED_MAX} when completion mode is Indexed");
        parallel.invalid(why, findings);
    }
    if completions.number().is_some_and(|most| above(&failed, most)) {
        failed.invalid("must be less than or equal to completions", findings);
    }
    if above(&failed, INDEXED_MAX) {
        failed.invalid(format!("must be less than or equal to {INDEXED_MAX}"), findings);
    }
    if !above(&completions, MANY_COMPLETIONS) || !spec.at("backoffLimitPerIndex").is_given() {
        return;
    }
    if !failed.is_given() {
        failed.required(&format!("must be specified when completions is above {MANY_COMPLETIONS}"), findings);
    }
    let why = format!(
        "must be less than or equal to {MANY_BOUND} when completions are above {MANY_COMPLETIONS} and used with backoff \
         limit per index"
    );
    for place in [parallel, failed] {
        if above(&place, MANY_BOUND) {
            place.invalid(why.as_str(), findings);
        }
    }
}

pub(super) fn change(object: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let (spec, was) = (object.at("spec"), &old["spec"]);
    // As upstream: once as a job, which is looked at before, once as what a job becomes.
    whole_spec(&spec, findings);
    let completions = spec.at("completions");
    if spec.at("completionMode").text() != "Indexed" {
        completions.immutable(&was["completions"], findings);
    } else if completions.value() != &was["completions"]
        && completions.is_given()
        && completions.value() != spec.at("parallelism").value()
    {
        completions.invalid("can only be modified in tandem with spec.parallelism", findings);
    }
    let fixed = |field: &str, of: &str, findings: &mut Findings| {
        let place = spec.at(field);
        if place.value() != &was[field] {
            let shown = if of.is_empty() { place.value().clone() } else { internal::show(of, place.value()) };
            place.with(&shown).invalid_as(&shown, "field is immutable", findings);
        }
    };
    fixed("selector", SELECTOR, findings);
    template(&spec, old, findings);
    fixed("completionMode", "", findings);
    fixed("podFailurePolicy", "io.k8s.api.batch.v1.PodFailurePolicy", findings);
    fixed("backoffLimitPerIndex", "", findings);
    fixed("managedBy", "", findings);
    fixed("successPolicy", "io.k8s.api.batch.v1.SuccessPolicy", findings);
}

/// While a job is suspended and nothing of it runs, where its pods run and what they may use can
/// change.
fn template(spec: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let (template, mut before) = (spec.at("template"), old["spec"]["template"].clone());
    if !waits(old) {
        if template.value() != &before {
            let shown = internal::show(TEMPLATE, template.value());
            template.invalid_as(&shown, "field is immutable", findings);
        }
        return;
    }
    let (own, before) = (template.at("spec"), child(&mut before, "spec"));
    let new = own.value();
    for field in ["nodeSelector", "tolerations", "schedulingGates"] {
        put(before, field, &new[field]);
    }
    let affinity = &new["affinity"]["nodeAffinity"];
    if new["affinity"].is_object() || before["affinity"].is_object() {
        put(child(before, "affinity"), "nodeAffinity", affinity);
    }
    if !new["affinity"].is_object() && before["affinity"].as_object().is_some_and(Map::is_empty) {
        remove(before, "affinity");
    }
    for list in ["containers", "initContainers"] {
        let wanted = new[list].as_array().cloned().unwrap_or_default();
        let own = before.get_mut(list).and_then(Value::as_array_mut);
        let Some(own) = own.filter(|own| own.len() == wanted.len()) else { continue };
        for (own, wanted) in own.iter_mut().zip(wanted).filter(|(own, wanted)| own["name"] == wanted["name"]) {
            put(own, "resources", &wanted["resources"]);
        }
    }
    if new != before {
        let shown = internal::show(POD_SPEC, new);
        own.invalid_as(&shown, "field is immutable", findings);
    }
}

fn waits(job: &Value) -> bool {
    let status = &job["status"];
    let is_suspended = |condition: &Value| condition["type"] == "Suspended" && condition["status"] == "True";
    job["spec"]["suspend"] == true
        && (status["startTime"].is_null() || items(status, "conditions").any(is_suspended))
        && status["active"].as_i64().unwrap_or(0) == 0
}

fn put(object: &mut Value, key: &str, value: &Value) {
    match value {
        Value::Null => drop(remove(object, key)),
        value => object[key] = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn while_a_job_waits_its_pods_may_change_in_part() {
        let job = |status: Value, cpu: &str, image: &str| {
            let container = json!({"name": "c", "image": image, "resources": {"limits": {"cpu": cpu}}});
            json!({"spec": {"suspend": true, "template": {"spec": {"containers": [container]}}}, "status": status})
        };
        let suspended = json!({"startTime": "t", "conditions": [{"type": "Suspended", "status": "True"}]});
        for (status, cpu, image, found) in [
            (json!({}), "2", "a", None),
            (json!({}), "2", "b", Some("spec.template.spec")),
            (suspended, "2", "a", None),
            (json!({"startTime": "t"}), "2", "a", Some("spec.template")),
            (json!({"active": 1}), "2", "a", Some("spec.template")),
        ] {
            let (old, new) = (job(status.clone(), "1", "a"), job(status, cpu, image));
            let mut findings = Findings::new();
            template(&Place::root(&new).at("spec"), &old, &mut findings);
            assert_eq!(findings.first().map(|finding| &*finding.field), found, "{old} {new}");
        }
    }
}
