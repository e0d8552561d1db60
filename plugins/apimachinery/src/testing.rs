//! What the crate's unit tests share.

use std::sync::Arc;

use crate::definition::Definition;
use crate::schema::{Schema, SchemaRef};
use crate::strategy::Plain;

/// A namespaced built-in resource without a schema of its own.
pub(crate) fn definition(group: &str, version: &str, resource: &str, kind: &str) -> Definition {
    Definition {
        group: group.into(),
        version: version.into(),
        resource: resource.into(),
        singular: kind.to_lowercase().into(),
        kind: kind.into(),
        list_kind: format!("{kind}List").into(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: Vec::new(),
        subresources: Vec::new(),
        schema: SchemaRef::Inline(Schema::default().into()),
        storage_prefix: format!("/registry/{resource}/").into(),
        storage_version: version.into(),
        storage_schema: None,
        versions: Arc::default(),
        is_amended: false,
        columns: Vec::new(),
        selectable: Vec::new(),
        builtin: true,
        strategy: &Plain,
        deprecation_warning: None,
        edition: Box::default(),
    }
}
