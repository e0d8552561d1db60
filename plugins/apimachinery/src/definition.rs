//! What a resource is, as data (DESIGN D10). Built-ins are listed in `plugins/core`, custom
//! resources are made from their CRD; the engine in `rest` serves both from this alone.

use crate::schema::SchemaRef;
use crate::strategy::Strategy;

/// One resource in one version.
#[derive(Clone)]
pub struct Definition {
    pub group: Box<str>,
    pub version: Box<str>,
    /// Plural, in lower case: `configmaps`.
    pub resource: Box<str>,
    pub singular: Box<str>,
    pub kind: Box<str>,
    pub list_kind: Box<str>,
    pub short_names: Vec<Box<str>>,
    pub categories: Vec<Box<str>>,
    pub namespaced: bool,
    /// In discovery's order.
    pub verbs: Vec<Box<str>>,
    pub subresources: Vec<Subresource>,
    pub schema: SchemaRef,
    /// Where the objects are, ending in `/`: `/registry/configmaps/`.
    pub storage_prefix: Box<str>,
    /// `apiVersion` of stored objects, where it is not this version's.
    pub storage_version: Box<str>,
    pub columns: Vec<Column>,
    pub selectable: Vec<Selectable>,
    /// Built-in types stand without `kind` and `apiVersion` in lists; strategic merge patch
    /// and protobuf are theirs alone.
    pub builtin: bool,
    /// What data cannot say.
    pub strategy: &'static dyn Strategy,
    /// `Warning` sent with each request to a deprecated version.
    pub deprecation_warning: Option<Box<str>>,
}

#[derive(Clone)]
pub struct Subresource {
    /// `status`, `scale`, ...
    pub name: Box<str>,
    /// Group, version and kind of what it takes and answers, as discovery shows it.
    pub group: Box<str>,
    pub version: Box<str>,
    pub kind: Box<str>,
    pub verbs: Vec<Box<str>>,
    /// Where a scale reads and writes, as paths of keys.
    pub scale: Option<ScalePaths>,
}

#[derive(Clone, Default)]
pub struct ScalePaths {
    pub spec_replicas: Vec<Box<str>>,
    pub status_replicas: Vec<Box<str>>,
    pub label_selector: Option<Vec<Box<str>>>,
}

/// One column of a table.
#[derive(Clone)]
pub struct Column {
    pub name: Box<str>,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: Box<str>,
    pub format: Box<str>,
    pub description: Box<str>,
    /// 0 is always shown, above only with `-o wide`.
    pub priority: i32,
    pub cell: Cell,
}

#[derive(Clone)]
pub enum Cell {
    /// The value at this JSONPath (custom resources).
    Path(Box<str>),
    /// Computed by `table::cells` for this built-in resource, by the column's position.
    Builtin,
}

#[derive(Clone)]
pub struct Selectable {
    pub name: Box<str>,
    pub path: Vec<Box<str>>,
    /// What an absent field is equal to.
    pub absent: Box<str>,
}

impl Definition {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `configmaps` or `deployments.apps`, as it stands in messages.
    pub fn qualified_resource(&self) -> String {
        if self.group.is_empty() { self.resource.to_string() } else { format!("{}.{}", self.resource, self.group) }
    }

    /// `ConfigMap` or `Deployment.apps`, as it stands in messages about invalid objects.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_string() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// The storage key of an object.
    pub fn key(&self, namespace: &str, name: &str) -> String {
        if self.namespaced {
            format!("{}{}/{}", self.storage_prefix, namespace, name)
        } else {
            format!("{}{}", self.storage_prefix, name)
        }
    }
}
