//! What a resource is, as data. Built-ins are listed in `plugins/core`, custom
//! resources are made from their CRD; the engine in `rest` serves both from this alone.

use std::borrow::Cow;
use std::sync::Arc;

use crate::schema::builtin::{self, ResourceFacts};
use crate::schema::{Schema, SchemaRef};
use crate::strategy::{Plain, Strategy};

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
    /// `apiVersion` of stored objects.
    pub storage_version: Box<str>,
    /// The schema of that version, where a custom resource is served in another one or may be stored
    /// in several: an object has what both know.
    pub storage_schema: Option<SchemaRef>,
    /// All versions of the resource, this one included, shared by their definitions: who owns a field may
    /// have written in any of them. Empty where this one is alone.
    pub versions: Arc<[KnownVersion]>,
    /// Whether there may be objects that were stored under another schema than today's.
    pub is_amended: bool,
    pub columns: Vec<Column>,
    pub selectable: Vec<Selectable>,
    /// Built-in types stand without `kind` and `apiVersion` in lists; strategic merge patch
    /// and protobuf are theirs alone.
    pub builtin: bool,
    /// What data cannot say.
    pub strategy: &'static dyn Strategy,
    /// `Warning` sent with each request to a deprecated version.
    pub deprecation_warning: Option<Box<str>>,
    /// Changes whenever the definition does: uid and generation of a custom resource's; empty
    /// for what is built in.
    pub edition: Box<str>,
}

/// A version of a resource, as the others know it.
pub struct KnownVersion {
    pub api_version: Box<str>,
    pub schema: SchemaRef,
    pub strategy: &'static dyn Strategy,
    /// Whether its status is written apart from the rest, and so the rest apart from it.
    pub has_status: bool,
    /// Whether only a webhook could make objects of the other versions of those in this one.
    pub needs_webhook: bool,
}

/// Why an object of this type cannot be shown in another version.
pub fn no_webhooks(api_version: &str, kind: &str) -> String {
    format!("conversion webhook for {api_version}, Kind={kind} failed: this server calls no conversion webhooks")
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
    /// Of built-in types a part of the plugin: nothing is allocated for it.
    pub description: Cow<'static, str>,
    /// 0 is always shown, above only with `-o wide`.
    pub priority: i32,
    pub cell: Cell,
}

#[derive(Clone)]
pub enum Cell {
    /// The value at this JSONPath (custom resources).
    Path(Box<str>),
    /// The same, which is a number where there is none.
    Number(Box<str>),
    /// Computed by `table::cells` for this built-in resource, by the column's position.
    Builtin,
}

#[derive(Clone)]
pub struct Selectable {
    pub name: Box<str>,
    /// Where it is in the stored object.
    pub path: Vec<Box<str>>,
    /// What an absent field is equal to.
    pub absent: Box<str>,
}

impl Definition {
    /// A built-in resource, by what the tables in `data/` say of it.
    ///
    /// # Panics
    /// If there is no such resource: the callers name constants.
    pub fn builtin(group: &str, version: &str, resource: &str, strategy: &'static dyn Strategy) -> Self {
        match builtin::resource(group, version, resource) {
            Some(facts) => Self::from_facts(facts, strategy),
            None => panic!("`{resource}` is not a built-in resource of `{group}/{version}`"),
        }
    }

    /// A built-in resource.
    pub fn from_facts(facts: &ResourceFacts, strategy: &'static dyn Strategy) -> Self {
        let boxed = |texts: &[&str]| texts.iter().map(|text| Box::from(*text)).collect();
        let api_version = match facts.group {
            "" => facts.version.to_string(),
            group => format!("{group}/{}", facts.version),
        };
        // Two versions, or two groups, may share the objects of one.
        let storage_version = match (facts.resource, facts.group) {
            ("horizontalpodautoscalers", _) => "autoscaling/v2".into(),
            ("events", _) => "v1".into(),
            _ => api_version.into(),
        };
        Self {
            group: facts.group.into(),
            version: facts.version.into(),
            resource: facts.resource.into(),
            singular: facts.singular.into(),
            kind: facts.kind.into(),
            list_kind: format!("{}List", facts.kind).into(),
            short_names: boxed(facts.short_names),
            categories: boxed(facts.categories),
            namespaced: facts.namespaced,
            verbs: boxed(facts.verbs),
            subresources: facts
                .subresources
                .iter()
                .map(|facts| Subresource::builtin(facts, boxed(facts.verbs)))
                .collect(),
            schema: SchemaRef::Builtin(facts.of),
            storage_prefix: storage_prefix(facts).into(),
            storage_version,
            storage_schema: None,
            versions: Arc::default(),
            is_amended: false,
            columns: facts
                .columns
                .iter()
                .map(|column| Column {
                    name: column.name.into(),
                    kind: column.kind.into(),
                    format: column.format.into(),
                    description: column.description.into(),
                    priority: column.priority,
                    cell: Cell::Builtin,
                })
                .collect(),
            selectable: facts.selectable.iter().flat_map(|name| Selectable::builtin(name)).collect(),
            builtin: true,
            strategy,
            deprecation_warning: None,
            edition: Box::default(),
        }
    }

