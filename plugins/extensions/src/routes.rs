//! Which requests are this server's: routes, their tags, and the claims of objects.

use apimachinery::definition::{Definition, Selectable};
use apimachinery::{discovery, openapi};
use plugin_sdk::registration::{Claim, Contents, Route, SelectableField};

use crate::crd::{self, Crd};
use crate::custom;

/// The set of the server's own routes.
pub(crate) const OWN_SET: &str = "customresourcedefinitions";
/// The set of discovery and OpenAPI, which changes with every definition.
pub(crate) const DISCOVERY_SET: &str = "discovery";

const DEFINITIONS: &str = "definitions";
const CUSTOM: &str = "custom";

/// What a route's tag says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tag<'a> {
    Definitions,
    /// Objects of a definition in one of its versions.
    Custom {
        name: &'a str,
        version: &'a str,
    },
    Discovery,
    OpenApi,
}

impl<'a> Tag<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        match text.split(' ').collect::<Vec<_>>()[..] {
            [DEFINITIONS] => Some(Self::Definitions),
            [CUSTOM, name, version] => Some(Self::Custom { name, version }),
            [discovery::TAG] => Some(Self::Discovery),
            [openapi::TAG] => Some(Self::OpenApi),
            _ => None,
        }
    }
}

/// `customresourcedefinitions` itself. The chain may read definitions: others need to know
/// what is there.
pub(crate) fn of_this_server(definitions: &Definition) -> Contents {
    Contents::new()
        .route(Route::resource(&definitions.group, &definitions.version, &definitions.resource).tag(DEFINITIONS))
        .claim(Claim::new(crd::PREFIX).readable_by_chain())
}

/// The name of a definition's set.
pub(crate) fn set_of(name: &str) -> String {
    format!("{CUSTOM} {name}")
}

/// A definition's objects, in all served versions. `revision` is that of the definition.
pub(crate) fn of_definition(crd: &Crd, decode: Option<String>, revision: u64) -> Contents {
    let mut contents = Contents::new();
    for version in crd.served_versions() {
        let route = Route::resource(&crd.spec.group, &version.name, &crd.status.accepted_names.plural);
        let tag = format!("{CUSTOM} {} {}", crd.metadata.name, version.name);
        contents = contents.route(route.tag(tag).from_revision(revision));
    }
    let mut claim = Claim::new(&custom::storage_prefix(crd));
    for field in selectable_of_all(crd) {
        claim = claim.selectable(SelectableField {
            name: field.name.into(),
            path: field.path.iter().map(ToString::to_string).collect(),
            absent: field.absent.into(),
        });
    }
    if let Some(tag) = decode {
        claim = claim.decoded(tag);
    }
    contents.claim(claim)
}

/// Discovery and OpenAPI of everything that is served here.
pub(crate) fn of_discovery(own: &Definition, served: &[&Crd], revision: u64) -> Contents {
    let mut routes = discovery::routes([own]);
    for crd in served {
        let group = format!("/apis/{}", crd.spec.group);
        let versions = crd.served_versions().map(|version| format!("{group}/{}", version.name));
        for path in std::iter::once(group.clone()).chain(versions) {
            routes.push(Route::exact(&format!("{path}/")).tag(discovery::TAG));
            routes.push(Route::exact(&path).tag(discovery::TAG));
        }
    }
    routes.extend(openapi::routes());
    let mut seen = std::collections::HashSet::new();
    let routes = routes.into_iter().filter(|route| seen.insert(format!("{:?}", route.pattern)));
    Contents { routes: routes.map(|route| route.from_revision(revision)).collect(), claims: Vec::new() }
}

/// Objects are shared by all versions, and so are the fields that are extracted of them.
fn selectable_of_all(crd: &Crd) -> Vec<Selectable> {
    let mut all: Vec<Selectable> = Vec::new();
    for field in crd.served_versions().flat_map(custom::selectable) {
        if !all.iter().any(|known| known.name == field.name) {
            all.push(field);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    #[test]
    fn a_definition_has_a_route_for_each_served_version() {
        let crd = Crd::of(&json!({"metadata": {"name": "widgets.example.com"}, "spec": {"group": "example.com",
            "names": {"plural": "widgets"}, "versions": [
                {"name": "v1", "served": true, "storage": true, "selectableFields": [{"jsonPath": ".spec.color"}]},
                {"name": "v2", "served": true, "selectableFields": [{"jsonPath": ".spec.color"}]},
                {"name": "v3"}]},
            "status": {"acceptedNames": {"plural": "widgets"}}}));
        let contents = of_definition(&crd, Some("tag".to_string()), 7);
        let tags: Vec<&str> = contents.routes.iter().map(|route| route.tag.as_str()).collect();
        assert_eq!(tags, ["custom widgets.example.com v1", "custom widgets.example.com v2"]);
        assert!(contents.routes.iter().all(|route| route.revision == 7));
        assert_eq!(Tag::parse(tags[1]), Some(Tag::Custom { name: "widgets.example.com", version: "v2" }));
        let [claim] = &contents.claims[..] else { panic!("one claim") };
        assert_eq!((claim.prefix.as_str(), claim.selectable.len()), ("/registry/example.com/widgets/", 1));
        assert_eq!(claim.decode.as_deref(), Some("tag"));
    }
}
