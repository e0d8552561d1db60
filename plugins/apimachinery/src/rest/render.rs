//! Objects in other forms than the stored one: table rows, partial metadata, other versions.
//! The host asks for them in batches (`objects.render`), by the form that an answer named.

use std::sync::Arc;

use plugin_sdk::Item;

use super::object::metadata_mut;
use super::registry::served;
use crate::codec::json::decode_stored;
use crate::definition::{Cell, Column, Definition};
use crate::encode::encode_item;
use crate::negotiate::{Encoding, MetaVersion};
use crate::schema::{SchemaRef, builtin, structural, written};
use crate::table;
use crate::tree::{Map, Value, json};

/// What an item becomes. Told to the host as JSON, with the answer that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub group: String,
    pub version: String,
    pub resource: String,
    pub kind: FormKind,
    pub encoding: Encoding,
    /// What a custom resource's form needs of its definition, which whoever renders it need
    /// not have.
    pub custom: Option<Custom>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    pub storage_version: String,
    /// As in [`Column`]: name, kind, format, path, description, priority.
    columns: Value,
    /// What the version knows of an object, if that is stored in another one; else null.
    known: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// The whole object in this version.
    Whole,
    /// As `Whole`, as built-in types stand in lists: without `kind` and `apiVersion`.
    Untyped,
    /// A row of a table.
    Row { version: MetaVersion, include: Include },
    /// A table of one row, for watches; with its columns in the first event.
    Table { version: MetaVersion, include: Include, columns: bool },
    /// `PartialObjectMetadata`.
    Partial { version: MetaVersion },
}

/// What stands beside the cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Include {
    None,
    #[default]
    Metadata,
    Object,
}

impl Include {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "Metadata" => Some(Self::Metadata),
            "None" => Some(Self::None),
            "Object" => Some(Self::Object),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Object => "Object",
        }
    }
}

impl Form {
    /// In JSON.
    pub fn of(definition: &Definition, kind: FormKind) -> Self {
        Self {
            group: definition.group.to_string(),
            version: definition.version.to_string(),
            resource: definition.resource.to_string(),
            kind,
            encoding: Encoding::Json,
            custom: (!definition.builtin).then(|| Custom::of(definition, kind)),
        }
    }

    /// The definition of a custom resource, as far as forms need it.
    pub fn custom_definition(&self) -> Option<Definition> {
        let custom = self.custom.as_ref()?;
        let converted = custom.known.is_object();
        Some(Definition {
            storage_version: custom.storage_version.as_str().into(),
            schema: SchemaRef::Inline(Arc::new(structural::resource_from_openapi(&custom.known))),
            // The host has seen to the defaults.
            storage_schema: converted.then(|| SchemaRef::Inline(Arc::default())),
            ..Definition::of_rows(&self.group, &self.version, &self.resource, custom.columns())
        })
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("`{text}` is not a form of this server");
        let form: Value = serde_json::from_str(text).map_err(|_| unknown())?;
        let field = |name: &str| form[name].as_str().unwrap_or_default();
        let version = match field("meta") {
            "v1beta1" => MetaVersion::V1Beta1,
            _ => MetaVersion::V1,
        };
        let include = Include::parse(field("include")).ok_or_else(unknown)?;
        let kind = match field("as") {
            "whole" => FormKind::Whole,
            "untyped" => FormKind::Untyped,
            "row" => FormKind::Row { version, include },
            "table" => FormKind::Table { version, include, columns: false },
            "table-with-columns" => FormKind::Table { version, include, columns: true },
            "partial" => FormKind::Partial { version },
            _ => return Err(unknown()),
        };
        Ok(Self {
            group: field("group").to_string(),
            version: field("version").to_string(),
            resource: field("resource").to_string(),
            kind,
            encoding: if field("in") == "protobuf" { Encoding::Protobuf } else { Encoding::Json },
            custom: form.get("custom").map(|custom| Custom {
                storage_version: custom["storage"].as_str().unwrap_or_default().to_string(),
                columns: custom["columns"].clone(),
                known: custom["known"].clone(),
            }),
        })
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, version, include) = match self.kind {
            FormKind::Whole => ("whole", None, None),
            FormKind::Untyped => ("untyped", None, None),
            FormKind::Row { version, include } => ("row", Some(version), Some(include)),
            FormKind::Table { version, include, columns: false } => ("table", Some(version), Some(include)),
            FormKind::Table { version, include, columns: true } => ("table-with-columns", Some(version), Some(include)),
            FormKind::Partial { version } => ("partial", Some(version), None),
        };
        let mut form = json!({"group": self.group, "version": self.version, "resource": self.resource, "as": name});
        if version == Some(MetaVersion::V1Beta1) {
            form["meta"] = "v1beta1".into();
        }
        if let Some(include) = include {
            form["include"] = include.name().into();
        }
        if self.encoding == Encoding::Protobuf {
            form["in"] = "protobuf".into();
        }
        if let Some(custom) = &self.custom {
            form["custom"] = json!({"storage": custom.storage_version, "columns": custom.columns});
            if custom.known.is_object() {
                form["custom"]["known"] = custom.known.clone();
            }
        }
        write!(f, "{form}")
    }
}

