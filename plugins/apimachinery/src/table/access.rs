//! Who may do what, and who is asked before it is done: roles, certificates, admission, flow
//! control, and the servers behind the API.

use super::duration;
use super::object::{NONE, Object, UNSET, flag, list, number, selector_as_struct, size, text, text_or};
use crate::tree::Value;

pub(super) fn role_bindings(object: Object<'_>) -> Vec<Value> {
    let role = &object["roleRef"];
    let subjects = |kind: &str| {
        let of_kind = list(&object["subjects"]).iter().filter(move |subject| subject["kind"] == kind);
        let named = of_kind.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", text(&subject["namespace"]), text(&subject["name"])),
            _ => text(&subject["name"]).to_string(),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    vec![
        object.name(),
        format!("{}/{}", text(&role["kind"]), text(&role["name"])).into(),
        object.age(),
        subjects("User").into(),
        subjects("Group").into(),
        subjects("ServiceAccount").into(),
    ]
}

pub(super) fn certificate_signing_requests(object: Object<'_>) -> Vec<Value> {
    let has = |kind: &str| object.condition(kind).is_some();
    let mut state = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_string();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(&object["status"]["certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    let spec = &object["spec"];
    let duration = spec["expirationSeconds"].as_i64().map_or_else(|| NONE.into(), duration::human);
    vec![
        object.name(),
        object.age(),
        text_or(&spec["signerName"], NONE).into(),
        text(&spec["username"]).into(),
        duration.into(),
        state.into(),
    ]
}

pub(super) fn webhook_configurations(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), size(&object["webhooks"]).into(), object.age()]
}

pub(super) fn validating_policies(object: Object<'_>) -> Vec<Value> {
    policies(object, "validations")
}

pub(super) fn mutating_policies(object: Object<'_>) -> Vec<Value> {
    policies(object, "mutations")
}

fn policies(object: Object<'_>, rules: &str) -> Vec<Value> {
    let spec = &object["spec"];
    let kind = match &spec["paramKind"] {
        Value::Null => UNSET.into(),
        kind => format!("{}/{}", text(&kind["apiVersion"]), text(&kind["kind"])),
    };
    vec![object.name(), size(&spec[rules]).into(), kind.into(), object.age()]
}

pub(super) fn policy_bindings(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    let reference = &spec["paramRef"];
    let parameters = match (text(&reference["name"]), text_or(&reference["namespace"], "*")) {
        ("", _) if reference["selector"].is_object() => selector_as_struct(&reference["selector"]),
        ("", _) => UNSET.into(),
        (name, namespace) => format!("{namespace}/{name}"),
    };
    vec![object.name(), text(&spec["policyName"]).into(), parameters.into(), object.age()]
}

pub(super) fn flow_schemas(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    let distinguisher = match &spec["distinguisherMethod"] {
        Value::Null => NONE,
        method => text(&method["type"]),
    };
    let dangling = object.condition("Dangling").map_or("?", |condition| text(&condition["status"]));
    vec![
        object.name(),
        text(&spec["priorityLevelConfiguration"]["name"]).into(),
        number(&spec["matchingPrecedence"]).into(),
        distinguisher.into(),
        object.age(),
        dangling.into(),
    ]
}

pub(super) fn priority_levels(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    let limited = &spec["limited"];
    let queuing = &limited["limitResponse"]["queuing"];
    let of = |part: &Value, field: &str| if part.is_null() { Value::from(NONE) } else { number(&part[field]).into() };
    let shares = match &limited["nominalConcurrencyShares"] {
        _ if limited.is_null() => NONE.into(),
        shares => number(shares).into(),
    };
    vec![
        object.name(),
        text(&spec["type"]).into(),
        shares,
        of(queuing, "queues"),
        of(queuing, "handSize"),
        of(queuing, "queueLengthLimit"),
        object.age(),
    ]
}

pub(super) fn priority_classes(object: Object<'_>) -> Vec<Value> {
    vec![
        object.name(),
        number(&object["value"]).into(),
        flag(&object["globalDefault"]).into(),
        object.age(),
        text(&object["preemptionPolicy"]).into(),
    ]
}

pub(super) fn runtime_classes(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), text(&object["handler"]).into(), object.age()]
}

pub(super) fn leases(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), text(&object["spec"]["holderIdentity"]).into(), object.age()]
}

pub(super) fn api_services(object: Object<'_>) -> Vec<Value> {
    let service = match &object["spec"]["service"] {
        Value::Null => "Local".into(),
        service => format!("{}/{}", text(&service["namespace"]), text(&service["name"])),
    };
    let available = match object.condition("Available") {
        None => "Unknown".into(),
        Some(condition) => match (text(&condition["status"]), text(&condition["reason"])) {
            ("True", _) => "True".to_string(),
            (status, "") => status.to_string(),
            (status, reason) => format!("{status} ({reason})"),
        },
    };
    vec![object.name(), service.into(), available.into(), object.age()]
}

pub(super) fn resource_claims(object: Object<'_>) -> Vec<Value> {
    let mut state = Vec::new();
    if object.is_going() {
        state.push("deleted");
    }
    if object["status"]["allocation"].is_null() {
        if !object.is_going() {
            state.push("pending");
        }
    } else {
        state.push("allocated");
        if size(&object["status"]["reservedFor"]) > 0 {
            state.push("reserved");
        }
    }
    vec![object.name(), state.join(",").into(), object.age()]
}

pub(super) fn resource_slices(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        object.name(),
        text(&spec["nodeName"]).into(),
        text(&spec["driver"]).into(),
        text(&spec["pool"]["name"]).into(),
        object.age(),
    ]
}
