//! Of which families a service has addresses: its policy, its families and its addresses say so together,
//! and each may be left to the server.

use std::net::IpAddr;

use apimachinery::status::{ApiError, FieldError};
use apimachinery::tree::{Value, json};
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use super::{headless, invalid, texts, validate};
use crate::tree::{is_empty, text};

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    IPv4,
    IPv6,
}

impl Family {
    pub(crate) fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::IPv4 } else { Self::IPv6 }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::IPv4, Self::IPv6].into_iter().find(|family| family.name() == name)
    }

    /// That of an address as it is written.
    fn written(address: &str) -> Option<Self> {
        Address::parse(address).map(|address| Self::of(address.ip))
    }

    /// As objects have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::IPv4 => "IPv4",
            Self::IPv6 => "IPv6",
        }
    }

    pub(super) fn bits(self) -> u32 {
        match self {
            Self::IPv4 => 32,
            Self::IPv6 => 128,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::IPv4 => Self::IPv6,
            Self::IPv6 => Self::IPv4,
        }
    }
}

/// Completes policy and families of a service, or says why the cluster, whose own `families` are, cannot have
/// it. `old` is what the service was, null if it is new.
pub(super) fn settle(name: &str, spec: &mut Value, old: &Value, families: &[Family]) -> Result<(), ApiError> {
    if spec["type"] == "ExternalName" || keeps_preference(spec, old) {
        return Ok(());
    }
    let alone = text(spec, "clusterIP") == "None" && is_empty(&spec["selector"]);
    if spec["ipFamilyPolicy"].is_null() {
        spec["ipFamilyPolicy"] = match &old["ipFamilyPolicy"] {
            Value::Null if alone => "RequireDualStack".into(),
            Value::Null => "SingleStack".into(),
            policy => policy.clone(),
        };
    }
    // Upstream allocates before it validates, but looks first at what it allocates by.
    let mut errors = Vec::new();
    validate::addresses(&Place::named("spec", spec), &Place::root(old), &mut errors);
    invalid(name, errors)?;

    let single = spec["ipFamilyPolicy"] == "SingleStack";
    let mut errors = Vec::new();
    if !old.is_null() {
        shrink(spec, old, single, &mut errors);
    }
    if single {
        for (key, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
            if count(spec, key) == 2 {
                let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
                errors.push(FieldError::invalid("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], why));
            }
        }
    }
    follow_addresses(spec, families, &mut errors);
    invalid(name, errors)?;

    // Who finds endpoints without a selector may have both families, whatever the cluster has.
    if !alone {
        check(name, spec, families)?;
    }
    complete(spec, families, alone, single);
    Ok(())
}

/// A service that prefers both families does not get or lose one because the cluster has changed: somebody
/// has to change the service.
pub(super) fn keeps_preference(spec: &Value, old: &Value) -> bool {
    !old.is_null()
        && spec["type"] == old["type"]
        && matches!(text(spec, "type"), "ClusterIP" | "NodePort" | "LoadBalancer")
        && spec["ipFamilyPolicy"] == "PreferDualStack"
        && (old["ipFamilyPolicy"].is_null() || old["ipFamilyPolicy"] == "PreferDualStack")
        && texts(&spec["clusterIPs"]) == texts(&old["clusterIPs"])
        && texts(&spec["ipFamilies"]) == texts(&old["ipFamilies"])
}

/// To ask for a single family is to release what is there of the other; nothing else is.
fn shrink(spec: &mut Value, old: &Value, single: bool, errors: &mut Findings) {
    for (key, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let new = count(spec, key);
        if single {
            if new > 1 && texts(&spec[key]) == texts(&old[key]) {
                spec[key] = json!([spec[key][0]]);
            }
        } else if new > 0 && new < count(old, key) {
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            errors.push(FieldError::invalid("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], why));
        }
    }
}

/// Addresses say of which family they are.
fn follow_addresses(spec: &mut Value, families: &[Family], errors: &mut Findings) {
    if headless(spec) {
        return;
    }
    let addresses = texts(&spec["clusterIPs"]);
    let mut named: Vec<Value> = spec["ipFamilies"].as_array().cloned().unwrap_or_default();
    for (index, address) in addresses.iter().enumerate().skip(named.len()) {
        let Some(family) = Family::written(address) else { continue };
        if families.contains(&family) {
            named.push(family.name().into());
        } else {
            let why = format!("{} is not configured on this cluster", family.name());
            errors.push(FieldError::invalid(format!("spec.clusterIPs[{index}]"), &json!(addresses), why));
        }
    }
    if !named.is_empty() {
        spec["ipFamilies"] = named.into();
    }
}

/// Whether the cluster has what is demanded.
fn check(name: &str, spec: &Value, families: &[Family]) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    if spec["ipFamilyPolicy"] == "RequireDualStack" && families.len() < 2 {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid("spec.ipFamilyPolicy", &spec["ipFamilyPolicy"], why));
    }
    for (index, family) in texts(&spec["ipFamilies"]).into_iter().enumerate() {
        if Family::parse(family).is_none_or(|family| !families.contains(&family)) {
            let field = format!("spec.ipFamilies[{index}]");
            errors.push(FieldError::invalid(field, &family.into(), "not configured on this cluster"));
        }
    }
    invalid(name, errors)
}

/// Families that nobody named are the cluster's, and the other one where both are wanted.
fn complete(spec: &mut Value, families: &[Family], alone: bool, single: bool) {
    let mut named: Vec<Family> = texts(&spec["ipFamilies"]).into_iter().filter_map(Family::parse).collect();
    if named.is_empty() {
        named.extend(families.first());
    }
    if let [only] = named[..]
        && !single
        && (alone || families.len() == 2)
    {
        named.push(only.other());
    }
    spec["ipFamilies"] = named.into_iter().map(|family| Value::from(family.name())).collect::<Vec<_>>().into();
}

fn count(spec: &Value, key: &str) -> usize {
    spec[key].as_array().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::Family::{IPv4, IPv6};
    use super::*;

    const BOTH: [Family; 2] = [IPv4, IPv6];

    fn settled(spec: Value, old: Value, families: &[Family]) -> Result<(Value, Value), String> {
        let mut spec = spec;
        settle("s", &mut spec, &old, families).map_err(|error| error.message)?;
        Ok((spec["ipFamilyPolicy"].clone(), spec["ipFamilies"].clone()))
    }

    #[test]
    fn what_nobody_said_is_completed() {
        let selector = json!({"a": "b"});
        for (spec, families, policy, named) in [
            (json!({"selector": selector}), &BOTH[..], "SingleStack", json!(["IPv4"])),
            (json!({"selector": selector}), &[IPv6, IPv4], "SingleStack", json!(["IPv6"])),
            (json!({"ipFamilyPolicy": "PreferDualStack"}), &BOTH, "PreferDualStack", json!(["IPv4", "IPv6"])),
            (json!({"ipFamilyPolicy": "PreferDualStack"}), &[IPv6], "PreferDualStack", json!(["IPv6"])),
            (
                json!({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}),
                &BOTH,
                "RequireDualStack",
                json!(["IPv6", "IPv4"]),
            ),
            (json!({"clusterIP": "fd00::5", "clusterIPs": ["fd00::5"]}), &BOTH, "SingleStack", json!(["IPv6"])),
            (
                json!({"clusterIP": "None", "clusterIPs": ["None"]}),
                &[IPv4],
                "RequireDualStack",
                json!(["IPv4", "IPv6"]),
            ),
            (
                json!({"clusterIP": "None", "clusterIPs": ["None"], "selector": selector}),
                &BOTH,
                "SingleStack",
                json!(["IPv4"]),
            ),
        ] {
            assert_eq!(settled(spec.clone(), Value::Null, families), Ok((policy.into(), named)), "{spec}");
        }
        assert_eq!(settled(json!({"type": "ExternalName"}), Value::Null, &BOTH), Ok((Value::Null, Value::Null)));
    }

    #[test]
    fn what_the_cluster_has_not_is_refused() {
        for (spec, why) in [
            (
                json!({"ipFamilyPolicy": "RequireDualStack"}),
                "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
            ),
            (
                json!({"ipFamilies": ["IPv6"]}),
                "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
            ),
            (
                json!({"clusterIP": "fd00::5", "clusterIPs": ["fd00::5"]}),
                "spec.clusterIPs[0]: Invalid value: [\"fd00::5\"]: IPv6 is not configured on this cluster",
            ),
        ] {
            let message = settled(spec, Value::Null, &[IPv4]).unwrap_err();
            assert_eq!(message, format!("Service \"s\" is invalid: {why}"));
        }
    }

    #[test]
    fn a_family_is_released_by_asking_for_one() {
        let both = json!({"type": "ClusterIP", "clusterIP": "10.0.0.5", "clusterIPs": ["10.0.0.5", "fd00::5"],
            "ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "RequireDualStack"});
        let mut single = both.clone();
        single["ipFamilyPolicy"] = "SingleStack".into();
        assert_eq!(settled(single, both.clone(), &BOTH), Ok(("SingleStack".into(), json!(["IPv4"]))));
        let mut fewer = both.clone();
        fewer["clusterIPs"] = json!(["10.0.0.5"]);
        let message = settled(fewer, both.clone(), &BOTH).unwrap_err();
        assert!(message.ends_with("must be 'SingleStack' to release the secondary cluster IP"), "{message}");
        // The cluster has become one of a single family: a service that only prefers both stays as it is.
        let mut prefers = both;
        prefers["ipFamilyPolicy"] = "PreferDualStack".into();
        assert_eq!(settled(prefers.clone(), prefers, &[IPv4]), Ok(("PreferDualStack".into(), json!(["IPv4", "IPv6"]))));
    }
}
