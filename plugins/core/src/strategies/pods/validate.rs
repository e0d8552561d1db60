//! Whether a pod's spec, or a template's, can be run.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::codec::quantity::Quantity;
use apimachinery::status::FieldError;
use apimachinery::validation::names;
use serde_json::{Value, json};

use crate::check;
use crate::tree::{items, text};

const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// All findings about the spec at `path`.
pub(crate) fn pod_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let volumes = volumes(spec, &format!("{path}.volumes"), errors);
    let mut taken = BTreeSet::new();
    containers(spec, "containers", path, &volumes, &mut taken, errors);
    containers(spec, "initContainers", path, &volumes, &mut taken, errors);
    containers(spec, "ephemeralContainers", path, &volumes, &mut taken, errors);
    check::one_of(&format!("{path}.restartPolicy"), &spec["restartPolicy"], &RESTART_POLICIES, true, errors);
    check::one_of(&format!("{path}.dnsPolicy"), &spec["dnsPolicy"], &DNS_POLICIES, true, errors);
    apimachinery::validation::labels::labels(&spec["nodeSelector"], &format!("{path}.nodeSelector"), errors);
    host_network(spec, path, errors);
    for (index, secret) in items(spec, "imagePullSecrets").enumerate() {
        if text(secret, "name").is_empty() {
            errors.push(FieldError::required(format!("{path}.imagePullSecrets[{index}].name"), ""));
        }
    }
    for (field, shape) in [
        ("serviceAccountName", names::dns1123_subdomain as fn(&str) -> Vec<String>),
        ("nodeName", names::dns1123_subdomain),
    ] {
        let value = text(spec, field);
        if !value.is_empty() {
            check::name(&format!("{path}.{field}"), value, shape, errors);
        }
    }
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds < 1) {
        let why = "must be between 1 and 2147483647, inclusive";
        errors.push(FieldError::invalid(format!("{path}.activeDeadlineSeconds"), &spec["activeDeadlineSeconds"], why));
    }
    for field in ["hostname", "subdomain"] {
        let value = text(spec, field);
        if !value.is_empty() {
            check::name(&format!("{path}.{field}"), value, names::dns1123_label, errors);
        }
    }
    tolerations(spec, &format!("{path}.tolerations"), errors);
    let class = text(spec, "priorityClassName");
    if !class.is_empty() {
        check::name(&format!("{path}.priorityClassName"), class, names::dns1123_subdomain, errors);
    }
    if !text(spec, "runtimeClassName").is_empty() {
        check::name(
            &format!("{path}.runtimeClassName"),
            text(spec, "runtimeClassName"),
            names::dns1123_subdomain,
            errors,
        );
    }
}

/// The names of the volumes.
fn volumes<'a>(spec: &'a Value, path: &str, errors: &mut Vec<FieldError>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for (index, volume) in items(spec, "volumes").enumerate() {
        let at = format!("{path}[{index}]");
        let sources: Vec<&String> =
            volume.as_object().into_iter().flatten().map(|(key, _)| key).filter(|key| *key != "name").collect();
        if let [_, others @ ..] = &sources[..] {
            for source in others {
                errors.push(FieldError::forbidden(format!("{at}.{source}"), "may not specify more than 1 volume type"));
            }
        }
        match text(volume, "name") {
            "" => errors.push(FieldError::required(format!("{at}.name"), "")),
            name => {
                let before = errors.len();
                check::name(&format!("{at}.name"), name, names::dns1123_label, errors);
                if errors.len() == before && !found.insert(name) {
                    errors.push(check::duplicate(format!("{at}.name"), &volume["name"]));
                }
            }
        }
        for (source, field) in [("secret", "secretName"), ("persistentVolumeClaim", "claimName"), ("hostPath", "path")]
        {
            if let Some(value) = volume.get(source)
                && text(value, field).is_empty()
            {
                errors.push(FieldError::required(format!("{at}.{source}.{field}"), ""));
            }
        }
        if let Some(source) = volume.get("configMap")
            && text(source, "name").is_empty()
        {
            errors.push(FieldError::required(format!("{at}.configMap.name"), ""));
        }
    }
    found
}

fn containers<'a>(
    spec: &'a Value,
    list: &str,
    path: &str,
    volumes: &BTreeSet<&str>,
    taken: &mut BTreeSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    if list == "containers" && items(spec, list).next().is_none() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
        return;
    }
    for (index, container) in items(spec, list).enumerate() {
        let at = format!("{path}.{list}[{index}]");
        self::container(container, &at, volumes, errors);
        let name = text(container, "name");
        if !name.is_empty() && !taken.insert(name) {
            errors.push(check::duplicate(format!("{at}.name"), &container["name"]));
        }
    }
}

