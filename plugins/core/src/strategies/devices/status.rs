//! Which devices a claim has, who uses it, and what drivers say of the devices.

use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names::dns1123_label;
use apimachinery::validation::place::{Findings, Place};

use super::super::conditions::conditions;
use super::super::pods::validate::node_selector;
use super::claims::Requests;
use super::{binding, configuration, each_item, each_once, names, parameters};
use crate::tree::{existing, items, remove, text};

const RESERVED_MAX: usize = 256;
const RESULTS_MAX: usize = 32;
/// Those of the class and those of the claim.
const CONFIGURATIONS_MAX: usize = 64;
const CONDITIONS_MAX: usize = 8;
const DATA_BYTES_MAX: usize = 10 * 1024;
const ADDRESSES_MAX: usize = 16;
const INTERFACE_BYTES_MAX: usize = 256;
const HARDWARE_ADDRESS_BYTES_MAX: usize = 128;

/// A share of a device, as upstream shows it.
fn share_of(device: &Value) -> Value {
    let [driver, pool, name, share] = ["driver", "pool", "device", "shareID"].map(|member| text(device, member));
    json!({"Driver": driver, "Pool": pool, "Device": name, "ShareID": share})
}

fn allocated(status: &Value) -> Vec<Value> {
    items(&status["allocation"]["devices"], "results").map(share_of).collect()
}

/// What drivers said of devices that the claim no longer has goes with them.
pub(super) fn prepare(object: &mut Value, old: &Value) {
    let (before, now) = (allocated(&old["status"]), allocated(&object["status"]));
    let Some(status) = existing(object, "status") else { return };
    let Some(list) = status.get_mut("devices").and_then(Value::as_array_mut) else { return };
    list.retain(|device| {
        let share = share_of(device);
        now.contains(&share) || !before.contains(&share)
    });
    if list.is_empty() {
        remove(status, "devices");
    }
}

/// The first device that is given with access that only administrators have, where there was none.
pub(super) fn gives_admin(status: &Value, old: &Value) -> Option<usize> {
    let first =
        |status: &Value| items(&status["allocation"]["devices"], "results").position(|one| one["adminAccess"] == true);
    first(status).filter(|_| first(old).is_none())
}

pub(super) fn change(object: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let (status, before) = (object.at("status"), &old["status"]);
    let reserved = status.at("reservedFor");
    each_unlike(&reserved, RESERVED_MAX, consumer, |one| one["uid"].as_str().unwrap_or_default().into(), findings);
    let allocated = allocated(status.value());
    let check = |device: &Place<'_, '_>, findings: &mut Findings| self::device(device, &allocated, findings);
    each_unlike(&status.at("devices"), usize::MAX, check, share_of, findings);

    let allocation = status.at("allocation");
    if !reserved.is_empty() && !allocation.is_given() {
        reserved.forbidden("may not be specified when `allocated` is not set", findings);
    } else if object.at("metadata.deletionTimestamp").is_given() {
        let is_new = |one: Place<'_, '_>| !items(before, "reservedFor").any(|before| before == one.value());
        if reserved.items().any(is_new) {
            let why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
            reserved.forbidden(why, findings);
        }
    }

    if !allocation.is_given() {
        return;
    }
    if before["allocation"].is_null() {
        self::allocation(&allocation, &Requests::of(&object.at("spec.devices")), findings);
    } else if &before["allocation"] != allocation.value() {
        let shown = internal::show("io.k8s.api.resource.v1.AllocationResult", allocation.value());
        allocation.invalid_as(&shown, "field is immutable", findings);
    }
}

/// Each of a list whose keys differ.
fn each_unlike(
    list: &Place<'_, '_>,
    most: usize,
    each: impl Fn(&Place<'_, '_>, &mut Findings),
    key: impl Fn(&Value) -> Value,
    findings: &mut Findings,
) {
    if list.count() > most {
        return list.too_many(list.count(), most, findings);
    }
    list.items().for_each(|item| each(&item, findings));
    let mut seen = Vec::new();
    for item in list.items() {
        let key = key(item.value());
        if seen.contains(&key) {
            item.duplicate_as(&key, findings);
        } else {
            seen.push(key);
        }
    }
}

fn consumer(consumer: &Place<'_, '_>, findings: &mut Findings) {
    for name in ["resource", "name", "uid"] {
        consumer.at(name).must_be_given(findings);
    }
}

fn allocation(allocation: &Place<'_, '_>, requests: &Requests<'_>, findings: &mut Findings) {
    let (results, config) = (allocation.at("devices.results"), allocation.at("devices.config"));
    each_item(&results, RESULTS_MAX, |result, findings| self::result(result, requests, findings), findings);
    let check = |config: &Place<'_, '_>, findings: &mut Findings| {
        config.at("source").one_of(&["FromClaim", "FromClass"], findings);
        requests.check_all(&config.at("requests"), findings);
        configuration(config, false, findings);
    };
    each_item(&config, CONFIGURATIONS_MAX, check, findings);
    let selector = allocation.at("nodeSelector");
    if selector.is_given() {
        node_selector(&selector, findings);
    }
}

