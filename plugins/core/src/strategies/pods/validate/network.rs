//! Ports, names and addresses.

use std::collections::BTreeSet;

use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCHES_BYTES_MAX: usize = 2048;
const HOSTNAME_BYTES_MAX: usize = 64;

pub(super) fn ports(ports: &Place<'_, '_>, findings: &mut Findings) {
    let mut taken = BTreeSet::new();
    for port in ports.items() {
        let name = port.at("name");
        if !name.is_empty() && name.shaped(names::port_name, findings) && !taken.insert(name.text()) {
            name.duplicate(findings);
        }
        let number = port.at("containerPort");
        match number.number().unwrap_or(0) {
            0 => number.required("", findings),
            _ => number.port(findings),
        }
        if port.at("hostPort").number().unwrap_or(0) != 0 {
            port.at("hostPort").port(findings);
        }
        port.at("protocol").one_of(&PROTOCOLS, findings);
    }
}

/// No two containers may have the same port of the host.
pub(super) fn unique_host_ports<'p, 'v: 'p>(containers: impl Iterator<Item = Place<'p, 'v>>, findings: &mut Findings) {
    let mut taken = BTreeSet::new();
    for container in containers {
        for port in container.at("ports").items() {
            let number = port.at("hostPort").number().unwrap_or(0);
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", port.at("protocol").text(), port.at("hostIP").text());
            if taken.contains(&key) {
                port.at("hostPort").duplicate_as(&key.into(), findings);
            } else {
                taken.insert(key);
            }
        }
    }
}

/// On the host's network a container's port is the host's.
pub(super) fn host_ports(spec: &Place<'_, '_>, is_pod: bool, findings: &mut Findings) {
    if !spec.at("hostNetwork").is_true() {
        return;
    }
    for container in spec.at("containers").items() {
        for port in container.at("ports").items() {
            let host = port.at("hostPort");
            let (own, other) = (host.number().unwrap_or(0), port.at("containerPort").number().unwrap_or(0));
            if (is_pod || own != 0) && own != other {
                host.invalid_as(&own.into(), "must match `containerPort` when `hostNetwork` is true", findings);
            }
        }
    }
}

pub(super) fn dns_config(spec: &Place<'_, '_>, findings: &mut Findings) {
    let config = spec.at("dnsConfig");
    let (servers, searches) = (config.at("nameservers"), config.at("searches"));
    if spec.at("dnsPolicy").text() == "None" {
        if !config.is_given() {
            return config.required("must provide `dnsConfig` when `dnsPolicy` is None", findings);
        }
        if servers.is_empty() {
            return servers.required("must provide at least one DNS nameserver when `dnsPolicy` is None", findings);
        }
    }
    if servers.count() > NAMESERVERS_MAX {
        servers.invalid(format!("must not have more than {NAMESERVERS_MAX} nameservers"), findings);
    }
    servers.items().for_each(|server| server.address(&[], findings));
    if searches.count() > SEARCHES_MAX {
        searches.invalid(format!("must not have more than {SEARCHES_MAX} search paths"), findings);
    }
    let bytes: usize = searches.items().map(|search| search.text().len() + 1).sum();
    if bytes.saturating_sub(1) > SEARCHES_BYTES_MAX {
        let why =
            format!("must not have more than {SEARCHES_BYTES_MAX} characters (including spaces) in the search list");
        searches.invalid(why, findings);
    }
    for search in searches.items().filter(|search| search.text() != ".") {
        let name = search.text().strip_suffix('.').unwrap_or(search.text());
        search.with(&name.into()).shaped(names::dns1123_subdomain_with_underscore, findings);
    }
    for option in config.at("options").items() {
        if option.at("name").is_empty() {
            option.required("must not be empty", findings);
        }
    }
}

pub(super) fn host_aliases(aliases: &Place<'_, '_>, findings: &mut Findings) {
    for alias in aliases.items() {
        alias.at("ip").address(&[], findings);
        for name in alias.at("hostnames").items() {
            name.shaped(names::dns1123_subdomain, findings);
        }
    }
}

pub(super) fn hostname_override(spec: &Place<'_, '_>, findings: &mut Findings) {
    let name = spec.at("hostnameOverride");
    if !name.is_given() {
        return;
    }
    if spec.at("setHostnameAsFQDN").is_true() {
        name.forbidden("may not be specified when setHostnameAsFQDN is true", findings);
    }
    if spec.at("hostNetwork").is_true() {
        name.forbidden("may not be specified when hostNetwork is true", findings);
    }
    if name.text().len() > HOSTNAME_BYTES_MAX {
        name.too_long(HOSTNAME_BYTES_MAX, findings);
    }
    name.shaped(names::dns1123_subdomain, findings);
}
