//! Where a container sees the pod's volumes.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::tree::Value;
use apimachinery::validation::place::{Findings, Place};

use super::Scope;
use super::volumes::descending;

const PROPAGATIONS: [&str; 3] = ["Bidirectional", "HostToContainer", "None"];
const RECURSIVE: [&str; 3] = ["Disabled", "Enabled", "IfPossible"];

pub(super) fn mounts(container: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    let list = container.at("volumeMounts");
    let devices = container.at("volumeDevices");
    let mut taken = BTreeSet::new();
    for mount in list.items() {
        let (name, path) = (mount.at("name"), mount.at("mountPath"));
        name.must_be_given(findings);
        if !scope.volumes.contains_key(name.text()) {
            name.with(given(name.value())).not_found("", findings);
        }
        path.must_be_given(findings);
        if !taken.insert(path.text()) {
            path.invalid("must be unique", findings);
        }
        if devices.items().any(|device| device.at("name").text() == name.text()) {
            name.invalid("must not already exist in volumeDevices", findings);
        }
        if devices.items().any(|device| device.at("devicePath").text() == path.text()) {
            path.invalid("must not already exist as a path in volumeDevices", findings);
        }
        // Upstream tells the list, not the item, of what follows.
        let of_list = |field| -> Value { mount.at(field).value().clone() };
        if !mount.at("subPath").is_empty() {
            descending(&list.at("subPath").with(&of_list("subPath")), findings);
        }
        let expression = mount.at("subPathExpr");
        if !expression.is_empty() {
            if !mount.at("subPath").is_empty() {
                expression.invalid("subPathExpr and subPath are mutually exclusive", findings);
            }
            descending(&list.at("subPathExpr").with(expression.value()), findings);
        }
        let propagation = mount.at("mountPropagation");
        if propagation.is_given() {
            let shown = list.at("mountPropagation");
            let shown = shown.with(propagation.value());
            shown.none_or_one_of(&PROPAGATIONS, findings);
            if propagation.text() == "Bidirectional" && !container.at("securityContext.privileged").is_true() {
                shown.forbidden("Bidirectional mount propagation is available only to privileged containers", findings);
            }
        }
        recursive(&mount, &list, findings);
    }
}

fn recursive(mount: &Place<'_, '_>, list: &Place<'_, '_>, findings: &mut Findings) {
    let read_only = mount.at("recursiveReadOnly");
    let shown = list.at("recursiveReadOnly");
    match read_only.text() {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !mount.at("readOnly").is_true() {
                shown.forbidden("may only be specified when readOnly is true", findings);
            }
            if !matches!(mount.at("mountPropagation").text(), "" | "None") {
                shown.forbidden("may only be specified when mountPropagation is None or not specified", findings);
            }
        }
        _ if read_only.is_given() => shown.with(read_only.value()).unsupported(&RECURSIVE, findings),
        _ => {}
    }
}

pub(super) fn devices(container: &Place<'_, '_>, scope: &Scope<'_>, findings: &mut Findings) {
    let mounts = container.at("volumeMounts");
    // Of mounts of one volume upstream knows the last.
    let last_paths: BTreeMap<&str, &str> =
        mounts.items().map(|mount| (mount.at("name").text(), mount.at("mountPath").text())).collect();
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for device in container.at("volumeDevices").items() {
        let (name, path) = (device.at("name"), device.at("devicePath"));
        name.must_be_given(findings);
        if !name.is_empty() && !names.insert(name.text()) {
            name.invalid("must be unique", findings);
        }
        match scope.volumes.get(name.text()) {
            None => name.with(given(name.value())).not_found("", findings),
            Some(volume) if volume.get("persistentVolumeClaim").is_none() && volume.get("ephemeral").is_none() => {
                let why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                name.invalid(why, findings);
            }
            Some(_) => {}
        }
        path.must_be_given(findings);
        if paths.contains(path.text()) {
            path.invalid("must be unique", findings);
        }
        if path.text().split('/').any(|part| part == "..") {
            path.invalid("can not contain backsteps ('..')", findings);
        } else {
            paths.insert(path.text());
        }
        if mounts.items().any(|mount| mount.at("name").text() == name.text()) {
            name.invalid("must not already exist in volumeMounts", findings);
        }
        if last_paths.values().any(|mounted| *mounted == path.text()) {
            path.invalid("must not already exist as a path in volumeMounts", findings);
        }
    }
}

/// A text that is not there shows as an empty one.
fn given(value: &Value) -> &Value {
    if value.is_null() { &super::EMPTY } else { value }
}
