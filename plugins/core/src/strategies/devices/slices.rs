//! What devices nodes have: who drives them, where they are, what they are like and how much of
//! what they share each takes.

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::names::{dns1123_label, dns1123_subdomain, label_value};
use apimachinery::validation::place::{Findings, Place};

use super::super::pods::validate::node_selector;
use super::names::{self, QUALIFIED_BYTES_MAX, each_entry};
use super::{EFFECTS, binding, capacity, each_item, each_named};
use crate::tree::{existing, items, items_mut, remove};

const DEVICES_MAX: usize = 128;
/// Of which some have taints or share counters.
const SPECIAL_DEVICES_MAX: usize = 64;
const COUNTER_SETS_MAX: usize = 8;
const COUNTERS_MAX: usize = 32;
const CONSUMED_SETS_MAX: usize = 2;
const ATTRIBUTES_MAX: usize = 32;
const ATTRIBUTE_VALUES_MAX: usize = 48;
const VALUE_BYTES_MAX: usize = 64;
const TAINTS_MAX: usize = 16;
const COUNTER_BYTES_MAX: usize = 63;
const UNSET_OR_TRUE: &str = "must be either unset or set to true";

/// What belongs to features that are off.
pub(super) fn prepare(slice: &mut Value) {
    let Some(spec) = existing(slice, "spec") else { return };
    for device in items_mut(spec, "devices") {
        remove(device, "nodeAllocatableResourceMappings");
        let attributes = device.get_mut("attributes").and_then(Value::as_object_mut);
        for (_, attribute) in attributes.into_iter().flatten() {
            for list in ["bools", "ints", "strings", "versions"] {
                remove(attribute, list);
            }
        }
    }
}

pub(super) fn validate(spec: &Place<'_, '_>, old: Option<&Value>, findings: &mut Findings) {
    names::driver(&spec.at("driver"), findings);
    pool(&spec.at("pool"), findings);
    if let Some(old) = old {
        spec.at("pool.name").immutable_text(&old["pool"]["name"], findings);
        spec.at("driver").immutable_text(&old["driver"], findings);
        spec.at("nodeName").immutable(&old["nodeName"], findings);
    }
    on_nodes(spec, findings);
    let (devices, counters) = (spec.at("devices"), spec.at("sharedCounters"));
    if counters.is_given() && devices.is_given() {
        spec.invalid_as(&"".into(), "only one of `sharedCounters` or `devices` is allowed", findings);
    }
    let is_special =
        |device: Place<'_, '_>| !device.at("taints").is_empty() || !device.at("consumesCounters").is_empty();
    let most = if devices.items().any(is_special) { SPECIAL_DEVICES_MAX } else { DEVICES_MAX };
    let each_places_itself = spec.at("perDeviceNodeSelection").is_true();
    let check = |one: &Place<'_, '_>, findings: &mut Findings| {
        let before = old.and_then(|old| items(old, "devices").find(|before| before["name"] == one.value()["name"]));
        device(one, before, each_places_itself, findings);
    };
    each_named(&devices, "name", most, check, findings);
    each_named(&counters, "name", COUNTER_SETS_MAX, |set, findings| self::counters(set, "name", findings), findings);
}

fn pool(pool: &Place<'_, '_>, findings: &mut Findings) {
    names::pool(&pool.at("name"), findings);
    pool.at("resourceSliceCount").positive(findings);
    let generation = pool.at("generation");
    if generation.number().is_some_and(|number| number < 0) {
        generation.invalid("must be greater than or equal to zero", findings);
    }
}

/// On which nodes all of the slice's devices are.
fn on_nodes(spec: &Place<'_, '_>, findings: &mut Findings) {
    const ONE: &str = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    let mut set = Vec::new();
    node_name(&spec.at("nodeName"), "must be either unset or set to a non-empty string", &mut set, findings);
    let selector = spec.at("nodeSelector");
    if selector.is_given() {
        set.push("`nodeSelector`");
        node_selector(&selector, findings);
        // So that those of several slices can be put together.
        let terms = selector.at("nodeSelectorTerms");
        if terms.count() != 1 {
            let shown = internal::show("io.k8s.api.core.v1.NodeSelectorTerm", terms.value());
            terms.invalid_as(&shown, "must have exactly one node selector term", findings);
        }
    }
    flag(&spec.at("allNodes"), "`allNodes`", &mut set, findings);
    flag(&spec.at("perDeviceNodeSelection"), "`perDeviceNodeSelection`", &mut set, findings);
    match set.len() {
        0 => spec.required(ONE, findings),
        1 => {}
        _ => spec.invalid_as(&braced(&set), format!("{ONE}, but multiple fields are set"), findings),
    }
}

