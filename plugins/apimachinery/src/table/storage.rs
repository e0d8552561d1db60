//! Volumes and what makes them.

use super::object::{NONE, Object, UNSET, flag, joined, list, quantity, size, text};
use crate::tree::Value;

pub(super) fn persistent_volumes(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let claim = match &spec["claimRef"] {
        Value::Null => String::new(),
        claim => format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])),
    };
    vec![
        object.name(),
        quantity(&spec["capacity"]["storage"]).into(),
        access_modes(&spec["accessModes"]).into(),
        text(&spec["persistentVolumeReclaimPolicy"]).into(),
        phase(object).into(),
        claim.into(),
        class(object).into(),
        spec["volumeAttributesClassName"].as_str().unwrap_or(UNSET).into(),
        text(&status["reason"]).into(),
        object.age(),
        spec["volumeMode"].as_str().unwrap_or(UNSET).into(),
    ]
}

pub(super) fn persistent_volume_claims(object: Object<'_>) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let volume = text(&spec["volumeName"]);
    let (capacity, modes) = match volume {
        "" => (String::new(), String::new()),
        _ => (quantity(&status["capacity"]["storage"]).to_string(), access_modes(&status["accessModes"])),
    };
    vec![
        object.name(),
        phase(object).into(),
        volume.into(),
        capacity.into(),
        modes.into(),
        class(object).into(),
        spec["volumeAttributesClassName"].as_str().unwrap_or(UNSET).into(),
        object.age(),
        spec["volumeMode"].as_str().unwrap_or(UNSET).into(),
    ]
}

fn phase<'a>(object: Object<'a>) -> &'a str {
    if object.is_going() { "Terminating" } else { text(&object.part("status")["phase"]) }
}

/// The old annotation still comes first.
fn class<'a>(object: Object<'a>) -> &'a str {
    object
        .annotation("volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| text(&object.part("spec")["storageClassName"]))
}

fn access_modes(modes: &Value) -> String {
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let has = |long: &str| list(modes).iter().any(|mode| mode == long);
    short.into_iter().filter(|(long, _)| has(long)).map(|(_, short)| short).collect::<Vec<_>>().join(",")
}

pub(super) fn storage_classes(object: Object<'_>) -> Vec<Value> {
    let mut name = text(&object["metadata"]["name"]).to_string();
    let annotations =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    if annotations.into_iter().any(|annotation| object.annotation(annotation) == Some("true")) {
        name.push_str(" (default)");
    }
    vec![
        name.into(),
        text(&object["provisioner"]).into(),
        object["reclaimPolicy"].as_str().unwrap_or("Delete").into(),
        object["volumeBindingMode"].as_str().unwrap_or("Immediate").into(),
        flag(&object["allowVolumeExpansion"]).into(),
        object.age(),
    ]
}

pub(super) fn volume_attributes_classes(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), text(&object["driverName"]).into(), object.age()]
}

pub(super) fn volume_attachments(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        object.name(),
        text(&spec["attacher"]).into(),
        text(&spec["source"]["persistentVolumeName"]).into(),
        text(&spec["nodeName"]).into(),
        flag(&object["status"]["attached"]).into(),
        object.age(),
    ]
}

pub(super) fn csi_nodes(object: Object<'_>) -> Vec<Value> {
    vec![object.name(), size(&object["spec"]["drivers"]).into(), object.age()]
}

pub(super) fn csi_drivers(object: Object<'_>) -> Vec<Value> {
    let spec = &object["spec"];
    let modes = joined(&spec["volumeLifecycleModes"]);
    let audiences = match &spec["tokenRequests"] {
        Value::Array(requests) => {
            requests.iter().map(|request| text(&request["audience"])).collect::<Vec<_>>().join(",")
        }
        _ => UNSET.into(),
    };
    vec![
        object.name(),
        spec["attachRequired"].as_bool().unwrap_or(true).into(),
        flag(&spec["podInfoOnMount"]).into(),
        flag(&spec["storageCapacity"]).into(),
        audiences.into(),
        flag(&spec["requiresRepublish"]).into(),
        if modes.is_empty() { NONE.into() } else { modes }.into(),
        object.age(),
    ]
}
