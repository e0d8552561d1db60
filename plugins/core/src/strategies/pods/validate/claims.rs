//! Claims: on volumes, and on devices.

use std::collections::BTreeSet;

use apimachinery::schema::internal;
use apimachinery::tree::{Value, json};
use apimachinery::validation::metadata;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::annotations::MIRROR;
use super::resources::amount;

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What metadata has beside labels and annotations, in upstream's order.
const NOT_IN_TEMPLATES: [&str; 13] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// Claims on devices.
pub(super) fn resource_claims(claims: &Place<'_, '_>, pod: Option<&Value>, findings: &mut Findings) {
    let mirror = pod.is_some_and(|metadata| metadata["annotations"].get(MIRROR).is_some());
    let mut names = BTreeSet::new();
    for claim in claims.items() {
        if mirror {
            Place::root(&Value::Null).forbidden("static pods do not support resource claims", findings);
            continue;
        }
        let name = claim.at("name");
        if name.is_empty() {
            name.required("", findings);
        } else if names.contains(name.text()) {
            name.duplicate(findings);
        } else {
            name.shaped(names::dns1123_label, findings);
            names.insert(name.text());
        }
        let (of, template) = (claim.at("resourceClaimName"), claim.at("resourceClaimTemplateName"));
        let shown = || internal::show("io.k8s.api.core.v1.PodResourceClaim", claim.value());
        match (of.is_given(), template.is_given()) {
            (true, true) => {
                let why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
                claim.invalid_as(&shown(), why, findings);
            }
            (false, false) => {
                let why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
                claim.invalid_as(&shown(), why, findings);
            }
            _ => {}
        }
        for reference in [of, template] {
            if reference.is_given() {
                reference.shaped(names::dns1123_subdomain, findings);
            }
        }
    }
}

/// A claim that lives as long as its pod.
pub(super) fn ephemeral(source: &Place<'_, '_>, findings: &mut Findings) {
    let template = source.at("volumeClaimTemplate");
    if !template.is_given() {
        return template.required("", findings);
    }
    template_metadata(&template.at("metadata"), findings);
    claim_spec(&template.at("spec"), &Value::Null, findings);
}

/// What is made from a template is named by whoever makes it.
pub(crate) fn template_metadata(meta: &Place<'_, '_>, findings: &mut Findings) {
    metadata::annotations(meta.at("annotations").value(), &meta.at("annotations").path(), findings);
    meta.at("labels").labels(findings);
    for key in NOT_IN_TEMPLATES {
        // Upstream makes the path of the field's name.
        let told = if key == "uid" { "uID" } else { key };
        if meta.at(key).is_given() {
            meta.at(told).forbidden("cannot be set", findings);
        }
    }
}

/// What a claim on a volume asks for; `old` is what one that is there asked for.
pub(crate) fn claim_spec(spec: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    let modes = spec.at("accessModes");
    if modes.is_empty() {
        modes.required("at least 1 access mode is required", findings);
    }
    spec.at("selector").selector(findings);
    access_modes(&modes, findings);
    let (resources, storage) = (spec.at("resources"), spec.at("resources.requests.storage"));
    let size = resources.entry("storage");
    let size = size.with(storage.value());
    if !storage.is_given() {
        size.required("", findings);
    } else if amount(storage.value()) <= 0 {
        size.invalid("must be greater than zero", findings);
    }
    spec.at("storageClassName").optional_shaped(names::dns1123_subdomain, findings);
    spec.at("volumeMode").none_or_one_of(&["Block", "Filesystem"], findings);
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    data_source(&source, old, findings);
    data_source(&reference, old, findings);
    let namespace = reference.at("namespace");
    namespace.optional_shaped(names::dns1123_label, findings);
    if source.is_given() && !namespace.is_empty() {
        spec.invalid_as(&json!({}), "may not be specified when dataSourceRef.namespace is specified", findings);
    } else if source.is_given() && reference.is_given() {
        let same = ["apiGroup", "kind", "name"].iter().all(|key| source.at(key).value() == reference.at(key).value());
        if !same {
            spec.invalid_as(&json!({}), "must match dataSourceRef", findings);
        }
    }
    spec.at("volumeAttributesClassName").optional_shaped(names::dns1123_subdomain, findings);
}

/// One pod alone, or others too: not both.
pub(crate) fn access_modes(modes: &Place<'_, '_>, findings: &mut Findings) {
    let (mut alone, mut shared) = (false, false);
    for mode in modes.items() {
        if !ACCESS_MODES.contains(&mode.text()) {
            modes.with(mode.value()).unsupported(&ACCESS_MODES, findings);
        } else if mode.text() == "ReadWriteOncePod" {
            alone = true;
        } else {
            shared = true;
        }
    }
    if alone && shared {
        modes.forbidden("may not use ReadWriteOncePod with other access modes", findings);
    }
}

fn data_source(source: &Place<'_, '_>, old: &Value, findings: &mut Findings) {
    if !source.is_given() {
        return;
    }
    source.at("name").must_be_given(findings);
    source.at("kind").must_be_given(findings);
    let (group, kind) = (source.at("apiGroup"), source.at("kind"));
    if group.is_empty() && kind.text() != "PersistentVolumeClaim" {
        let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        source.invalid_as(&kind.text().into(), why, findings);
    }
    // Groups of any shape were taken once.
    let had_group = ["dataSource", "dataSourceRef"].iter().any(|field| !old[*field]["apiGroup"].is_null());
    if !had_group {
        group.optional_shaped(names::dns1123_subdomain, findings);
    }
}
