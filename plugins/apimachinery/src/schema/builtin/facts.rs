//! The rows of the generated tables, and the tables.

use super::Type;
use crate::schema::{Native, Scalar, Wire};

pub(super) struct TypeFacts {
    pub(super) name: &'static str,
    pub(super) body: Body,
    pub(super) atomic: bool,
}

pub(super) enum Body {
    Struct(&'static [FieldFacts]),
    /// With its format.
    Scalar(Scalar, &'static str),
    /// Any JSON.
    Any,
}

pub(super) struct FieldFacts {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) required: bool,
    /// JSON.
    pub(super) default: Option<&'static str>,
    /// JSON.
    pub(super) when_unset: Option<&'static str>,
    pub(super) number: u32,
    pub(super) wire: Wire,
    pub(super) native: Native,
}

/// What a field, an item or a map's value may hold.
pub(super) enum Place {
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

pub(super) enum ListFacts {
    Atomic,
    Set,
    Map(&'static [&'static str]),
}

pub(super) struct KindFacts {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) of: Type,
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
    pub priority: i32,
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));
