//! Devices: classes of them, what nodes have, and who claims what.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::cel::{Environment, Wanted};
use apimachinery::rest::clock;
use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::pods::validate::node_selector;
use super::rules::{RULES, Rules};
use crate::tree::{child, existing, items_mut, or_set, or_set_text};

const DRIVER_BYTES_MAX: usize = 63;
const POOL_BYTES_MAX: usize = 253;
const IDENTIFIER_BYTES_MAX: usize = 32;
const REQUESTS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;
const SELECTORS_MAX: usize = 32;
const DEVICES_MAX: usize = 128;
const ATTRIBUTES_MAX: usize = 32;
const VALUE_BYTES_MAX: usize = 64;
const EXPRESSION_BYTES_MAX: usize = 10 * 1024;
const ONE_REQUEST: &str = "exactly one of `exactly` or `firstAvailable` is required";
const ONE_PLACE: &str = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
const A_REQUEST: &str = "must be the name of a request in the claim or the name of a request and a subrequest separated \
                         by '/'";

pub(super) static DEVICE_CLASSES: Rules = Rules {
    validate: |object, findings| {
        let spec = object.at("spec");
        selectors(&spec.at("selectors"), findings);
        for config in spec.at("config").items() {
            configuration(&config, findings);
        }
    },
    generation: true,
    returns_deleted: true,
    ..RULES
};

pub(super) static RESOURCE_CLAIMS: Rules = Rules {
    default: |object| claim_defaults(object),
    validate: |object, findings| claim(&object.at("spec.devices"), findings),
    validates_updates: false,
    change: |object, old, findings| unchanged(object, old, "io.k8s.api.resource.v1.ResourceClaimSpec", findings),
    returns_deleted: true,
    ..RULES
};

pub(super) static CLAIM_TEMPLATES: Rules = Rules {
    default: |object| claim_defaults(child(object, "spec")),
    validate: |object, findings| claim(&object.at("spec.spec.devices"), findings),
    validates_updates: false,
    change: |object, old, findings| {
        unchanged(object, old, "io.k8s.api.resource.v1.ResourceClaimTemplateSpec", findings)
    },
    returns_deleted: true,
    ..RULES
};

pub(super) static RESOURCE_SLICES: Rules = Rules {
    default: |object| {
        for device in items_mut(child(object, "spec"), "devices") {
            items_mut(device, "taints").for_each(|taint| or_set(taint, "timeAdded", clock::now()));
        }
    },
    validate: |object, findings| slice(&object.at("spec"), None, findings),
    validates_updates: false,
    change: |object, old, findings| slice(&object.at("spec"), Some(&old["spec"]), findings),
    warnings: |object, _, out| {
        let driver = object.at("spec.driver");
        if driver.text().chars().any(char::is_uppercase) {
            out.push(format!(
                "spec.driver: driver names should be lowercase; \"{}\" contains uppercase characters",
                driver.text()
            ));
        }
    },
    generation: true,
    returns_deleted: true,
    ..RULES
};

