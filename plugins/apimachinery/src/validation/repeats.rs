//! What the rules of a resource say again of metadata that the rules for all resources have looked
//! at already. Upstream's types differ in it, and clients see how often a finding is told.

use crate::definition::Definition;

/// What a resource's own rules look at when an object changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnRules {
    /// What may not change, and what is new.
    pub(super) change: bool,
    /// Whether they look at that after the object itself, and before what may not change of it.
    pub(super) between: bool,
    /// How often all of it, as if the object were new.
    pub(super) whole: usize,
    /// Whether they do so, or do so again, after they have looked at the object itself.
    pub(super) late: bool,
    /// Whether they do so before what changes.
    pub(super) early: bool,
}

/// Resources whose own rules do not look again at what changes: group, resource. An empty resource
/// stands for all of the group.
const NO_CHANGE: [(&str, &str); 7] = [
    ("", "limitranges"),
    ("", "persistentvolumes"),
    ("admissionregistration.k8s.io", ""),
    ("discovery.k8s.io", "endpointslices"),
    ("flowcontrol.apiserver.k8s.io", ""),
    ("storage.k8s.io", "csinodes"),
    ("storage.k8s.io", "volumeattachments"),
];

/// Resources whose rules for an update begin with those for a new object.
const WHOLE: [(&str, &str); 25] = [
    ("", "configmaps"),
    ("", "endpoints"),
    ("", "limitranges"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("admissionregistration.k8s.io", ""),
    ("apps", "controllerrevisions"),
    ("batch", "jobs"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("discovery.k8s.io", "endpointslices"),
    ("flowcontrol.apiserver.k8s.io", ""),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "ingresses"),
    ("networking.k8s.io", "ipaddresses"),
    ("node.k8s.io", "runtimeclasses"),
    ("rbac.authorization.k8s.io", ""),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceclaims"),
    ("resource.k8s.io", "resourceclaimtemplates"),
    ("storage.k8s.io", ""),
];

/// Of those, the ones that do so twice.
const TWICE: [(&str, &str); 1] = [("", "persistentvolumes")];

/// Of those, the ones that do not.
const NOT_WHOLE: [(&str, &str); 1] = [("storage.k8s.io", "csidrivers")];

/// Of those, the ones that look at what changes between the rules for a new object and their own.
const BETWEEN: [(&str, &str); 10] = [
    ("", "nodes"),
    ("batch", "jobs"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("events.k8s.io", "events"),
    ("networking.k8s.io", "ipaddresses"),
    ("node.k8s.io", "runtimeclasses"),
    ("rbac.authorization.k8s.io", ""),
    ("resource.k8s.io", "resourceclaimtemplates"),
    ("storage.k8s.io", "csistoragecapacities"),
    ("storage.k8s.io", "storageclasses"),
];

/// Of the former, the ones that do so after what may not change of the object.
const LATE: [(&str, &str); 4] = [
    ("", "configmaps"),
    ("", "secrets"),
    ("networking.k8s.io", "ingressclasses"),
    ("storage.k8s.io", "volumeattributesclasses"),
];

/// Of the former, the ones that do so before they look at what changes.
const EARLY: [(&str, &str); 1] = [("resource.k8s.io", "deviceclasses")];

/// Resources whose rules leave metadata alone, their status included.
const NEVER: [(&str, &str); 2] = [("", "events"), ("policy", "poddisruptionbudgets")];

pub(super) fn own_rules(definition: &Definition, subresource: &str) -> OwnRules {
    let is = |of: &(&str, &str)| of.0 == &*definition.group && (of.1.is_empty() || of.1 == &*definition.resource);
    let named = |table: &[(&str, &str)]| definition.builtin && table.iter().any(is);
    let status_of_cron_job = subresource == "status" && named(&[("batch", "cronjobs")]);
    OwnRules {
        change: (subresource == "status" || !named(&NO_CHANGE)) && !status_of_cron_job && !named(&NEVER),
        between: subresource.is_empty() && named(&BETWEEN),
        whole: match subresource.is_empty() && named(&WHOLE) && !named(&NOT_WHOLE) {
            true if named(&TWICE) => 2,
            whole => whole.into(),
        },
        late: named(&LATE) || named(&TWICE),
        early: named(&EARLY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn each_resource_repeats_what_upstreams_does() {
        for (group, resource, subresource, change, between, whole) in [
            ("", "configmaps", "", true, false, 1),
            ("", "pods", "status", true, false, 0),
            ("", "persistentvolumes", "", false, false, 2),
            ("", "persistentvolumes", "status", true, false, 0),
            ("rbac.authorization.k8s.io", "roles", "", true, true, 1),
            ("", "nodes", "", true, true, 1),
            ("", "nodes", "status", true, false, 0),
            ("", "events", "", false, false, 0),
            ("events.k8s.io", "events", "", true, true, 0),
            ("batch", "cronjobs", "", true, false, 0),
            ("batch", "cronjobs", "status", false, false, 0),
        ] {
            let definition = testing::definition(group, "v1", resource, "K");
            let expected = OwnRules {
                change,
                between,
                whole,
                late: matches!(resource, "configmaps" | "persistentvolumes"),
                early: false,
            };
            assert_eq!(own_rules(&definition, subresource), expected, "{group} {resource}");
        }
    }
}
