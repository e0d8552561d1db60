//! The rules of the resource beside its schema.

use apimachinery::rest::clock;
use apimachinery::rest::object::carry_over;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Operation, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::{metadata, names};

use super::Condition;

const DEFAULT_PORT: u16 = 443;
const GROUP_PRIORITY_MAX: i64 = 20000;
const VERSION_PRIORITY_MAX: i64 = 1000;

pub(super) struct ApiServiceStrategy;

impl Strategy for ApiServiceStrategy {
    fn knows_finalizers(&self) -> bool {
        false
    }

    fn default(&self, object: &mut Value) {
        if let Some(Value::Object(service)) = object.get_mut("spec").and_then(|spec| spec.get_mut("service"))
            && service.get("port").is_none_or(Value::is_null)
        {
            service.insert("port", json!(DEFAULT_PORT));
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        carry_over(object, &json!({}), "status");
        // What the delegates serve is there at once, and nobody in particular said so.
        if object["spec"]["service"].is_null() {
            Condition::local().set(object, &clock::now());
        }
    }

    fn validates_metadata(&self) -> bool {
        true
    }

    fn validate(&self, operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        metadata::create_named(operation.definition, object, &|name| named(object, name), errors);
        validate(object, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
    }

    /// Any name that fits a path: that it is the version and the group is checked with them at
    /// hand.
    fn validate_name(&self, name: &str) -> Vec<String> {
        names::path_segment(name)
    }
}

/// The name says of which group and version it is.
fn named(object: &Value, name: &str) -> Vec<String> {
    let text = |key: &str| object["spec"][key].as_str().unwrap_or_default();
    let (wrong, required) = (names::path_segment(name), super::name(text("group"), text("version")));
    match wrong.is_empty() && name != required {
        true => vec![format!("must be `spec.version+\".\"+spec.group`: \"{required}\"")],
        false => wrong,
    }
}

fn validate(object: &Value, errors: &mut Vec<FieldError>) {
    let spec = &object["spec"];
    let text = |key: &str| spec[key].as_str().unwrap_or_default();
    let (group, version) = (text("group"), text("version"));
    if group.is_empty() && version != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        errors.push(FieldError::required("spec.group", detail));
    }
    if !group.is_empty() {
        for detail in names::dns1123_subdomain(group) {
            errors.push(FieldError::invalid("spec.group", &json!(group), detail));
        }
    }
    for detail in names::dns1035_label(version) {
        errors.push(FieldError::invalid("spec.version", &json!(version), detail));
    }
    for (key, max) in [("groupPriorityMinimum", GROUP_PRIORITY_MAX), ("versionPriority", VERSION_PRIORITY_MAX)] {
        let value = spec[key].as_i64().unwrap_or(0);
        if !(1..=max).contains(&value) {
            let detail = format!("must be positive and less than {max}");
            errors.push(FieldError::invalid(format!("spec.{key}"), &json!(value), detail));
        }
    }
    match spec["service"].as_object() {
        None => validate_local(spec, errors),
        Some(_) => validate_remote(spec, errors),
    }
}

fn validate_local(spec: &Value, errors: &mut Vec<FieldError>) {
    let bundle = bundle_length(spec);
    if bundle > 0 {
        let value = json!(format!("{bundle} bytes"));
        errors.push(FieldError::invalid("spec.caBundle", &value, "local APIServices may not have a caBundle"));
    }
    if spec["insecureSkipTLSVerify"] == true {
        let detail = "local APIServices may not have insecureSkipTLSVerify";
        errors.push(FieldError::invalid("spec.insecureSkipTLSVerify", &json!(true), detail));
    }
}

fn validate_remote(spec: &Value, errors: &mut Vec<FieldError>) {
    let service = &spec["service"];
    for key in ["namespace", "name"] {
        if service[key].as_str().unwrap_or_default().is_empty() {
            errors.push(FieldError::required(format!("spec.service.{key}"), ""));
        }
    }
    if let Some(port) = service["port"].as_i64()
        && !(1..=65535).contains(&port)
    {
        let detail = "port is not valid: must be between 1 and 65535, inclusive";
        errors.push(FieldError::invalid("spec.service.port", &json!(port), detail));
    }
    if spec["insecureSkipTLSVerify"] == true && bundle_length(spec) > 0 {
        let detail = "may not be true if caBundle is present";
        errors.push(FieldError::invalid("spec.insecureSkipTLSVerify", &json!(true), detail));
    }
}

/// Bytes of the bundle, which stands in base64.
fn bundle_length(spec: &Value) -> usize {
    let text = spec["caBundle"].as_str().unwrap_or_default().trim_end_matches('=');
    text.len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Value {
        json!({
            "metadata": { "name": "v1.example.com" },
            "spec": {
                "group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                "service": { "namespace": "default", "name": "example", "port": 443 },
            },
        })
    }

    fn errors(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let (mut object, mut errors) = (remote(), Vec::new());
        change(&mut object);
        validate(&object, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_whole_one_is_accepted() {
        assert!(errors(|_| ()).is_empty());
        assert!(errors(|object| object["spec"]["service"] = Value::Null).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_in_upstreams_words() {
        type Change = fn(&mut Value);
        assert_eq!(named(&remote(), "wrong"), ["must be `spec.version+\".\"+spec.group`: \"v1.example.com\""]);
        assert_eq!(named(&remote(), "v1.example.com"), [""; 0]);
        let cases: [(Change, &str); 7] = [
            (
                |o| o["spec"]["groupPriorityMinimum"] = json!(0),
                "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
            ),
            (
                |o| o["spec"]["versionPriority"] = json!(1001),
                "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000",
            ),
            (
                |o| {
                    o["spec"]["insecureSkipTLSVerify"] = json!(true);
                    o["spec"]["caBundle"] = json!("eA==");
                },
                "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
            ),
            (
                |o| {
                    o["spec"]["service"] = Value::Null;
                    o["spec"]["caBundle"] = json!("eA==");
                },
                "spec.caBundle: Invalid value: \"1 bytes\": local APIServices may not have a caBundle",
            ),
            (|o| o["spec"]["service"]["name"] = json!(""), "spec.service.name: Required value"),
            (
                |o| o["spec"]["service"]["port"] = json!(70000),
                "spec.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
            ),
            (
                |o| {
                    o["spec"]["group"] = json!("");
                    o["spec"]["version"] = json!("v2");
                    o["metadata"]["name"] = json!("v2.");
                },
                "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(errors(change), [expected]);
        }
    }

    #[test]
    fn a_service_without_a_port_gets_the_one_of_https() {
        let mut object = remote();
        object["spec"]["service"].as_object_mut().expect("an object").remove("port");
        ApiServiceStrategy.default(&mut object);
        assert_eq!(object["spec"]["service"]["port"], 443);
        let mut local = json!({ "spec": {} });
        ApiServiceStrategy.default(&mut local);
        assert_eq!(local, json!({ "spec": {} }));
    }
}
