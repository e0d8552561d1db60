//! Disruption budgets.

use apimachinery::schema::internal;
use apimachinery::tree::json;
use apimachinery::validation::place::{Findings, Place};

use super::conditions::conditions;
use super::rules::{RULES, Rules};
use super::workloads::{no_more_than_all, number_or_percent};

pub(super) static BUDGETS: Rules = Rules {
    prepare: |object| {
        object["status"] =
            json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
    },
    validate: |object, findings| spec(&object.at("spec"), findings),
    status: |object, _, findings| {
        for field in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
            object.at("status").at(field).not_negative(findings);
        }
        conditions(&object.at("status.conditions"), findings);
    },
    any_metadata: true,
    generation: true,
    knows_finalizers: false,
    unconditional_update: false,
    ..RULES
};

fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (least, most) = (spec.at("minAvailable"), spec.at("maxUnavailable"));
    if least.is_given() && most.is_given() {
        let shown = internal::show("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", spec.value());
        spec.invalid_as(&shown, "minAvailable and maxUnavailable cannot be both set", findings);
    }
    for number in [least, most] {
        if number.is_given() {
            number_or_percent(&number, findings);
            no_more_than_all(&number, findings);
        }
    }
    spec.at("selector").selector(findings);
    spec.at("unhealthyPodEvictionPolicy").none_or_one_of(&["AlwaysAllow", "IfHealthyBudget"], findings);
}
