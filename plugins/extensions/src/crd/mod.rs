//! The resource `customresourcedefinitions`: what a definition is, what may be written, and
//! what its strategy does.

mod approval;
mod layout;
mod model;
mod selectable;
mod strategy;
mod validation;

use apimachinery::definition::Definition;

pub(crate) use self::approval::{Approval, is_protected};
pub(crate) use self::model::{Crd, Names, Scale, Version};
pub(crate) use self::strategy::CrdStrategy;

pub(crate) const GROUP: &str = "apiextensions.k8s.io";
pub(crate) const RESOURCE: &str = "customresourcedefinitions";
/// Where definitions are stored.
pub(crate) const PREFIX: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/";
/// Keeps a definition until its objects are gone.
pub(crate) const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(crate) const NAMES_ACCEPTED: &str = "NamesAccepted";
pub(crate) const ESTABLISHED: &str = "Established";
pub(crate) const TERMINATING: &str = "Terminating";
pub(crate) const NON_STRUCTURAL: &str = "NonStructuralSchema";
pub(crate) const APPROVAL_CONFORMANT: &str = "KubernetesAPIApprovalPolicyConformant";

/// The definition of definitions.
pub(crate) fn definition() -> Definition {
    Definition::builtin(GROUP, "v1", RESOURCE, &CrdStrategy)
}

/// The key of the definition `name`.
pub(crate) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}
