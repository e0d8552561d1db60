//! What a definition must obey, with upstream's paths, order and words.

mod names;
mod version;

use apimachinery::schema::structural::{self, Tolerance};
use apimachinery::status::{FieldError, FieldErrorKind};
use apimachinery::tree::Value;
use apimachinery::validation::names::{dns1035_label, dns1123_subdomain};
use apimachinery::validation::place::Place;
use apimachinery::validation::{quoted, webhooks};

use super::layout::Layout;
use super::{Approval, Crd, ESTABLISHED, approval, is_protected, selectable};

/// A new definition.
pub(super) fn create(object: &Value) -> Vec<FieldError> {
    let crd = Crd::of(object);
    let mut errors = Vec::new();
    let name = format!("{}.{}", crd.spec.names.plural, crd.spec.group);
    let why = "must be spec.names.plural+\".\"+spec.group";
    let generated = object["metadata"]["generateName"].as_str().unwrap_or_default();
    if !generated.is_empty() && generated != name {
        errors.push(invalid("metadata.generateName", generated, why));
    }
    if crd.metadata.name != name {
        errors.push(invalid("metadata.name", &crd.metadata.name, why));
    }
    spec(object, &crd, &Before::NOTHING, &mut errors);
    status(&crd, &mut errors);
    stored_versions(&crd, &mut errors);
    approval(&crd, None, &mut errors);
    preserve_unknown_fields(&crd, None, &mut errors);
    errors
}

/// A definition that was `old`.
pub(super) fn update(object: &Value, old: &Value) -> Vec<FieldError> {
    let (crd, before) = (Crd::of(object), Crd::of(old));
    let mut errors = Vec::new();
    spec(object, &crd, &Before::of(old, object), &mut errors);
    let mut immutable = |path: &str, new: &str, old: &str| {
        if new != old {
            errors.push(invalid(path, new, "field is immutable"));
        }
    };
    if before.is_true(ESTABLISHED) {
        immutable("spec.scope", &crd.spec.scope, &before.spec.scope);
        immutable("spec.names.kind", &crd.spec.names.kind, &before.spec.names.kind);
    }
    immutable("spec.group", &crd.spec.group, &before.spec.group);
    immutable("spec.names.plural", &crd.spec.names.plural, &before.spec.names.plural);
    status(&crd, &mut errors);
    stored_versions(&crd, &mut errors);
    approval(&crd, Some(&before), &mut errors);
    preserve_unknown_fields(&crd, Some(&before), &mut errors);
    errors
}

/// A definition whose status alone is written.
pub(super) fn update_status(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    status(&Crd::of(object), &mut errors);
    errors
}

/// What an update need not repair, since the stored definition has it already.
struct Before {
    tolerance: Tolerance,
    without_schema: bool,
    /// Versions that had too many selectable fields, and have the same now.
    too_many_selectable: Vec<String>,
}

impl Before {
    const NOTHING: Self = Self { tolerance: Tolerance::NONE, without_schema: false, too_many_selectable: Vec::new() };

    fn of(old: &Value, new: &Value) -> Self {
        let versions = |object: &Value| object["spec"]["versions"].as_array().cloned().unwrap_or_default();
        let versions_of_old = versions(old);
        let schemas: Vec<&Value> = versions_of_old.iter().filter_map(schema_of).collect();
        let same = |version: &Value| {
            selectable::are_too_many(&version["selectableFields"])
                && versions(new)
                    .iter()
                    .any(|new| new["name"] == version["name"] && new["selectableFields"] == version["selectableFields"])
        };
        Self {
            tolerance: Tolerance::of(schemas.iter().copied()),
            without_schema: schemas.len() < versions_of_old.len(),
            too_many_selectable: versions_of_old
                .iter()
                .filter(|version| same(version))
                .filter_map(|version| version["name"].as_str().map(String::from))
                .collect(),
        }
    }
}