fn container(container: &Value, at: &str, volumes: &BTreeSet<&str>, errors: &mut Vec<FieldError>) {
    match text(container, "name") {
        "" => errors.push(FieldError::required(format!("{at}.name"), "")),
        name => check::name(&format!("{at}.name"), name, names::dns1123_label, errors),
    }
    let image = text(container, "image");
    if image.is_empty() {
        errors.push(FieldError::required(format!("{at}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{at}.image"), &container["image"], why));
    }
    let policies = ["File", "FallbackToLogsOnError"];
    check::one_of(
        &format!("{at}.terminationMessagePolicy"),
        &container["terminationMessagePolicy"],
        &policies,
        false,
        errors,
    );
    ports(container, &format!("{at}.ports"), errors);
    for (index, variable) in items(container, "env").enumerate() {
        self::variable(variable, &format!("{at}.env[{index}]"), errors);
    }
    mounts(container, &format!("{at}.volumeMounts"), volumes, errors);
    check::one_of(&format!("{at}.imagePullPolicy"), &container["imagePullPolicy"], &PULL_POLICIES, true, errors);
    resources(&container["resources"], &format!("{at}.resources"), errors);
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get(name) {
            self::probe(probe, &format!("{at}.{name}"), name, errors);
        }
    }
}

fn ports(container: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut taken = BTreeSet::new();
    for (index, port) in items(container, "ports").enumerate() {
        let at = format!("{path}[{index}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if wrong.is_empty() && !taken.insert(name) {
                errors.push(check::duplicate(format!("{at}.name"), &port["name"]));
            }
            errors.extend(wrong.into_iter().map(|why| FieldError::invalid(format!("{at}.name"), &port["name"], why)));
        }
        if port["containerPort"].as_i64().unwrap_or(0) == 0 {
            errors.push(FieldError::required(format!("{at}.containerPort"), ""));
        } else {
            check::port(&format!("{at}.containerPort"), &port["containerPort"], errors);
        }
        if port["hostPort"].as_i64().unwrap_or(0) != 0 {
            check::port(&format!("{at}.hostPort"), &port["hostPort"], errors);
        }
        check::one_of(&format!("{at}.protocol"), &port["protocol"], &PROTOCOLS, true, errors);
    }
}

fn variable(variable: &Value, at: &str, errors: &mut Vec<FieldError>) {
    match text(variable, "name") {
        "" => errors.push(FieldError::required(format!("{at}.name"), "")),
        name => check::name(&format!("{at}.name"), name, names::environment_variable, errors),
    }
    let Some(source) = variable.get("valueFrom") else { return };
    let known = source.as_object().map_or(0, serde_json::Map::len);
    if known == 0 {
        let why =
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        errors.push(FieldError::invalid(format!("{at}.valueFrom"), &json!(""), why));
    } else if known > 1 {
        errors.push(FieldError::invalid(
            format!("{at}.valueFrom"),
            &json!(""),
            "may not have more than one field specified at a time",
        ));
    } else if !text(variable, "value").is_empty() {
        errors.push(FieldError::invalid(
            format!("{at}.valueFrom"),
            &json!(""),
            "may not be specified when `value` is not empty",
        ));
    }
}

fn mounts(container: &Value, path: &str, volumes: &BTreeSet<&str>, errors: &mut Vec<FieldError>) {
    let mut taken = BTreeSet::new();
    for (index, mount) in items(container, "volumeMounts").enumerate() {
        let at = format!("{path}[{index}]");
        match text(mount, "name") {
            "" => errors.push(FieldError::required(format!("{at}.name"), "")),
            name if !volumes.contains(name) => errors.push(FieldError::new(
                apimachinery::status::FieldErrorKind::NotFound,
                format!("{at}.name"),
                mount["name"].to_string(),
                "",
            )),
            _ => {}
        }
        match text(mount, "mountPath") {
            "" => errors.push(FieldError::required(format!("{at}.mountPath"), "")),
            place if !taken.insert(place) => {
                errors.push(FieldError::invalid(format!("{at}.mountPath"), &mount["mountPath"], "must be unique"));
            }
            _ => {}
        }
        let sub = text(mount, "subPath");
        if sub.starts_with('/') {
            errors.push(FieldError::invalid(format!("{at}.subPath"), &mount["subPath"], "must be a relative path"));
        }
        if sub.split('/').any(|part| part == "..") {
            errors.push(FieldError::invalid(format!("{at}.subPath"), &mount["subPath"], "must not contain '..'"));
        }
    }
}

