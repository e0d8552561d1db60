//! Persistent volumes.

use apimachinery::rest::clock;
use apimachinery::schema::internal;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Map, Value, json};
use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::{metadata, names};
use plugin_sdk::Store;

use super::protect;
use super::validate::resources::amount;
use super::validate::{access_modes, node_selector, volumes as sources};
use crate::strategies::pods::defaults::persistent_source;
use crate::tree::{child, or_set, or_set_text, remove};
use crate::warnings::{self, Warnings};

/// A source by its field, how its path starts where that differs, and its rules.
type Source = (&'static str, &'static str, fn(&Place<'_, '_>, &mut Findings));

/// In the order in which upstream looks for them; the first is the volume's.
const SOURCES: [Source; 22] = [
    ("hostPath", "", sources::host_path),
    ("gcePersistentDisk", "persistentDisk", sources::gce_disk),
    ("awsElasticBlockStore", "", sources::block_store),
    ("glusterfs", "", glusterfs),
    ("flocker", "", sources::flocker),
    ("nfs", "", sources::nfs),
    ("rbd", "", sources::rbd),
    ("quobyte", "", sources::quobyte),
    ("cephfs", "", |source, findings| source.at("monitors").must_be_given(findings)),
    ("iscsi", "", |_, _| {}),
    ("cinder", "", |source, findings| {
        source.at("volumeID").must_be_given(findings);
        reference(&source.at("secretRef"), findings);
    }),
    ("fc", "", sources::fibre_channel),
    ("flexVolume", "", sources::flex),
    ("azureFile", "", azure_file),
    ("vsphereVolume", "", |source, findings| source.at("volumePath").must_be_given(findings)),
    ("photonPersistentDisk", "", |source, findings| source.at("pdID").must_be_given(findings)),
    ("portworxVolume", "", |source, findings| source.at("volumeID").must_be_given(findings)),
    ("azureDisk", "", sources::azure_disk),
    ("scaleIO", "", sources::scale_io),
    ("local", "", local),
    ("storageos", "", |source, findings| {
        sources::storage_os_names(source, findings);
        reference(&source.at("secretRef"), findings);
    }),
    ("csi", "", csi),
];

const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

pub(in super::super) struct Volumes;

