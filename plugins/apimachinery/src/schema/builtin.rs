//! Built-in types, from the tables that `build.rs` makes out of `data/`.
//!
//! A type's schema is made when it is first asked for and kept; until then it costs nothing
//! but its row in read-only data.

pub(crate) mod facts;
mod make;

use std::sync::OnceLock;

pub use facts::{ColumnFacts, ResourceFacts, SubresourceFacts};

use super::Schema;
use facts::{RESOURCES, TYPES};

/// A built-in type: its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type(u16);

static SCHEMAS: [OnceLock<Schema>; TYPES.len()] = [const { OnceLock::new() }; TYPES.len()];

impl Type {
    /// The type with this OpenAPI name (`io.k8s.api.core.v1.Pod`).
    pub fn find(name: &str) -> Option<Self> {
        let number = TYPES.binary_search_by(|facts| facts.name.cmp(name)).ok()?;
        Some(Self(number as u16))
    }

    pub fn name(self) -> &'static str {
        self.facts().name
    }

    pub fn schema(self) -> &'static Schema {
        SCHEMAS[self.0 as usize].get_or_init(|| make::schema(self.facts()))
    }

    pub(crate) fn facts(self) -> &'static facts::TypeFacts {
        &TYPES[self.0 as usize]
    }

    /// Group, version and kind of what it is, if it is a kind.
    pub(crate) fn kinds(self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        facts::KINDS.iter().filter(move |row| row.of == self).map(|row| (row.group, row.version, row.kind))
    }
}

/// The schema of a built-in type by its OpenAPI name.
///
/// # Panics
/// If there is no such type: names come from the table, or are constants in our code.
pub fn schema(name: &str) -> &'static Schema {
    match Type::find(name) {
        Some(found) => found.schema(),
        None => panic!("`{name}` is not a built-in type"),
    }
}

/// The names of all built-in types, sorted.
pub fn names() -> impl ExactSizeIterator<Item = &'static str> {
    TYPES.iter().map(|facts| facts.name)
}

/// The type of a kind. `Status`, `DeleteOptions` and other kinds of the machinery are in `v1`.
pub fn kind(group: &str, version: &str, kind: &str) -> Option<Type> {
    let wanted = (group, version, kind);
    let found = facts::KINDS.binary_search_by(|row| (row.group, row.version, row.kind).cmp(&wanted)).ok()?;
    Some(facts::KINDS[found].of)
}

/// The type of a kind by its `apiVersion`. Options and status are kinds of every group.
pub fn kind_of(api_version: &str, kind: &str) -> Option<Type> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    self::kind(group, version, kind)
        .or_else(|| self::kind("", "v1", kind).filter(|of| of.name().starts_with("io.k8s.apimachinery.")))
}

/// Every built-in resource, in the order of the groups' priority.
pub fn resources() -> &'static [ResourceFacts] {
    &RESOURCES
}

/// The facts of one resource.
pub fn resource(group: &str, version: &str, resource: &str) -> Option<&'static ResourceFacts> {
    RESOURCES.iter().find(|facts| (facts.group, facts.version, facts.resource) == (group, version, resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ListKind, Scalar, Shape, Wire};

    #[test]
    fn every_type_can_be_made() {
        for name in names() {
            let schema = schema(name);
            if let Shape::Object(object) = &schema.shape {
                assert_eq!(object.name, Some(name));
                for field in &object.fields {
                    let _ = &field.schema.shape;
                }
            }
        }
    }

    #[test]
    fn every_field_has_a_number_of_its_own() {
        for name in names() {
            let Shape::Object(object) = &schema(name).shape else { continue };
            let mut taken = std::collections::BTreeSet::new();
            for field in &object.fields {
                if field.number == 0 {
                    assert!(matches!(&*field.name, "kind" | "apiVersion"), "{name}.{} has no number", field.name);
                    continue;
                }
                assert!(taken.insert((field.native.within, field.number)), "{name}.{} shares its number", field.name);
            }
        }
    }

    #[test]
    fn kinds_are_found_by_group_version_and_kind() {
        for (group, version, of, name) in [
            ("", "v1", "Pod", "io.k8s.api.core.v1.Pod"),
            ("apps", "v1", "DeploymentList", "io.k8s.api.apps.v1.DeploymentList"),
            ("", "v1", "DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
        ] {
            assert_eq!(kind(group, version, of).map(Type::name), Some(name));
        }
        assert_eq!(kind("", "v2", "Pod"), None);
    }

    #[test]
    fn a_pods_containers_are_a_map_list_by_name() {
        let containers = schema("io.k8s.api.core.v1.PodSpec").member("containers").unwrap();
        let Shape::List(list) = &containers.shape else { panic!("{containers:?}") };
        assert_eq!(list.kind, ListKind::Map { keys: vec!["name".into()] });
        assert_eq!(list.merge_key.as_deref(), Some("name"));
        assert!(list.patch_merge);
    }

    #[test]
    fn embedded_structs_are_messages_of_their_own() {
        let volume = schema("io.k8s.api.core.v1.Volume").field("configMap").unwrap();
        assert_eq!((volume.native.within, volume.number), (&[2][..], 19));
        let rule = schema("io.k8s.api.admissionregistration.v1.NamedRuleWithOperations").field("apiGroups").unwrap();
        assert_eq!((rule.native.within, rule.number), (&[2, 2][..], 1));
    }

    #[test]
    fn patch_strategies_stand_where_they_apply() {
        let strategy = schema("io.k8s.api.apps.v1.DeploymentSpec").member("strategy").unwrap();
        let Shape::Object(object) = &strategy.shape else { panic!("{strategy:?}") };
        assert!(object.retain_keys && !object.replace);
        let volumes = schema("io.k8s.api.core.v1.PodSpec").member("volumes").unwrap();
        let Shape::Object(volume) = &volumes.items().unwrap().shape else { panic!("{volumes:?}") };
        assert!(volume.retain_keys);
        let selector = schema("io.k8s.api.policy.v1.PodDisruptionBudgetSpec").member("selector").unwrap();
        let Shape::Object(object) = &selector.shape else { panic!("{selector:?}") };
        assert!(object.replace);
    }

    #[test]
    fn special_types_keep_their_forms() {
        let container = schema("io.k8s.api.core.v1.ResourceRequirements").field("limits").unwrap();
        assert_eq!(container.wire, Wire::Quantity);
        let Shape::Object(map) = &container.schema.shape else { panic!() };
        assert!(matches!(map.values.as_deref().map(|s| &s.shape), Some(Shape::Scalar(Scalar::Quantity))));
        let data = schema("io.k8s.api.core.v1.Secret").field("data").unwrap();
        assert_eq!(data.wire, Wire::Bytes);
    }

    #[test]
    fn every_resource_has_its_type_and_columns() {
        assert_eq!(resources().len(), 68);
        for facts in resources() {
            assert_eq!(kind(facts.group, facts.version, facts.kind), Some(facts.of));
        }
        let pods = resource("", "v1", "pods").unwrap();
        assert_eq!(pods.short_names, ["po"]);
        assert_eq!(pods.columns[1].name, "Ready");
        assert!(pods.selectable.contains(&"spec.host"));
    }
}
