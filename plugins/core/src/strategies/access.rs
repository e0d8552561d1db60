//! Roles, and who has them.

use apimachinery::schema::internal;
use apimachinery::tree::Value;
use apimachinery::validation::names;
use apimachinery::validation::place::{Findings, Place};

use super::rules::{RULES, Rules};
use crate::tree::{child, items_mut, or_set_text, text};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) static ROLES: Rules = Rules {
    validate: |object, findings| rules(object, true, findings),
    name: names::path_segment,
    create_on_update: true,
    ..RULES
};

pub(super) static CLUSTER_ROLES: Rules = Rules {
    validate: |object, findings| {
        rules(object, false, findings);
        aggregation(object, findings);
    },
    name: names::path_segment,
    create_on_update: true,
    ..RULES
};

pub(super) static BINDINGS: Rules = Rules {
    default: |object| {
        or_set_text(child(object, "roleRef"), "apiGroup", GROUP);
        for subject in items_mut(object, "subjects") {
            if matches!(text(subject, "kind"), "User" | "Group") {
                or_set_text(subject, "apiGroup", GROUP);
            }
        }
    },
    validate: binding,
    name: names::path_segment,
    change: |object, old, findings| {
        let role = object.at("roleRef");
        if role.value() != &old["roleRef"] {
            let shown = internal::show("io.k8s.api.rbac.v1.RoleRef", role.value());
            role.invalid_as(&shown, "cannot change roleRef", findings);
        }
    },
    create_on_update: true,
    ..RULES
};

fn rules(object: &Place<'_, '_>, namespaced: bool, findings: &mut Findings) {
    for rule in object.at("rules").items() {
        let verbs = rule.at("verbs");
        if verbs.is_empty() {
            verbs.required("verbs must contain at least one value", findings);
        }
        let urls = rule.at("nonResourceURLs");
        if !urls.is_empty() {
            if namespaced {
                urls.invalid("namespaced rules cannot apply to non-resource URLs", findings);
            }
            if ["apiGroups", "resources", "resourceNames"].iter().any(|field| !rule.at(field).is_empty()) {
                urls.invalid("rules cannot apply to both regular resources and non-resource URLs", findings);
            }
            continue;
        }
        if rule.at("apiGroups").is_empty() {
            rule.at("apiGroups").required("resource rules must supply at least one api group", findings);
        }
        if rule.at("resources").is_empty() {
            rule.at("resources").required("resource rules must supply at least one resource", findings);
        }
    }
}

fn aggregation(object: &Place<'_, '_>, findings: &mut Findings) {
    if !object.at("aggregationRule").is_given() {
        return;
    }
    let selectors = object.at("aggregationRule.clusterRoleSelectors");
    if selectors.is_empty() {
        selectors.required("at least one clusterRoleSelector required if aggregationRule is non-nil", findings);
    }
    for selector in selectors.items() {
        let before = findings.len();
        selector.selector(findings);
        if findings.len() != before {
            // Upstream shows the selector that it could not make.
            selector.invalid_as(&Value::Null, "invalid label selector.", findings);
        }
    }
}

fn binding(object: &Place<'_, '_>, findings: &mut Findings) {
    let namespaced = !object.at("metadata.namespace").is_empty();
    let (group, kind, name) = (object.at("roleRef.apiGroup"), object.at("roleRef.kind"), object.at("roleRef.name"));
    if group.text() != GROUP {
        group.unsupported(&[GROUP], findings);
    }
    // What belongs to the cluster cannot name what is in a namespace.
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&kind.text()) {
        kind.unsupported(kinds, findings);
    }
    name.required_shaped(names::path_segment, findings);
    object.at("subjects").items().for_each(|subject| self::subject(&subject, namespaced, findings));
}

fn subject(subject: &Place<'_, '_>, namespaced: bool, findings: &mut Findings) {
    let (name, group) = (subject.at("name"), subject.at("apiGroup"));
    name.must_be_given(findings);
    match subject.at("kind").text() {
        "ServiceAccount" => {
            name.optional_shaped(names::dns1123_subdomain, findings);
            if !group.is_empty() {
                group.unsupported(&[""], findings);
            }
            if !namespaced {
                subject.at("namespace").must_be_given(findings);
            }
        }
        "User" | "Group" => {
            if group.text() != GROUP {
                group.unsupported(&[GROUP], findings);
            }
        }
        _ => subject.at("kind").unsupported(&["ServiceAccount", "User", "Group"], findings),
    }
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn bindings_name_roles_that_they_can_reach() {
        for (object, want) in [
            (json!({"metadata": {}, "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "r"}}), None),
            (
                json!({"metadata": {}, "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "r"}}),
                Some("roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\""),
            ),
            (
                json!({"metadata": {"namespace": "n"}, "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "r"}}),
                None,
            ),
        ] {
            let mut findings = Vec::new();
            binding(&Place::root(&object), &mut findings);
            assert_eq!(findings.first().map(ToString::to_string).as_deref(), want);
        }
    }
}
