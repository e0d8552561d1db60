//! How webhooks are reached, of admission and of conversion alike.

use std::collections::BTreeSet;

use super::names;
use super::place::{Findings, Place};

const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];
const URL_FORM: &str = "; desired format: https://host[/path]";

/// Which versions of a review a webhook understands. `why` says what is wrong if there is none.
pub fn review_versions(versions: &Place<'_, '_>, why: &str, findings: &mut Findings) {
    if versions.is_empty() {
        return versions.required(why, findings);
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        match seen.insert(version.text()) {
            true => drop(version.shaped(names::dns1035_label, findings)),
            false => version.invalid("duplicate version", findings),
        }
    }
    if !REVIEW_VERSIONS.iter().any(|known| seen.contains(known)) {
        versions.invalid("must include at least one of v1, v1beta1", findings);
    }
}

/// Where a webhook is, from outside of the cluster.
pub fn url(url: &Place<'_, '_>, findings: &mut Findings) {
    let (rest, fragment) = url.text().split_once('#').unwrap_or((url.text(), ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').unwrap_or(("", rest));
    let scheme = &*scheme.to_ascii_lowercase();
    // Without slashes it is no place.
    let rest = rest.strip_prefix("//").unwrap_or("");
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if scheme != "https" {
        url.invalid_as(&scheme.into(), format!("'https' is the only allowed URL scheme{URL_FORM}"), findings);
    }
    if host.is_empty() {
        url.invalid_as(&host.into(), format!("host must be specified{URL_FORM}"), findings);
    }
    if let Some(user) = user {
        url.invalid_as(&user.into(), "user information is not permitted in the URL", findings);
    }
    if !fragment.is_empty() {
        url.invalid_as(&fragment.into(), "fragments are not permitted in the URL", findings);
    }
    if !query.is_empty() {
        url.invalid_as(&query.into(), "query parameters are not permitted in the URL", findings);
    }
}

/// Where a webhook is inside. Upstream takes name and namespace for each other.
pub fn service(service: &Place<'_, '_>, findings: &mut Findings) {
    for (field, shown) in [("namespace", "name"), ("name", "namespace")] {
        if service.at(field).is_empty() {
            service.at(shown).required("", findings);
        }
    }
    let port = service.at("port");
    let number = port.number().unwrap_or(0);
    if !(1..=65535).contains(&number) {
        port.invalid_as(&number.into(), "port is not valid: must be between 1 and 65535, inclusive", findings);
    }
    let path = service.at("path");
    match path.text() {
        "" | "/" => return,
        "//" => return path.invalid("segment[0] may not be empty", findings),
        text if !text.starts_with('/') => path.invalid("must start with a '/'", findings),
        _ => {}
    }
    let steps = path.text().get(1..).unwrap_or_default();
    for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        if step.is_empty() {
            path.invalid(format!("segment[{index}] may not be empty"), findings);
            continue;
        }
        for why in names::dns1123_subdomain(step) {
            path.invalid(format!("segment[{index}]: {why}"), findings);
        }
    }
}
