//! Whether a service can be one.

use std::collections::BTreeSet;

use apimachinery::status::FieldError;
use apimachinery::validation::{labels, names};
use serde_json::{Value, json};

use crate::check;
use crate::tree::{items, text};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

pub(super) fn spec(spec: &Value, errors: &mut Vec<FieldError>) {
    let kind = text(spec, "type");
    let headless = spec["clusterIP"] == "None";
    let ports: Vec<&Value> = items(spec, "ports").collect();
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            errors.push(FieldError::invalid(
                "spec.clusterIPs[0]",
                &spec["clusterIP"],
                format!("may not be set to 'None' for {kind} services"),
            ));
        }
        "ExternalName" => {
            if !text(spec, "clusterIP").is_empty() {
                errors.push(FieldError::forbidden("spec.clusterIPs", "may not be set when `type` is 'ExternalName'"));
            }
            let name = text(spec, "externalName").trim_end_matches('.');
            if name.is_empty() {
                errors.push(FieldError::required("spec.externalName", ""));
            } else {
                check::name("spec.externalName", name, names::dns1123_subdomain, errors);
            }
        }
        _ => {}
    }
    let single = ports.len() == 1;
    let mut taken = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = format!("spec.ports[{index}]");
        self::port(port, &at, single, headless, &mut taken, errors);
    }
    labels::labels(&spec["selector"], "spec.selector", errors);
    check::one_of("spec.sessionAffinity", &spec["sessionAffinity"], &["ClientIP", "None"], true, errors);
    check::one_of("spec.type", &spec["type"], &TYPES, true, errors);
    duplicates(&ports, errors);
    if kind == "ExternalName" {
        return;
    }
    for (index, address) in items(spec, "externalIPs").enumerate() {
        ip(&format!("spec.externalIPs[{index}]"), address, errors);
    }
    for (index, address) in items(spec, "clusterIPs").filter(|address| **address != "None").enumerate() {
        ip(&format!("spec.clusterIPs[{index}]"), address, errors);
    }
}

fn port<'a>(
    port: &'a Value,
    at: &str,
    single: bool,
    headless: bool,
    taken: &mut BTreeSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    match text(port, "name") {
        "" if single => {}
        "" => errors.push(FieldError::required(format!("{at}.name"), "")),
        name => {
            check::name(&format!("{at}.name"), name, names::dns1123_label, errors);
            if !taken.insert(name) {
                errors.push(check::duplicate(format!("{at}.name"), &port["name"]));
            }
        }
    }
    check::port(&format!("{at}.port"), &port["port"], errors);
    check::one_of(&format!("{at}.protocol"), &port["protocol"], &PROTOCOLS, true, errors);
    check::port_or_name(&format!("{at}.targetPort"), &port["targetPort"], errors);
    let node_port = port["nodePort"].as_i64().unwrap_or(0);
    if headless && node_port != 0 {
        let why = "may not be used when `type` is 'ClusterIP'";
        errors.push(FieldError::forbidden(format!("{at}.nodePort"), why));
    }
}

/// No two ports may be the same for those who connect.
fn duplicates(ports: &[&Value], errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let key = (port["port"].as_i64().unwrap_or(0), text(port, "protocol"));
        if key.0 != 0 && !seen.insert(key) {
            let shown = json!({"protocol": port["protocol"], "port": port["port"], "targetPort": 0});
            errors.push(check::duplicate(format!("spec.ports[{index}]"), &shown));
        }
    }
}

fn ip(field: &str, value: &Value, errors: &mut Vec<FieldError>) {
    if text_of(value).parse::<std::net::IpAddr>().is_err() {
        errors.push(FieldError::invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_upstreams_order_and_words() {
        for (given, want) in [
            (json!({"type": "ClusterIP", "sessionAffinity": "None"}), vec!["spec.ports: Required value"]),
            (
                json!({"type": "ClusterIP", "sessionAffinity": "None", "ports": [
                    {"port": 80, "protocol": "TCP", "targetPort": 80}, {"port": 0, "protocol": "TCP", "targetPort": 0}]}),
                vec![
                    "spec.ports[0].name: Required value",
                    "spec.ports[1].name: Required value",
                    "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    "spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
                ],
            ),
        ] {
            let mut errors = Vec::new();
            spec(&given, &mut errors);
            assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
        }
    }
}
