//! One group version's document.

use std::fmt::Write as _;

use super::schemas::Schemas;
use super::{path_of, paths, sha512};
use crate::definition::Definition;
use crate::tree::{Map, Value, json};

/// Those of the definitions that are of this version (`apis/apps/v1`).
pub(super) fn definitions_of<'a>(group_version: &str, own: &[&'a Definition]) -> Vec<&'a Definition> {
    own.iter().copied().filter(|definition| path_of(definition) == group_version).collect()
}

/// The document of these definitions, which are all of one version. `server` is the
/// Kubernetes version that is served.
pub(super) fn document(definitions: &[&Definition], server: &str) -> Value {
    let mut schemas = Schemas::default();
    let mut all = Map::new();
    for definition in definitions {
        paths::add(definition, &mut schemas, &mut all);
    }
    all.sort_keys();
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": server },
        "paths": all,
        "components": {
            "schemas": schemas.finish(),
            "securitySchemes": {
                "BearerToken": { "type": "apiKey", "name": "authorization", "in": "header" },
            },
        },
    })
}

/// A hash of what the document is made from, so that the index costs no documents, nor the
/// schemas of custom resources.
pub(super) fn hash(definitions: &[&Definition]) -> String {
    // What the types and the code that writes them are: they are the same for one build.
    let mut text = String::from(env!("OPENAPI_FINGERPRINT"));
    for definition in definitions {
        let subresources: Vec<_> =
            definition.subresources.iter().map(|sub| (&sub.name, &sub.kind, &sub.verbs)).collect();
        let _ = write!(
            text,
            "\n{}/{} {} {} {} {:?} {:?} {}",
            definition.api_version(),
            definition.resource,
            definition.kind,
            definition.list_kind,
            definition.namespaced,
            definition.verbs,
            subresources,
            definition.edition,
        );
    }
    sha512(text.as_bytes())
}
