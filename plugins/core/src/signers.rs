//! Signers of certificates, by their names: `example.com/name`.

use apimachinery::validation::place::{Findings, Place};
use apimachinery::validation::{names, quoted};

const DOMAIN_LENGTH_MAX: usize = 253;
const PATH_LENGTH_MAX: usize = 253 + 1 + 63;

/// Whether the name is one that the Kubernetes project keeps for itself.
pub(crate) fn is_kubernetes(name: &str) -> bool {
    let host = name.split('/').next().unwrap_or_default();
    host == "kubernetes.io" || host.ends_with(".kubernetes.io")
}

/// Every finding about the name of a signer.
pub(crate) fn name(place: &Place<'_, '_>, findings: &mut Findings) {
    if place.is_empty() {
        return place.required("", findings);
    }
    let segments: Vec<&str> = place.text().split('/').collect();
    let [domain, path] = segments[..] else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return place.invalid(why, findings);
    };
    if domain.len() > DOMAIN_LENGTH_MAX {
        place.too_long(DOMAIN_LENGTH_MAX, findings);
    }
    let shown = domain.into();
    for label in domain.split('.') {
        let wrong = names::dns1123_label(label);
        for why in &wrong {
            place.invalid_as(&shown, format!("validating label {}: {why}", quoted(label)), findings);
        }
        if !wrong.is_empty() {
            break;
        }
    }
    if !domain.contains('.') {
        place.invalid_as(&shown, "should be a domain with at least two segments separated by dots", findings);
    }
    let shown = path.into();
    for label in path.split('.') {
        let wrong = names::dns1123_subdomain(label);
        for why in &wrong {
            place.invalid_as(&shown, format!("validating label {}: {why}", quoted(label)), findings);
        }
        if !wrong.is_empty() {
            break;
        }
    }
    if place.text().len() > DOMAIN_LENGTH_MAX + 1 + PATH_LENGTH_MAX {
        place.too_long(DOMAIN_LENGTH_MAX + 1 + PATH_LENGTH_MAX, findings);
    }
}

/// What is wrong with the name of a trust bundle, which starts with its signer's if it has one.
pub(crate) fn bundle_name(name: &str) -> Vec<String> {
    names::dns1123_subdomain(name.rsplit_once(':').map_or(name, |(_, name)| name))
}
