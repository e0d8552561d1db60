//! Whether an autoscaler can scale: its bounds, its target, its metrics, its pace.

use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use crate::strategies::pods::validate::resources::{self, amount};

const PERIOD_SECONDS_MAX: i64 = 1800;
const WINDOW_SECONDS_MAX: i64 = 3600;
const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// Kinds of metrics and where each one is, in the order in which upstream looks for them.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

pub(super) fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (least, most) = (spec.at("minReplicas"), spec.at("maxReplicas"));
    if least.number().is_some_and(|number| number < 1) {
        least.invalid("must be greater than or equal to 1", findings);
    }
    match most.number().unwrap_or(0) {
        0 => most.required("must be set and greater than 0", findings),
        ..0 => most.invalid("must be greater than or equal to 1", findings),
        _ => {}
    }
    if least.number().is_some_and(|least| most.number().unwrap_or(0) < least) {
        let shown = most.number().unwrap_or(0).into();
        most.invalid_as(&shown, "must be greater than or equal to `minReplicas`", findings);
    }
    reference(&spec.at("scaleTargetRef"), true, findings);
    let metrics = spec.at("metrics");
    metrics.items().for_each(|metric| self::metric(&metric, findings));
    let outside = metrics.items().any(|metric| matches!(metric.at("type").text(), "Object" | "External"));
    if least.number() == Some(0) && !outside {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        metrics.forbidden(why, findings);
    }
    for direction in ["behavior.scaleUp", "behavior.scaleDown"] {
        let rules = spec.at(direction);
        if rules.is_given() {
            pace(&rules, findings);
        }
    }
}

pub(super) fn status(status: &Place<'_, '_>, findings: &mut Findings) {
    status.at("currentReplicas").not_negative(findings);
    status.at("desiredReplicas").not_negative(findings);
}

/// What is scaled says of which group it is; what is only looked at need not.
fn reference(reference: &Place<'_, '_>, needs_group: bool, findings: &mut Findings) {
    reference.at("kind").required_shaped(names::path_segment, findings);
    reference.at("name").required_shaped(names::path_segment, findings);
    let version = reference.at("apiVersion");
    if version.text().matches('/').count() > 1 {
        version.invalid(format!("unexpected GroupVersion string: {}", version.text()), findings);
        return;
    }
    let of_core = reference.at("kind").text() == "ReplicationController";
    if needs_group && !version.text().contains('/') && !of_core {
        version.invalid_as(&version.text().into(), "apiVersion must specify API group", findings);
    }
}

fn metric(metric: &Place<'_, '_>, findings: &mut Findings) {
    let kind = metric.at("type");
    if kind.is_empty() {
        kind.required("must specify a metric source type", findings);
    }
    if !TYPES.contains(&kind.text()) {
        kind.unsupported(&TYPES, findings);
    }
    let given: Vec<&str> =
        SOURCES.iter().map(|(_, field)| *field).filter(|field| metric.at(field).is_given()).collect();
    if let Some(field) = given.first() {
        source(&metric.at(field), field, findings);
    }
    let expected = SOURCES.iter().find(|(name, _)| *name == kind.text()).map(|(_, field)| *field);
    match expected {
        Some(field) if !metric.at(field).is_given() => {
            metric.at(field).required("must populate information for the given metric source", findings);
        }
        Some(_) => {}
        None => kind.unsupported(&TYPES, findings),
    }
    if given.len() != 1 {
        let mut others: Vec<&str> = given.into_iter().filter(|field| Some(*field) != expected).collect();
        others.sort_unstable();
        for field in others {
            metric.at(field).forbidden("must populate the given metric source only", findings);
        }
    }
}

fn source(source: &Place<'_, '_>, kind: &str, findings: &mut Findings) {
    let target = source.at("target");
    match kind {
        "resource" | "containerResource" => {
            let name = source.at("name");
            if name.is_empty() {
                name.required("must specify a resource name", findings);
            } else if kind == "containerResource" {
                resources::container_name(name.text(), &name, findings);
            }
            if kind == "containerResource" {
                let container = source.at("container");
                match container.is_empty() {
                    true => container.required("must specify a container", findings),
                    false => drop(container.shaped(names::dns1123_label, findings)),
                }
            }
        }
        _ => {
            if kind == "object" {
                reference(&source.at("describedObject"), false, findings);
            }
            let name = source.at("metric.name");
            match name.is_empty() {
                true => name.required("must specify a metric name", findings),
                false => drop(name.shaped(names::path_segment, findings)),
            }
        }
    }
    self::target(&target, findings);
    let (value, average, utilization) =
        (target.at("value"), target.at("averageValue"), target.at("averageUtilization"));
    match kind {
        "object" if !value.is_given() && !average.is_given() => {
            average.required("must set either a target value or averageValue", findings);
        }
        "external" => match (value.is_given(), average.is_given()) {
            (false, false) => {
                average.required("must set either a target value for metric or a per-pod target", findings);
            }
            (true, true) => {
                value.forbidden("may not set both a target value for metric and a per-pod target", findings);
            }
            _ => {}
        },
        "pods" if !average.is_given() => {
            average.required("must specify a positive target averageValue", findings);
        }
        "resource" | "containerResource" => match (utilization.is_given(), average.is_given()) {
            (false, false) => {
                utilization.required("must set either a target raw value or a target utilization", findings);
            }
            (true, true) => {
                average.forbidden("may not set both a target raw value and a target utilization", findings);
            }
            _ => {}
        },
        _ => {}
    }
}

fn target(target: &Place<'_, '_>, findings: &mut Findings) {
    let kind = target.at("type");
    if kind.is_empty() {
        kind.required("must specify a metric target type", findings);
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind.text()) {
        kind.invalid("must be either Utilization, Value, or AverageValue", findings);
    }
    for field in ["value", "averageValue"] {
        let place = target.at(field);
        if place.is_given() && amount(place.value()) <= 0 {
            place.invalid("must be positive", findings);
        }
    }
    let utilization = target.at("averageUtilization");
    if utilization.number().is_some_and(|number| number < 1) {
        utilization.invalid("must be greater than 0", findings);
    }
}

fn pace(rules: &Place<'_, '_>, findings: &mut Findings) {
    let window = rules.at("stabilizationWindowSeconds");
    match window.number() {
        Some(..0) => window.invalid("must be greater than or equal to zero", findings),
        Some(seconds) if seconds > WINDOW_SECONDS_MAX => {
            window.invalid(format!("must be less than or equal to {WINDOW_SECONDS_MAX}"), findings);
        }
        _ => {}
    }
    rules.at("selectPolicy").none_or_one_of(&["Disabled", "Max", "Min"], findings);
    let policies = rules.at("policies");
    if policies.is_empty() {
        policies.required("must specify at least one Policy", findings);
    }
    for policy in policies.items() {
        let kind = policy.at("type");
        if !["Percent", "Pods"].contains(&kind.text()) {
            kind.unsupported(&["Percent", "Pods"], findings);
        }
        policy.at("value").positive(findings);
        let period = policy.at("periodSeconds");
        period.positive(findings);
        if period.number().is_some_and(|seconds| seconds > PERIOD_SECONDS_MAX) {
            period.invalid(format!("must be less than or equal to {PERIOD_SECONDS_MAX}"), findings);
        }
    }
    let tolerance = rules.at("tolerance");
    if amount(tolerance.value()) < 0 {
        tolerance.invalid("must be greater than or equal to 0", findings);
    }
}