fn result(result: &Place<'_, '_>, requests: &Requests<'_>, findings: &mut Findings) {
    requests.check(&result.at("request"), findings);
    named(result, findings);
    binding(result, findings);
    names::share(&result.at("shareID"), findings);
}

/// Which device.
fn named(device: &Place<'_, '_>, findings: &mut Findings) {
    names::driver(&device.at("driver"), findings);
    names::pool(&device.at("pool"), findings);
    device.at("device").shaped(dns1123_label, findings);
}

/// What a driver says of a device.
fn device(device: &Place<'_, '_>, allocated: &[Value], findings: &mut Findings) {
    named(device, findings);
    names::share(&device.at("shareID"), findings);
    let share = share_of(device.value());
    if !allocated.contains(&share) {
        device.invalid_as(&share, "must be an allocated device in the claim", findings);
    }
    let list = device.at("conditions");
    if list.count() > CONDITIONS_MAX {
        list.too_many(list.count(), CONDITIONS_MAX, findings);
    }
    conditions(&list, findings);
    if device.at("data").is_given() {
        parameters(&device.at("data"), DATA_BYTES_MAX, findings);
    }
    network(&device.at("networkData"), findings);
}

fn network(data: &Place<'_, '_>, findings: &mut Findings) {
    for (name, most) in [("interfaceName", INTERFACE_BYTES_MAX), ("hardwareAddress", HARDWARE_ADDRESS_BYTES_MAX)] {
        if data.at(name).text().len() > most {
            data.at(name).too_long(most, findings);
        }
    }
    let address = |address: &Place<'_, '_>, findings: &mut Findings| address.interface_address(findings);
    each_once(&data.at("ips"), ADDRESSES_MAX, address, findings);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(status: Value) -> Value {
        json!({"spec": {"devices": {"requests": [{"name": "r"}]}}, "status": status})
    }

    fn found(status: Value, old: Value) -> Vec<String> {
        let (object, mut findings) = (claim(status), Vec::new());
        change(&Place::root(&object), &claim(old), &mut findings);
        findings.iter().map(|finding| finding.to_string().chars().take(70).collect()).collect()
    }

    fn device() -> Value {
        json!({"request": "r", "driver": "d", "pool": "p", "device": "x"})
    }

    #[test]
    fn what_is_allocated_stays() {
        let allocation = json!({"devices": {"results": [device()]}});
        let user = json!({"resource": "pods", "name": "p", "uid": "u"});
        assert!(found(json!({"allocation": allocation, "reservedFor": [user]}), json!({})).is_empty());
        assert_eq!(
            found(json!({"reservedFor": [user, user]}), json!({})),
            [
                "status.reservedFor[1]: Duplicate value: \"u\"",
                "status.reservedFor: Forbidden: may not be specified when `allocated` i",
            ]
        );
        let other = json!({"allocation": {"devices": {}}});
        assert_eq!(
            found(json!({"allocation": allocation}), other),
            ["status.allocation: Invalid value: {\"Devices\":{\"Results\":[{\"Request\":\"r"]
        );
    }

    #[test]
    fn drivers_speak_of_devices_that_are_allocated() {
        let allocation = json!({"devices": {"results": [device()]}});
        let said = |ip: &str| json!({"driver": "d", "pool": "p", "device": "x", "networkData": {"ips": [ip]}});
        let with = |devices: Value| found(json!({"allocation": allocation, "devices": devices}), json!({}));
        assert!(with(json!([said("10.0.0.1/8")])).is_empty());
        assert_eq!(with(json!([said("10.0.0.1")])).len(), 1);
        assert_eq!(with(json!([said("10.0.0.1/8"), said("10.0.0.1/8")])).len(), 1);
        assert_eq!(
            with(json!([{"driver": "d", "pool": "p", "device": "y"}])),
            ["status.devices[0]: Invalid value: {\"Driver\":\"d\",\"Pool\":\"p\",\"Device\":\"y"]
        );
    }

    #[test]
    fn what_is_said_of_a_device_goes_with_it() {
        let said = json!([{"driver": "d", "pool": "p", "device": "x"}, {"driver": "d", "pool": "p", "device": "y"}]);
        let old = claim(json!({"allocation": {"devices": {"results": [device()]}}, "devices": said}));
        let mut object = claim(json!({"devices": said}));
        prepare(&mut object, &old);
        assert_eq!(object["status"]["devices"], json!([{"driver": "d", "pool": "p", "device": "y"}]));
    }
}
