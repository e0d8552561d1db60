//! Network policies, classes of ingresses, addresses and ranges of services. Ingresses and
//! endpoint slices have files of their own.

use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::network::Range;
use apimachinery::validation::place::{Findings, Place};

use super::rules::{RULES, Rules};
use crate::tree::{child, existing, is_empty, items_mut, or_set};
use crate::warnings;

const CONTROLLER_LENGTH_MAX: usize = 250;

pub(super) static NETWORK_POLICIES: Rules = Rules {
    default: policy_defaults,
    validate: |object, findings| policy(&object.at("spec"), &[], findings),
    validates_updates: false,
    change: |object, old, findings| {
        let had = ranges(&old["spec"]);
        policy(&object.at("spec"), &had.iter().map(String::as_str).collect::<Vec<_>>(), findings);
    },
    warnings: |object, _, out| {
        for (rules, peers) in [("spec.ingress", "from"), ("spec.egress", "to")] {
            for rule in object.at(rules).items() {
                for peer in rule.at(peers).items() {
                    let block = peer.at("ipBlock");
                    warnings::range(&block.at("cidr"), out);
                    block.at("except").items().for_each(|range| warnings::range(&range, out));
                }
            }
        }
    },
    generation: true,
    minds_empties: true,
    ..RULES
};

pub(super) static INGRESS_CLASSES: Rules = Rules {
    default: |object| {
        if let Some(parameters) = existing(child(object, "spec"), "parameters") {
            or_set(parameters, "scope", "Cluster");
        }
    },
    validate: |object, findings| {
        let controller = object.at("spec.controller");
        if controller.text().len() > CONTROLLER_LENGTH_MAX {
            controller.too_long(CONTROLLER_LENGTH_MAX, findings);
        }
        controller.domain_path(findings);
        parameters(&object.at("spec.parameters"), findings);
    },
    change: |object, old, findings| object.at("spec.controller").immutable_text(&old["spec"]["controller"], findings),
    change_first: true,
    generation: true,
    ..RULES
};

pub(super) static IP_ADDRESSES: Rules = Rules {
    // An address cannot begin with another.
    generate_name: str::to_string,
    validate: |object, findings| {
        let parent = object.at("spec.parentRef");
        if !parent.is_given() {
            return parent.required("", findings);
        }
        parent.at("group").optional_shaped(names::dns1123_subdomain, findings);
        parent.at("resource").required_shaped(names::path_segment, findings);
        parent.at("name").required_shaped(names::path_segment, findings);
        parent.at("namespace").optional_shaped(names::path_segment, findings);
    },
    change: |object, old, findings| {
        let parent = object.at("spec.parentRef");
        if parent.value() != &old["spec"]["parentRef"] {
            let shown = internal::show("io.k8s.api.networking.v1.ParentReference", parent.value());
            parent.invalid_as(&shown, "field is immutable", findings);
        }
    },
    name: |name| {
        let (value, mut findings) = (Value::from(name), Vec::new());
        Place::root(&value).canonical_address(&mut findings);
        findings.into_iter().map(|finding| finding.detail).collect()
    },
    ..RULES
};

pub(super) static SERVICE_CIDRS: Rules = Rules {
    validate: |object, findings| cidrs(&object.at("spec"), findings),
    validates_updates: false,
    change: |object, old, findings| {
        const WHY: &str = "field is immutable";
        let (spec, place) = (object.at("spec"), object.at("spec.cidrs"));
        let before: Vec<&Value> = old["spec"]["cidrs"].as_array().into_iter().flatten().collect();
        match (before.len(), place.count()) {
            (old, new) if old == new => {
                let changed = place.items().zip(before).filter(|(range, before)| range.value() != *before);
                changed.for_each(|(range, _)| range.invalid(WHY, findings));
            }
            (1, 2) => {
                if place.item(0).value() != before[0] {
                    place.item(0).invalid(WHY, findings);
                }
                cidrs(&spec, findings);
            }
            _ => place.invalid_as(place.value(), WHY, findings),
        }
    },
    ..RULES
};

/// A policy is about what comes in, and about what goes out if it says something of that.
fn policy_defaults(object: &mut Value) {
    let spec = child(object, "spec");
    for direction in ["ingress", "egress"] {
        for rule in items_mut(spec, direction) {
            items_mut(rule, "ports").for_each(|port| or_set(port, "protocol", "TCP"));
        }
    }
    if is_empty(&spec["policyTypes"]) {
        spec["policyTypes"] = match is_empty(&spec["egress"]) {
            true => json!(["Ingress"]),
            false => json!(["Ingress", "Egress"]),
        };
    }
}

/// Ranges that stand in a policy, and so may stay.
fn ranges(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = spec[direction].as_array().into_iter().flatten();
        for peer in rules.flat_map(|rule| rule[peers].as_array().into_iter().flatten()) {
            let block = &peer["ipBlock"];
            let all = std::iter::once(&block["cidr"]).chain(block["except"].as_array().into_iter().flatten());
            found.extend(all.filter_map(Value::as_str).map(str::to_string));
        }
    }
    found
}

