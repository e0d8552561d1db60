//! Access to devices that others use: only what is in a namespace with a label that says so may
//! ask for it and have it.

use apimachinery::rest::from_store;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Companions, Operation, Reading};
use apimachinery::tree::Value;
use apimachinery::validation::metadata;
use apimachinery::validation::place::Place;
use plugin_sdk::Store;
use plugin_sdk::storage::Freshness;

use super::super::rules::Rules;
use super::{CLAIM_TEMPLATES, RESOURCE_CLAIMS, claims, status};
use crate::tree::text;

const NAMESPACES: &str = "/registry/namespaces/";
const LABEL: &str = "resource.kubernetes.io/admin-access";

pub(super) fn admit_claim<'a>(
    operation: &'a Operation<'a>,
    store: &'a Store,
    object: &'a mut Value,
    old: Option<&'a Value>,
) -> Reading<'a, Companions> {
    let wanted = match (operation.subresource, old) {
        ("", None) => wanted_in_spec(&object["spec"]),
        ("status", Some(old)) => status::gives_admin(&object["status"], &old["status"])
            .map(|index| format!("status.allocation.devices.results[{index}].adminAccess")),
        _ => None,
    };
    check(operation, store, object, old, wanted, &RESOURCE_CLAIMS)
}

pub(super) fn admit_template<'a>(
    operation: &'a Operation<'a>,
    store: &'a Store,
    object: &'a mut Value,
    old: Option<&'a Value>,
) -> Reading<'a, Companions> {
    let wanted = if old.is_none() { wanted_in_spec(&object["spec"]["spec"]) } else { None };
    check(operation, store, object, old, wanted, &CLAIM_TEMPLATES)
}

/// Upstream tells a field that is in no object.
fn wanted_in_spec(spec: &Value) -> Option<String> {
    claims::asks_for_admin(&spec["devices"]).map(|index| format!("spec.devices.requests[{index}].adminAccess"))
}

/// What is wrong with the object beside the access is told with it.
fn check<'a>(
    operation: &'a Operation<'a>,
    store: &'a Store,
    object: &'a mut Value,
    old: Option<&'a Value>,
    wanted: Option<String>,
    rules: &'static Rules,
) -> Reading<'a, Companions> {
    Box::pin(async move {
        let Some(field) = wanted else { return Ok(Companions::default()) };
        let key = format!("{NAMESPACES}{}", operation.namespace);
        let found = store.get(key, Freshness::Latest).await.map_err(from_store)?;
        let namespace: Option<Value> = found.and_then(|found| serde_json::from_slice(&found.value()).ok());
        if namespace.is_some_and(|namespace| text(&namespace["metadata"]["labels"], LABEL) == "true") {
            return Ok(Companions::default());
        }
        let why = format!("admin access to devices requires the `{LABEL}: true` label on the containing namespace");
        let mut findings = vec![FieldError::forbidden(field, why)];
        let definition = operation.definition;
        match old {
            None => {
                metadata::create(definition, object, &mut findings);
                (rules.validate)(&Place::root(object), &mut findings);
            }
            Some(old) => (rules.status)(&Place::root(object), old, &mut findings),
        }
        Err(ApiError::invalid(&definition.group, &definition.kind, operation.name, &findings))
    })
}
