//! Which resources the core server has. What they are is data (`apimachinery/data`); this
//! says which of them have rules in code, and where their objects are.

use std::sync::Arc;

use apimachinery::definition::{Definition, KnownVersion};
use apimachinery::schema::builtin;
use plugin_sdk::registration::{Claim, Contents, Route, SelectableField};

use crate::hooks::endpoints::LEASES_PREFIX;
use crate::strategies;
use crate::strategies::services::PORTS_PREFIX;

/// Objects that other links have to read: whether a namespace is there, and where an
/// aggregated server is.
const READABLE: [&str; 4] = [
    "/registry/namespaces/",
    "/registry/services/specs/",
    "/registry/services/endpoints/",
    "/registry/endpointslices/",
];

/// Every built-in resource but those of the other two servers, in discovery's order.
pub fn definitions() -> Vec<Definition> {
    let mut definitions: Vec<Definition> = builtin::resources()
        .iter()
        .filter(|facts| !matches!(facts.resource, "customresourcedefinitions" | "apiservices"))
        .map(|facts| {
            let strategy = strategies::of(facts.group, facts.version, facts.resource);
            let warning = deprecation(facts.group, facts.resource).map(Box::from);
            Definition { deprecation_warning: warning, ..Definition::from_facts(facts, strategy) }
        })
        .collect();
    for at in 0..definitions.len() {
        definitions[at].versions = versions(&definitions, at);
    }
    definitions
}

/// The versions of a resource that has several. What is in two groups is one thing in each: upstream knows nothing of
/// the other there.
fn versions(definitions: &[Definition], at: usize) -> Arc<[KnownVersion]> {
    let own = &definitions[at];
    let same = |other: &&Definition| (&other.group, &other.resource) == (&own.group, &own.resource);
    if definitions.iter().filter(same).count() < 2 {
        return Arc::default();
    }
    let versions = definitions.iter().filter(same).map(|known| KnownVersion {
        api_version: known.api_version().into(),
        schema: known.schema.clone(),
        strategy: known.strategy,
        has_status: known.subresource("status").is_some(),
        needs_webhook: false,
    });
    versions.collect()
}

/// What clients of old resources are told.
fn deprecation(group: &str, resource: &str) -> Option<&'static str> {
    match (group, resource) {
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        ("", "endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        _ => None,
    }
}

/// The routes and claims of these definitions.
pub(crate) fn contents(definitions: &[Definition]) -> Contents {
    let mut contents = Contents::new();
    for definition in definitions {
        contents = contents.route(Route::resource(&definition.group, &definition.version, &definition.resource));
        if is_stored(definition) {
            claim(&mut contents, definition);
        }
    }
    contents.claim(Claim::new(PORTS_PREFIX)).claim(Claim::new(LEASES_PREFIX))
}

/// Reviews and bindings are answered and forgotten.
pub(crate) fn is_stored(definition: &Definition) -> bool {
    definition.verbs.iter().any(|verb| &**verb == "watch")
}

/// Two definitions may have their objects in one place; then it is one claim with the
/// selectable fields of both.
fn claim(contents: &mut Contents, definition: &Definition) {
    let prefix = &*definition.storage_prefix;
    let claim = match contents.claims.iter().position(|claim| claim.prefix == prefix) {
        Some(at) => &mut contents.claims[at],
        None => {
            let claim = Claim::new(prefix);
            let claim = if READABLE.contains(&prefix) { claim.readable_by_chain() } else { claim };
            contents.claims.push(claim);
            let last = contents.claims.len() - 1;
            &mut contents.claims[last]
        }
    };
    for field in &definition.selectable {
        let field = SelectableField {
            name: field.name.to_string(),
            path: field.path.iter().map(ToString::to_string).collect(),
            absent: field.absent.to_string(),
        };
        let is = |known: &SelectableField| known.name == field.name && known.path == field.path;
        if !claim.selectable.iter().any(is) {
            claim.selectable.push(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_routed_and_stored_objects_are_claimed_once() {
        let definitions = definitions();
        let contents = contents(&definitions);
        assert_eq!(contents.routes.len(), 66);
        let mut prefixes: Vec<&str> = contents.claims.iter().map(|claim| claim.prefix.as_str()).collect();
        prefixes.sort_unstable();
        let all = prefixes.len();
        prefixes.dedup();
        assert_eq!(prefixes.len(), all);
        assert!(!prefixes.contains(&"/registry/bindings/"));
        let events = contents.claims.iter().find(|claim| claim.prefix == "/registry/events/").unwrap();
        for name in ["involvedObject.name", "regarding.name", "reason"] {
            assert!(events.selectable.iter().any(|field| field.name == name), "{name}");
        }
    }
}
