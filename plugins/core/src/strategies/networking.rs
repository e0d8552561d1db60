//! Ingresses, network policies, addresses, endpoint slices.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::validation::names;
use plugin_sdk::Store;
use serde_json::{Value, json};

use super::rules::{RULES, Rules};
use crate::tree::{child, existing, is_empty, items, items_mut, or_set, or_set_text, text};
use crate::{check, small};

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
const CLASSES: &str = "/registry/ingressclasses/";

pub(super) static NETWORK_POLICIES: Rules =
    Rules { default: network_policy, validate: network_policy_findings, generation: true, ..RULES };

pub(super) static INGRESS_CLASSES: Rules = Rules {
    default: |object| {
        if let Some(parameters) = existing(child(object, "spec"), "parameters") {
            or_set_text(parameters, "scope", "Cluster");
        }
    },
    immutable: &["spec.controller"],
    generation: true,
    ..RULES
};

pub(super) static IP_ADDRESSES: Rules = Rules {
    validate: |object, errors| {
        for field in ["name", "resource"] {
            if text(&object["spec"]["parentRef"], field).is_empty() {
                errors.push(FieldError::required(format!("spec.parentRef.{field}"), ""));
            }
        }
    },
    name: |name| match name.parse::<std::net::IpAddr>() {
        Ok(address) if address.to_string() == name => Vec::new(),
        Ok(address) => vec![format!("must be in canonical form ({:?})", address.to_string())],
        Err(_) => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_string()],
    },
    immutable: &["spec"],
    ..RULES
};

pub(super) static SERVICE_CIDRS: Rules = Rules { immutable: &["spec.cidrs"], ..RULES };

pub(super) static ENDPOINT_SLICES: Rules = Rules {
    default: |object| {
        for port in items_mut(object, "ports") {
            or_set(port, "name", "");
            or_set_text(port, "protocol", "TCP");
        }
    },
    validate: |object, errors| {
        check::one_of("addressType", &object["addressType"], &["FQDN", "IPv4", "IPv6"], true, errors);
        for (index, endpoint) in items(object, "endpoints").enumerate() {
            if is_empty(&endpoint["addresses"]) {
                let why = "must contain at least 1 address";
                errors.push(FieldError::required(format!("endpoints[{index}].addresses"), why));
            }
        }
    },
    immutable: &["addressType"],
    generation: true,
    ..RULES
};

pub(super) struct Ingresses;

