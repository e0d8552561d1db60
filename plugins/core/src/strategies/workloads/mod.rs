//! What runs pods from a template, and the templates. Jobs are in `jobs`.

mod daemonsets;
mod deployments;
mod replication;
mod revisions;
mod statefulsets;

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

pub(super) use daemonsets::DAEMON_SETS;
pub(super) use deployments::DEPLOYMENTS;
pub(super) use replication::{REPLICA_SETS, REPLICATION_CONTROLLERS};
pub(super) use revisions::{CONTROLLER_REVISIONS, POD_TEMPLATES};
pub(super) use statefulsets::STATEFUL_SETS;

use super::pods::validate;
use crate::check;
use crate::warnings::{self, Warnings};

const SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";

/// The selector of a workload, and whether it says anything that can be evaluated.
fn selector(selector: &Place<'_, '_>, kind: &str, findings: &mut Findings) -> bool {
    let before = findings.len();
    selector.selector(findings);
    let good = findings.len() == before;
    if selector.is_given() && selector.at("matchLabels").is_empty() && selector.at("matchExpressions").is_empty() {
        let shown = internal::show(SELECTOR, selector.value());
        selector.invalid_as(&shown, format!("empty selector is invalid for {kind}"), findings);
    }
    good
}

/// The template makes what the selector selects; without a selector nothing is.
fn selects(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (selector, labels) = (spec.at("selector"), spec.at("template.metadata.labels"));
    if !selector.is_given() || !check::selects(selector.value(), labels.value()) {
        let shown = internal::sorted(labels.value());
        labels.invalid_as(&shown, "`selector` does not match template `labels`", findings);
    }
}

/// Pods are named after it.
fn named(object: &Place<'_, '_>, old: Option<&Value>, out: &mut Warnings) {
    if old.is_none() {
        warnings::name_of_hosts(object, "Pod names and hostnames", out);
    }
}

/// A template whose pods are started again whenever they end.
fn restarting(spec: &Place<'_, '_>, kind: &str, findings: &mut Findings) {
    validate::template(&spec.at("template"), findings);
    always(spec, kind, findings);
}

fn always(spec: &Place<'_, '_>, kind: &str, findings: &mut Findings) {
    let policy = spec.at("template.spec.restartPolicy");
    if policy.text() != validate::RESTART_ALWAYS {
        policy.unsupported(&[validate::RESTART_ALWAYS], findings);
    }
    let deadline = spec.at("template.spec.activeDeadlineSeconds");
    if deadline.is_given() {
        deadline.forbidden(format!("activeDeadlineSeconds in {kind} is not Supported"), findings);
    }
}

/// Numbers of a status, none of which is negative.
fn counts(status: &Place<'_, '_>, fields: &[&str], findings: &mut Findings) {
    fields.iter().for_each(|field| status.at(field).not_negative(findings));
}

/// A part of a status that is no more than the whole.
fn no_more(status: &Place<'_, '_>, part: &str, whole: &str, shown: &str, findings: &mut Findings) {
    let number = |field: &str| status.at(field).number().unwrap_or(0);
    if number(part) > number(whole) {
        let value = Value::from(number(part));
        status.at(part).invalid_as(&value, format!("cannot be greater than {shown}"), findings);
    }
}

/// Hash collisions are counted up.
fn collisions(status: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let count = status.at("collisionCount");
    let before = old["status"]["collisionCount"].as_i64();
    if before.is_some_and(|before| count.number().is_none_or(|now| now < before)) {
        count.invalid_as(&count.number().unwrap_or(0).into(), "cannot be decremented", findings);
    }
}

/// A number or a percentage, neither negative.
pub(super) fn number_or_percent(place: &Place<'_, '_>, findings: &mut Findings) {
    match place.value() {
        Value::String(text) if percent(text).is_none() => {
            let why = "a valid percent string must be a numeric string followed by an ending '%' \
                       (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            place.invalid(why, findings);
        }
        Value::String(_) => {}
        _ => place.not_negative(findings),
    }
}

pub(super) fn no_more_than_all(place: &Place<'_, '_>, findings: &mut Findings) {
    if place.value().as_str().and_then(percent).is_some_and(|percent| percent > 100) {
        place.invalid("must not be greater than 100%", findings);
    }
}

fn percent(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%')?;
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    numeric.then(|| digits.parse().unwrap_or(i64::MAX))
}

/// The number, or that of the percentage.
fn amount(value: &Value) -> i64 {
    value.as_str().map_or(value.as_i64().unwrap_or(0), |text| percent(text).or_else(|| text.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
