//! What somebody wants of devices: a claim's spec, in a claim and in a template.

use std::collections::BTreeMap;

use apimachinery::tree::Value;
use apimachinery::validation::names::{dns1123_label, dns1123_subdomain, label_value};
use apimachinery::validation::place::{Findings, Place};

use super::{EFFECTS, configuration, each_item, each_named, each_once, names, selectors};
use crate::tree::{child, existing, items_mut, or_set_text};

const REQUESTS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;
const CONSTRAINTS_MAX: usize = 32;
const CONFIGURATIONS_MAX: usize = 32;
const OPERATORS: [&str; 2] = ["Equal", "Exists"];

pub(super) fn default(object: &mut Value) {
    let Some(devices) = existing(child(object, "spec"), "devices") else { return };
    let complete = |request: &mut Value| {
        or_set_text(request, "allocationMode", "ExactCount");
        if request["allocationMode"] == "ExactCount" && request["count"].as_i64().unwrap_or(0) == 0 {
            request["count"] = 1.into();
        }
    };
    for request in items_mut(devices, "requests") {
        if let Some(exactly) = existing(request, "exactly") {
            complete(exactly);
        }
        items_mut(request, "firstAvailable").for_each(complete);
    }
}

/// The names of requests, each with those of its alternatives.
pub(super) struct Requests<'v>(BTreeMap<&'v str, Vec<&'v str>>);

impl<'v> Requests<'v> {
    pub(super) fn of(devices: &Place<'_, 'v>) -> Self {
        let mut known = BTreeMap::new();
        for request in devices.at("requests").items() {
            let parts = request.at("firstAvailable").items().map(|part| part.at("name").text()).collect();
            known.insert(request.at("name").text(), parts);
        }
        Self(known)
    }

    /// A name that has to be one of them.
    pub(super) fn check(&self, name: &Place<'_, '_>, findings: &mut Findings) {
        const WHY: &str = "must be the name of a request in the claim or the name of a request and a subrequest \
                           separated by '/'";
        let parts: Vec<&str> = name.text().split('/').collect();
        if parts.len() > 2 {
            return name.invalid(WHY, findings);
        }
        for part in &parts {
            name.with(&Value::from(*part)).shaped(dns1123_label, findings);
        }
        let found = self.0.get(parts[0]).is_some_and(|below| parts.get(1).is_none_or(|part| below.contains(part)));
        if !found {
            name.invalid(WHY, findings);
        }
    }

    /// A list of such names, each of them once.
    pub(super) fn check_all(&self, list: &Place<'_, '_>, findings: &mut Findings) {
        each_once(list, REQUESTS_MAX, |name, findings| self.check(name, findings), findings);
    }
}

pub(super) fn validate(devices: &Place<'_, '_>, findings: &mut Findings) {
    let known = Requests::of(devices);
    each_named(&devices.at("requests"), "name", REQUESTS_MAX, request, findings);
    let constraint = |constraint: &Place<'_, '_>, findings: &mut Findings| {
        known.check_all(&constraint.at("requests"), findings);
        self::constraint(constraint, findings);
    };
    each_item(&devices.at("constraints"), CONSTRAINTS_MAX, constraint, findings);
    let config = |config: &Place<'_, '_>, findings: &mut Findings| {
        known.check_all(&config.at("requests"), findings);
        configuration(config, false, findings);
    };
    each_item(&devices.at("config"), CONFIGURATIONS_MAX, config, findings);
}

fn constraint(constraint: &Place<'_, '_>, findings: &mut Findings) {
    let (same, distinct) = (constraint.at("matchAttribute"), constraint.at("distinctAttribute"));
    if same.is_given() || distinct.is_given() {
        names::fully_qualified(if same.is_given() { &same } else { &distinct }, findings);
    } else {
        let why = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
        constraint.required(why, findings);
    }
}

