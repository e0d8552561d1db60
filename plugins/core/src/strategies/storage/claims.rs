//! Claims on volumes.

use apimachinery::codec::quantity::Quantity;
use apimachinery::rest::object::{carry_over, meta};
use apimachinery::schema::internal;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};
use plugin_sdk::Store;

use super::protect;
use super::validate::claim_spec;
use super::validate::resources::{amount, is_native};
use crate::small;
use crate::strategies::limit_ranger::LimitRanges;
use crate::tree::{child, or_set, or_set_text, remove, text};
use crate::warnings::{self, Warnings};

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const CLASSES: &str = "/registry/storageclasses/";
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const RESIZES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

pub(in super::super) struct Claims;

impl Strategy for Claims {
    fn default(&self, object: &mut Value) {
        or_set_text(child(object, "status"), "phase", "Pending");
        let spec = child(object, "spec");
        or_set(spec, "volumeMode", "Filesystem");
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        let kept = if operation.subresource == "status" { "spec" } else { "status" };
        carry_over(object, old, kept);
        if operation.subresource.is_empty() {
            sources(child(object, "spec"), &old["spec"]);
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            if old.is_none() && operation.subresource.is_empty() {
                protect(object, "kubernetes.io/pvc-protection");
                // `DefaultStorageClass`.
                if object["spec"].get("storageClassName").is_none()
                    && object["metadata"]["annotations"].get(OLD_CLASS).is_none()
                    && let Some(class) = small::default_name(store, CLASSES, DEFAULT_CLASS).await?
                {
                    object["spec"]["storageClassName"] = class.into();
                }
            }
            if !operation.subresource.is_empty() {
                return Ok(Companions::default());
            }
            let is_going = old.is_some_and(|old| !meta(old, "deletionTimestamp").is_empty());
            let ranges = if is_going { None } else { Some(LimitRanges::read(store, operation.namespace).await?) };
            let may_not_grow = match old {
                Some(old) => may_grow(operation, store, object, old).await.err(),
                None => None,
            };
            Ok(Companions::review(move |operation, claim| {
                ranges.map_or(Ok(()), |ranges| ranges.check_claim(operation, claim))?;
                may_not_grow.map_or(Ok(()), Err)
            }))
        })
    }

    /// What a new claim has come to is not stored: who reads it finds it pending.
    fn default_stored(&self, object: &mut Value) -> bool {
        self.default(object);
        true
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({});
        sources(child(object, "spec"), &Value::Null);
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        claim_spec(&Place::root(object).at("spec"), &Value::Null, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        let root = Place::root(object);
        match operation.subresource {
            "" => {
                claim_spec(&root.at("spec"), &old["spec"], errors);
                change(&root, old, errors);
            }
            _ => status(&root, errors),
        }
    }

    fn warnings(&self, operation: &Operation<'_>, object: &Value, _old: Option<&Value>) -> Warnings {
        let (mut out, root) = (Warnings::new(), Place::root(object));
        if operation.subresource.is_empty() {
            if root.at("metadata.annotations").entry(OLD_CLASS).is_given() {
                out.push(format!("metadata.annotations[{OLD_CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead"));
            }
            warnings::claim(&root.at("spec"), &mut out);
        }
        out
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

/// The two names of the field say the same where they can. What is no source that the old one may
/// name is not one, unless there was one already.
fn sources(spec: &mut Value, old: &Value) {
    let elsewhere = !text(&spec["dataSourceRef"], "namespace").is_empty();
    // Sources in other namespaces are behind a feature that is off.
    if elsewhere && !old["dataSourceRef"].is_object() {
        remove(spec, "dataSourceRef");
    }
    let had = old["dataSource"].is_object() || old["dataSourceRef"].is_object();
    if !had && !spec["dataSourceRef"].is_object() && spec["dataSource"].is_object() {
        let source = &spec["dataSource"];
        let known = [("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")];
        if !known.contains(&(text(source, "apiGroup"), text(source, "kind"))) {
            remove(spec, "dataSource");
        }
    }
    match (spec["dataSource"].is_object(), spec["dataSourceRef"].is_object()) {
        (true, false) => spec["dataSourceRef"] = spec["dataSource"].clone(),
        (false, true) if text(&spec["dataSourceRef"], "namespace").is_empty() => {
            let mut source = spec["dataSourceRef"].clone();
            remove(&mut source, "namespace");
            spec["dataSource"] = source;
        }
        _ => {}
    }
}

/// `PersistentVolumeClaimResize`: who grows must be bound, and of a class that lets it.
async fn may_grow(operation: &Operation<'_>, store: &Store, object: &Value, old: &Value) -> Result<(), ApiError> {
    let size = |claim: &Value| {
        let text = claim["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or("0");
        Quantity::parse(text).map_or(0, |size| size.nanos())
    };
    if size(object) <= size(old) {
        return Ok(());
    }
    let refuse = |why: &str| Err(operation.forbidden(why));
    if old["status"]["phase"] != "Bound" {
        return refuse("Only bound persistent volume claims can be expanded");
    }
    let annotated = object["metadata"]["annotations"][OLD_CLASS].as_str();
    let class = annotated.or(object["spec"]["storageClassName"].as_str()).unwrap_or_default();
    let found = small::values(store, CLASSES).await?;
    let grows = found.iter().any(|one| one["metadata"]["name"] == class && one["allowVolumeExpansion"] == true);
    match grows && !class.is_empty() {
        true => Ok(()),
        false => refuse(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        ),
    }
}

/// A claim is bound once, and may grow.
fn change(root: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let spec = root.at("spec");
    let (mut new, mut before) = (spec.value().clone(), old["spec"].clone());
    if before["volumeName"].as_str().unwrap_or_default().is_empty() {
        put(&mut before, "volumeName", spec.at("volumeName").value());
    }
    let annotations = root.at("metadata.annotations");
    let (class, was) = (annotations.entry(OLD_CLASS), &old["metadata"]["annotations"][OLD_CLASS]);
    let moved = was.is_string()
        && old["spec"].get("storageClassName").is_none()
        && spec.at("storageClassName").value() == was
        && (!class.is_given() || class.value() == was);
    if moved {
        remove(&mut new, "storageClassName");
    } else {
        if class.text() != was.as_str().unwrap_or_default() {
            let place = root.at("metadata.annotations");
            place.at(OLD_CLASS).with(class.value()).invalid("field is immutable", findings);
        }
        let from_none = spec.at("storageClassName").is_given()
            && old["spec"].get("storageClassName").is_none()
            && (was.is_null() || spec.at("storageClassName").value() == was);
        if from_none {
            remove(&mut new, "storageClassName");
        }
    }
    let bound = root.at("status.phase").text() == "Bound";
    if bound {
        child(child(&mut new, "resources"), "requests")["storage"] =
            old["spec"]["resources"]["requests"]["storage"].clone();
        put(&mut new, "volumeAttributesClassName", &old["spec"]["volumeAttributesClassName"]);
    }
    if new != before {
        let difference = internal::diff("io.k8s.api.core.v1.PersistentVolumeClaimSpec", &before, &new);
        let why =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        spec.forbidden(format!("{why}\n{difference}"), findings);
    }
    let size = spec.at("resources.requests.storage");
    if amount(size.value()) < amount(&old["spec"]["resources"]["requests"]["storage"])
        && amount(size.value()) <= amount(&old["status"]["capacity"]["storage"])
    {
        size.forbidden("field can not be less than status.capacity", findings);
    }
    root.at("volumeMode").with(spec.at("volumeMode").value()).immutable(&old["spec"]["volumeMode"], findings);
    let attributes = spec.at("volumeAttributesClassName");
    if attributes.value() != &old["spec"]["volumeAttributesClassName"]
        && !old["status"]["currentVolumeAttributesClassName"].is_null()
        && attributes.is_empty()
    {
        let to = if attributes.is_given() { "empty string" } else { "nil" };
        let why = format!("update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil");
        attributes.forbidden(why, findings);
    }
}

fn status(root: &Place<'_, '_>, findings: &mut Findings) {
    let status = root.at("status");
    let whole = |place: &Place<'_, '_>| json!((amount(place.value()) / 1_000_000_000) as i64);
    for (_, size) in status.at("capacity").entries() {
        if amount(size.value()) < 0 {
            size.invalid_as(&whole(&size), "must be a valid resource quantity", findings);
        }
    }
    let resizes = status.at("allocatedResourceStatuses");
    for (name, state) in resizes.entries() {
        resource_key(name, &resizes, findings);
        if !RESIZES.contains(&state.text()) {
            resizes.with(&name.into()).unsupported(&RESIZES, findings);
        }
    }
    let allocated = status.at("allocatedResources");
    for (name, size) in allocated.entries() {
        if resource_key(name, &allocated, findings) && amount(size.value()) < 0 {
            size.invalid_as(&whole(&size), "must be a valid resource quantity", findings);
        }
    }
}

fn resource_key(name: &str, place: &Place<'_, '_>, findings: &mut Findings) -> bool {
    let shown = Value::from(name);
    let place = place.with(&shown);
    if !place.shaped(names::qualified_name, findings) {
        return false;
    }
    let good = !is_native(name) || name == "storage";
    if !good {
        place.unsupported(&["storage"], findings);
    }
    good
}

fn put(object: &mut Value, key: &str, value: &Value) {
    match value {
        Value::Null => drop(remove(object, key)),
        value => object[key] = value.clone(),
    }
}
