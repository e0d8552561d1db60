//! What data cannot say of the built-in resources: a file for each that has rules of its own,
//! named after it, and one for each family of those with few.

mod autoscalers;
mod cluster;
mod configmaps;
mod events;
mod jobs;
mod namespaces;
mod networking;
pub(crate) mod pods;
mod policy;
mod rules;
mod secrets;
pub(crate) mod services;
mod storage;
mod workloads;

use apimachinery::strategy::{Plain, Strategy};

/// The rules of a resource.
pub(crate) fn of(group: &str, version: &str, resource: &str) -> &'static dyn Strategy {
    match (group, resource) {
        ("", "configmaps") => &configmaps::ConfigMaps,
        ("", "endpoints") => &cluster::ENDPOINTS,
        ("", "events") => &events::Events,
        ("", "limitranges") => &cluster::LIMIT_RANGES,
        ("", "namespaces") => &namespaces::Namespaces,
        ("", "nodes") => &cluster::Nodes,
        ("", "persistentvolumeclaims") => &storage::Claims,
        ("", "persistentvolumes") => &storage::Volumes,
        ("", "pods") => &pods::Pods,
        ("", "podtemplates") => &workloads::PodTemplates,
        ("", "replicationcontrollers") => &workloads::ReplicationControllers,
        ("", "resourcequotas") => &cluster::RESOURCE_QUOTAS,
        ("", "secrets") => &secrets::Secrets,
        ("", "serviceaccounts") => &cluster::SERVICE_ACCOUNTS,
        ("", "services") => &services::Services,
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies" | "validatingadmissionpolicies") => {
            &policy::ADMISSION_POLICIES
        }
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings" | "validatingadmissionpolicybindings") => {
            &policy::ADMISSION_BINDINGS
        }
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations") => &policy::MUTATING_WEBHOOKS,
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations") => &policy::WEBHOOKS,
        ("apps", "controllerrevisions") => &workloads::ControllerRevisions,
        ("apps", "daemonsets") => &workloads::DaemonSets,
        ("apps", "deployments") => &workloads::Deployments,
        ("apps", "replicasets") => &workloads::ReplicaSets,
        ("apps", "statefulsets") => &workloads::StatefulSets,
        ("autoscaling", "horizontalpodautoscalers") => match version {
            "v1" => &autoscalers::OldAutoscalers,
            _ => &autoscalers::Autoscalers,
        },
        ("batch", "cronjobs") => &jobs::CronJobs,
        ("batch", "jobs") => &jobs::Jobs,
        ("certificates.k8s.io", "certificatesigningrequests") => &policy::SigningRequests,
        ("coordination.k8s.io", "leases") => &cluster::LEASES,
        ("discovery.k8s.io", "endpointslices") => &networking::ENDPOINT_SLICES,
        ("events.k8s.io", "events") => &events::NewEvents,
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => &policy::FLOW_SCHEMAS,
        ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations") => &policy::PRIORITY_LEVELS,
        ("networking.k8s.io", "ingressclasses") => &networking::INGRESS_CLASSES,
        ("networking.k8s.io", "ingresses") => &networking::Ingresses,
        ("networking.k8s.io", "ipaddresses") => &networking::IP_ADDRESSES,
        ("networking.k8s.io", "networkpolicies") => &networking::NETWORK_POLICIES,
        ("networking.k8s.io", "servicecidrs") => &networking::SERVICE_CIDRS,
        ("node.k8s.io", "runtimeclasses") => &cluster::RUNTIME_CLASSES,
        ("policy", "poddisruptionbudgets") => &policy::BUDGETS,
        ("rbac.authorization.k8s.io", "clusterroles" | "roles") => &policy::ROLES,
        ("rbac.authorization.k8s.io", "clusterrolebindings" | "rolebindings") => &policy::BINDINGS,
        ("resource.k8s.io", "deviceclasses") => &policy::DEVICE_CLASSES,
        ("resource.k8s.io", "resourceclaims" | "resourceclaimtemplates") => &policy::RESOURCE_CLAIMS,
        ("resource.k8s.io", "resourceslices") => &policy::RESOURCE_SLICES,
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