fn request(request: &Place<'_, '_>, findings: &mut Findings) {
    const ONE: &str = "exactly one of `exactly` or `firstAvailable` is required";
    request.at("name").shaped(dns1123_label, findings);
    let (exactly, alternatives) = (request.at("exactly"), request.at("firstAvailable"));
    match (exactly.is_given(), !alternatives.is_empty()) {
        (false, false) => request.required(ONE, findings),
        (true, true) => request.invalid_as(&Value::Null, format!("{ONE}, but multiple fields are set"), findings),
        (true, false) => wanted(&exactly, findings),
        (false, true) => {
            let alternative = |one: &Place<'_, '_>, findings: &mut Findings| {
                one.at("name").shaped(dns1123_label, findings);
                wanted(one, findings);
            };
            each_named(&alternatives, "name", ALTERNATIVES_MAX, alternative, findings);
        }
    }
}

/// Which devices, and how many.
fn wanted(request: &Place<'_, '_>, findings: &mut Findings) {
    request.at("deviceClassName").required_shaped(dns1123_subdomain, findings);
    selectors(&request.at("selectors"), findings);
    let (mode, count) = (request.at("allocationMode"), request.at("count"));
    let number = count.number().unwrap_or(0);
    match mode.text() {
        "All" if number != 0 => count.invalid("must not be specified when allocationMode is 'All'", findings),
        "ExactCount" if number <= 0 => count.invalid("must be greater than zero", findings),
        "All" | "ExactCount" => {}
        _ => mode.unsupported(&["All", "ExactCount"], findings),
    }
    request.at("tolerations").items().for_each(|one| toleration(&one, findings));
}

fn toleration(toleration: &Place<'_, '_>, findings: &mut Findings) {
    let (key, value, effect) = (toleration.at("key"), toleration.at("value"), toleration.at("effect"));
    if !key.is_empty() {
        key.label_name(findings);
    }
    match toleration.at("operator").text() {
        "Exists" if !value.is_empty() => value.invalid("must be empty for operator `Exists`", findings),
        "Exists" => {}
        "Equal" => drop(value.shaped(label_value, findings)),
        _ => toleration.at("operator").one_of(&OPERATORS, findings),
    }
    if !effect.is_empty() {
        effect.none_or_one_of(&EFFECTS, findings);
    }
}

/// The first request for access that only administrators have.
pub(super) fn asks_for_admin(devices: &Value) -> Option<usize> {
    let requests = devices["requests"].as_array()?;
    requests.iter().position(|request| request["exactly"]["adminAccess"] == true)
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn found(value: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        validate(&Place::root(value), &mut findings);
        findings.iter().map(|finding| finding.field.clone()).collect()
    }

    #[test]
    fn a_claim_says_what_it_wants() {
        let good = json!({"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All"}}],
            "constraints": [{"requests": ["r"], "matchAttribute": "example.com/a"}]});
        assert!(found(&good).is_empty(), "{:?}", found(&good));
        let bad = json!({"requests": [{"name": "r"}, {"name": "r", "exactly": {"allocationMode": "ExactCount", "count": 1}}],
            "constraints": [{"requests": ["q", "r", "r"], "matchAttribute": "a"}]});
        assert_eq!(
            found(&bad),
            [
                "requests[0]",
                "requests[1].exactly.deviceClassName",
                "requests[1]",
                "constraints[0].requests[0]",
                "constraints[0].requests[2]",
                "constraints[0].matchAttribute",
            ]
        );
    }

    #[test]
    fn alternatives_are_named_with_their_request() {
        let claim = |names: Value| {
            let part = json!({"name": "p", "deviceClassName": "c", "allocationMode": "All"});
            json!({"requests": [{"name": "r", "firstAvailable": [part]}],
                "constraints": [{"requests": names, "distinctAttribute": "a.com/b"}]})
        };
        assert!(found(&claim(json!(["r", "r/p"]))).is_empty());
        assert_eq!(found(&claim(json!(["r/q", "r/p/p"]))).len(), 2);
    }
}