impl Custom {
    fn of(definition: &Definition, kind: FormKind) -> Self {
        let columns = definition.columns.iter().map(|column| {
            let Cell::Path(path) = &column.cell else { return Value::Null };
            json!([column.name, column.kind, column.format, path, column.description, column.priority])
        });
        let columns = match kind {
            FormKind::Row { .. } | FormKind::Table { .. } => columns.collect(),
            FormKind::Whole | FormKind::Untyped | FormKind::Partial { .. } => Value::Null,
        };
        let known = match (&definition.storage_schema, kind) {
            (Some(_), FormKind::Whole | FormKind::Untyped | FormKind::Row { .. } | FormKind::Table { .. }) => {
                structural::skeleton(&definition.schema)
            }
            _ => Value::Null,
        };
        Self { storage_version: definition.storage_version.to_string(), columns, known }
    }

    fn columns(&self) -> Vec<Column> {
        let text = |column: &Value, at: usize| Box::from(column[at].as_str().unwrap_or_default());
        let columns = self.columns.as_array().into_iter().flatten();
        columns
            .map(|column| Column {
                name: text(column, 0),
                kind: text(column, 1),
                format: text(column, 2),
                cell: Cell::Path(text(column, 3)),
                description: text(column, 4).into_string().into(),
                priority: column[5].as_i64().and_then(|priority| i32::try_from(priority).ok()).unwrap_or_default(),
            })
            .collect()
    }
}

/// Answers the host's `objects.render` for the definition that the form names.
pub fn render(definition: &Definition, form: &Form, items: Vec<Item>) -> Result<Vec<Vec<u8>>, String> {
    items
        .into_iter()
        .map(|item| {
            let stored = decode_stored(&item.object.value, &definition.schema)
                .map_err(|error| format!("`{}` is stored as something else: {error}", item.object.key))?;
            // What is not stored is a bookmark, in the version and, but for tables, in the form that is asked for.
            let shown = match form.kind {
                _ if !item.object.key.is_empty() => tree(definition, form.kind, stored),
                // That the initial events are over is told also to who wants no objects.
                FormKind::Table { version, include: Include::None, columns }
                    if stored["metadata"].get("annotations").is_some() =>
                {
                    shape(definition, FormKind::Table { version, include: Include::Metadata, columns }, stored)
                }
                FormKind::Row { .. } | FormKind::Table { .. } => shape(definition, form.kind, stored),
                FormKind::Whole | FormKind::Untyped | FormKind::Partial { .. } => stored,
            };
            Ok(encode_item(&shown, form.encoding))
        })
        .collect()
}

/// One stored object in a form.
pub fn tree(definition: &Definition, kind: FormKind, stored: Value) -> Value {
    let include = match kind {
        FormKind::Row { include, .. } | FormKind::Table { include, .. } => include,
        FormKind::Partial { .. } => Include::Metadata,
        FormKind::Whole | FormKind::Untyped => return shape(definition, kind, served(definition, stored)),
    };
    if !is_printed_as_stored(definition) {
        return shape(definition, kind, served(definition, stored));
    }
    let object = if include == Include::Object { served(definition, stored.clone()) } else { stored.clone() };
    shape_printed(definition, kind, object, Some(&stored))
}

/// Upstream prints its internal type, whatever version is asked for. That is the stored one, but for
/// objects that two groups show as their own.
fn is_printed_as_stored(definition: &Definition) -> bool {
    let group = definition.storage_version.split_once('/').map_or("", |(group, _)| group);
    definition.builtin && !definition.stored_as_served() && group == &*definition.group
}

