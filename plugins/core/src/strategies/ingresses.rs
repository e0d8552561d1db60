//! Ingresses.

use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::network::Address;
use apimachinery::validation::place::{Findings, Place};
use plugin_sdk::Store;

use super::services::host_name;
use crate::small;
use crate::tree::{child, text};
use crate::warnings::{self, Warnings};

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
const CLASSES: &str = "/registry/ingressclasses/";
const OLD_CLASS: &str = "kubernetes.io/ingress.class";
const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];

pub(super) struct Ingresses;

impl Strategy for Ingresses {
    /// `DefaultIngressClass`.
    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            let annotated = !text(&object["metadata"]["annotations"], OLD_CLASS).is_empty();
            let chosen = object["spec"].get("ingressClassName").is_some();
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

    fn warnings(&self, operation: &Operation<'_>, object: &Value, old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        let annotated = root.at("metadata.annotations").entry(OLD_CLASS).is_given();
        if old.is_none() && annotated && !root.at("spec.ingressClassName").is_given() {
            out.push(format!("annotation \"{OLD_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"));
        }
        if operation.subresource == "status" {
            for ingress in root.at("status.loadBalancer.ingress").items() {
                warnings::address(&ingress.with(ingress.at("ip").value()), &mut out);
            }
        }
        out
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        spec(&root.at("spec"), errors);
        let class = object["metadata"]["annotations"].get(OLD_CLASS);
        let named = object["spec"].get("ingressClassName");
        if let (Some(class), Some(named)) = (class, named)
            && class != named
        {
            let annotations = root.at("annotations");
            annotations
                .at(OLD_CLASS)
                .with(class)
                .invalid("must match `ingressClassName` when both are specified", errors);
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        match operation.subresource {
            "" => spec(&root.at("spec"), errors),
            _ => status(&root, old, errors),
        }
    }

    fn generation(&self) -> bool {
        true
    }
}

fn status(root: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let had: Vec<&str> = old["status"]["loadBalancer"]["ingress"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|point| point["ip"].as_str())
        .collect();
    for point in root.at("status.loadBalancer.ingress").items() {
        if !point.at("ip").is_empty() {
            point.at("ip").address(&had, findings);
        }
        host_name(&point.at("hostname"), findings);
    }
}

fn spec(spec: &Place<'_, '_>, findings: &mut Findings) {
    let (rules, default) = (spec.at("rules"), spec.at("defaultBackend"));
    if rules.is_empty() && !default.is_given() {
        let why = "either `defaultBackend` or `rules` must be specified";
        spec.invalid_as(rules.value(), why, findings);
    }
    if default.is_given() {
        backend(&default, findings);
    }
    for rule in rules.items() {
        host(&rule.at("host"), findings);
        let http = rule.at("http");
        if http.is_given() {
            http.at("paths").must_be_given(findings);
            http.at("paths").items().for_each(|path| self::path(&path, findings));
        }
    }
    for tls in spec.at("tls").items() {
        for host in tls.at("hosts").items() {
            let shape =
                if host.text().contains('*') { names::wildcard_dns1123_subdomain } else { names::dns1123_subdomain };
            host.shaped(shape, findings);
        }
        tls.at("secretName").optional_shaped(names::dns1123_subdomain, findings);
    }
    if spec.at("ingressClassName").is_given() {
        spec.at("ingressClassName").shaped(names::dns1123_subdomain, findings);
    }
}

fn host(host: &Place<'_, '_>, findings: &mut Findings) {
    if host.is_empty() {
        return;
    }
    if Address::parse(host.text()).is_some() {
        host.invalid("must be a DNS name, not an IP address", findings);
    }
    let wild = host.text().contains('*');
    host.shaped(if wild { names::wildcard_dns1123_subdomain } else { names::dns1123_subdomain }, findings);
}

fn path(path: &Place<'_, '_>, findings: &mut Findings) {
    let (kind, at) = (path.at("pathType"), path.at("path"));
    match kind.text() {
        "Exact" | "Prefix" => {
            if !at.text().starts_with('/') {
                at.invalid("must be an absolute path", findings);
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"] {
                if at.text().contains(part) {
                    at.invalid(format!("must not contain '{part}'"), findings);
                }
            }
            for end in ["/..", "/."] {
                if at.text().ends_with(end) {
                    at.invalid(format!("cannot end with '{end}'"), findings);
                }
            }
        }
        "ImplementationSpecific" if !at.is_empty() && !at.text().starts_with('/') => {
            at.invalid("must be an absolute path", findings);
        }
        "ImplementationSpecific" => {}
        _ if !kind.is_given() => return kind.required("pathType must be specified", findings),
        _ => kind.unsupported(&PATH_TYPES, findings),
    }
    backend(&path.at("backend"), findings);
}

fn backend(backend: &Place<'_, '_>, findings: &mut Findings) {
    let (service, resource) = (backend.at("service"), backend.at("resource"));
    let empty = Value::from("");
    match (service.is_given(), resource.is_given()) {
        (true, true) => backend.invalid_as(&empty, "cannot set both resource and service backends", findings),
        (false, true) => {
            if resource.at("apiGroup").is_given() {
                resource.at("apiGroup").shaped(names::dns1123_subdomain, findings);
            }
            resource.at("kind").required_shaped(names::path_segment, findings);
            resource.at("name").required_shaped(names::path_segment, findings);
        }
        (true, false) => {
            service.at("name").required_shaped(names::dns1123_label, findings);
            let (name, number) = (service.at("port.name"), service.at("port.number"));
            match (name.is_empty(), number.number().unwrap_or(0)) {
                (true, 0) => backend.required("port name or number is required", findings),
                (true, _) => number.port(findings),
                (false, 0) => drop(name.shaped(names::port_name, findings)),
                (false, _) => backend.invalid_as(&empty, "cannot set both port name & port number", findings),
            }
        }
        (false, false) => backend.invalid_as(&empty, "resource or service backend is required", findings),
    }
}