    /// Of objects that are only shown: what their rows and other forms need.
    pub fn of_rows(group: &str, version: &str, resource: &str, columns: Vec<Column>) -> Self {
        Self {
            group: group.into(),
            version: version.into(),
            resource: resource.into(),
            singular: Box::default(),
            kind: Box::default(),
            list_kind: Box::default(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: false,
            verbs: Vec::new(),
            subresources: Vec::new(),
            schema: SchemaRef::Inline(Arc::default()),
            storage_prefix: Box::default(),
            storage_version: Box::default(),
            storage_schema: None,
            versions: Arc::default(),
            is_amended: false,
            columns,
            selectable: Vec::new(),
            builtin: false,
            strategy: &Plain,
            deprecation_warning: None,
            edition: Box::default(),
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What objects have where they are stored, be it in another version or, of what is built in, in another group.
    ///
    /// # Panics
    /// If a built-in resource is stored as what is none.
    pub(crate) fn stored_schema(&self) -> &Schema {
        match &self.storage_schema {
            Some(schema) => schema,
            None if !self.builtin || *self.storage_version == self.api_version() => &self.schema,
            None => {
                let (group, version) = self.storage_version.split_once('/').unwrap_or(("", &*self.storage_version));
                let facts = builtin::resource(group, version, &self.resource);
                facts.unwrap_or_else(|| panic!("`{}` has no `{}`", self.storage_version, self.resource)).of.schema()
            }
        }
    }

    /// A version of this resource, if it has it.
    pub(crate) fn known_version(&self, api_version: &str) -> Option<&KnownVersion> {
        self.versions.iter().find(|known| *known.api_version == *api_version)
    }

    /// The rules of a version.
    pub(crate) fn strategy_of(&self, api_version: &str) -> &'static dyn Strategy {
        if self.api_version() == api_version {
            return self.strategy;
        }
        self.known_version(api_version).map_or(self.strategy, |known| known.strategy)
    }

    /// Whether objects are stored as they are served.
    pub fn stored_as_served(&self) -> bool {
        *self.storage_version == self.api_version() && !self.strategy.converts()
    }

    /// A subresource by its name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|subresource| &*subresource.name == name)
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

impl Subresource {
    fn builtin(facts: &builtin::SubresourceFacts, verbs: Vec<Box<str>>) -> Self {
        let path = |text: &str| text.split('.').map(Box::from).collect();
        let scale = (facts.name == "scale").then(|| ScalePaths {
            spec_replicas: path("spec.replicas"),
            status_replicas: path("status.replicas"),
            // A built-in's selector is an object: `rest::scale` writes it as text.
            label_selector: Some(path("spec.selector")),
        });
        Self {
            name: facts.name.into(),
            group: facts.group.into(),
            version: facts.version.into(),
            kind: facts.kind.into(),
            verbs,
            scale,
        }
    }
}

impl Selectable {
    /// A built-in field: its name is its path, but for the names that are older or newer than
    /// the stored shape. An event's source is whoever reports it, where the old field names nobody.
    fn builtin(name: &str) -> Vec<Self> {
        let paths = match name {
            "spec.host" => vec!["spec.nodeName".to_string()],
            "source" => vec!["source.component".to_string(), "reportingComponent".to_string()],
            "status.successful" => vec!["status.succeeded".to_string()],
            "reportingController" => vec!["reportingComponent".to_string()],
            _ => match name.strip_prefix("regarding.") {
                Some(rest) => vec![format!("involvedObject.{rest}")],
                None => vec![name.to_string()],
            },
        };
        let absent = match name {
            "spec.unschedulable" | "spec.hostNetwork" => "false",
            "status.replicas" | "status.successful" => "0",
            _ => "",
        };
        let at = |path: &String| path.split('.').map(Box::from).collect();
        paths.iter().map(|path| Self { name: name.into(), path: at(path), absent: absent.into() }).collect()
    }
}

/// kube-apiserver's layout, so that tools which read etcd find what they know.
fn storage_prefix(facts: &ResourceFacts) -> String {
    let place = match (facts.group, facts.resource) {
        ("", "services") => "services/specs",
        ("", "endpoints") => "services/endpoints",
        ("", "nodes") => "minions",
        ("", "replicationcontrollers") => "controllers",
        ("networking.k8s.io", "ingresses") => "ingress",
        (group @ ("apiextensions.k8s.io" | "apiregistration.k8s.io"), resource) => {
            return format!("/registry/{group}/{resource}/");
        }
        (_, resource) => resource,
    };
    format!("/registry/{place}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_where_kube_apiserver_keeps_them() {
        for (group, version, resource, key) in [
            ("", "v1", "configmaps", "/registry/configmaps/ns/a"),
            ("", "v1", "nodes", "/registry/minions/a"),
            ("", "v1", "services", "/registry/services/specs/ns/a"),
            ("apps", "v1", "deployments", "/registry/deployments/ns/a"),
            ("apiregistration.k8s.io", "v1", "apiservices", "/registry/apiregistration.k8s.io/apiservices/a"),
        ] {
            assert_eq!(Definition::builtin(group, version, resource, &Plain).key("ns", "a"), key);
        }
    }

    #[test]
    fn one_object_is_stored_for_two_versions() {
        let events = Definition::builtin("events.k8s.io", "v1", "events", &Plain);
        assert!(!events.stored_as_served());
        let path = &events.selectable.iter().find(|field| &*field.name == "regarding.kind").unwrap().path;
        assert_eq!(path.join("."), "involvedObject.kind");
        let events = Definition::builtin("", "v1", "events", &Plain);
        assert!(events.stored_as_served());
        let sources: Vec<String> = events
            .selectable
            .iter()
            .filter(|field| &*field.name == "source")
            .map(|field| field.path.join("."))
            .collect();
        assert_eq!(sources, ["source.component", "reportingComponent"]);
    }
}
