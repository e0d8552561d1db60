//! What the rules of a resource say again of metadata that the rules for all resources have looked
//! at already. Upstream's types differ in it, and clients see how often a finding is told.

use crate::definition::Definition;

/// What a resource's own rules look at when an object changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnRules {
    /// What may not change, and what is new.
    pub(super) change: bool,
    /// All of it, as if the object were new.
    pub(super) whole: bool,
}

/// Resources whose own rules leave metadata to those for all: group, resource.
const NOTHING: [(&str, &str); 2] = [("", "events"), ("policy", "poddisruptionbudgets")];

/// Resources whose rules for an update begin with those for a new object.
const WHOLE: [(&str, &str); 27] = [
    ("", "configmaps"),
    ("", "endpoints"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("", "nodes"),
    ("", "namespaces"),
    ("apps", "controllerrevisions"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "ingresses"),
    ("node.k8s.io", "runtimeclasses"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceclaims"),
    ("resource.k8s.io", "resourceclaimtemplates"),
    ("storage.k8s.io", "csistoragecapacities"),
    ("storage.k8s.io", "storageclasses"),
    ("storage.k8s.io", "volumeattributesclasses"),
    ("certificates.k8s.io", "certificatesigningrequests"),
    ("networking.k8s.io", "ipaddresses"),
    ("networking.k8s.io", "servicecidrs"),
];

pub(super) fn own_rules(definition: &Definition, subresource: &str) -> OwnRules {
    let named = |table: &[(&str, &str)]| {
        definition.builtin && table.iter().any(|of| *of == (&*definition.group, &*definition.resource))
    };
    let status_of_cron_job = subresource == "status" && named(&[("batch", "cronjobs")]);
    OwnRules { change: !named(&NOTHING) && !status_of_cron_job, whole: subresource.is_empty() && named(&WHOLE) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn each_resource_repeats_what_upstreams_does() {
        for (group, resource, subresource, change, whole) in [
            ("", "configmaps", "", true, true),
            ("", "pods", "status", true, false),
            ("", "events", "", false, false),
            ("events.k8s.io", "events", "", true, false),
            ("batch", "cronjobs", "", true, false),
            ("batch", "cronjobs", "status", false, false),
        ] {
            let definition = testing::definition(group, "v1", resource, "K");
            assert_eq!(own_rules(&definition, subresource), OwnRules { change, whole }, "{group} {resource}");
        }
    }
}