fn claim_defaults(object: &mut Value) {
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

fn unchanged(object: &Place<'_, '_>, old: &Value, kind: &str, findings: &mut Findings) {
    let spec = object.at("spec");
    if spec.value() != &old["spec"] {
        spec.invalid_as(&internal::show(kind, spec.value()), "field is immutable", findings);
    }
}

fn claim(devices: &Place<'_, '_>, findings: &mut Findings) {
    let mut known: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for request in devices.at("requests").items() {
        let parts = request.at("firstAvailable");
        let parts = parts.items().map(|part| part.at("name").text()).collect();
        known.insert(request.at("name").text(), parts);
    }
    each_named(&devices.at("requests"), REQUESTS_MAX, request, findings);
    for constraint in devices.at("constraints").items() {
        constraint.at("requests").items().for_each(|name| request_reference(&name, &known, findings));
        let (same, distinct) = (constraint.at("matchAttribute"), constraint.at("distinctAttribute"));
        if same.is_given() || distinct.is_given() {
            attribute_name(if same.is_given() { &same } else { &distinct }, findings);
        } else {
            let why =
                "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
            constraint.required(why, findings);
        }
    }
    for config in devices.at("config").items() {
        config.at("requests").items().for_each(|name| request_reference(&name, &known, findings));
        configuration(&config, findings);
    }
}

fn request(request: &Place<'_, '_>, findings: &mut Findings) {
    request.at("name").shaped(names::dns1123_label, findings);
    let (exactly, alternatives) = (request.at("exactly"), request.at("firstAvailable"));
    match (exactly.is_given(), !alternatives.is_empty()) {
        (false, false) => request.required(ONE_REQUEST, findings),
        (true, true) => {
            request.invalid_as(&Value::Null, format!("{ONE_REQUEST}, but multiple fields are set"), findings);
        }
        (true, false) => wanted(&exactly, findings),
        (false, true) => each_named(
            &alternatives,
            ALTERNATIVES_MAX,
            |part, findings| {
                part.at("name").shaped(names::dns1123_label, findings);
                wanted(part, findings);
            },
            findings,
        ),
    }
}

/// Which devices, and how many.
fn wanted(request: &Place<'_, '_>, findings: &mut Findings) {
    request.at("deviceClassName").required_shaped(names::dns1123_subdomain, findings);
    selectors(&request.at("selectors"), findings);
    let (mode, count) = (request.at("allocationMode"), request.at("count"));
    let number = count.number().unwrap_or(0);
    match mode.text() {
        "All" if number != 0 => {
            count.invalid("must not be specified when allocationMode is 'All'", findings);
        }
        "ExactCount" if number <= 0 => count.invalid("must be greater than zero", findings),
        "All" | "ExactCount" => {}
        _ => mode.unsupported(&["All", "ExactCount"], findings),
    }
    for toleration in request.at("tolerations").items() {
        if !toleration.at("key").is_empty() {
            toleration.at("key").label_name(findings);
        }
        let (operator, value) = (toleration.at("operator"), toleration.at("value"));
        match operator.text() {
            "Exists" if !value.is_empty() => value.invalid("must be empty for operator `Exists`", findings),
            "Exists" => {}
            "Equal" => drop(value.shaped(names::label_value, findings)),
            _ => operator.one_of(&["Equal", "Exists"], findings),
        }
        toleration.at("effect").none_or_one_of(&["NoExecute", "NoSchedule", "None"], findings);
    }
}

/// They have to compile; schedulers evaluate them.
fn selectors(selectors: &Place<'_, '_>, findings: &mut Findings) {
    if selectors.count() > SELECTORS_MAX {
        return selectors.too_many(selectors.count(), SELECTORS_MAX, findings);
    }
    let environment = Environment::device();
    for selector in selectors.items() {
        let expression = selector.at("cel.expression");
        if !selector.at("cel").is_given() {
            selector.at("cel").required("", findings);
        } else if expression.text().len() > EXPRESSION_BYTES_MAX {
            expression.too_long(EXPRESSION_BYTES_MAX, findings);
        } else if let Err(why) = environment.compile(expression.text(), Wanted::BoolOrUnknown) {
            expression.invalid(why, findings);
        }
    }
}

fn configuration(config: &Place<'_, '_>, findings: &mut Findings) {
    let opaque = config.at("opaque");
    if !opaque.is_given() {
        return opaque.required("", findings);
    }
    driver_name(&opaque.at("driver"), findings);
    if !opaque.at("parameters").is_given() {
        opaque.at("parameters").required("", findings);
    }
}

fn request_reference(name: &Place<'_, '_>, known: &BTreeMap<&str, Vec<&str>>, findings: &mut Findings) {
    let parts: Vec<&str> = name.text().split('/').collect();
    if parts.len() > 2 {
        return name.invalid(A_REQUEST, findings);
    }
    for part in &parts {
        for why in names::dns1123_label(part) {
            name.invalid_as(&(*part).into(), why, findings);
        }
    }
    let found = known.get(parts[0]).is_some_and(|below| parts.get(1).is_none_or(|part| below.contains(part)));
    if !found {
        name.invalid(A_REQUEST, findings);
    }
}

fn slice(spec: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    driver_name(&spec.at("driver"), findings);
    pool(&spec.at("pool"), findings);
    if let Some(old) = old {
        spec.at("pool.name").immutable(&old["pool"]["name"], findings);
        spec.at("driver").immutable(&old["driver"], findings);
        spec.at("nodeName").immutable(old.get("nodeName").unwrap_or(&Value::Null), findings);
    }
    let each = spec.at("perDeviceNodeSelection");
    let mut set = place_of_devices(spec, "must be either unset or set to a non-empty string", findings);
    if each.is_given() && !each.is_true() {
        each.invalid("must be either unset or set to true", findings);
    }
    set.extend(each.is_true().then_some("`perDeviceNodeSelection`"));
    match set.len() {
        0 => spec.required(ONE_PLACE, findings),
        1 => {}
        _ => {
            let shown = format!("{{{}}}", set.join(", ")).into();
            spec.invalid_as(&shown, format!("{ONE_PLACE}, but multiple fields are set"), findings);
        }
    }
    if spec.at("sharedCounters").is_given() && spec.at("devices").is_given() {
        spec.invalid_as(&"".into(), "only one of `sharedCounters` or `devices` is allowed", findings);
    }
    let each = each.is_true();
    each_named(&spec.at("devices"), DEVICES_MAX, |one, findings| device(one, each, findings), findings);
}

/// Which of the fields are set that say on which nodes devices are.
fn place_of_devices(of: &Place<'_, '_>, empty: &str, findings: &mut Findings) -> Vec<&'static str> {
    let (name, selector, all) = (of.at("nodeName"), of.at("nodeSelector"), of.at("allNodes"));
    let mut set = Vec::new();
    if name.is_given() {
        if name.is_empty() {
            name.invalid(empty, findings);
        } else {
            set.push("`nodeName`");
            name.shaped(names::dns1123_subdomain, findings);
        }
    }
    if selector.is_given() {
        set.push("`nodeSelector`");
        node_selector(&selector, findings);
        let terms = selector.at("nodeSelectorTerms");
        if terms.count() != 1 {
            terms.invalid("must have exactly one node selector term", findings);
        }
    }
    if all.is_given() {
        if all.is_true() {
            set.push("`allNodes`");
        } else {
            all.invalid("must be either unset or set to true", findings);
        }
    }
    set
}

