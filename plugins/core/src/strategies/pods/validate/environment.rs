//! Environment variables and where their values come from.

use apimachinery::codec::quantity;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::volumes::no_steps_back;
use super::{EMPTY, visit};

const POD_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// What any reference to a field of a pod may name.
const KNOWN_FIELDS: [&str; 14] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
const UNITS: [&str; 13] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

pub(super) fn variables(variables: &Place<'_, '_>, findings: &mut Findings) {
    for variable in variables.items() {
        variable.at("name").required_shaped(names::environment_variable, findings);
        if variable.at("valueFrom").is_given() {
            value_from(&variable, findings);
        }
    }
}

fn value_from(variable: &Place<'_, '_>, findings: &mut Findings) {
    let from = variable.at("valueFrom");
    let mut sources = 0;
    let mut source = |field: &'static str, rules: fn(&Place<'_, '_>, &mut Findings), findings: &mut Findings| {
        let place = from.at(field);
        if place.is_given() {
            sources += 1;
            rules(&place, findings);
        }
    };
    source("fieldRef", |field, findings| object_field(field, &POD_FIELDS, findings), findings);
    source("resourceFieldRef", |field, findings| resource_field(field, false, findings), findings);
    source("configMapKeyRef", key, findings);
    source("secretKeyRef", key, findings);
    source("fileKeyRef", file_key, findings);
    let why = if sources == 0 {
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
    } else if !variable.at("value").is_empty() {
        "may not be specified when `value` is not empty"
    } else if sources > 1 {
        "may not have more than one field specified at a time"
    } else {
        return;
    };
    from.invalid_as(&EMPTY, why, findings);
}

/// A field of the pod; `fields` are those that may stand here, sorted.
pub(super) fn object_field(field: &Place<'_, '_>, fields: &[&str], findings: &mut Findings) {
    for name in ["apiVersion", "fieldPath"] {
        if field.at(name).is_empty() {
            return field.at(name).required("", findings);
        }
    }
    let path = field.at("fieldPath");
    let subscripted =
        path.text().strip_suffix("']").and_then(|path| path.split_once("['")).filter(|(path, _)| !path.is_empty());
    let unknown = match (field.at("apiVersion").text(), subscripted) {
        ("v1", Some(("metadata.annotations" | "metadata.labels", _))) => None,
        ("v1", Some(_)) => Some(format!("field label does not support subscript: {}", path.text())),
        ("v1", None) if KNOWN_FIELDS.contains(&path.text()) || path.text() == "spec.host" => None,
        ("v1", None) => Some(format!("field label not supported: {}", path.text())),
        (version, _) => Some(format!("unsupported pod version: {version}")),
    };
    if let Some(why) = unknown {
        return path.invalid(format!("error converting fieldPath: {why}"), findings);
    }
    match subscripted {
        Some((of, key)) => {
            let key = if of == "metadata.annotations" { key.to_lowercase() } else { key.to_string() };
            field.with(&key.into()).shaped(names::qualified_name, findings);
        }
        None => {
            let name = if path.text() == "spec.host" { "spec.nodeName" } else { path.text() };
            if !fields.contains(&name) {
                path.with(&name.into()).unsupported(fields, findings);
            }
        }
    }
}

/// A resource of a container; of which one, a volume has to say.
pub(super) fn resource_field(field: &Place<'_, '_>, volume: bool, findings: &mut Findings) {
    let resource = field.at("resource");
    let huge = ["limits.hugepages-", "requests.hugepages-"].iter().any(|prefix| resource.text().starts_with(prefix));
    if volume && field.at("containerName").is_empty() {
        field.at("containerName").required("", findings);
    } else if resource.is_empty() {
        resource.required("", findings);
    } else if !RESOURCES.contains(&resource.text()) && !huge {
        resource.unsupported(&RESOURCES, findings);
    }
    let divisor = field.at("divisor");
    let Ok(unit) = quantity::canonical(divisor.text()) else { return };
    if quantity::Quantity::parse(&unit).is_ok_and(|unit| unit.nanos() == 0) {
        return;
    }
    let units = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    let (supported, why): (&[&str], String) = match resource.text() {
        "limits.cpu" | "requests.cpu" => {
            (&["1m", "1"], "only divisor's values 1m and 1 are supported with the cpu resource".into())
        }
        "limits.memory" | "requests.memory" => {
            (&UNITS, format!("only divisor's values {units} are supported with the memory resource"))
        }
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => {
            (&UNITS, format!("only divisor's values {units} are supported with the local ephemeral storage resource"))
        }
        _ if huge => (&UNITS, format!("only divisor's values {units} are supported with the hugepages resource")),
        _ => return,
    };
    if !supported.contains(&unit.as_ref()) {
        divisor.invalid_as(resource.value(), why, findings);
    }
}

fn key(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("name").shaped(names::dns1123_subdomain, findings);
    source.at("key").required_shaped(names::config_key, findings);
}

fn file_key(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("key").required_shaped(names::environment_variable, findings);
    source.at("volumeName").required_shaped(names::dns1123_label, findings);
    source.at("path").must_be_given(findings);
    no_steps_back(&source.at("path"), findings);
}

/// All variables of a config map or a secret.
pub(super) fn sources(sources: &Place<'_, '_>, findings: &mut Findings) {
    for source in sources.items() {
        source.at("prefix").optional_shaped(names::environment_variable, findings);
        let mut given = 0;
        for kind in ["configMapRef", "secretRef"] {
            if source.at(kind).is_given() {
                given += 1;
                source.at(&format!("{kind}.name")).required_shaped(names::dns1123_subdomain, findings);
            }
        }
        match given {
            0 => sources.invalid_as(&EMPTY, "must specify one of: `configMapRef` or `secretRef`", findings),
            1 => {}
            _ => sources.invalid_as(&EMPTY, "may not have more than one field specified at a time", findings),
        }
    }
}

/// Variables come from files in directories of the pod's own.
pub(super) fn file_volumes(spec: &Place<'_, '_>, findings: &mut Findings) {
    let volumes = spec.at("volumes");
    visit(spec, |container| {
        for variable in container.at("env").items() {
            let reference = variable.at("valueFrom.fileKeyRef");
            if !reference.is_given() {
                continue;
            }
            let name = reference.at("volumeName");
            // Of volumes with one name the last counts.
            match volumes.items().rfind(|volume| volume.at("name").text() == name.text()) {
                None => name.not_found("", findings),
                Some(volume) if !volume.at("emptyDir").is_given() => {
                    name.invalid("referenced volume must be of type emptyDir", findings);
                }
                Some(_) => {}
            }
        }
    });
}
