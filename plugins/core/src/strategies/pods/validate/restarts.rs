//! When containers are started again: after they end, or after their resources changed.

use std::collections::BTreeSet;

use apimachinery::validation::place::{Findings, Place};

const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const ACTIONS: [&str; 2] = ["Restart", "RestartAllContainers"];
const RULES_MAX: usize = 20;
const CODES_MAX: usize = 255;
const NO_POLICY: &str = "must specify restartPolicy when restart rules are used";

pub(super) fn of_container(container: &Place<'_, '_>, findings: &mut Findings) {
    let (policy, rules) = (container.at("restartPolicy"), container.at("restartPolicyRules"));
    if policy.is_given() {
        policy.none_or_one_of(&POLICIES, findings);
    } else if rules.is_empty() {
        return;
    } else {
        policy.required(NO_POLICY, findings);
    }
    if rules.count() > RULES_MAX {
        rules.too_many(rules.count(), RULES_MAX, findings);
    }
    for rule in rules.items() {
        let action = rule.at("action");
        if !ACTIONS.contains(&action.text()) {
            action.unsupported(&ACTIONS, findings);
        }
        let codes = rule.at("exitCodes");
        if !codes.is_given() {
            codes.required("must be specified", findings);
            continue;
        }
        if !["In", "NotIn"].contains(&codes.at("operator").text()) {
            codes.at("operator").unsupported(&["In", "NotIn"], findings);
        }
        let values = codes.at("values");
        if values.count() > CODES_MAX {
            values.too_many(values.count(), CODES_MAX, findings);
        }
    }
}

/// Without a policy, its rules are not looked at.
pub(super) fn of_init_container(container: &Place<'_, '_>, findings: &mut Findings) {
    let (policy, rules) = (container.at("restartPolicy"), container.at("restartPolicyRules"));
    if policy.is_given() {
        of_container(container, findings);
    } else if !rules.is_empty() {
        policy.required(NO_POLICY, findings);
    }
}

/// What a change of resources means for a container.
pub(super) fn resizing(policies: &Place<'_, '_>, restart_policy: &str, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for policy in policies.items() {
        let (resource, restart) = (policy.at("resourceName"), policy.at("restartPolicy"));
        if !seen.insert(resource.text()) {
            policy.duplicate_as(&resource.text().into(), findings);
        }
        // Upstream tells the list, not the item.
        policies.with(resource.value()).one_of(&["cpu", "memory"], findings);
        policies.with(restart.value()).one_of(&["NotRequired", "RestartContainer"], findings);
        if restart_policy == "Never" && restart.text() != "NotRequired" {
            let why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            policies.with(restart.value()).invalid(why, findings);
        }
    }
}
