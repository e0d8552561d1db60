//! From a stored CustomResourceDefinition to the engine's definitions, one for each version.

use std::sync::Arc;

use apimachinery::definition::{Cell, Column, Definition, OtherVersion, ScalePaths, Subresource};
use apimachinery::discovery::order;
use apimachinery::schema::structural::resource_from_openapi;
use apimachinery::schema::{Schema, SchemaRef};
use apimachinery::tree::Value;

use super::selectable::selectable;
use super::strategy::{CUSTOM, TERMINATING};
use crate::crd::{self, Crd, Scale, Version};

/// What a definition is made for: schemas are large, so they are read only where they are
/// needed, and kept in the words of their author only where they are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Discovery,
    Serving,
    Publishing,
}

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// Where the objects of a definition are, ending in `/`.
pub(crate) fn storage_prefix(crd: &Crd) -> String {
    format!("/registry/{}/{}/", crd.spec.group, crd.spec.names.plural)
}

/// Those of all served versions.
pub(crate) fn definitions(stored: &[u8], purpose: Purpose) -> Result<Vec<Definition>, String> {
    let crd = Crd::parse(stored)?;
    let schemas = Schemas::read(stored, purpose)?;
    Ok(crd.served_versions().map(|version| build(&crd, version, &schemas, purpose)).collect())
}

/// That of one version, if it is served.
pub(crate) fn definition(stored: &[u8], version: &str, purpose: Purpose) -> Result<Option<Definition>, String> {
    let crd = Crd::parse(stored)?;
    let schemas = Schemas::read(stored, purpose)?;
    let version = crd.served_versions().find(|served| served.name == version);
    Ok(version.map(|version| build(&crd, version, &schemas, purpose)))
}

/// That of the version in which objects are stored, served or not, for those who remove them.
pub(crate) fn stored_definition(stored: &[u8]) -> Result<Definition, String> {
    let crd = Crd::parse(stored)?;
    let version = crd.storage_version().ok_or("a definition without a storage version")?;
    Ok(build(&crd, version, &Schemas(Value::Null), Purpose::Discovery))
}

/// The definition's tree, if its schemas are needed.
struct Schemas(Value);

impl Schemas {
    fn read(stored: &[u8], purpose: Purpose) -> Result<Self, String> {
        match purpose {
            Purpose::Discovery => Ok(Self(Value::Null)),
            _ => serde_json::from_slice(stored).map(Self).map_err(|error| error.to_string()),
        }
    }

    fn of(&self, version: &str, purpose: Purpose) -> Schema {
        let mut schema = schema(self.openapi(version));
        if purpose == Purpose::Serving {
            schema.openapi = None;
        }
        schema
    }

    /// As its author wrote it; null if he did not.
    fn openapi(&self, version: &str) -> &Value {
        const NONE: &Value = &Value::Null;
        let versions = self.0["spec"]["versions"].as_array().into_iter().flatten();
        let found = versions.into_iter().find(|candidate| candidate["name"] == version);
        found.map_or(NONE, |version| &version["schema"]["openAPIV3Schema"])
    }
}

fn schema(openapi: &Value) -> Schema {
    match openapi.is_object() {
        true => resource_from_openapi(openapi),
        false => Schema { preserve_unknown: true, ..Schema::default() },
    }
}

fn build(crd: &Crd, version: &Version, schemas: &Schemas, purpose: Purpose) -> Definition {
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
        schema: SchemaRef::Inline(Arc::new(schemas.of(&version.name, purpose))),
        storage_prefix: storage_prefix(crd).into(),
        storage_version: format!("{}/{}", spec.group, storage.name).into(),
        storage_schema: (purpose == Purpose::Serving
            && (storage.name != version.name || crd.status.stored_versions.len() > 1))
            .then(|| SchemaRef::Inline(Arc::new(schemas.of(&storage.name, purpose)))),
        others: if purpose == Purpose::Serving { others(crd, version, schemas) } else { Vec::new() },
        is_amended: crd.metadata.generation > 1,
        columns: columns(version),
        selectable: selectable(version),
        builtin: false,
        strategy: if crd.is_true(crd::TERMINATING) { &TERMINATING } else { &CUSTOM },
        deprecation_warning: deprecation_warning(crd, version).map(Into::into),
        edition: format!("{}/{}", crd.metadata.uid, crd.metadata.generation).into(),
    }
}

/// The versions beside this one, served or not. Schemas are needed only where somebody has written in
/// them, so they are read then.
fn others(crd: &Crd, version: &Version, schemas: &Schemas) -> Vec<OtherVersion> {
    let others = crd.spec.versions.iter().filter(|other| other.name != version.name);
    let others = others.map(|other| OtherVersion {
        api_version: format!("{}/{}", crd.spec.group, other.name).into(),
        schema: SchemaRef::later(schemas.openapi(&other.name).to_string(), |written| {
            schema(&serde_json::from_str(written).unwrap_or_default())
        }),
        strategy: &CUSTOM,
    });
    others.collect()
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
        description: description.into(),
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
        let made = definitions(stored.as_bytes(), Purpose::Serving).unwrap();
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
        assert!(definition(stored.as_bytes(), "v3", Purpose::Serving).unwrap().is_none());
    }
}