fn device(device: &Place<'_, '_>, places_itself: bool, findings: &mut Findings) {
    const WHEN: &str = "is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    device.at("name").shaped(names::dns1123_label, findings);
    let (attributes, capacity) = (device.at("attributes"), device.at("capacity"));
    let count = attributes.entries().count() + capacity.entries().count();
    if count > ATTRIBUTES_MAX {
        let why = format!("the total number of attributes and capacities must not exceed {ATTRIBUTES_MAX}");
        device.invalid_as(&count.into(), why, findings);
    }
    for (name, attribute) in attributes.entries() {
        qualified_name(&attribute.with(&name.into()), findings);
        self::attribute(&attribute, findings);
    }
    for (name, amount) in capacity.entries() {
        qualified_name(&amount.with(&name.into()), findings);
    }
    for taint in device.at("taints").items() {
        taint.at("key").label_name(findings);
        taint.at("value").optional_shaped(names::label_value, findings);
        taint.at("effect").one_of(&["NoExecute", "NoSchedule", "None"], findings);
    }
    let one = "exactly one of `nodeName`, `nodeSelector`, or `allNodes`";
    if places_itself {
        let set = place_of_devices(device, "must not be empty", findings);
        match set.len() {
            0 => device.required(&format!("{one} {WHEN}"), findings),
            1 => {}
            _ => device.invalid_as(&format!("{{{}}}", set.join(", ")).into(), format!("{one} {WHEN}"), findings),
        }
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|field| device.at(field).is_given()) {
        let why = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true \
                   in the ResourceSlice spec";
        device.invalid_as(&Value::Null, why, findings);
    }
}

fn attribute(attribute: &Place<'_, '_>, findings: &mut Findings) {
    for field in ["string", "version"] {
        let value = attribute.at(field);
        if value.text().len() > VALUE_BYTES_MAX {
            value.too_long(VALUE_BYTES_MAX, findings);
        }
    }
    let set = ["bool", "int", "string", "version"].iter().filter(|field| attribute.at(field).is_given()).count();
    if set != 1 {
        let shown = if set == 0 {
            "".into()
        } else {
            internal::show("io.k8s.api.resource.v1.DeviceAttribute", attribute.value())
        };
        attribute.invalid_as(&shown, "exactly one value must be specified", findings);
    }
}

