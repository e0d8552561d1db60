//! Drivers of the Container Storage Interface, and what they report.

use std::collections::BTreeSet;

use apimachinery::rest::object::{meta_number, metadata_mut};
use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::validate;
use super::validate::resources::amount;
use super::volumes::inline;
use crate::strategies::rules::{RULES, Rules};
use crate::tree::{child, is_empty, or_set, remove};
use crate::warnings;

const TOKENS_IN_SECRETS: &str = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to \
                                 true to prevent possible logging of tokens in volume attributes";
const NODE_ID_LENGTH_MAX: usize = 256;
const METADATA_BYTES_MAX: usize = 256 * 1024;
const MESSAGE_LENGTH_MAX: usize = 1024;
const TOKEN_SECONDS_MIN: i64 = 600;
const TOKEN_SECONDS_MAX: i64 = 1 << 32;

pub(in super::super) static CSI_DRIVERS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set(spec, "attachRequired", true);
        or_set(spec, "podInfoOnMount", false);
        or_set(spec, "storageCapacity", false);
        or_set(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
        if is_empty(&spec["volumeLifecycleModes"]) {
            spec["volumeLifecycleModes"] = json!(["Persistent"]);
        }
        or_set(spec, "requiresRepublish", false);
        or_set(spec, "seLinuxMount", false);
    },
    prepare: |object| forget_disabled(object),
    prepare_update: |object, old| {
        forget_disabled(object);
        // Not counted from the first.
        if object["spec"] != old["spec"] {
            let generation = meta_number(old, "generation").unwrap_or(0).saturating_add(1);
            metadata_mut(object).insert("generation", generation.into());
        }
    },
    validate: |object, findings| driver(&object.at("spec"), findings),
    change: |object, old, findings| {
        let spec = object.at("spec");
        // As upstream spells the first.
        for (field, shown) in [("attachRequired", "attachedRequired"), ("volumeLifecycleModes", "volumeLifecycleModes")]
        {
            spec.at(shown).with(spec.at(field).value()).immutable(&old["spec"][field], findings);
        }
    },
    warnings: |object, old, out| {
        let spec = object.at("spec");
        let requests = spec.at("tokenRequests");
        let new = old.is_none_or(|old| requests.value() != &old["spec"]["tokenRequests"]);
        if new && !requests.is_empty() && !spec.at("serviceAccountTokenInSecrets").is_given() {
            out.push(TOKENS_IN_SECRETS.into());
        }
    },
    unconditional_update: false,
    returns_deleted: true,
    ..RULES
};

/// Behind a feature that is off.
fn forget_disabled(object: &mut Value) {
    remove(&mut object["spec"], "preventPodSchedulingIfMissing");
}

pub(in super::super) static CSI_NODES: Rules = Rules {
    validate: |object, findings| node_drivers(&object.at("spec.drivers"), findings),
    change: |object, old, findings| {
        let drivers = object.at("spec.drivers");
        let fixed = |driver: &Value| {
            let mut driver = driver.clone();
            remove(&mut driver, "allocatable");
            driver
        };
        for before in old["spec"]["drivers"].as_array().into_iter().flatten() {
            for driver in drivers.items().filter(|driver| driver.at("name").value() == &before["name"]) {
                let own = fixed(driver.value());
                if own != fixed(before) {
                    let shown = internal::show("io.k8s.api.storage.v1.CSINodeDriver", &own);
                    drivers.invalid_as(&shown, "field is immutable", findings);
                }
            }
        }
    },
    unconditional_update: false,
    returns_deleted: true,
    ..RULES
};

pub(in super::super) static CSI_CAPACITIES: Rules = Rules {
    validate: |object, findings| {
        object.at("nodeTopology").selector(findings);
        object.at("storageClassName").shaped(names::dns1123_subdomain, findings);
        if amount(object.at("capacity").value()) < 0 {
            object.at("capacity").invalid("must be greater than or equal to 0", findings);
        }
    },
    immutable: &["nodeTopology", "storageClassName"],
    warnings: |object, _, out| {
        let topology = object.at("nodeTopology");
        warnings::node_selector_term(&topology, false, out);
        for (label, _) in topology.at("matchLabels").entries() {
            let path = format!("nodeTopology.matchLabels.{label}");
            out.extend(warnings::old_node_label(label).map(|instead| format!("{path}: {instead}")));
        }
    },
    unconditional_update: false,
    ..RULES
};

