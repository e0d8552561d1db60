//! What a job's controller may say of it: what is over stays over.

use std::collections::BTreeSet;

use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::failures::{count_indexes, without_value};

pub(super) fn change(object: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let status = object.at("status");
    own(object, &status, old, findings);
    let was = &old["status"];
    let conditions = status.at("conditions");
    for kind in ["Failed", "Complete", "FailureTarget"] {
        if is(was, kind) && !is(status.value(), kind) {
            without_value(&conditions, &format!("cannot disable the terminal {kind}=True condition"), findings);
        }
    }
    for (field, why) in
        [("failed", "cannot decrease the failed counter"), ("succeeded", "cannot decrease the succeeded counter")]
    {
        let count = status.at(field);
        if count.number().unwrap_or(0) < was[field].as_i64().unwrap_or(0) {
            count.invalid_as(&count.number().unwrap_or(0).into(), why, findings);
        }
    }
    let completed = status.at("completionTime");
    if completed.is_given() && !was["completionTime"].is_null() && completed.value() != &was["completionTime"] {
        completed.invalid("field is immutable", findings);
    }
    let started = status.at("startTime");
    if !was["startTime"].is_null() && started.value() != &was["startTime"] && !object.at("spec.suspend").is_true() {
        started.invalid_as(started.value(), "field is immutable for unsuspended job once set", findings);
    }
    let met = |status: &Value| is(status, "SuccessCriteriaMet");
    if met(was) && !met(status.value()) {
        without_value(&conditions, "cannot disable the SuccessCriteriaMet=True condition", findings);
    }
    if is(was, "Complete") && !met(was) && met(status.value()) {
        let why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        without_value(&conditions, why, findings);
    }
}

fn is(status: &Value, kind: &str) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn own(object: &Place<'_, '_>, status: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    for field in ["active", "succeeded", "failed", "ready", "terminating"] {
        status.at(field).not_negative(findings);
    }
    let uncounted = status.at("uncountedTerminatedPods");
    let mut seen = BTreeSet::new();
    for list in ["succeeded", "failed"] {
        for uid in uncounted.at(list).items() {
            match uid.text() {
                "" => uid.invalid("must not be empty", findings),
                text if !seen.insert(text) => uid.duplicate(findings),
                _ => {}
            }
        }
    }
    let now = |kind: &str| is(status.value(), kind);
    let before = |kind: &str| is(&old["status"], kind);
    let (complete, failed) = (now("Complete"), now("Failed"));
    let (newly_complete, newly_failed) = (complete && !before("Complete"), failed && !before("Failed"));
    let conditions = status.at("conditions");
    let met = now("SuccessCriteriaMet");
    for (wrong, why) in [
        (complete && failed, "cannot set Complete=True and Failed=true conditions"),
        (complete && now("FailureTarget"), "cannot set Complete=True and FailureTarget=true conditions"),
    ] {
        if wrong {
            without_value(&conditions, why, findings);
        }
    }
    times(status, complete, findings);
    for (wrong, why) in [
        (
            newly_failed && !now("FailureTarget"),
            "cannot set Failed=True condition without the FailureTarget=true condition",
        ),
        (newly_complete && !met, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
    ] {
        if wrong {
            without_value(&conditions, why, findings);
        }
    }
    if newly_complete || newly_failed {
        finished(status, findings);
    }
    indexes(object, status, findings);
    let (ready, active) = (status.at("ready"), status.at("active").number().unwrap_or(0));
    if ready.number().is_some_and(|ready| ready > active) {
        ready.invalid("cannot set more ready pods than active", findings);
    }
    for (wrong, why) in [
        (met && failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met && now("FailureTarget"), "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
        (
            object.at("spec.successPolicy").is_given() && !met && complete,
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ),
    ] {
        if wrong {
            without_value(&conditions, why, findings);
        }
    }
}

fn times(status: &Place<'_, '_>, complete: bool, findings: &mut Findings) {
    let (started, completed) = (status.at("startTime"), status.at("completionTime"));
    if completed.is_given() && !complete {
        completed.invalid("cannot set completionTime when there is no Complete=True condition", findings);
    }
    if !completed.is_given() && complete {
        completed.required("completionTime is required for Complete jobs", findings);
    }
    // Both in the one form that is stored, so that their order is that of their texts.
    if started.is_given() && completed.is_given() && completed.text() < started.text() {
        completed.invalid("must be equal to or after `startTime`", findings);
    }
}

fn finished(status: &Place<'_, '_>, findings: &mut Findings) {
    let active = status.at("active");
    if active.number().is_some_and(|active| active > 0) {
        active.invalid("active>0 is invalid for finished job", findings);
    }
    if !status.at("startTime").is_given() {
        status.at("startTime").required("startTime is required for finished job", findings);
    }
    let uncounted = status.at("uncountedTerminatedPods");
    if !uncounted.at("failed").is_empty() || !uncounted.at("succeeded").is_empty() {
        uncounted.invalid("must be empty for finished job", findings);
    }
    let terminating = status.at("terminating");
    if terminating.number().is_some_and(|count| count > 0) {
        terminating.invalid("terminating>0 is invalid for finished job", findings);
    }
}

fn indexes(object: &Place<'_, '_>, status: &Place<'_, '_>, findings: &mut Findings) {
    let (completed, failed) = (status.at("completedIndexes"), status.at("failedIndexes"));
    if let Some(completions) = object.at("spec.completions").number() {
        let per_index = object.at("spec.backoffLimitPerIndex").is_given();
        let told = [(completed, "completedIndexes", true), (failed, "failedIndexes", per_index)];
        for (place, name, _) in told.into_iter().filter(|(_, _, counts)| *counts) {
            if let Err(why) = count_indexes(place.text(), completions) {
                place.invalid(format!("error parsing {name}: {why}"), findings);
            }
        }
    }
    if !completed.is_empty() && object.at("spec.completionMode").text() != "Indexed" {
        completed.invalid("cannot set non-empty completedIndexes when non-indexed completion mode", findings);
    }
    if failed.is_given() && !object.at("spec.backoffLimitPerIndex").is_given() {
        failed.invalid("cannot set non-null failedIndexes when backoffLimitPerIndex is null", findings);
    }
}
