//! Objects in other forms than the stored one: table rows, partial metadata, other versions.
//! The host asks for them in batches (`objects.render`), by the form that an answer named.

use plugin_sdk::Item;
use serde_json::{Map, Value, json};

use super::pending::table;
use super::registry::served;
use crate::definition::Definition;
use crate::negotiate::MetaVersion;

/// What an item becomes. Written as JSON in the answer that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub group: String,
    pub version: String,
    pub resource: String,
    pub kind: FormKind,
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
    pub fn of(definition: &Definition, kind: FormKind) -> Self {
        Self {
            group: definition.group.to_string(),
            version: definition.version.to_string(),
            resource: definition.resource.to_string(),
            kind,
        }
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
        write!(f, "{form}")
    }
}

/// Answers the host's `objects.render` for the definition that the form names.
pub fn render(definition: &Definition, form: &Form, items: Vec<Item>) -> Result<Vec<Vec<u8>>, String> {
    items
        .into_iter()
        .map(|item| {
            let stored: Value = serde_json::from_slice(&item.object.value)
                .map_err(|error| format!("`{}` is stored as something else: {error}", item.object.key))?;
            serde_json::to_vec(&tree(definition, form.kind, stored)).map_err(|error| error.to_string())
        })
        .collect()
}

/// One stored object in a form.
pub fn tree(definition: &Definition, kind: FormKind, stored: Value) -> Value {
    shape(definition, kind, served(definition, stored))
}

/// One object in the definition's version in a form.
pub fn shape(definition: &Definition, kind: FormKind, object: Value) -> Value {
    match kind {
        FormKind::Whole => object,
        FormKind::Untyped => untyped(object),
        FormKind::Row { version, include } => row(definition, object, version, include),
        FormKind::Partial { version } => partial(object, version),
        FormKind::Table { version, include, columns } => {
            let revision = object["metadata"]["resourceVersion"].clone();
            let columns = if columns { table::column_definitions(definition) } else { Value::Null };
            json!({
                "kind": "Table",
                "apiVersion": version.api_version(),
                "metadata": {"resourceVersion": revision},
                "columnDefinitions": columns,
                "rows": [row(definition, object, version, include)],
            })
        }
    }
}

/// Without `kind` and `apiVersion`.
pub fn untyped(mut object: Value) -> Value {
    if let Value::Object(map) = &mut object {
        map.shift_remove("kind");
        map.shift_remove("apiVersion");
    }
    object
}

fn partial(mut object: Value, version: MetaVersion) -> Value {
    let mut out = Map::new();
    out.insert("kind".into(), "PartialObjectMetadata".into());
    out.insert("apiVersion".into(), version.api_version().into());
    out.insert("metadata".into(), object["metadata"].take());
    Value::Object(out)
}

fn row(definition: &Definition, object: Value, version: MetaVersion, include: Include) -> Value {
    let cells = table::cells(definition, &object);
    let object = match include {
        Include::None => Value::Null,
        Include::Metadata => partial(object, version),
        Include::Object => object,
    };
    json!({"cells": cells, "object": object})
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let form = Form { group: "apps".into(), version: "v1".into(), resource: "deployments".into(), kind };
            assert_eq!(Form::parse(&form.to_string()), Ok(form));
        }
        assert!(Form::parse("nonsense").is_err());
    }
}
