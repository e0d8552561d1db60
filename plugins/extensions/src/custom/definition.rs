//! From a stored CustomResourceDefinition to the engine's definitions, one for each version.

use std::sync::Arc;

use apimachinery::definition::{Cell, Column, Definition, KnownVersion, ScalePaths, Subresource};
use apimachinery::discovery::order;
use apimachinery::schema::structural::resource_from_openapi;
use apimachinery::schema::{Schema, SchemaRef};
use apimachinery::tree::Value;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::selectable::selectable;
use super::strategy::{CUSTOM, TERMINATING};
use crate::crd::{self, Crd, Scale, Version};

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// Where the objects of a definition are, ending in `/`.
pub(crate) fn storage_prefix(crd: &Crd) -> String {
    format!("/registry/{}/{}/", crd.spec.group, crd.spec.names.plural)
}

/// Those of all served versions, without schemas.
pub(crate) fn for_discovery(crd: &Crd) -> impl Iterator<Item = Definition> {
    crd.served_versions().map(|version| build(crd, version, &Schemas::None))
}

/// Those of all served versions, for the requests of clients; `stored` has the schemas.
pub(crate) fn for_serving(crd: &Crd, stored: &[u8]) -> Result<Vec<Definition>, String> {
    let schemas = Schemas::Shared(shared(crd, &Written::parse(stored)?));
    Ok(crd.served_versions().map(|version| build(crd, version, &schemas)).collect())
}

/// That of one version, if it is served, with the words of its author.
pub(crate) fn for_publishing(stored: &[u8], version: &str) -> Result<Option<Definition>, String> {
    let crd = Crd::parse(stored)?;
    let Some(version) = crd.served_versions().find(|served| served.name == version) else { return Ok(None) };
    let written = Written::parse(stored)?;
    Ok(Some(build(&crd, version, &Schemas::Published(schema(written.openapi(&version.name)).into()))))
}

/// That of the version in which objects are stored, served or not, for those who remove them.
pub(crate) fn stored_definition(stored: &[u8]) -> Result<Definition, String> {
    let crd = Crd::parse(stored)?;
    let version = crd.storage_version().ok_or("a definition without a storage version")?;
    Ok(build(&crd, version, &Schemas::None))
}

/// The schemas of a definition's versions, as far as they are needed: they are large.
enum Schemas {
    None,
    /// Those of all versions, served or not, once for all of their definitions.
    Shared(Arc<[KnownVersion]>),
    /// That of the one version that is built.
    Published(Arc<Schema>),
}

impl Schemas {
    fn of(&self, crd: &Crd, version: &Version) -> SchemaRef {
        match self {
            Self::None => SchemaRef::Inline(Arc::new(schema("null"))),
            Self::Published(schema) => SchemaRef::Inline(schema.clone()),
            Self::Shared(versions) => {
                let at = crd.spec.versions.iter().position(|known| known.name == version.name);
                versions[at.expect("the version is one of the definition's")].schema.clone()
            }
        }
    }

    fn shared(&self) -> Option<&Arc<[KnownVersion]>> {
        match self {
            Self::Shared(versions) => Some(versions),
            Self::None | Self::Published(_) => None,
        }
    }
}

/// All versions in the order of the definition. Most are seldom asked for, so the schema of each is read
/// when somebody does; what its author wrote is needed only where it is published.
fn shared(crd: &Crd, written: &Written<'_>) -> Arc<[KnownVersion]> {
    let versions = crd.spec.versions.iter().map(|version| KnownVersion {
        api_version: format!("{}/{}", crd.spec.group, version.name).into(),
        schema: SchemaRef::later(written.openapi(&version.name), |openapi| Schema { openapi: None, ..schema(openapi) }),
        strategy: &CUSTOM,
        has_status: version.has_status(),
        needs_webhook: crd.is_converted_by_webhook(),
    });
    versions.collect()
}

fn schema(openapi: &str) -> Schema {
    match serde_json::from_str::<Value>(openapi) {
        Ok(openapi) if openapi.is_object() => resource_from_openapi(&openapi),
        _ => Schema { preserve_unknown: true, ..Schema::default() },
    }
}

/// A stored definition, with the schemas as they are written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    spec: WrittenSpec<'a>,
}

#[derive(Deserialize)]
struct WrittenSpec<'a> {
    #[serde(borrow)]
    versions: Vec<WrittenVersion<'a>>,
}

