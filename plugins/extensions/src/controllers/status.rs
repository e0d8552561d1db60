//! What controllers write into a definition's status.

use apimachinery::rest::clock;
use apimachinery::schema::structural;
use apimachinery::status::FieldError;
use apimachinery::tree::{Value, json};

use super::naming::{self, Taken};
use crate::conditions::{self, Status};
use crate::crd::{self, APPROVAL_CONFORMANT, Approval, Crd, ESTABLISHED, NAMES_ACCEPTED, NON_STRUCTURAL, Names};

const ACCEPTED: &str = "the initial names have been accepted";

/// Whether [`examine`] could find something: what was accepted stays so until it changes.
pub(super) fn needs_examination(crd: &Crd) -> bool {
    !crd.is_true(NAMES_ACCEPTED)
        || crd.spec.names != crd.status.accepted_names
        || crd.condition(NON_STRUCTURAL).is_some()
        || crd::is_protected(&crd.spec.group)
}

/// Brings accepted names and all conditions but `Established` up to date.
pub(super) fn examine(object: &mut Value, taken: &Taken) {
    let crd = Crd::of(object);
    let now = clock::now();
    approve(object, &crd, &now);
    check_structure(object, &now);
    accept_names(object, &crd, taken, &now);
}

/// Says that the resource is served.
pub(super) fn establish(object: &mut Value) {
    let crd = Crd::of(object);
    if crd.is_true(NAMES_ACCEPTED) && !crd.is_true(ESTABLISHED) {
        conditions::set(object, ESTABLISHED, Status::True, "InitialNamesAccepted", ACCEPTED, &clock::now());
    }
}

/// Says why the resource cannot be served, although its names are free.
pub(super) fn refuse(object: &mut Value, why: &str) {
    if !Crd::of(object).is_true(ESTABLISHED) {
        conditions::set(object, ESTABLISHED, Status::False, "NotInstalled", why, &clock::now());
    }
}

fn approve(object: &mut Value, crd: &Crd, now: &str) {
    if !crd::is_protected(&crd.spec.group) {
        return;
    }
    let (approval, message) = Approval::of(crd);
    let (status, reason) = match approval {
        Approval::Invalid => (Status::False, "InvalidAnnotation"),
        Approval::Missing => (Status::False, "MissingAnnotation"),
        Approval::Approved => (Status::True, "ApprovedAnnotation"),
        Approval::Bypassed => (Status::False, "UnapprovedAnnotation"),
    };
    conditions::set(object, APPROVAL_CONFORMANT, status, reason, &message, now);
}

/// Schemas that were stored before they were checked.
fn check_structure(object: &mut Value, now: &str) {
    let mut violations: Vec<FieldError> = Vec::new();
    for (index, version) in object["spec"]["versions"].as_array().into_iter().flatten().enumerate() {
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_object() {
            let path = format!("spec.versions[{index}].schema.openAPIV3Schema");
            violations.extend(structural::structural_errors(schema, &path));
        }
    }
    let texts: Vec<String> = violations.iter().map(FieldError::to_string).collect();
    let message = match &texts[..] {
        [] => return conditions::remove(object, NON_STRUCTURAL),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    conditions::set(object, NON_STRUCTURAL, Status::True, "Violations", &message, now);
}

fn accept_names(object: &mut Value, crd: &Crd, taken: &Taken, now: &str) {
    if crd.spec.names == crd.status.accepted_names && crd.condition(NAMES_ACCEPTED).is_some() {
        return;
    }
    let decision = naming::decide(crd, taken);
    object["status"]["acceptedNames"] = names_value(&decision.names);
    match &decision.conflict {
        Some((reason, message)) => {
            conditions::set(object, NAMES_ACCEPTED, Status::False, reason, message, now);
            if crd.condition(ESTABLISHED).is_none() {
                let message = "not all names are accepted";
                conditions::set(object, ESTABLISHED, Status::False, "NotAccepted", message, now);
            }
        }
        None => {
            conditions::set(object, NAMES_ACCEPTED, Status::True, "NoConflicts", "no conflicts found", now);
            if !crd.is_true(ESTABLISHED) {
                conditions::set(object, ESTABLISHED, Status::False, "Installing", ACCEPTED, now);
            }
        }
    }
}

fn names_value(names: &Names) -> Value {
    let mut out = json!({"plural": names.plural});
    let lists = [("shortNames", &names.short_names), ("categories", &names.categories)];
    if !names.singular.is_empty() {
        out["singular"] = json!(names.singular);
    }
    if !lists[0].1.is_empty() {
        out["shortNames"] = json!(names.short_names);
    }
    out["kind"] = json!(names.kind);
    if !names.list_kind.is_empty() {
        out["listKind"] = json!(names.list_kind);
    }
    if !lists[1].1.is_empty() {
        out["categories"] = json!(names.categories);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gadgets() -> Value {
        json!({"metadata": {"name": "gadgets.example.com"}, "spec": {"group": "example.com",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
            "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
    }

    fn conditions_of(object: &Value) -> Vec<String> {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        conditions.map(|c| format!("{}={} {}", c["type"], c["status"], c["reason"]).replace('"', "")).collect()
    }

    #[test]
    fn names_are_accepted_before_the_resource_is_established() {
        let mut object = gadgets();
        examine(&mut object, &Taken::default());
        assert_eq!(conditions_of(&object), ["NamesAccepted=True NoConflicts", "Established=False Installing"]);
        assert_eq!(object["status"]["acceptedNames"], object["spec"]["names"]);
        establish(&mut object);
        assert_eq!(conditions_of(&object), ["NamesAccepted=True NoConflicts", "Established=True InitialNamesAccepted"]);
        let done = object.clone();
        examine(&mut object, &Taken::default());
        assert_eq!(object, done);
    }

    #[test]
    fn a_conflict_keeps_it_from_being_established() {
        let mut other = gadgets();
        other["metadata"]["name"] = json!("others.example.com");
        other["status"]["acceptedNames"] = json!({"kind": "Gadget"});
        let other = Crd::of(&other);
        let taken = Taken::in_group("example.com", "gadgets.example.com", std::iter::once(&other));
        let mut object = gadgets();
        examine(&mut object, &taken);
        establish(&mut object);
        assert_eq!(conditions_of(&object), ["NamesAccepted=False KindConflict", "Established=False NotAccepted"]);
    }

    #[test]
    fn approvals_and_violations_are_conditions() {
        let mut object = gadgets();
        object["spec"]["group"] = json!("x.k8s.io");
        object["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({"type": "object", "properties": {"a": {}}});
        examine(&mut object, &Taken::default());
        assert_eq!(
            conditions_of(&object)[..2],
            ["KubernetesAPIApprovalPolicyConformant=False MissingAnnotation", "NonStructuralSchema=True Violations"]
        );
        object["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({"type": "object"});
        examine(&mut object, &Taken::default());
        assert!(!conditions_of(&object).iter().any(|condition| condition.starts_with("NonStructural")));
    }
}