impl Strategy for Volumes {
    fn default(&self, object: &mut Value) {
        or_set_text(child(object, "status"), "phase", "Pending");
        let spec = child(object, "spec");
        or_set_text(spec, "persistentVolumeReclaimPolicy", "Retain");
        or_set(spec, "volumeMode", "Filesystem");
        persistent_source(spec);
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        _store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        if old.is_none() && operation.subresource.is_empty() {
            protect(object, "kubernetes.io/pv-protection");
        }
        Box::pin(std::future::ready(Ok(Companions::default())))
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": clock::now()});
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        if operation.subresource != "status" {
            return;
        }
        let (given, before) = (&object["status"]["lastPhaseTransitionTime"], &old["status"]["lastPhaseTransitionTime"]);
        match object["status"]["phase"] == old["status"]["phase"] {
            true if given.is_null() && !before.is_null() => {
                object["status"]["lastPhaseTransitionTime"] = before.clone();
            }
            false if given.is_null() || given == before => {
                object["status"]["lastPhaseTransitionTime"] = clock::now().into();
            }
            _ => {}
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        volume(&root.at("spec"), root.at("metadata.name").text(), errors);
        mount_options(&root, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if !operation.subresource.is_empty() {
            return;
        }
        self.validate(operation, object, errors);
        // The rules for updates begin with those again, but for the annotation.
        let root = Place::root(object);
        metadata::late(operation.definition, operation.subresource, object, errors);
        volume(&root.at("spec"), root.at("metadata.name").text(), errors);
        change(&Place::root(object), &old["spec"], errors);
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Warnings {
        let mut out = Warnings::new();
        if operation.subresource.is_empty() {
            odd(&Place::root(object), &mut out);
        }
        out
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

/// Only volumes that are mounted over a network take options by the old annotation.
fn mount_options(object: &Place<'_, '_>, findings: &mut Findings) {
    const TAKE_THEM: [&str; 13] = [
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "glusterfs",
        "nfs",
        "rbd",
        "quobyte",
        "iscsi",
        "cinder",
        "cephfs",
        "azureFile",
        "vsphereVolume",
        "azureDisk",
        "photonPersistentDisk",
    ];
    let (annotations, spec) = (object.at("metadata.annotations"), object.at("spec"));
    if annotations.entry(MOUNT_OPTIONS).is_given() && !TAKE_THEM.iter().any(|source| spec.at(source).is_given()) {
        annotations.at(MOUNT_OPTIONS).forbidden("may not specify mount options for this volume type", findings);
    }
}

fn odd(object: &Place<'_, '_>, out: &mut Warnings) {
    for (annotation, since) in [
        (
            "volume.beta.kubernetes.io/storage-class",
            "deprecated since v1.8; use \"storageClassName\" attribute instead",
        ),
        (MOUNT_OPTIONS, "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ] {
        if object.at("metadata.annotations").entry(annotation).is_given() {
            out.push(format!("metadata.annotations[{annotation}]: {since}"));
        }
    }
    let spec = object.at("spec");
    let policy = spec.at("persistentVolumeReclaimPolicy");
    if policy.text() == "Recycle" {
        out.push(format!(
            "{}: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic \
             provisioning.",
            policy.path()
        ));
    }
    for term in spec.at("nodeAffinity.required.nodeSelectorTerms").items() {
        warnings::node_selector_term(&term, false, out);
    }
    for (source, shown, since) in [
        ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ] {
        if spec.at(source).is_given() {
            out.push(format!("spec.{shown}: {since}"));
        }
    }
}

fn volume(spec: &Place<'_, '_>, name: &str, findings: &mut Findings) {
    let modes = spec.at("accessModes");
    modes.must_be_given(findings);
    access_modes(&modes, findings);
    capacity(&spec.at("capacity"), findings);
    let policy = spec.at("persistentVolumeReclaimPolicy");
    policy.none_or_one_of(&["Delete", "Recycle", "Retain"], findings);
    let affinity = spec.at("nodeAffinity");
    if affinity.is_given() {
        match affinity.at("required").is_given() {
            true => node_selector(&affinity.at("required"), findings),
            false => affinity.at("required").required("must specify required node constraints", findings),
        }
    }
    source(spec, name, findings);
    let path = spec.at("hostPath.path");
    if !path.is_empty() && path.text().split('/').all(|part| matches!(part, "" | ".")) && policy.text() == "Recycle" {
        policy.forbidden("may not be 'recycle' for a hostPath mount of '/'", findings);
    }
    spec.at("storageClassName").optional_shaped(names::dns1123_subdomain, findings);
    spec.at("volumeMode").none_or_one_of(&["Block", "Filesystem"], findings);
    attributes_class(spec, findings);
}

fn capacity(capacity: &Place<'_, '_>, findings: &mut Findings) {
    capacity.must_be_given(findings);
    let amounts: Vec<_> = capacity.entries().collect();
    if amounts.len() != 1 || amounts[0].0 != "storage" {
        let shown = if capacity.is_given() { internal::sorted(capacity.value()) } else { Value::Null };
        let shown = FieldError::shown(&shown);
        findings.push(FieldError::new(
            apimachinery::status::FieldErrorKind::NotSupported,
            capacity.path(),
            shown,
            "supported values: \"storage\"",
        ));
    }
    for (_, size) in amounts {
        let amount = amount(size.value());
        if amount < 0 {
            size.invalid_as(&json!((amount / 1_000_000_000) as i64), "must be a valid resource quantity", findings);
        }
        if amount <= 0 {
            size.invalid("must be greater than zero", findings);
        }
    }
}

fn source(spec: &Place<'_, '_>, name: &str, findings: &mut Findings) {
    let mut chosen = false;
    for (field, shown, rules) in SOURCES {
        let source = spec.at(field);
        if !source.is_given() {
            continue;
        }
        if chosen && field != "flexVolume" {
            let shown = if field == "cephfs" { "cephFS" } else { field };
            spec.at(shown).forbidden("may not specify more than 1 volume type", findings);
            continue;
        }
        chosen = true;
        let place = if shown.is_empty() { spec.at(field) } else { spec.at(shown).with(source.value()) };
        rules(&place, findings);
        match field {
            "iscsi" => iscsi(&place, name, findings),
            "local" if !spec.at("nodeAffinity").is_given() => {
                spec.at("nodeAffinity").required("Local volume requires node affinity", findings);
            }
            _ => {}
        }
    }
    if !chosen {
        spec.required("must specify a volume type", findings);
    }
}

fn iscsi(source: &Place<'_, '_>, name: &str, findings: &mut Findings) {
    let portal = source.at("targetPortal");
    portal.must_be_given(findings);
    if source.at("initiatorName").is_given() && name.len() + 1 + portal.text().len() > 64 {
        source.at("targetportal").with(portal.value()).invalid(sources::INITIATOR_LENGTH, findings);
    }
    sources::iscsi_rest(source, "must be valid format", true, findings);
}

fn glusterfs(source: &Place<'_, '_>, findings: &mut Findings) {
    sources::glusterfs(source, findings);
    let namespace = source.at("endpointsNamespace");
    if !namespace.is_given() {
    } else if namespace.is_empty() {
        namespace.invalid("if the endpointnamespace is set, it must be a valid namespace name", findings);
    } else {
        namespace.shaped(names::dns1123_label, findings);
    }
}

fn azure_file(source: &Place<'_, '_>, findings: &mut Findings) {
    source.at("secretName").must_be_given(findings);
    source.at("shareName").must_be_given(findings);
    if source.at("secretNamespace").is_given() {
        source.at("secretNamespace").must_be_given(findings);
    }
}

fn local(source: &Place<'_, '_>, findings: &mut Findings) {
    let path = source.at("path");
    match path.is_empty() {
        true => path.required("", findings),
        false => sources::no_steps_back(&path, findings),
    }
}

fn csi(source: &Place<'_, '_>, findings: &mut Findings) {
    sources::driver_name(&source.at("driver"), findings);
    source.at("volumeHandle").must_be_given(findings);
    for field in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        let secret = source.at(field);
        if secret.is_given() {
            secret.at("name").required_shaped(names::dns1123_subdomain, findings);
            secret.at("namespace").required_shaped(names::dns1123_label, findings);
        }
    }
}

fn reference(secret: &Place<'_, '_>, findings: &mut Findings) {
    if secret.is_given() {
        secret.at("name").must_be_given(findings);
        secret.at("namespace").must_be_given(findings);
    }
}

fn attributes_class(spec: &Place<'_, '_>, findings: &mut Findings) {
    let class = spec.at("volumeAttributesClassName");
    if !class.is_given() {
        return;
    }
    match class.is_empty() {
        true => class.required("an empty string is disallowed", findings),
        false => drop(class.shaped(names::dns1123_subdomain, findings)),
    }
    if !spec.at("csi").is_given() {
        spec.at("csi").required("has to be specified when using volumeAttributesClassName", findings);
    }
}

/// A volume that stands in an attachment.
pub(super) fn inline(spec: &Place<'_, '_>, findings: &mut Findings) {
    const WHERE: &str = "in the context of inline volumes";
    if spec.at("claimRef").is_given() {
        spec.at("claimRef").forbidden(format!("may not be specified {WHERE}"), findings);
    }
    if !spec.at("capacity").is_empty() {
        spec.at("capacity").forbidden(format!("may not be specified {WHERE}"), findings);
    }
    if !spec.at("csi").is_given() {
        spec.at("csi").required(&format!("has to be specified {WHERE}"), findings);
    }
    spec.at("accessModes").must_be_given(findings);
    access_modes(&spec.at("accessModes"), findings);
    let policy = spec.at("persistentVolumeReclaimPolicy");
    if !matches!(policy.text(), "" | "Retain") {
        policy.forbidden(format!("may only be Retain {WHERE}"), findings);
    }
    if spec.at("nodeAffinity").is_given() {
        spec.at("nodeAffinity").forbidden(format!("may not be specified {WHERE}"), findings);
    }
    source(spec, "", findings);
    if !spec.at("storageClassName").is_empty() {
        spec.at("storageClassName").forbidden(format!("may not be specified {WHERE}"), findings);
    }
    let mode = spec.at("volumeMode");
    if mode.is_given() && mode.text() != "Filesystem" {
        mode.forbidden(format!("may not specify volumeMode other than Filesystem {WHERE}"), findings);
    }
}

/// The struct of all sources, which upstream's spec embeds.
fn embedded_sources(spec: &Value) -> Value {
    const OTHERS: [&str; 9] = [
        "Capacity",
        "AccessModes",
        "ClaimRef",
        "PersistentVolumeReclaimPolicy",
        "StorageClassName",
        "MountOptions",
        "VolumeMode",
        "NodeAffinity",
        "VolumeAttributesClassName",
    ];
    let mut shown = internal::show("io.k8s.api.core.v1.PersistentVolumeSpec", spec);
    if let Value::Object(shown) = &mut shown {
        shown.retain(|name, _| !OTHERS.contains(&name.as_str()));
    }
    shown
}

fn change(root: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let spec = root.at("spec");
    let own = |spec: &Value| -> Map {
        SOURCES.iter().filter_map(|(field, _, _)| Some((field.to_string(), spec.get(*field)?.clone()))).collect()
    };
    let (mut new, before) = (Value::Object(own(spec.value())), Value::Object(own(old)));
    // How a volume grows may be said later.
    if before["csi"].is_object()
        && before["csi"].get("controllerExpandSecretRef").is_none()
        && let Some(csi) = new.get_mut("csi")
    {
        remove(csi, "controllerExpandSecretRef");
    }
    if new != before {
        let difference = internal::diff_shown(&embedded_sources(&before), &embedded_sources(&new));
        let why = format!("spec.persistentvolumesource is immutable after creation\n{difference}");
        spec.at("persistentvolumesource").forbidden(why, findings);
    }
    root.at("volumeMode").with(spec.at("volumeMode").value()).immutable(&old["volumeMode"], findings);
    let affinity = spec.at("nodeAffinity");
    if !old["nodeAffinity"].is_null() && affinity.value() != &with_names_of(&old["nodeAffinity"], affinity.value()) {
        let shown = internal::show("io.k8s.api.core.v1.VolumeNodeAffinity", affinity.value());
        let why = "field is immutable, except for updating from beta label to GA";
        root.at("nodeAffinity").invalid_as(&shown, why, findings);
    }
    let class = spec.at("volumeAttributesClassName");
    if !old["volumeAttributesClassName"].is_null() && !class.is_given() {
        class.forbidden("update from non-nil value to nil is forbidden", findings);
    }
}

/// Labels that had other names, and those that they have now.
const RENAMED: [(&str, &str); 5] = [
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

/// What was, with the present names of labels where `new` has them.
fn with_names_of(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(members), Value::Object(of)) => {
            let renamed = |key: &str, value: &Value| {
                let now = of.get(key)?;
                let is = |(before, after): &(&str, &str)| key == "key" && *value == **before && *now == **after;
                Some(if RENAMED.iter().any(is) { now.clone() } else { with_names_of(value, now) })
            };
            let members = members.iter();
            members.map(|(key, value)| (key.clone(), renamed(key, value).unwrap_or_else(|| value.clone()))).collect()
        }
        (Value::Array(items), Value::Array(of)) if items.len() == of.len() => {
            items.iter().zip(of).map(|(old, new)| with_names_of(old, new)).collect()
        }
        (old, _) => old.clone(),
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn labels_may_get_their_present_names() {
        let old = json!({"terms": [{"key": "beta.kubernetes.io/os", "values": ["linux"]}]});
        for (key, value, same) in [
            ("kubernetes.io/os", "linux", true),
            ("beta.kubernetes.io/os", "linux", true),
            ("kubernetes.io/arch", "linux", false),
            ("kubernetes.io/os", "windows", false),
        ] {
            let new = json!({"terms": [{"key": key, "values": [value]}]});
            assert_eq!(with_names_of(&old, &new) == new, same, "{key} {value}");
        }
    }
}