fn pool(pool: &Place<'_, '_>, findings: &mut Findings) {
    let (name, slices, generation) = (pool.at("name"), pool.at("resourceSliceCount"), pool.at("generation"));
    if name.is_empty() {
        name.required("", findings);
    } else {
        if name.text().len() > POOL_BYTES_MAX {
            name.too_long(POOL_BYTES_MAX, findings);
        }
        for part in name.text().split('/') {
            for why in names::dns1123_subdomain(part) {
                name.invalid_as(&part.into(), why, findings);
            }
        }
    }
    if slices.number().unwrap_or(0) <= 0 {
        slices.invalid_as(&slices.number().unwrap_or(0).into(), "must be greater than zero", findings);
    }
    if generation.number().unwrap_or(0) < 0 {
        generation.invalid("must be greater than or equal to zero", findings);
    }
}

/// As drivers of storage are named.
fn driver_name(name: &Place<'_, '_>, findings: &mut Findings) {
    if name.is_empty() {
        return name.required("", findings);
    }
    if name.text().len() > DRIVER_BYTES_MAX {
        name.too_long(DRIVER_BYTES_MAX, findings);
    }
    name.shaped(|name| names::dns1123_subdomain(&name.to_lowercase()), findings);
}

fn attribute_name(name: &Place<'_, '_>, findings: &mut Findings) {
    qualified_name(name, findings);
    if !name.text().contains('/') {
        name.invalid("a fully qualified name must be a domain and a name separated by a slash", findings);
    }
}

fn qualified_name(name: &Place<'_, '_>, findings: &mut Findings) {
    let own = match name.text().split_once('/') {
        None => name.text(),
        Some((domain, own)) => {
            match domain {
                "" => name.invalid_as(&"".into(), "the domain must not be empty", findings),
                domain => driver_name(&name.with(&domain.into()), findings),
            }
            if own.is_empty() {
                return name.invalid_as(&"".into(), "the name must not be empty", findings);
            }
            own
        }
    };
    if own.len() > IDENTIFIER_BYTES_MAX {
        name.too_long(IDENTIFIER_BYTES_MAX, findings);
    }
    let starts = own.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if !starts || !own.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let why = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
                   alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for \
                   validation is '[A-Za-z_][A-Za-z0-9_]*')";
        name.invalid_as(&own.into(), why, findings);
    }
}

/// Each of a list whose names differ.
fn each_named(
    list: &Place<'_, '_>,
    most: usize,
    each: impl Fn(&Place<'_, '_>, &mut Findings),
    findings: &mut Findings,
) {
    if list.count() > most {
        return list.too_many(list.count(), most, findings);
    }
    list.items().for_each(|item| each(&item, findings));
    let mut seen = BTreeSet::new();
    for item in list.items() {
        let name = item.at("name").text();
        if !seen.insert(name) {
            item.duplicate_as(&name.into(), findings);
        }
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn found(rule: fn(&Place<'_, '_>, &mut Findings), value: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        rule(&Place::root(value), &mut findings);
        findings.iter().map(|finding| finding.field.clone()).collect()
    }

    #[test]
    fn a_claim_says_what_it_wants() {
        let good = json!({"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All"}}],
            "constraints": [{"requests": ["r"], "matchAttribute": "example.com/a"}]});
        assert!(found(claim, &good).is_empty(), "{:?}", found(claim, &good));
        let bad = json!({"requests": [{"name": "r"}, {"name": "r", "exactly": {"allocationMode": "ExactCount", "count": 1}}],
            "constraints": [{"requests": ["q"], "matchAttribute": "a"}]});
        assert_eq!(
            found(claim, &bad),
            [
                "requests[0]",
                "requests[1].exactly.deviceClassName",
                "requests[1]",
                "constraints[0].requests[0]",
                "constraints[0].matchAttribute",
            ]
        );
    }

    #[test]
    fn devices_are_somewhere() {
        let at = |spec: Value| {
            let mut findings = Vec::new();
            slice(&Place::root(&spec), None, &mut findings);
            findings.len()
        };
        let pool = json!({"name": "p", "resourceSliceCount": 1});
        assert_eq!(at(json!({"driver": "d", "pool": pool, "nodeName": "n", "devices": [{"name": "a"}]})), 0);
        assert_eq!(at(json!({"driver": "d", "pool": pool})), 1);
        assert_eq!(at(json!({"driver": "d", "pool": pool, "nodeName": "n", "allNodes": true})), 1);
    }
}
