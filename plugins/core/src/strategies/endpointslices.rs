//! Endpoint slices.

use std::collections::BTreeSet;

use apimachinery::rest::object::{meta_number, metadata_mut};
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};

use super::rules::{RULES, Rules};
use super::services::public_address;
use crate::tree::{items_mut, or_set, remove};
use crate::warnings;

/// Who writes addresses in their canonical form.
const CONTROLLERS: [&str; 2] = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];
const ENDPOINTS_MAX: usize = 1000;
const ADDRESSES_MAX: usize = 100;
const PORTS_MAX: usize = 20_000;
const TOPOLOGY_MAX: usize = 16;
const HINTS_MAX: usize = 8;

pub(super) static ENDPOINT_SLICES: Rules = Rules {
    default: |object| {
        for port in items_mut(object, "ports") {
            or_set(port, "name", "");
            or_set(port, "protocol", "TCP");
        }
    },
    // Where endpoints are has fields of its own.
    prepare: |object| {
        forget_topology(object);
    },
    prepare_update: |object, old| {
        // Upstream counts the change before it takes it away.
        if forget_topology(object) {
            let generation = meta_number(old, "generation").unwrap_or(0) + 1;
            metadata_mut(object).insert("generation", generation.into());
        }
    },
    validate: |object, findings| {
        own(object, findings);
        endpoints(object, findings);
    },
    validates_updates: false,
    change: |object, old, findings| {
        own(object, findings);
        if object.at("endpoints").value() != &old["endpoints"] {
            endpoints(object, findings);
        }
        object.at("addressType").immutable_text(&old["addressType"], findings);
    },
    warnings: |object, old, out| {
        if old.is_none() && object.at("addressType").text() == "FQDN" {
            out.push("spec.addressType: FQDN endpoints are deprecated".into());
        }
        let manager = object.at("metadata.labels").entry("endpointslice.kubernetes.io/managed-by").text();
        if !CONTROLLERS.contains(&manager) {
            for endpoint in object.at("endpoints").items() {
                endpoint.at("addresses").items().for_each(|address| warnings::address(&address, out));
            }
        }
    },
    generation: true,
    labels_count: true,
    ..RULES
};

fn forget_topology(object: &mut Value) -> bool {
    let removed = items_mut(object, "endpoints").filter_map(|endpoint| remove(endpoint, "deprecatedTopology"));
    removed.count() > 0
}

fn own(object: &Place<'_, '_>, findings: &mut Findings) {
    object.at("addressType").one_of(&["FQDN", "IPv4", "IPv6"], findings);
    let ports = object.at("ports");
    if ports.count() > PORTS_MAX {
        return ports.too_many(ports.count(), PORTS_MAX, findings);
    }
    let mut taken = BTreeSet::new();
    for port in ports.items() {
        let name = port.at("name");
        name.optional_shaped(names::dns1123_label, findings);
        if !taken.insert(name.text()) {
            name.duplicate(findings);
        }
        let protocol = port.at("protocol");
        match protocol.is_given() {
            true => protocol.none_or_one_of(&["SCTP", "TCP", "UDP"], findings),
            false => protocol.required("", findings),
        }
        if port.at("appProtocol").is_given() {
            port.at("appProtocol").shaped(names::qualified_name, findings);
        }
    }
}

fn endpoints(object: &Place<'_, '_>, findings: &mut Findings) {
    let all = object.at("endpoints");
    if all.count() > ENDPOINTS_MAX {
        return all.too_many(all.count(), ENDPOINTS_MAX, findings);
    }
    for endpoint in all.items() {
        let addresses = endpoint.at("addresses");
        if addresses.is_empty() {
            addresses.required("must contain at least 1 address", findings);
        } else if addresses.count() > ADDRESSES_MAX {
            addresses.too_many(addresses.count(), ADDRESSES_MAX, findings);
        }
        for address in addresses.items() {
            self::address(&address, &addresses, object.at("addressType").text(), findings);
        }
        if endpoint.at("nodeName").is_given() {
            endpoint.at("nodeName").shaped(names::dns1123_subdomain, findings);
        }
        let topology = endpoint.at("deprecatedTopology");
        let count = topology.entries().count();
        if count > TOPOLOGY_MAX {
            topology.too_many(count, TOPOLOGY_MAX, findings);
        }
        topology.labels(findings);
        if endpoint.at("hostname").is_given() {
            endpoint.at("hostname").shaped(names::dns1123_label, findings);
        }
        hints(&endpoint.at("hints.forZones"), names::label_value, findings);
        hints(&endpoint.at("hints.forNodes"), names::dns1123_subdomain, findings);
    }
}

fn address(address: &Place<'_, '_>, all: &Place<'_, '_>, family: &str, findings: &mut Findings) {
    let before = findings.len();
    match family {
        "IPv4" => address.address(&[], findings),
        "IPv6" => address.canonical_address(findings),
        "FQDN" => return domain(address, findings),
        _ => return,
    }
    if findings.len() != before {
        return;
    }
    let is_new = Address::parse(address.text()).is_some_and(|address| address.ip.is_ipv6());
    if is_new != (family == "IPv6") {
        all.invalid_as(address.value(), format!("must be an {family} address"), findings);
    }
    public_address(address, findings);
}

/// A name with at least two labels.
fn domain(address: &Place<'_, '_>, findings: &mut Findings) {
    if address.is_empty() {
        return address.required("", findings);
    }
    let name = address.text().strip_suffix('.').unwrap_or(address.text());
    let shown = name.into();
    let wrong = names::dns1123_subdomain(name);
    if !wrong.is_empty() {
        address.invalid_as(&shown, wrong.join(","), findings);
    } else if !name.contains('.') {
        address.invalid_as(&shown, "should be a domain with at least two segments separated by dots", findings);
    } else if let Some(label) = name.split('.').find(|label| !names::dns1123_label(label).is_empty()) {
        address.invalid_as(&label.into(), names::dns1123_label(label).join(","), findings);
    }
}

fn hints(hints: &Place<'_, '_>, shape: fn(&str) -> Vec<String>, findings: &mut Findings) {
    if hints.count() > HINTS_MAX {
        return hints.too_many(hints.count(), HINTS_MAX, findings);
    }
    let mut seen = BTreeSet::new();
    for hint in hints.items() {
        let name = hint.at("name");
        if !seen.insert(name.text()) {
            name.duplicate(findings);
        }
        name.shaped(shape, findings);
    }
}