/// On which nodes one device is.
fn on_nodes_itself(device: &Place<'_, '_>, findings: &mut Findings) {
    const ONE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                       `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    let mut set = Vec::new();
    node_name(&device.at("nodeName"), "must not be empty", &mut set, findings);
    let selector = device.at("nodeSelector");
    if selector.is_given() {
        set.push("`nodeSelector`");
        node_selector(&selector, findings);
    }
    flag(&device.at("allNodes"), "`allNodes`", &mut set, findings);
    match set.len() {
        0 => device.required(ONE, findings),
        1 => {}
        _ => device.invalid_as(&braced(&set), ONE, findings),
    }
}

fn node_name(name: &Place<'_, '_>, empty: &str, set: &mut Vec<&'static str>, findings: &mut Findings) {
    if name.is_given() && name.is_empty() {
        name.invalid(empty, findings);
    } else if name.is_given() {
        set.push("`nodeName`");
        name.shaped(dns1123_subdomain, findings);
    }
}

fn flag(flag: &Place<'_, '_>, name: &'static str, set: &mut Vec<&'static str>, findings: &mut Findings) {
    if flag.is_true() {
        set.push(name);
    } else if flag.is_given() {
        flag.invalid(UNSET_OR_TRUE, findings);
    }
}

fn braced(names: &[&str]) -> Value {
    format!("{{{}}}", names.join(", ")).into()
}

/// A set of counters, or what a device takes of one: `name` says which.
fn counters(set: &Place<'_, '_>, name: &str, findings: &mut Findings) {
    set.at(name).required_shaped(dns1123_label, findings);
    let counters = set.at("counters");
    let count = counters.entries().count();
    if count == 0 {
        counters.required("", findings);
    } else if count > COUNTERS_MAX {
        counters.too_many(count, COUNTERS_MAX, findings);
    } else {
        let key = |name: &Place<'_, '_>, findings: &mut Findings| {
            name.shaped(dns1123_label, findings);
        };
        each_entry(&counters, COUNTER_BYTES_MAX, key, |_, _| {}, findings);
    }
}

fn device(device: &Place<'_, '_>, old: Option<&Value>, places_itself: bool, findings: &mut Findings) {
    device.at("name").shaped(dns1123_label, findings);
    let (attributes, amounts) = (device.at("attributes"), device.at("capacity"));
    let values = attributes.entries().count();
    let count = values + amounts.entries().count();
    for (count, most, of) in
        [(count, ATTRIBUTES_MAX, "attributes and capacities"), (values, ATTRIBUTE_VALUES_MAX, "attribute values")]
    {
        if count > most {
            device.invalid_as(&count.into(), format!("the total number of {of} must not exceed {most}"), findings);
        }
    }
    each_entry(&attributes, QUALIFIED_BYTES_MAX, names::qualified, attribute, findings);
    let capacity = if device.at("allowMultipleAllocations").is_true() { capacity::shared } else { capacity::unshared };
    each_entry(&amounts, QUALIFIED_BYTES_MAX, names::qualified, capacity, findings);
    let taints = device.at("taints");
    // Those that are there may stay.
    if old.is_none_or(|old| &old["taints"] != taints.value()) {
        each_item(&taints, TAINTS_MAX, taint, findings);
    }
    let consumed = device.at("consumesCounters");
    let consumption = |set: &Place<'_, '_>, findings: &mut Findings| counters(set, "counterSet", findings);
    each_named(&consumed, "counterSet", CONSUMED_SETS_MAX, consumption, findings);
    if places_itself {
        on_nodes_itself(device, findings);
    } else if ["nodeName", "nodeSelector", "allNodes"].iter().any(|field| device.at(field).is_given()) {
        let why = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true \
                   in the ResourceSlice spec";
        device.invalid_as(&Value::Null, why, findings);
    }
    binding(device, findings);
}

fn attribute(attribute: &Place<'_, '_>, findings: &mut Findings) {
    let (text, version) = (attribute.at("string"), attribute.at("version"));
    let not_long = |value: &Place<'_, '_>, findings: &mut Findings| {
        if value.text().len() > VALUE_BYTES_MAX {
            value.too_long(VALUE_BYTES_MAX, findings);
        }
    };
    not_long(&text, findings);
    if version.is_given() {
        if !is_semantic(version.text()) {
            version.invalid("must be a string compatible with semver.org spec 2.0.0", findings);
        }
        not_long(&version, findings);
    }
    let shown = match ["bool", "int", "string", "version"].iter().filter(|kind| attribute.at(kind).is_given()).count() {
        0 => "".into(),
        1 => return,
        _ => internal::show("io.k8s.api.resource.v1.DeviceAttribute", attribute.value()),
    };
    attribute.invalid_as(&shown, "exactly one value must be specified", findings);
}

/// Whether a version is one of those that can be compared.
fn is_semantic(version: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    let (version, build) = version.split_once('+').map_or((version, None), |(version, build)| (version, Some(build)));
    let (numbers, before) = version.split_once('-').map_or((version, None), |(version, rest)| (version, Some(rest)));
    numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && before.is_none_or(|before| before.split('.').all(|part| word(part) && (number(part) || !digits(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

fn taint(taint: &Place<'_, '_>, findings: &mut Findings) {
    taint.at("key").label_name(findings);
    taint.at("value").optional_shaped(label_value, findings);
    taint.at("effect").one_of(&EFFECTS, findings);
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn found(more: Value) -> Vec<String> {
        let mut spec = json!({"driver": "d", "pool": {"name": "p", "resourceSliceCount": 1}});
        for (name, value) in more.as_object().into_iter().flatten() {
            spec[name.as_str()] = value.clone();
        }
        let mut findings = Vec::new();
        validate(&Place::named("spec", &spec), None, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    fn of_device(device: Value) -> Vec<String> {
        let mut device = device;
        device["name"] = "a".into();
        found(json!({"nodeName": "n", "devices": [device]}))
    }

    #[test]
    fn devices_are_somewhere() {
        assert!(found(json!({"nodeName": "n", "devices": [{"name": "a"}]})).is_empty());
        assert_eq!(found(json!({})).len(), 1);
        assert_eq!(found(json!({"nodeName": "n", "allNodes": true})).len(), 1);
        assert_eq!(found(json!({"allNodes": false})).len(), 2);
        let each = |device: Value| found(json!({"perDeviceNodeSelection": true, "devices": [device]}));
        assert_eq!(each(json!({"name": "a"})).len(), 1);
        assert_eq!(each(json!({"name": "a", "nodeName": "n"})).len(), 0);
        assert_eq!(of_device(json!({"allNodes": true})).len(), 1);
    }

    #[test]
    fn attributes_have_one_value() {
        let with = |attribute: Value| of_device(json!({"attributes": {"x": attribute}}));
        assert!(with(json!({"version": "1.2.3"})).is_empty());
        assert_eq!(
            with(json!({})),
            ["spec.devices[0].attributes[x]: Invalid value: \"\": exactly one value must be specified"]
        );
        assert_eq!(with(json!({"int": 1, "bool": true})).len(), 1);
        assert_eq!(with(json!({"version": "x".repeat(65)})).len(), 2);
        assert_eq!(
            of_device(json!({"attributes": {"/": {"int": 1}}})),
            [
                "spec.devices[0].attributes: Invalid value: \"\": the domain must not be empty",
                "spec.devices[0].attributes: Invalid value: \"\": the name must not be empty",
            ]
        );
    }

    #[test]
    fn counters_are_named_and_few() {
        assert_eq!(
            of_device(json!({"consumesCounters": [{"counterSet": "s"}, {"counterSet": "s", "counters": {"A": {}}}]}))
                .iter()
                .map(|finding| finding.split(": ").take(2).collect::<Vec<_>>().join(": "))
                .collect::<Vec<_>>(),
            [
                "spec.devices[0].consumesCounters[0].counters: Required value",
                "spec.devices[0].consumesCounters[1].counters: Invalid value",
                "spec.devices[0].consumesCounters[1]: Duplicate value",
            ]
        );
        let many = |count: usize| (0..count).map(|at| json!({"name": format!("a{at}")})).collect::<Vec<_>>();
        assert!(found(json!({"nodeName": "n", "devices": many(128)})).is_empty());
        let mut special = many(65);
        special[0]["taints"] = json!([{"key": "k", "effect": "None"}]);
        assert_eq!(
            found(json!({"nodeName": "n", "devices": special})),
            ["spec.devices: Too many: 65: must have at most 64 items"]
        );
    }

    #[test]
    fn versions_are_semantic() {
        for good in ["0.0.0", "1.2.3-alpha.1", "1.2.3-0a", "1.2.3+001", "1.2.3-a-b+c.d-e", "1.2.3--"] {
            assert!(is_semantic(good), "{good}");
        }
        for bad in ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3+a+b", "1.2.3-a..b"] {
            assert!(!is_semantic(bad), "{bad}");
        }
    }
}
