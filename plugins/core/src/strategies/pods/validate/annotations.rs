//! Annotations of pods that mean something, and fields that have taken their place.

use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::quoted;

use super::visit;
use super::volumes::descending;
use crate::strategies::pods::app_armor::ANNOTATION as APP_ARMOR;

pub(super) const MIRROR: &str = "kubernetes.io/config.mirror";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// What a profile is called in annotations: without one, the runtime's own, or from a file.
struct Names {
    what: &'static str,
    unconfined: &'static str,
    runtime: &'static [&'static str],
    local: &'static str,
}

const SECCOMP_NAMES: Names = Names {
    what: "seccomp",
    unconfined: "unconfined",
    runtime: &["runtime/default", "docker/default"],
    local: "localhost/",
};
const APP_ARMOR_NAMES: Names =
    Names { what: "apparmor", unconfined: "unconfined", runtime: &["runtime/default"], local: "localhost/" };

pub(super) fn specific(annotations: &Place<'_, '_>, spec: &Place<'_, '_>, findings: &mut Findings) {
    let mirror = annotations.entry(MIRROR);
    if mirror.is_given() && spec.at("nodeName").is_empty() {
        mirror.invalid("must set spec.nodeName if mirror pod annotation is set", findings);
    }
    let cost = annotations.entry(DELETION_COST);
    if cost.is_given() && !is_cost(cost.text()) {
        cost.invalid("must be a 32bit integer", findings);
    }
    for (key, profile) in annotations.entries() {
        if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            seccomp(&annotations.at(key).with(profile.value()), findings);
        }
    }
    for (key, profile) in annotations.entries() {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        let mut known = false;
        visit(spec, |other| known |= other.at("name").text() == container);
        if !known {
            profile.invalid_as(&container.into(), "container not found", findings);
        }
        if !matches!(profile.text(), "" | "runtime/default" | "unconfined") && !profile.text().starts_with("localhost/")
        {
            profile.invalid(format!("invalid AppArmor profile name: {}", quoted(profile.text())), findings);
        }
    }
}

/// A number as it would be written: no sign or zero before it that it does not need.
fn is_cost(text: &str) -> bool {
    text.is_empty()
        || (!text.starts_with('+') && (text == "0" || !text.starts_with('0')) && text.parse::<i32>().is_ok())
}

fn seccomp(profile: &Place<'_, '_>, findings: &mut Findings) {
    match profile.text() {
        "runtime/default" | "docker/default" | "unconfined" => {}
        text => match text.strip_prefix("localhost/") {
            Some(path) => descending(&profile.with(&path.into()), findings),
            None => profile.invalid("must be a valid seccomp profile", findings),
        },
    }
}

/// Where annotation and field are both there, they say the same.
pub(super) fn match_fields(pod: &Place<'_, '_>, findings: &mut Findings) {
    let (annotations, spec) = (pod.at("metadata.annotations"), pod.at("spec"));
    // Next to none has one of them.
    let is_one = |key: &str| key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) || key.starts_with(APP_ARMOR);
    if !annotations.value().as_object().is_some_and(|all| all.keys().any(|key| is_one(key))) {
        return;
    }
    let own = spec.at("securityContext.seccompProfile");
    matches(annotations.entry(SECCOMP_POD).value().as_str(), &own, &own, &SECCOMP_NAMES, findings);
    visit(&spec, |container| {
        let key = format!("{SECCOMP_CONTAINER}{}", container.at("name").text());
        let own = container.at("securityContext.seccompProfile");
        matches(annotations.entry(&key).value().as_str(), &own, &own, &SECCOMP_NAMES, findings);
    });
    if spec.at("os.name").text() == "windows" {
        return;
    }
    let of_pod = spec.at("securityContext.appArmorProfile");
    visit(&spec, |container| {
        let key = format!("{APP_ARMOR}{}", container.at("name").text());
        let own = container.at("securityContext.appArmorProfile");
        let profile = if own.is_given() { own } else { of_pod };
        matches(annotations.entry(&key).value().as_str(), &profile, &own, &APP_ARMOR_NAMES, findings);
    });
}

fn matches(
    annotation: Option<&str>,
    profile: &Place<'_, '_>,
    shown: &Place<'_, '_>,
    names: &Names,
    findings: &mut Findings,
) {
    let Some(annotation) = annotation else { return };
    if !profile.is_given() {
        return;
    }
    let type_matches = match profile.at("type").text() {
        "Unconfined" => annotation == names.unconfined,
        "RuntimeDefault" => names.runtime.contains(&annotation),
        "Localhost" => annotation.starts_with(names.local),
        _ => return,
    };
    let path = profile.at("localhostProfile").value().as_str();
    if !type_matches {
        let why = format!("{} type in annotation and field must match", names.what);
        shown.at("type").forbidden(why, findings);
    } else if profile.at("type").text() == "Localhost" && annotation.strip_prefix(names.local) != path {
        let why = format!("{} profile in annotation and field must match", names.what);
        shown.at("localhostProfile").forbidden(why, findings);
    }
}

/// Annotations that stay as they were when the pod was made.
pub(super) fn change(pod: &Place<'_, '_>, old: &Place<'_, '_>, findings: &mut Findings) {
    let (annotations, before) = (pod.at("metadata.annotations"), old.at("metadata.annotations"));
    for (key, was) in before.entries() {
        let entry = annotations.entry(key);
        if entry.value() == was.value() {
            continue;
        }
        if key.starts_with(APP_ARMOR) {
            entry.forbidden("may not remove or update AppArmor annotations", findings);
        }
        if key == MIRROR {
            entry.forbidden("may not remove or update mirror pod annotation", findings);
        }
    }
    for (key, entry) in annotations.entries().filter(|(key, _)| !before.entry(key).is_given()) {
        if key.starts_with(APP_ARMOR) {
            entry.forbidden("may not add AppArmor annotations", findings);
        }
        if key == MIRROR {
            entry.forbidden("may not add mirror pod annotation", findings);
        }
    }
    specific(&annotations, &pod.at("spec"), findings);
}