impl Strategy for Ingresses {
    fn default(&self, object: &mut Value) {
        for rule in items_mut(child(object, "spec"), "rules") {
            if let Some(http) = rule.get_mut("http").filter(|http| http.is_object()) {
                items_mut(http, "paths").for_each(|path| or_set_text(path, "pathType", "ImplementationSpecific"));
            }
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            let annotated = !text(&object["metadata"]["annotations"], "kubernetes.io/ingress.class").is_empty();
            let chosen = object["spec"].get("ingressClassName").is_some();
            // `DefaultIngressClass`.
            if old.is_none()
                && operation.subresource.is_empty()
                && !annotated
                && !chosen
                && let Some(class) = small::default_name(store, CLASSES, DEFAULT_CLASS).await?
            {
                child(object, "spec")["ingressClassName"] = class.into();
            }
            Ok(Companions::default())
        })
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        if is_empty(&spec["rules"]) && is_empty(&spec["defaultBackend"]) {
            let why = "either `defaultBackend` or `rules` must be specified";
            errors.push(FieldError::invalid("spec", &json!({}), why));
        }
        if spec["defaultBackend"].is_object() {
            backend(&spec["defaultBackend"], "spec.defaultBackend", errors);
        }
        for (index, rule) in items(spec, "rules").enumerate() {
            let at = format!("spec.rules[{index}]");
            let host = text(rule, "host");
            if host.parse::<std::net::IpAddr>().is_ok() {
                let why = "must be a DNS name, not an IP address";
                errors.push(FieldError::invalid(format!("{at}.host"), &rule["host"], why));
            } else if !host.is_empty() {
                let shape =
                    if host.contains('*') { names::wildcard_dns1123_subdomain } else { names::dns1123_subdomain };
                check::name(&format!("{at}.host"), host, shape, errors);
            }
            let Some(http) = rule.get("http") else { continue };
            if is_empty(&http["paths"]) {
                errors.push(FieldError::required(format!("{at}.http.paths"), ""));
            }
            for (number, path) in items(http, "paths").enumerate() {
                self::path(path, &format!("{at}.http.paths[{number}]"), errors);
            }
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

fn path(path: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
    match text(path, "pathType") {
        "" => errors.push(FieldError::required(format!("{at}.pathType"), "pathType must be specified")),
        "Exact" | "Prefix" if !text(path, "path").starts_with('/') => {
            errors.push(FieldError::invalid(
                format!("{at}.path"),
                &json!(text(path, "path")),
                "must be an absolute path",
            ));
        }
        kind if kinds.contains(&kind) => {}
        _ => errors.push(check::unsupported(format!("{at}.pathType"), &path["pathType"], &kinds)),
    }
    backend(&path["backend"], &format!("{at}.backend"), errors);
}

fn backend(backend: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let service = &backend["service"];
    match (service.is_object(), backend["resource"].is_object()) {
        (true, true) => {
            let why = "cannot set both resource and service backends";
            errors.push(FieldError::invalid(at, &json!(""), why));
        }
        (true, false) => {
            match text(service, "name") {
                "" => errors.push(FieldError::required(format!("{at}.service.name"), "")),
                name => check::name(&format!("{at}.service.name"), name, names::dns1035_label, errors),
            }
            let (name, number) = (text(&service["port"], "name"), service["port"]["number"].as_i64().unwrap_or(0));
            if !name.is_empty() && number != 0 {
                errors.push(FieldError::invalid(at, &json!(""), "cannot set both port name & port number"));
            } else if !name.is_empty() {
                check::name(&format!("{at}.service.port.name"), name, names::port_name, errors);
            } else if number == 0 {
                errors.push(FieldError::required(at, "port name or number is required"));
            } else {
                check::port(&format!("{at}.service.port.number"), &service["port"]["number"], errors);
            }
        }
        (false, true) => {}
        (false, false) => errors.push(FieldError::required(at, "resource or service backend is required")),
    }
}

/// A policy is about what comes in, and about what goes out if it says something of that.
fn network_policy(object: &mut Value) {
    let spec = child(object, "spec");
    for direction in ["ingress", "egress"] {
        for rule in items_mut(spec, direction) {
            items_mut(rule, "ports").for_each(|port| or_set_text(port, "protocol", "TCP"));
        }
    }
    if is_empty(&spec["policyTypes"]) {
        spec["policyTypes"] = match is_empty(&spec["egress"]) {
            true => json!(["Ingress"]),
            false => json!(["Ingress", "Egress"]),
        };
    }
}

fn network_policy_findings(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    apimachinery::validation::labels::selector(&spec["podSelector"], "spec.podSelector", errors);
    for direction in ["ingress", "egress"] {
        for (index, rule) in items(spec, direction).enumerate() {
            for (number, port) in items(rule, "ports").enumerate() {
                let at = format!("spec.{direction}[{index}].ports[{number}]");
                check::one_of(&format!("{at}.protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"], false, errors);
                if !port["port"].is_null() {
                    check::port_or_name(&format!("{at}.port"), &port["port"], errors);
                }
            }
        }
    }
    for (index, kind) in items(spec, "policyTypes").enumerate() {
        check::one_of(&format!("spec.policyTypes[{index}]"), kind, &["Egress", "Ingress"], true, errors);
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
            network_policy(&mut object);
            assert_eq!(object["spec"]["policyTypes"], types);
        }
    }
}