#[derive(Deserialize)]
struct WrittenVersion<'a> {
    name: String,
    #[serde(borrow, default)]
    schema: Option<WrittenSchema<'a>>,
}

#[derive(Deserialize)]
struct WrittenSchema<'a> {
    #[serde(borrow, default, rename = "openAPIV3Schema")]
    openapi: Option<&'a RawValue>,
}

impl<'a> Written<'a> {
    fn parse(stored: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(stored).map_err(|error| error.to_string())
    }

    /// A version's schema, `null` if it has none.
    fn openapi(&self, version: &str) -> &'a str {
        let found = self.spec.versions.iter().find(|candidate| candidate.name == version);
        found.and_then(|version| version.schema.as_ref()?.openapi).map_or("null", RawValue::get)
    }
}

fn build(crd: &Crd, version: &Version, schemas: &Schemas) -> Definition {
    let (spec, names) = (&crd.spec, &crd.status.accepted_names);
    let boxed = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    let storage = crd.storage_version().unwrap_or(version);
    Definition {
        group: spec.group.as_str().into(),
        version: version.name.as_str().into(),
        resource: names.plural.as_str().into(),
        singular: names.singular.as_str().into(),
        kind: names.kind.as_str().into(),
        list_kind: names.list_kind.as_str().into(),
        short_names: boxed(&names.short_names),
        categories: boxed(&names.categories),
        namespaced: crd.is_namespaced(),
        verbs: VERBS.map(Box::from).to_vec(),
        subresources: subresources(crd, version),
        schema: schemas.of(crd, version),
        storage_prefix: storage_prefix(crd).into(),
        storage_version: format!("{}/{}", spec.group, storage.name).into(),
        storage_schema: (schemas.shared().is_some()
            && (storage.name != version.name || crd.status.stored_versions.len() > 1))
            .then(|| schemas.of(crd, storage)),
        versions: schemas.shared().cloned().unwrap_or_default(),
        is_amended: crd.metadata.generation > 1,
        columns: columns(version),
        selectable: selectable(version),
        builtin: false,
        strategy: if crd.is_true(crd::TERMINATING) { &TERMINATING } else { &CUSTOM },
        deprecation_warning: deprecation_warning(crd, version).map(Into::into),
        edition: format!("{}/{}", crd.metadata.uid, crd.metadata.generation).into(),
    }
}

fn subresources(crd: &Crd, version: &Version) -> Vec<Subresource> {
    let verbs = || SUBRESOURCE_VERBS.map(Box::from).to_vec();
    let status = version.has_status().then(|| Subresource {
        name: "status".into(),
        group: crd.spec.group.as_str().into(),
        version: version.name.as_str().into(),
        kind: crd.status.accepted_names.kind.as_str().into(),
        verbs: verbs(),
        scale: None,
    });
    let scale = version.scale().map(|scale| Subresource {
        name: "scale".into(),
        group: "autoscaling".into(),
        version: "v1".into(),
        kind: "Scale".into(),
        verbs: verbs(),
        scale: Some(scale_paths(scale)),
    });
    status.into_iter().chain(scale).collect()
}

fn scale_paths(scale: &Scale) -> ScalePaths {
    let path = |text: &str| text.trim_start_matches('.').split('.').map(Box::from).collect();
    ScalePaths {
        spec_replicas: path(&scale.spec_replicas_path),
        status_replicas: path(&scale.status_replicas_path),
        label_selector: scale.label_selector_path.as_deref().filter(|text| !text.is_empty()).map(path),
    }
}

/// The author's columns behind the name, or the age.
fn columns(version: &Version) -> Vec<Column> {
    const CREATED: &str = "When the server created the object. Set by the server; nobody else can.";
    const NAME: &str = "What the object is called, once in its namespace.";
    let path = |name: &str, kind: &str, format: &str, description: &str, priority: i32, path: &str| Column {
        name: name.into(),
        kind: kind.into(),
        format: format.into(),
        description: description.to_string().into(),
        priority,
        cell: Cell::Path(path.into()),
    };
    let mut columns = vec![path("Name", "string", "name", NAME, 0, ".metadata.name")];
    columns.extend(version.additional_printer_columns.iter().map(|column| {
        let described = match column.description.as_str() {
            "" => format!("Custom resource definition column (in JSONPath format): {}", column.json_path),
            description => description.to_string(),
        };
        path(&column.name, &column.kind, &column.format, &described, column.priority, &column.json_path)
    }));
    if version.additional_printer_columns.is_empty() {
        columns.push(path("Age", "date", "", CREATED, 0, ".metadata.creationTimestamp"));
    }
    columns
}