/// One object in the definition's version in a form.
pub fn shape(definition: &Definition, kind: FormKind, object: Value) -> Value {
    shape_printed(definition, kind, object, None)
}

/// As [`shape`], with rows of what is printed in the object's place.
fn shape_printed(definition: &Definition, kind: FormKind, object: Value, printed: Option<&Value>) -> Value {
    match kind {
        FormKind::Whole => object,
        FormKind::Untyped => untyped(object),
        FormKind::Row { version, include } => row(definition, object, printed, version, include),
        FormKind::Partial { version } => partial(definition, object, version),
        FormKind::Table { version, include, columns } => {
            let revision = object["metadata"].get("resourceVersion").cloned();
            let metadata: Map =
                revision.map(|revision| ("resourceVersion".to_string(), revision)).into_iter().collect();
            let columns = if columns { table::column_definitions(definition) } else { Value::Null };
            json!({
                "kind": "Table",
                "apiVersion": version.api_version(),
                "metadata": metadata,
                "columnDefinitions": columns,
                "rows": [row(definition, object, printed, version, include)],
            })
        }
    }
}

/// Without `kind` and `apiVersion`.
pub fn untyped(mut object: Value) -> Value {
    if let Value::Object(map) = &mut object {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}

fn partial(definition: &Definition, mut object: Value, version: MetaVersion) -> Value {
    for folded in definition.strategy.folded_annotations() {
        if let Some(Value::Object(annotations)) = object["metadata"].get_mut("annotations") {
            annotations.remove(folded);
            if annotations.is_empty() {
                metadata_mut(&mut object).remove("annotations");
            }
        }
    }
    let mut out = Map::new();
    out.insert("kind", "PartialObjectMetadata".into());
    out.insert("apiVersion", version.api_version().into());
    let mut metadata = object["metadata"].take();
    if !definition.builtin {
        // Metadata has a struct again.
        written::arrange(builtin::schema("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"), &mut metadata);
    }
    out.insert("metadata", metadata);
    Value::Object(out)
}

fn row(
    definition: &Definition,
    object: Value,
    printed: Option<&Value>,
    version: MetaVersion,
    include: Include,
) -> Value {
    let printed = printed.unwrap_or(&object);
    let (cells, conditions) = (table::cells(definition, printed), table::conditions(definition, printed));
    let object = match include {
        Include::None => Value::Null,
        Include::Metadata => partial(definition, object, version),
        Include::Object => object,
    };
    match conditions {
        Some(conditions) => json!({"cells": cells, "conditions": conditions, "object": object}),
        None => json!({"cells": cells, "object": object}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::Plain;

    #[test]
    fn a_form_is_read_as_it_was_written() {
        use FormKind::{Partial, Row, Table, Untyped, Whole};
        let (version, include) = (MetaVersion::V1Beta1, Include::Object);
        for kind in [
            Whole,
            Untyped,
            Row { version, include },
            Table { version: MetaVersion::V1, include: Include::None, columns: true },
            Partial { version },
        ] {
            for encoding in [Encoding::Json, Encoding::Protobuf] {
                let (group, version, resource) = ("apps".into(), "v1".into(), "deployments".into());
                let form = Form { group, version, resource, kind, encoding, custom: None };
                assert_eq!(Form::parse(&form.to_string()), Ok(form));
            }
        }
        assert!(Form::parse("nonsense").is_err());
    }

    #[test]
    fn a_custom_resources_form_carries_its_definition() {
        let mut definition = Definition::builtin("", "v1", "configmaps", &Plain);
        definition.builtin = false;
        definition.storage_version = "v2".into();
        definition.columns = vec![Column {
            name: "Size".into(),
            kind: "integer".into(),
            format: "".into(),
            description: "How big.".into(),
            priority: 1,
            cell: Cell::Path(".spec.size".into()),
        }];
        let kind = FormKind::Row { version: MetaVersion::V1, include: Include::None };
        let form = Form::parse(&Form::of(&definition, kind).to_string()).expect("a form");
        let made = form.custom_definition().expect("a custom resource");
        assert_eq!((&*made.storage_version, made.columns[0].priority), ("v2", 1));
        assert!(matches!(&made.columns[0].cell, Cell::Path(path) if &**path == ".spec.size"));
    }
}
