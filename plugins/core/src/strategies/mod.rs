//! What data cannot say of the built-in resources: one file for each that has rules of its
//! own, named after it.

mod configmaps;
mod namespaces;
pub(crate) mod pods;
mod secrets;
mod workloads;

use apimachinery::strategy::{Plain, Strategy};

/// The rules of a resource.
pub(crate) fn of(group: &str, resource: &str) -> &'static dyn Strategy {
    match (group, resource) {
        ("", "configmaps") => &configmaps::ConfigMaps,
        ("", "namespaces") => &namespaces::Namespaces,
        ("", "pods") => &pods::Pods,
        ("", "podtemplates") => &workloads::PodTemplates,
        ("", "replicationcontrollers") => &workloads::ReplicationControllers,
        ("", "secrets") => &secrets::Secrets,
        ("apps", "controllerrevisions") => &workloads::ControllerRevisions,
        ("apps", "daemonsets") => &workloads::DaemonSets,
        ("apps", "deployments") => &workloads::Deployments,
        ("apps", "replicasets") => &workloads::ReplicaSets,
        ("apps", "statefulsets") => &workloads::StatefulSets,
        _ => &Plain,
    }
}