/// The schema of a version, if it has one.
pub(super) fn schema_of(version: &Value) -> Option<&Value> {
    Some(&version["schema"]["openAPIV3Schema"]).filter(|schema| schema.is_object())
}

fn spec(object: &Value, crd: &Crd, before: &Before, errors: &mut Vec<FieldError>) {
    let spec = &crd.spec;
    let raw = &object["spec"];
    group(&spec.group, errors);
    match spec.scope.as_str() {
        "" => errors.push(FieldError::required("spec.scope", "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(not_supported("spec.scope", other, &["Cluster", "Namespaced"])),
    }
    for (index, version) in raw["versions"].as_array().into_iter().flatten().enumerate() {
        let tolerated = before.without_schema && (spec.preserve_unknown_fields || version["served"] != true);
        if schema_of(version).is_none() && !tolerated {
            let why = if before.without_schema { "because otherwise all fields are pruned" } else { "" };
            errors.push(FieldError::required(format!("spec.versions[{index}].schema.openAPIV3Schema"), why));
        }
    }
    let has_default = |version: &Value| schema_of(version).is_some_and(structural::has_defaults);
    if spec.preserve_unknown_fields && raw["versions"].as_array().into_iter().flatten().any(has_default) {
        let why = "must be false in order to use defaults in the schema";
        errors.push(FieldError::new(FieldErrorKind::Invalid, "spec.preserveUnknownFields", "true", why));
    }
    let layout = Layout::of(raw);
    for index in 0..spec.versions.len() {
        version::own(crd, &layout, index, before, errors);
    }
    let storage = spec.versions.iter().filter(|version| version.storage).count();
    let mut unique: Vec<&str> = spec.versions.iter().map(|version| version.name.as_str()).collect();
    unique.sort_unstable();
    unique.dedup();
    for (wrong, why) in [
        (unique.len() < spec.versions.len(), "must contain unique version names"),
        (storage != 1, "must have exactly one version marked as storage version"),
    ] {
        if wrong {
            let versions = match object["spec"]["versions"].is_null() {
                true => "null".to_string(),
                false => layout.shown_versions().to_string(),
            };
            errors.push(FieldError::new(FieldErrorKind::Invalid, "spec.versions", versions, why));
        }
    }
    if let Some(first) = spec.versions.first().filter(|first| !first.name.is_empty()) {
        label("spec.version", &first.name, errors);
    }
    names::required(&spec.names, errors);
    names::check(&spec.names, "spec.names", errors);
    version::shared(crd, &layout, before, errors);
    conversion(crd, errors);
}

fn group(group: &str, errors: &mut Vec<FieldError>) {
    let found = dns1123_subdomain(group);
    if group.is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !found.is_empty() {
        errors.push(invalid("spec.group", group, found.join(",")));
    } else if !group.contains('.') {
        errors.push(invalid("spec.group", group, "should be a domain with at least one dot"));
    }
}

fn conversion(crd: &Crd, errors: &mut Vec<FieldError>) {
    let Some(conversion) = &crd.spec.conversion else { return };
    let webhook = conversion.webhook.as_ref().unwrap_or(&Value::Null);
    let config = Place::named("spec.conversion.webhookClientConfig", &webhook["clientConfig"]);
    let versions = Place::named("spec.conversion.conversionReviewVersions", &webhook["conversionReviewVersions"]);
    match conversion.strategy.as_str() {
        "" => errors.push(FieldError::required("spec.conversion.strategy", "")),
        "Webhook" => {
            let (url, service) = (config.at("url"), config.at("service"));
            match (config.is_given(), url.is_given(), service.is_given()) {
                (false, _, _) => config.required("required when strategy is set to Webhook", errors),
                (true, true, false) => webhooks::url(&url, errors),
                (true, false, true) => webhooks::service(&service, errors),
                (true, _, _) => config.required("exactly one of url or service is required", errors),
            }
            webhooks::review_versions(&versions, "", errors);
        }
        strategy => {
            if strategy != "None" {
                errors.push(not_supported("spec.conversion.strategy", strategy, &["None", "Webhook"]));
            }
            let why = "should not be set when strategy is not set to Webhook";
            if config.is_given() {
                config.forbidden(why, errors);
            }
            if !versions.is_empty() {
                versions.forbidden(why, errors);
            }
        }
    }
}

fn status(crd: &Crd, errors: &mut Vec<FieldError>) {
    names::check(&crd.status.accepted_names, "status.acceptedNames", errors);
}

fn stored_versions(crd: &Crd, errors: &mut Vec<FieldError>) {
    const PATH: &str = "status.storedVersions";
    let stored = &crd.status.stored_versions;
    let shown = apimachinery::tree::json!(stored).to_string();
    if stored.is_empty() {
        let shown = "null";
        errors.push(FieldError::new(FieldErrorKind::Invalid, PATH, shown, "must have at least one stored version"));
        return;
    }
    let names = |at: usize| crd.spec.versions[..at].iter().map(|version| &version.name);
    for (at, version) in crd.spec.versions.iter().enumerate() {
        // Of two versions of one name, the first is the stored one.
        if !version.storage || (stored.contains(&version.name) && !names(at).any(|name| *name == version.name)) {
            continue;
        }
        let why = format!("must have the storage version {}", version.name);
        errors.push(FieldError::new(FieldErrorKind::Invalid, PATH, shown.clone(), why));
    }
    for (index, name) in stored.iter().enumerate() {
        if !crd.spec.versions.iter().any(|version| version.name == *name) {
            let why = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name} and removes {name} from \
                 status.storedVersions"
            );
            errors.push(invalid(&format!("{PATH}[{index}]"), name, why));
        }
    }
}