/// What clients of a deprecated version are told: its author's words, or which version to use.
fn deprecation_warning(crd: &Crd, version: &Version) -> Option<String> {
    if !version.deprecated {
        return None;
    }
    if let Some(warning) = &version.deprecation_warning {
        return Some(warning.clone());
    }
    let (group, kind) = (&crd.spec.group, &crd.spec.names.kind);
    let is_newer = |other: &&Version| order::versions(&other.name, &version.name).is_lt();
    let newer = crd.served_versions().filter(|other| !other.deprecated).filter(is_newer);
    let text = format!("{group}/{} {kind} is deprecated", version.name);
    Some(match newer.min_by(|a, b| order::versions(&a.name, &b.name)) {
        Some(newest) => format!("{text}; use {group}/{} {kind}", newest.name),
        None => text,
    })
}

#[cfg(test)]
mod tests {
    use apimachinery::tree::json;

    use super::*;

    fn gizmos() -> Value {
        json!({"metadata": {"name": "gizmos.example.com"}, "spec": {"group": "example.com", "scope": "Cluster",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [
                {"name": "v1", "served": true, "storage": false, "deprecated": true},
                {"name": "v2", "served": true, "storage": true, "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"}},
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object"}}}},
                    "selectableFields": [{"jsonPath": ".spec.color"}]},
                {"name": "v3", "served": false, "storage": false}]},
            "status": {"acceptedNames": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList",
                "shortNames": ["gz"]}}})
    }

    #[test]
    fn each_served_version_has_a_definition() {
        let stored = gizmos().to_string();
        let made = for_serving(&Crd::parse(stored.as_bytes()).unwrap(), stored.as_bytes()).unwrap();
        let versions: Vec<&str> = made.iter().map(|definition| &*definition.version).collect();
        assert_eq!(versions, ["v1", "v2"]);
        let [v1, v2] = &made[..] else { panic!("two versions") };
        assert_eq!(
            v1.deprecation_warning.as_deref(),
            Some("example.com/v1 Gizmo is deprecated; use example.com/v2 Gizmo")
        );
        assert!(v1.schema.preserve_unknown);
        assert_eq!((&*v1.storage_version, &*v1.storage_prefix), ("example.com/v2", "/registry/example.com/gizmos/"));
        assert!(v2.deprecation_warning.is_none() && v2.schema.field("metadata").is_some());
        let subresources: Vec<&str> = v2.subresources.iter().map(|sub| &*sub.name).collect();
        assert_eq!(subresources, ["status", "scale"]);
        let columns: Vec<&str> = v2.columns.iter().map(|column| &*column.name).collect();
        assert_eq!(columns, ["Name", "Age"]);
        assert_eq!(v2.selectable[0].path, ["spec".into(), "color".into()]);
        assert!(for_publishing(stored.as_bytes(), "v3").unwrap().is_none());
    }

    /// A definition of many versions would fill an instance if each kept what it knows of all others.
    #[test]
    fn what_the_versions_know_of_each_other_is_kept_once() {
        let stored = gizmos().to_string();
        let made = for_serving(&Crd::parse(stored.as_bytes()).unwrap(), stored.as_bytes()).unwrap();
        let [v1, v2] = &made[..] else { panic!("two versions") };
        assert!(Arc::ptr_eq(&v1.versions, &v2.versions));
        let all: Vec<&str> = v1.versions.iter().map(|known| &*known.api_version).collect();
        assert_eq!(all, ["example.com/v1", "example.com/v2", "example.com/v3"]);
        let is_one = |a: &SchemaRef, b: &SchemaRef| std::ptr::eq::<Schema>(&**a, &**b);
        assert!(is_one(&v2.schema, &v1.versions[1].schema));
        assert!(v1.storage_schema.as_ref().is_some_and(|stored| is_one(stored, &v2.schema)));
        assert!(v2.schema.openapi.is_none(), "only who publishes it needs the author's words");
        let published = for_publishing(stored.as_bytes(), "v2").unwrap().expect("it is served");
        assert!(published.schema.openapi.is_some() && published.versions.is_empty());
    }
}
