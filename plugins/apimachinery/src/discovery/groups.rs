//! What is served, as data: groups, their versions, and what the aggregated form says of
//! their resources.

use super::order;
use crate::definition::{Definition, Subresource};
use crate::tree::{Value, json};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups(pub Vec<Group>);

#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Empty for the core group.
    pub name: String,
    /// The preferred one first.
    pub versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    pub name: String,
    /// Entries of the aggregated form; empty where only the legacy form was asked for.
    pub resources: Vec<Value>,
    /// Its server does not answer, so its resources are not known.
    pub stale: bool,
}

impl Groups {
    /// What these definitions serve, in their order.
    pub fn of<'a>(definitions: impl IntoIterator<Item = &'a Definition>) -> Self {
        let mut groups = Self::default();
        for definition in definitions {
            groups.version(&definition.group, &definition.version).resources.push(resource(definition));
        }
        groups
    }

    pub fn find(&self, name: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.name == name)
    }

    /// The version `version` of `group`, added if it is not there.
    pub fn version(&mut self, group: &str, version: &str) -> &mut Version {
        let at = self.0.iter().position(|known| known.name == group).unwrap_or_else(|| {
            self.0.push(Group { name: group.to_string(), versions: Vec::new() });
            self.0.len() - 1
        });
        let versions = &mut self.0[at].versions;
        let at = versions.iter().position(|known| known.name == version).unwrap_or_else(|| {
            versions.push(Version { name: version.to_string(), resources: Vec::new(), stale: false });
            versions.len() - 1
        });
        &mut versions[at]
    }

    /// Adds what a delegate serves. A version that is served here hides the delegate's, as its
    /// routes do.
    pub fn merge(&mut self, delegate: Self) {
        for group in delegate.0 {
            for version in group.versions {
                let own = self.find(&group.name).into_iter().flat_map(|own| &own.versions);
                if !own.into_iter().any(|own| own.name == version.name) {
                    let Version { name, resources, stale } = version;
                    let added = self.version(&group.name, &name);
                    (added.resources, added.stale) = (resources, stale);
                }
            }
        }
    }

    /// Orders groups by their built-in priorities and names, versions as Kubernetes does.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| order::group(&b.name).cmp(&order::group(&a.name)).then_with(|| a.name.cmp(&b.name)));
        for group in &mut self.0 {
            group.versions.sort_by(|a, b| order::versions(&a.name, &b.name));
        }
    }
}

/// A resource in the aggregated form.
fn resource(definition: &Definition) -> Value {
    // Upstream leaves group and version of built-in kinds empty, and fills them in for custom
    // resources.
    let kind = |group: &str, version: &str, kind: &str| {
        let own = definition.builtin && group == &*definition.group && version == &*definition.version;
        let (group, version) = if own { ("", "") } else { (group, version) };
        json!({ "group": group, "version": version, "kind": kind })
    };
    let mut entry = json!({
        "resource": definition.resource,
        "responseKind": kind(&definition.group, &definition.version, &definition.kind),
        "scope": if definition.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": definition.singular,
        "verbs": definition.verbs,
    });
    if !definition.short_names.is_empty() {
        entry["shortNames"] = json!(definition.short_names);
    }
    if !definition.categories.is_empty() {
        entry["categories"] = json!(definition.categories);
    }
    if !definition.subresources.is_empty() {
        let subresource = |sub: &Subresource| {
            let (group, version) = subresource_version(definition, sub);
            json!({ "subresource": sub.name, "responseKind": kind(group, version, &sub.kind), "verbs": sub.verbs })
        };
        entry["subresources"] = definition.subresources.iter().map(subresource).collect();
    }
    entry
}

/// Group and version of a subresource's kind: the resource's own where it names none.
pub(super) fn subresource_version<'a>(definition: &'a Definition, sub: &'a Subresource) -> (&'a str, &'a str) {
    if sub.version.is_empty() { (&definition.group, &definition.version) } else { (&sub.group, &sub.version) }
}