/// An approval that does not change is nobody's business.
fn approval(crd: &Crd, before: Option<&Crd>, errors: &mut Vec<FieldError>) {
    if !is_protected(&crd.spec.group) {
        return;
    }
    let (state, why) = Approval::of(crd);
    if before.is_some_and(|before| Approval::of(before).0 == state) {
        return;
    }
    let path = format!("metadata.annotations[{}]", approval::ANNOTATION);
    match state {
        Approval::Approved | Approval::Bypassed => {}
        Approval::Missing => errors.push(FieldError::required(path, why)),
        Approval::Invalid => {
            let text = crd.metadata.annotations.get(approval::ANNOTATION).map_or("", String::as_str);
            errors.push(invalid(&path, text, why));
        }
    }
}

fn preserve_unknown_fields(crd: &Crd, before: Option<&Crd>, errors: &mut Vec<FieldError>) {
    if crd.spec.preserve_unknown_fields && !before.is_some_and(|before| before.spec.preserve_unknown_fields) {
        let why =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::new(FieldErrorKind::Invalid, "spec.preserveUnknownFields", "true", why));
    }
}

fn label(path: &str, name: &str, errors: &mut Vec<FieldError>) {
    let found = dns1035_label(name);
    if !found.is_empty() {
        errors.push(invalid(path, name, found.join(",")));
    }
}

fn invalid(path: &str, value: &str, why: impl Into<String>) -> FieldError {
    FieldError::new(FieldErrorKind::Invalid, path, quoted(value), why)
}

fn not_supported(path: &str, value: &str, supported: &[&str]) -> FieldError {
    let supported: Vec<String> = supported.iter().map(|name| quoted(name)).collect();
    let why = format!("supported values: {}", supported.join(", "));
    FieldError::new(FieldErrorKind::NotSupported, path, quoted(value), why)
}

/// Findings about one schema.
fn schema(schema: &Value, path: &str, has_status: bool, before: &Before, errors: &mut Vec<FieldError>) {
    errors.extend(structural::check(schema, &format!("{path}.openAPIV3Schema"), has_status, before.tolerance));
}

#[cfg(test)]
mod tests;
