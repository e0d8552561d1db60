//! What may stand in the path and the query of an operation.

use crate::tree::{Value, json};

/// A parameter of the query: its name and type.
type Query = (&'static str, &'static str);

pub(super) const PRETTY: Query = ("pretty", "string");

const DRY_RUN: Query = ("dryRun", "string");
const FIELD_MANAGER: Query = ("fieldManager", "string");
const FIELD_VALIDATION: Query = ("fieldValidation", "string");

/// Of creating and replacing.
pub(super) const WRITE: &[Query] = &[DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];

pub(super) const PATCH: &[Query] = &[DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, ("force", "boolean")];

pub(super) const DELETE: &[Query] = &[
    DRY_RUN,
    ("gracePeriodSeconds", "integer"),
    ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
    ("orphanDependents", "boolean"),
    ("propagationPolicy", "string"),
];

pub(super) const LIST: &[Query] = &[
    ("allowWatchBookmarks", "boolean"),
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
    ("watch", "boolean"),
];

/// Of deleting what a list would show, beside those of [`DELETE`].
pub(super) const SELECT: &[Query] = &[
    ("continue", "string"),
    ("fieldSelector", "string"),
    ("labelSelector", "string"),
    ("limit", "integer"),
    ("resourceVersion", "string"),
    ("resourceVersionMatch", "string"),
    ("sendInitialEvents", "boolean"),
    ("timeoutSeconds", "integer"),
];

pub(super) fn query(&(name, kind): &Query) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } })
}

pub(super) fn path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "uniqueItems": true } })
}
