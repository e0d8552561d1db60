//! What data cannot say of the built-in resources: a file for each that has rules of its own,
//! named after it, and one for each family of those with few.

mod access;
mod autoscalers;
mod budgets;
pub(crate) mod certificates;
mod cluster;
mod conditions;
mod configmaps;
mod devices;
mod endpointslices;
mod events;
mod flowcontrol;
mod ingresses;
mod jobs;
mod limit_ranger;
mod limits;
mod namespaces;
mod networking;
mod nodes;
pub(crate) mod pods;
mod policies;
mod rules;
mod secrets;
pub(crate) mod services;
mod storage;
mod webhooks;
mod workloads;

use apimachinery::strategy::{Plain, Strategy};

/// The rules of a resource.
pub(crate) fn of(group: &str, version: &str, resource: &str) -> &'static dyn Strategy {
    match (group, resource) {
        ("", "configmaps") => &configmaps::ConfigMaps,
        ("", "endpoints") => &cluster::ENDPOINTS,
        ("", "events") => &events::Events,
        ("", "limitranges") => &limits::LIMIT_RANGES,
        ("", "namespaces") => &namespaces::Namespaces,
        ("", "nodes") => &nodes::Nodes,
        ("", "persistentvolumeclaims") => &storage::Claims,
        ("", "persistentvolumes") => &storage::Volumes,
        ("", "pods") => &pods::Pods,
        ("", "podtemplates") => &workloads::POD_TEMPLATES,
        ("", "replicationcontrollers") => &workloads::REPLICATION_CONTROLLERS,
        ("", "resourcequotas") => &limits::RESOURCE_QUOTAS,
        ("", "secrets") => &secrets::Secrets,
        ("", "serviceaccounts") => &cluster::SERVICE_ACCOUNTS,
        ("", "services") => &services::Services,
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies") => &policies::MUTATING,
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings") => &policies::MUTATING_BINDINGS,
        ("admissionregistration.k8s.io", "validatingadmissionpolicies") => &policies::VALIDATING,
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings") => &policies::VALIDATING_BINDINGS,
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations") => &webhooks::MUTATING_WEBHOOKS,
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations") => &webhooks::VALIDATING_WEBHOOKS,
        ("apps", "controllerrevisions") => &workloads::CONTROLLER_REVISIONS,
        ("apps", "daemonsets") => &workloads::DAEMON_SETS,
        ("apps", "deployments") => &workloads::DEPLOYMENTS,
        ("apps", "replicasets") => &workloads::REPLICA_SETS,
        ("apps", "statefulsets") => &workloads::STATEFUL_SETS,
        ("autoscaling", "horizontalpodautoscalers") => match version {
            "v1" => &autoscalers::OldAutoscalers,
            _ => &autoscalers::Autoscalers,
        },
        ("batch", "cronjobs") => &jobs::CronJobs,
        ("batch", "jobs") => &jobs::Jobs,
        ("certificates.k8s.io", "certificatesigningrequests") => &certificates::SigningRequests,
        ("coordination.k8s.io", "leases") => &cluster::LEASES,
        ("discovery.k8s.io", "endpointslices") => &endpointslices::ENDPOINT_SLICES,
        ("events.k8s.io", "events") => &events::NewEvents,
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => &flowcontrol::FLOW_SCHEMAS,
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => &flowcontrol::PRIORITY_LEVELS,
        ("networking.k8s.io", "ingressclasses") => &networking::INGRESS_CLASSES,
        ("networking.k8s.io", "ingresses") => &ingresses::Ingresses,
        ("networking.k8s.io", "ipaddresses") => &networking::IP_ADDRESSES,
        ("networking.k8s.io", "networkpolicies") => &networking::NETWORK_POLICIES,
        ("networking.k8s.io", "servicecidrs") => &networking::SERVICE_CIDRS,
        ("node.k8s.io", "runtimeclasses") => &cluster::RUNTIME_CLASSES,
        ("policy", "poddisruptionbudgets") => &budgets::BUDGETS,
        ("rbac.authorization.k8s.io", "clusterroles") => &access::CLUSTER_ROLES,
        ("rbac.authorization.k8s.io", "roles") => &access::ROLES,
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings") => &access::BINDINGS,
        ("resource.k8s.io", "deviceclasses") => &devices::DEVICE_CLASSES,
        ("resource.k8s.io", "resourceclaims") => &devices::RESOURCE_CLAIMS,
        ("resource.k8s.io", "resourceclaimtemplates") => &devices::CLAIM_TEMPLATES,
        ("resource.k8s.io", "resourceslices") => &devices::RESOURCE_SLICES,
        ("scheduling.k8s.io", "priorityclasses") => &cluster::PRIORITY_CLASSES,
        ("storage.k8s.io", "csidrivers") => &storage::CSI_DRIVERS,
        ("storage.k8s.io", "csinodes") => &storage::CSI_NODES,
        ("storage.k8s.io", "csistoragecapacities") => &storage::CSI_CAPACITIES,
        ("storage.k8s.io", "storageclasses") => &storage::STORAGE_CLASSES,
        ("storage.k8s.io", "volumeattachments") => &storage::VOLUME_ATTACHMENTS,
        ("storage.k8s.io", "volumeattributesclasses") => &storage::ATTRIBUTES_CLASSES,
        _ => &Plain,
    }
}
