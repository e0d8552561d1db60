//! The rows of the generated tables, and the tables.

use super::Type;
use crate::schema::{Native, Scalar, Wire};

pub(crate) struct TypeFacts {
    pub(crate) name: &'static str,
    pub(crate) body: Body,
    pub(crate) atomic: bool,
    pub(crate) has_foreign: bool,
    pub(crate) description: Option<&'static str>,
    /// JSON: fields of which one is set, as OpenAPI tells them.
    pub(crate) unions: Option<&'static str>,
}

pub(crate) enum Body {
    Struct(&'static [FieldFacts]),
    /// With its format.
    Scalar(Scalar, &'static str),
    /// Any JSON, or any object.
    Any {
        object: bool,
    },
}

pub(crate) struct FieldFacts {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) required: bool,
    /// JSON.
    pub(crate) default: Option<&'static str>,
    /// JSON.
    pub(crate) when_unset: Option<&'static str>,
    /// As it was declared: a list without one is atomic, too.
    pub(crate) list_type: Option<&'static str>,
    pub(crate) map_type: Option<&'static str>,
    pub(crate) description: Option<&'static str>,
    pub(crate) number: u32,
    pub(crate) wire: Wire,
    pub(crate) native: Native,
}

/// What a field, an item or a map's value may hold.
pub(crate) enum Place {
    Type(Type),
    /// A struct whose field changes how it is merged or owned.
    Changed {
        of: Type,
        retain_keys: bool,
        replace: bool,
        granular: bool,
    },
    /// With its format and the values it may have.
    Scalar(Scalar, &'static str, &'static [&'static str]),
    List {
        items: &'static Place,
        kind: ListFacts,
        merge_key: Option<&'static str>,
        patch_merge: bool,
    },
    Map {
        values: &'static Place,
        atomic: bool,
    },
}

pub(crate) enum ListFacts {
    Atomic,
    Set,
    Map(&'static [&'static str]),
}

pub(crate) struct KindFacts {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) of: Type,
}

/// One resource in one version, as discovery shows it.
#[derive(Debug)]
pub struct ResourceFacts {
    pub group: &'static str,
    pub version: &'static str,
    pub resource: &'static str,
    pub kind: &'static str,
    pub singular: &'static str,
    pub namespaced: bool,
    pub verbs: &'static [&'static str],
    pub short_names: &'static [&'static str],
    pub categories: &'static [&'static str],
    /// The type of its kind.
    pub of: Type,
    pub subresources: &'static [SubresourceFacts],
    pub columns: &'static [ColumnFacts],
    /// Selectable fields beside `metadata.name` and `metadata.namespace`.
    pub selectable: &'static [&'static str],
}

#[derive(Debug)]
pub struct SubresourceFacts {
    pub name: &'static str,
    /// Group, version and kind of what it takes and answers, those of its resource included.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub verbs: &'static [&'static str],
}

#[derive(Debug)]
pub struct ColumnFacts {
    pub name: &'static str,
    pub kind: &'static str,
    pub format: &'static str,
    pub description: &'static str,
    pub priority: i32,
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
