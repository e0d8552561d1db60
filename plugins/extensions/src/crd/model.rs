//! A CustomResourceDefinition, read without its schemas.

use apimachinery::tree::Value;
use serde::{Deserialize, Deserializer};

/// What controllers, discovery and validation need to know of a definition. Fields that are
/// not set, or null, have their zero values.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Crd {
    #[serde(deserialize_with = "zero_if_null")]
    pub metadata: Metadata,
    #[serde(deserialize_with = "zero_if_null")]
    pub spec: Spec,
    #[serde(deserialize_with = "zero_if_null")]
    pub status: Status,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    #[serde(deserialize_with = "zero_if_null")]
    pub name: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub uid: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub generation: i64,
    #[serde(deserialize_with = "zero_if_null")]
    pub deletion_timestamp: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub finalizers: Vec<String>,
    #[serde(deserialize_with = "zero_if_null")]
    pub annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Spec {
    #[serde(deserialize_with = "zero_if_null")]
    pub group: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub scope: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub names: Names,
    #[serde(deserialize_with = "zero_if_null")]
    pub versions: Vec<Version>,
    pub conversion: Option<Conversion>,
    #[serde(deserialize_with = "zero_if_null")]
    pub preserve_unknown_fields: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Names {
    #[serde(deserialize_with = "zero_if_null")]
    pub plural: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub singular: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub short_names: Vec<String>,
    #[serde(deserialize_with = "zero_if_null")]
    pub kind: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub list_kind: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub categories: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Version {
    #[serde(deserialize_with = "zero_if_null")]
    pub name: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub served: bool,
    #[serde(deserialize_with = "zero_if_null")]
    pub storage: bool,
    #[serde(deserialize_with = "zero_if_null")]
    pub deprecated: bool,
    pub deprecation_warning: Option<String>,
    pub subresources: Option<Subresources>,
    #[serde(deserialize_with = "zero_if_null")]
    pub additional_printer_columns: Vec<Column>,
    #[serde(deserialize_with = "zero_if_null")]
    pub selectable_fields: Vec<SelectableField>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Subresources {
    pub status: Option<Value>,
    pub scale: Option<Scale>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Scale {
    #[serde(deserialize_with = "zero_if_null")]
    pub spec_replicas_path: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub status_replicas_path: String,
    pub label_selector_path: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Column {
    #[serde(deserialize_with = "zero_if_null")]
    pub name: String,
    #[serde(rename = "type", deserialize_with = "zero_if_null")]
    pub kind: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub format: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub description: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub priority: i32,
    #[serde(deserialize_with = "zero_if_null")]
    pub json_path: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SelectableField {
    #[serde(deserialize_with = "zero_if_null")]
    pub json_path: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Conversion {
    #[serde(deserialize_with = "zero_if_null")]
    pub strategy: String,
    pub webhook: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Status {
    #[serde(deserialize_with = "zero_if_null")]
    pub accepted_names: Names,
    #[serde(deserialize_with = "zero_if_null")]
    pub conditions: Vec<Condition>,
    #[serde(deserialize_with = "zero_if_null")]
    pub stored_versions: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "type", deserialize_with = "zero_if_null")]
    pub kind: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub status: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub reason: String,
    #[serde(deserialize_with = "zero_if_null")]
    pub message: String,
}

fn zero_if_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl Crd {
    /// Reads a stored definition.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("a stored definition cannot be read: {error}"))
    }

    /// Reads a definition's tree. What does not have the form of one is as if it was not set:
    /// the engine refuses it for its type.
    pub(crate) fn of(value: &Value) -> Self {
        value.typed().unwrap_or_default()
    }

    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == kind)
    }

    pub(crate) fn is_true(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|condition| condition.status == "True")
    }

    pub(crate) fn is_deleting(&self) -> bool {
        !self.metadata.deletion_timestamp.is_empty()
    }

    /// Whether requests for its resource are answered.
    pub(crate) fn is_served(&self) -> bool {
        self.is_true(super::ESTABLISHED) || self.is_true(super::NAMES_ACCEPTED)
    }

    pub(crate) fn served_versions(&self) -> impl Iterator<Item = &Version> {
        self.spec.versions.iter().filter(|version| version.served)
    }

    pub(crate) fn is_converted_by_webhook(&self) -> bool {
        self.spec.conversion.as_ref().is_some_and(|conversion| conversion.strategy == "Webhook")
    }

    /// Served versions in which objects may not be stored, if a webhook converts.
    pub(crate) fn converted_by_webhook(&self) -> Vec<String> {
        if !self.is_converted_by_webhook() {
            return Vec::new();
        }
        let is_stored = |version: &&Version| version.storage && self.status.stored_versions == [version.name.clone()];
        self.served_versions().filter(|version| !is_stored(version)).map(|version| version.name.clone()).collect()
    }

    pub(crate) fn storage_version(&self) -> Option<&Version> {
        self.spec.versions.iter().find(|version| version.storage)
    }

    /// Whether its objects would be where built-in ones are stored.
    pub(crate) fn overlaps_builtin(&self) -> bool {
        matches!(
            (self.spec.group.as_str(), self.spec.names.plural.as_str()),
            ("apiregistration.k8s.io", "apiservices") | (super::GROUP, super::RESOURCE)
        )
    }

    pub(crate) fn is_namespaced(&self) -> bool {
        self.spec.scope == "Namespaced"
    }
}

impl Version {
    pub(crate) fn has_status(&self) -> bool {
        self.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some())
    }

    pub(crate) fn scale(&self) -> Option<&Scale> {
        self.subresources.as_ref()?.scale.as_ref()
    }
}