/// What is asked for must not be above what is allowed.
pub(crate) fn resources(resources: &Value, at: &str, errors: &mut Vec<FieldError>) {
    let amount =
        |value: &Value| value.as_str().and_then(|text| Quantity::parse(text).ok()).map(|quantity| quantity.nanos());
    let limits = resources["limits"].as_object();
    let mut by_name: BTreeMap<&String, &Value> = BTreeMap::new();
    for list in ["limits", "requests"] {
        for (name, value) in resources[list].as_object().into_iter().flatten() {
            let field = format!("{at}.{list}[{name}]");
            check::name(&field, name, names::qualified_name, errors);
            if amount(value).is_some_and(|amount| amount < 0) {
                errors.push(FieldError::invalid(field, value, "must be greater than or equal to 0"));
            }
        }
    }
    by_name.extend(resources["requests"].as_object().into_iter().flatten());
    for (name, request) in by_name {
        if let Some(limit) = limits.and_then(|limits| limits.get(name))
            && let (Some(asked), Some(allowed)) = (amount(request), amount(limit))
        {
            let overcommits = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
            let shown = limit.as_str().unwrap_or_default();
            if !overcommits && asked != allowed {
                let why = format!("must be equal to {name} limit of {shown}");
                errors.push(FieldError::invalid(format!("{at}.requests"), request, why));
            } else if asked > allowed {
                let why = format!("must be less than or equal to {name} limit of {shown}");
                errors.push(FieldError::invalid(format!("{at}.requests"), request, why));
            }
        }
    }
}

fn probe(probe: &Value, at: &str, name: &str, errors: &mut Vec<FieldError>) {
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
    let mut given = handlers.iter().filter(|handler| probe.get(**handler).is_some());
    if given.next().is_none() {
        errors.push(FieldError::required(at, "must specify a handler type"));
    }
    for other in given {
        errors.push(FieldError::forbidden(format!("{at}.{other}"), "may not specify more than 1 handler type"));
    }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        check::not_negative(&format!("{at}.{field}"), &probe[field], errors);
    }
    if name != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|count| count != 1) {
        errors.push(FieldError::invalid(format!("{at}.successThreshold"), &probe["successThreshold"], "must be 1"));
    }
    for handler in ["httpGet", "tcpSocket"] {
        if let Some(value) = probe.get(handler) {
            check::port_or_name(&format!("{at}.{handler}.port"), &value["port"], errors);
        }
    }
}

fn host_network(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if spec["hostNetwork"] != true {
        return;
    }
    for (index, container) in items(spec, "containers").enumerate() {
        for (number, port) in items(container, "ports").enumerate() {
            if port["hostPort"] != port["containerPort"] {
                let field = format!("{path}.containers[{index}].ports[{number}].hostPort");
                errors.push(FieldError::invalid(
                    field,
                    &port["hostPort"],
                    "must match `containerPort` when `hostNetwork` is true",
                ));
            }
        }
    }
}

fn tolerations(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (index, toleration) in items(spec, "tolerations").enumerate() {
        let at = format!("{path}[{index}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        if !key.is_empty() {
            check::name(&format!("{at}.key"), key, names::qualified_name, errors);
        } else if operator != "Exists" {
            let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.push(FieldError::invalid(format!("{at}.operator"), &toleration["operator"], why));
        }
        if toleration.get("tolerationSeconds").is_some() && text(toleration, "effect") != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.push(FieldError::invalid(format!("{at}.effect"), &toleration["effect"], why));
        }
        match operator {
            "" | "Equal" => {
                check::name(&format!("{at}.operator"), text(toleration, "value"), names::label_value, errors)
            }
            "Exists" if !text(toleration, "value").is_empty() => {
                let why = "value must be empty when `operator` is 'Exists'";
                errors.push(FieldError::invalid(format!("{at}.operator"), &json!(operator), why));
            }
            "Exists" => {}
            _ => errors.push(check::unsupported(format!("{at}.operator"), &json!(operator), &["Equal", "Exists"])),
        }
        check::one_of(&format!("{at}.effect"), &toleration["effect"], &EFFECTS, false, errors);
    }
}

/// A template: its labels are what its owner selects by.
pub(crate) fn template(owner: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let template = &owner["template"];
    let metadata = &template["metadata"];
    apimachinery::validation::labels::labels(&metadata["labels"], &format!("{path}.template.metadata.labels"), errors);
    pod_spec(&template["spec"], &format!("{path}.template.spec"), errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategies::pods::defaults;

    fn findings(mut spec: Value) -> Vec<String> {
        defaults::pod_spec(&mut spec);
        let mut errors = Vec::new();
        pod_spec(&spec, "spec", &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn findings_have_upstreams_order_and_words() {
        assert_eq!(findings(json!({})), ["spec.containers: Required value"]);
        assert_eq!(findings(json!({"containers": [{"name": "c", "image": "a"}]})), [""; 0]);
        let found = findings(json!({
            "restartPolicy": "Sometimes", "dnsPolicy": "Nope",
            "containers": [
                {"name": "a", "image": "", "imagePullPolicy": "Maybe", "ports": [{"containerPort": 99999}],
                 "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
                {"name": "dup", "image": "a"}, {"name": "dup", "image": "a", "volumeMounts": [{"name": "v", "mountPath": "/"}]},
            ],
        }));
        assert_eq!(
            found,
            [
                "spec.containers[0].image: Required value",
                "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
                "spec.containers[2].volumeMounts[0].name: Not found: \"v\"",
                "spec.containers[2].name: Duplicate value: \"dup\"",
                "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
                "spec.dnsPolicy: Unsupported value: \"Nope\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
            ]
        );
    }
}