fn policy(spec: &Place<'_, '_>, had: &[&str], findings: &mut Findings) {
    spec.at("podSelector").selector(findings);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.at(direction).items() {
            rule.at("ports").items().for_each(|port| policy_port(&port, findings));
            rule.at(peers).items().for_each(|peer| self::peer(&peer, had, findings));
        }
    }
    let types = spec.at("policyTypes");
    if types.count() > 2 {
        return types.invalid("may not specify more than two policyTypes", findings);
    }
    types.items().for_each(|kind| kind.none_or_one_of(&["Ingress", "Egress"], findings));
}

fn policy_port(port: &Place<'_, '_>, findings: &mut Findings) {
    port.at("protocol").none_or_one_of(&["TCP", "UDP", "SCTP"], findings);
    let (start, end) = (port.at("port"), port.at("endPort"));
    match start.value() {
        Value::Null => {
            if end.is_given() {
                end.invalid("may not be specified when `port` is not specified", findings);
            }
        }
        Value::String(_) => {
            if end.is_given() {
                end.invalid("may not be specified when `port` is non-numeric", findings);
            }
            start.shaped(names::port_name, findings);
        }
        _ => {
            start.port(findings);
            if let (Some(first), Some(last)) = (start.number(), end.number()) {
                if last < first {
                    end.invalid_as(start.value(), "must be greater than or equal to `port`", findings);
                }
                end.port(findings);
            }
        }
    }
}

fn peer(peer: &Place<'_, '_>, had: &[&str], findings: &mut Findings) {
    let (pods, namespaces, block) = (peer.at("podSelector"), peer.at("namespaceSelector"), peer.at("ipBlock"));
    pods.selector(findings);
    namespaces.selector(findings);
    if block.is_given() {
        ip_block(&block, had, findings);
    }
    match [pods, namespaces, block].iter().filter(|kind| kind.is_given()).count() {
        0 => peer.required("must specify a peer", findings),
        1 => {}
        _ if block.is_given() => peer.forbidden("may not specify both ipBlock and another peer", findings),
        _ => {}
    }
}

fn ip_block(block: &Place<'_, '_>, had: &[&str], findings: &mut Findings) {
    let cidr = block.at("cidr");
    if cidr.is_empty() {
        return cidr.required("", findings);
    }
    cidr.range(had, findings);
    let Some(whole) = Range::parse(cidr.text()) else { return };
    for except in block.at("except").items() {
        except.range(had, findings);
        let Some(part) = Range::parse(except.text()) else { continue };
        if !whole.contains(&part) || whole.bits >= part.bits {
            except.invalid("must be a strict subset of `cidr`", findings);
        }
    }
}

fn parameters(parameters: &Place<'_, '_>, findings: &mut Findings) {
    if !parameters.is_given() {
        return;
    }
    if parameters.at("apiGroup").is_given() {
        parameters.at("apiGroup").shaped(names::dns1123_subdomain, findings);
    }
    parameters.at("kind").required_shaped(names::path_segment, findings);
    parameters.at("name").required_shaped(names::path_segment, findings);
    let (scope, namespace) = (parameters.at("scope"), parameters.at("namespace"));
    match scope.text() {
        "Namespace" if !namespace.is_given() => {
            namespace.required("`parameters.scope` is set to 'Namespace'", findings);
        }
        "Namespace" => drop(namespace.shaped(names::dns1123_label, findings)),
        "Cluster" if namespace.is_given() => {
            namespace.forbidden("`parameters.scope` is set to 'Cluster'", findings);
        }
        "Cluster" => {}
        _ => scope.unsupported(&["Cluster", "Namespace"], findings),
    }
}

fn cidrs(spec: &Place<'_, '_>, findings: &mut Findings) {
    let place = spec.at("cidrs");
    if place.is_empty() {
        return place.required("at least one CIDR required", findings);
    }
    if place.count() > 2 {
        let shown = internal::show("io.k8s.api.networking.v1.ServiceCIDRSpec", spec.value());
        return place.invalid_as(&shown, "may only hold up to 2 values", findings);
    }
    place.items().for_each(|range| range.canonical_range(findings));
    let families: Vec<bool> =
        place.items().filter_map(|range| Some(Range::parse(range.text())?.ip.is_ipv4())).collect();
    if matches!(families[..], [first, second] if first == second) {
        let why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        place.invalid(why, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_which_directions_it_is_about() {
        for (spec, types) in [
            (json!({"podSelector": {}}), json!(["Ingress"])),
            (json!({"egress": [{}]}), json!(["Ingress", "Egress"])),
            (json!({"policyTypes": ["Egress"]}), json!(["Egress"])),
        ] {
            let mut object = json!({"spec": spec});
            policy_defaults(&mut object);
            assert_eq!(object["spec"]["policyTypes"], types);
        }
    }

    #[test]
    fn peers_and_ports_are_checked() {
        let spec = json!({"podSelector": {}, "ingress": [{
            "ports": [{"port": 5, "endPort": 3}, {"endPort": 3}],
            "from": [{}, {"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}],
        }]});
        let mut findings = Vec::new();
        policy(&Place::named("spec", &spec), &[], &mut findings);
        assert_eq!(
            findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "spec.ingress[0].ports[0].endPort: Invalid value: 5: must be greater than or equal to `port`",
                "spec.ingress[0].ports[1].endPort: Invalid value: 3: may not be specified when `port` is not specified",
                "spec.ingress[0].from[0]: Required value: must specify a peer",
                "spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`",
                "spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer",
            ]
        );
    }
}
