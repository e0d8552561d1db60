//! Which resource a key is of, by kube-apiserver's layout.

/// A group, empty for the core, and a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupResource<'a> {
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
}

/// The built-in resources that are not the core's: they lie beside it, without their group.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "validatingwebhookconfigurations",
        ],
    ),
    ("apps", &["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("autoscaling", &["horizontalpodautoscalers"]),
    ("batch", &["cronjobs", "jobs"]),
    ("certificates.k8s.io", &["certificatesigningrequests", "clustertrustbundles", "podcertificaterequests"]),
    ("coordination.k8s.io", &["leasecandidates", "leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"]),
    ("internal.apiserver.k8s.io", &["storageversions"]),
    ("networking.k8s.io", &["ingressclasses", "ipaddresses", "networkpolicies", "servicecidrs"]),
    ("node.k8s.io", &["runtimeclasses"]),
    ("policy", &["poddisruptionbudgets"]),
    ("rbac.authorization.k8s.io", &["clusterrolebindings", "clusterroles", "rolebindings", "roles"]),
    (
        "resource.k8s.io",
        &["deviceclasses", "devicetaintrules", "resourceclaims", "resourceclaimtemplates", "resourceslices"],
    ),
    ("scheduling.k8s.io", &["priorityclasses"]),
    (
        "storage.k8s.io",
        &[
            "csidrivers",
            "csinodes",
            "csistoragecapacities",
            "storageclasses",
            "volumeattachments",
            "volumeattributesclasses",
        ],
    ),
    ("storagemigration.k8s.io", &["storageversionmigrations"]),
];

/// None for what is no object of the API, such as an allocation.
pub(super) fn of(key: &str) -> Option<GroupResource<'_>> {
    let core = |resource| Some(GroupResource { group: "", resource });
    // Whatever the prefix of the store is called.
    let mut segments = key.strip_prefix('/')?.split('/').skip(1);
    match (segments.next()?, segments.next()?) {
        ("ranges" | "masterleases" | "peerserverleases", _) => None,
        ("services", "specs") => core("services"),
        ("services", "endpoints") => core("endpoints"),
        ("minions", _) => core("nodes"),
        ("controllers", _) => core("replicationcontrollers"),
        ("ingress", _) => Some(GroupResource { group: "networking.k8s.io", resource: "ingresses" }),
        // Custom resources, and what custom resources and API servers are described by.
        (group, resource) if group.contains('.') => Some(GroupResource { group, resource }),
        (resource, _) => {
            let group =
                GROUPS.iter().find(|(_, resources)| resources.contains(&resource)).map_or("", |(group, _)| group);
            Some(GroupResource { group, resource })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_resource() {
        for (key, group, resource) in [
            ("/registry/secrets/default/a", "", "secrets"),
            ("/elsewhere/secrets/default/a", "", "secrets"),
            ("/registry/services/specs/default/a", "", "services"),
            ("/registry/services/endpoints/default/a", "", "endpoints"),
            ("/registry/minions/a", "", "nodes"),
            ("/registry/deployments/default/a", "apps", "deployments"),
            ("/registry/ingress/default/a", "networking.k8s.io", "ingresses"),
            ("/registry/example.com/widgets/default/a", "example.com", "widgets"),
            (
                "/registry/apiextensions.k8s.io/customresourcedefinitions/a",
                "apiextensions.k8s.io",
                "customresourcedefinitions",
            ),
        ] {
            assert_eq!(of(key), Some(GroupResource { group, resource }), "of `{key}`");
        }
        for key in ["/registry/ranges/serviceips", "/registry/health", "compact_rev_key", ""] {
            assert_eq!(of(key), None, "of `{key}`");
        }
    }
}
