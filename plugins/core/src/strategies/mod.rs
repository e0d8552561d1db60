//! What data cannot say of the built-in resources: one file for each that has rules of its
//! own, named after it.

mod configmaps;
mod namespaces;

use apimachinery::strategy::{Plain, Strategy};

/// The rules of a resource.
pub(crate) fn of(group: &str, resource: &str) -> &'static dyn Strategy {
    match (group, resource) {
        ("", "configmaps") => &configmaps::ConfigMaps,
        ("", "namespaces") => &namespaces::Namespaces,
        _ => &Plain,
    }
}