pub(in super::super) static VOLUME_ATTACHMENTS: Rules = Rules {
    validate: attachment,
    change: |object, old, findings| {
        let spec = object.at("spec");
        if spec.value() != &old["spec"] {
            let shown = internal::show("io.k8s.api.storage.v1.VolumeAttachmentSpec", spec.value());
            spec.invalid_as(&shown, "field is immutable", findings);
        }
    },
    status: |object, _, findings| attachment(object, findings),
    unconditional_update: false,
    returns_deleted: true,
    ..RULES
};

fn driver(spec: &Place<'_, '_>, findings: &mut Findings) {
    spec.at("fsGroupPolicy").none_or_one_of(&["File", "None", "ReadWriteOnceWithFSType"], findings);
    let requests = spec.at("tokenRequests");
    let mut audiences = BTreeSet::new();
    for request in requests.items() {
        let (audience, seconds) = (request.at("audience"), request.at("expirationSeconds"));
        if !audiences.insert(audience.text()) {
            audience.duplicate(findings);
            continue;
        }
        match seconds.number() {
            Some(few) if few < TOKEN_SECONDS_MIN => {
                seconds.invalid("may not specify a duration less than 10 minutes", findings);
            }
            Some(many) if many > TOKEN_SECONDS_MAX => {
                seconds.invalid("may not specify a duration larger than 2^32 seconds", findings);
            }
            _ => {}
        }
    }
    let modes = spec.at("volumeLifecycleModes");
    for mode in modes.items() {
        modes.with(mode.value()).none_or_one_of(&["Persistent", "Ephemeral"], findings);
    }
    let period = spec.at("nodeAllocatableUpdatePeriodSeconds");
    if period.number().is_some_and(|seconds| seconds < 10) {
        period.invalid("must be greater than or equal to 10 seconds", findings);
    }
    let secrets = spec.at("serviceAccountTokenInSecrets");
    if secrets.is_given() && requests.is_empty() {
        let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        secrets.invalid(why, findings);
    }
}

fn node_drivers(drivers: &Place<'_, '_>, findings: &mut Findings) {
    let mut taken = BTreeSet::new();
    for driver in drivers.items() {
        let (name, id) = (driver.at("name"), driver.at("nodeID"));
        validate::volumes::driver_name(&name, findings);
        id.must_be_given(findings);
        if id.text().len() > NODE_ID_LENGTH_MAX {
            id.invalid(format!("must be {NODE_ID_LENGTH_MAX} characters or less"), findings);
        }
        driver.at("allocatable.count").not_negative(findings);
        if !taken.insert(name.text()) {
            name.duplicate(findings);
        }
        let mut keys = BTreeSet::new();
        for key in driver.at("topologyKeys").items() {
            let told = driver.with(key.value());
            told.must_be_given(findings);
            if !keys.insert(key.text()) {
                told.duplicate(findings);
            }
            told.shaped(names::qualified_name, findings);
        }
    }
}

fn attachment(object: &Place<'_, '_>, findings: &mut Findings) {
    let spec = object.at("spec");
    validate::volumes::driver_name(&spec.at("attacher"), findings);
    let source = spec.at("source");
    let (name, own) = (source.at("persistentVolumeName"), source.at("inlineVolumeSpec"));
    match (name.is_given(), own.is_given()) {
        (false, false) => {
            source.required("must specify exactly one of inlineVolumeSpec and persistentVolumeName", findings);
        }
        (true, true) => {
            source.forbidden("must specify exactly one of inlineVolumeSpec and persistentVolumeName", findings);
        }
        (true, false) if name.is_empty() => {
            name.required("must specify non empty persistentVolumeName", findings);
        }
        (true, false) => {}
        (false, true) => inline(&own, findings),
    }
    spec.at("nodeName").shaped(names::dns1123_subdomain, findings);
    let status = object.at("status");
    let metadata = status.at("attachmentMetadata");
    let bytes: usize = metadata.entries().map(|(key, value)| key.len() + value.text().len()).sum();
    if bytes > METADATA_BYTES_MAX {
        metadata.too_long(METADATA_BYTES_MAX, findings);
    }
    for error in ["attachError", "detachError"] {
        let error = status.at(error);
        if error.at("message").text().len() > MESSAGE_LENGTH_MAX {
            error.at("message").too_long(METADATA_BYTES_MAX, findings);
        }
        error.at("errorCode").between(0, i64::from(i32::MAX), findings);
    }
    if name.is_given() {
        name.shaped(names::dns1123_subdomain, findings);
    }
}
