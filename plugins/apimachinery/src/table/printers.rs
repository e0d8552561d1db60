//! Which function computes the cells of which built-in resource.

use super::object::Object;
use super::{access, apps, autoscaling, core, networking, nodes, pods, storage};
use crate::tree::Value;

type Printer = fn(Object<'_>) -> Vec<Value>;

/// Group, resource and function. What is not here has only columns that explain themselves.
const PRINTERS: &[(&str, &str, Printer)] = &[
    ("", "componentstatuses", core::component_statuses),
    ("", "configmaps", core::config_maps),
    ("", "endpoints", core::endpoints),
    ("", "events", core::events),
    ("", "namespaces", core::namespaces),
    ("", "nodes", nodes::nodes),
    ("", "persistentvolumeclaims", storage::persistent_volume_claims),
    ("", "persistentvolumes", storage::persistent_volumes),
    ("", "pods", pods::pods),
    ("", "podtemplates", core::pod_templates),
    ("", "replicationcontrollers", apps::replication_controllers),
    ("", "resourcequotas", core::resource_quotas),
    ("", "secrets", core::secrets),
    ("", "services", networking::services),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies", access::mutating_policies),
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", access::policy_bindings),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", access::webhook_configurations),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies", access::validating_policies),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", access::policy_bindings),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", access::webhook_configurations),
    ("apiregistration.k8s.io", "apiservices", access::api_services),
    ("apps", "controllerrevisions", apps::controller_revisions),
    ("apps", "daemonsets", apps::daemon_sets),
    ("apps", "deployments", apps::deployments),
    ("apps", "replicasets", apps::replica_sets),
    ("apps", "statefulsets", apps::stateful_sets),
    ("autoscaling", "horizontalpodautoscalers", autoscaling::horizontal_pod_autoscalers),
    ("batch", "cronjobs", apps::cron_jobs),
    ("batch", "jobs", apps::jobs),
    ("certificates.k8s.io", "certificatesigningrequests", access::certificate_signing_requests),
    ("coordination.k8s.io", "leases", access::leases),
    ("discovery.k8s.io", "endpointslices", networking::endpoint_slices),
    ("events.k8s.io", "events", core::events),
    ("flowcontrol.apiserver.k8s.io", "flowschemas", access::flow_schemas),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", access::priority_levels),
    ("networking.k8s.io", "ingressclasses", networking::ingress_classes),
    ("networking.k8s.io", "ingresses", networking::ingresses),
    ("networking.k8s.io", "ipaddresses", networking::ip_addresses),
    ("networking.k8s.io", "networkpolicies", networking::network_policies),
    ("networking.k8s.io", "servicecidrs", networking::service_cidrs),
    ("node.k8s.io", "runtimeclasses", access::runtime_classes),
    ("policy", "poddisruptionbudgets", apps::disruption_budgets),
    ("rbac.authorization.k8s.io", "clusterrolebindings", access::role_bindings),
    ("rbac.authorization.k8s.io", "rolebindings", access::role_bindings),
    ("resource.k8s.io", "resourceclaims", access::resource_claims),
    ("resource.k8s.io", "resourceslices", access::resource_slices),
    ("scheduling.k8s.io", "priorityclasses", access::priority_classes),
    ("storage.k8s.io", "csidrivers", storage::csi_drivers),
    ("storage.k8s.io", "csinodes", storage::csi_nodes),
    ("storage.k8s.io", "storageclasses", storage::storage_classes),
    ("storage.k8s.io", "volumeattachments", storage::volume_attachments),
    ("storage.k8s.io", "volumeattributesclasses", storage::volume_attributes_classes),
];

pub(super) fn find(group: &str, resource: &str) -> Option<Printer> {
    PRINTERS
        .binary_search_by(|(known_group, known, _)| (*known_group, *known).cmp(&(group, resource)))
        .ok()
        .map(|found| PRINTERS[found].2)
}

#[cfg(test)]
mod tests {
    use super::PRINTERS;

    #[test]
    fn printers_are_sorted() {
        assert!(PRINTERS.is_sorted_by_key(|(group, resource, _)| (*group, *resource)));
    }
}
