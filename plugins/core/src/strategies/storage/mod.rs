//! Volumes, the claims on them, and what provides them.

mod claims;
mod classes;
mod drivers;
mod volumes;

use apimachinery::rest::object::metadata_mut;
use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};

pub(super) use claims::Claims;
pub(super) use classes::{ATTRIBUTES_CLASSES, STORAGE_CLASSES};
pub(super) use drivers::{CSI_CAPACITIES, CSI_DRIVERS, CSI_NODES, VOLUME_ATTACHMENTS};
pub(super) use volumes::Volumes;

use super::pods::validate;

const PARAMETERS_MAX: usize = 512;
const PARAMETERS_BYTES_MAX: usize = 256 * 1024;

/// Who makes volumes.
fn provisioner(place: &Place<'_, '_>, findings: &mut Findings) {
    let lower = place.text().to_lowercase().into();
    place.with(&lower).required_shaped(apimachinery::validation::names::qualified_name, findings);
}

/// What the one who makes volumes is told.
fn parameters(parameters: &Place<'_, '_>, may_be_empty: bool, findings: &mut Findings) {
    let entries: Vec<_> = parameters.entries().collect();
    if entries.len() > PARAMETERS_MAX {
        return parameters.too_long(PARAMETERS_MAX, findings);
    }
    for _ in entries.iter().filter(|(key, _)| key.is_empty()) {
        parameters.invalid_as(&"".into(), "field can not be empty.", findings);
    }
    let bytes: usize = entries.iter().map(|(key, value)| key.len() + value.text().len()).sum();
    if bytes > PARAMETERS_BYTES_MAX {
        parameters.too_long(PARAMETERS_BYTES_MAX, findings);
    }
    if !may_be_empty && entries.is_empty() {
        parameters.required("must contain at least one key/value pair", findings);
    }
}

/// `StorageObjectInUseProtection`: what is in use does not go.
fn protect(object: &mut Value, finalizer: &str) {
    let finalizers = metadata_mut(object).entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut()
        && !list.iter().any(|own| own == finalizer)
    {
        list.push(finalizer.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_protected_once() {
        let mut object = json!({"metadata": {"finalizers": ["x"]}});
        protect(&mut object, "kubernetes.io/pv-protection");
        protect(&mut object, "kubernetes.io/pv-protection");
        assert_eq!(object["metadata"]["finalizers"], json!(["x", "kubernetes.io/pv-protection"]));
    }
}
