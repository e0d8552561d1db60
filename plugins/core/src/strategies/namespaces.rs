//! Namespaces: active until somebody deletes them, then terminating until their content is
//! gone and their last finalizer with it.
//!
//! Deleting the content is a controller's work, as upstream: kube-controller-manager does it
//! and then takes `kubernetes` out of `spec.finalizers` through the `finalize` subresource.
//! Without one a deleted namespace stays `Terminating`, as it does there.

use apimachinery::rest::clock;
use apimachinery::rest::object::{carry_over, is_deleting, meta, metadata_mut};
use apimachinery::rest::options::{DeleteOptions, Propagation};
use apimachinery::rest::registry::set_finalizers_for_collector;
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Operation, Removal, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::names;

use crate::tree::text;

/// Namespaces that a cluster cannot do without.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

pub(super) struct Namespaces;

impl Strategy for Namespaces {
    fn default(&self, object: &mut Value) {
        let name = meta(object, "name").to_string();
        if !name.is_empty() {
            let labels = metadata_mut(object).entry("labels").or_insert_with(|| json!({}));
            if labels.is_null() {
                *labels = json!({});
            }
            labels[NAME_LABEL] = name.into();
        }
        if object["status"]["phase"].as_str().unwrap_or_default().is_empty() {
            if !object["status"].is_object() {
                object["status"] = json!({});
            }
            object["status"]["phase"] = "Active".into();
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"phase": "Active"});
        if !object["spec"].is_object() {
            object["spec"] = json!({});
        }
        let finalizers = object["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
        if !finalizers.iter().any(|finalizer| finalizer == "kubernetes") {
            let mut finalizers = finalizers;
            finalizers.push("kubernetes".into());
            object["spec"]["finalizers"] = finalizers.into();
        }
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        match operation.subresource {
            // Only `finalize` changes the finalizers of the spec, and nothing else.
            "finalize" => carry_over(object, old, "status"),
            _ => carry_over(object, old, "spec"),
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        for finalizer in finalizers(object) {
            finalizer_name(finalizer, "spec.finalizers", errors);
        }
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource == "finalize" {
            for (at, finalizer) in finalizers(object).enumerate() {
                finalizer_name(finalizer, &format!("spec.finalizers[{at}]"), errors);
            }
        }
        if operation.subresource == "status" {
            let phase = &object["status"]["phase"];
            let going = phase == "Terminating";
            if is_deleting(object) && !going {
                let why = "may only be 'Terminating' if `deletionTimestamp` is not empty";
                errors.push(FieldError::invalid("status.Phase", phase, why));
            } else if !is_deleting(object) && phase != "Active" {
                let why = "may only be 'Active' if `deletionTimestamp` is empty";
                errors.push(FieldError::invalid("status.Phase", &text(&object["status"], "phase").into(), why));
            }
        }
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        names::dns1123_label(name)
    }

    fn before_delete(
        &self,
        operation: &Operation<'_>,
        object: &Value,
        options: &DeleteOptions,
    ) -> Result<Removal, ApiError> {
        if IMMORTAL.contains(&operation.name) {
            let why = "this namespace may not be deleted";
            return Err(operation.forbidden(why));
        }
        if is_deleting(object) {
            return Ok(if has_content_finalizers(object) { Removal::Stays } else { Removal::Ordinary });
        }
        let mut going = object.clone();
        metadata_mut(&mut going).insert("deletionTimestamp", clock::now().into());
        going["status"]["phase"] = "Terminating".into();
        // Who says that nothing is to be orphaned says of a namespace that it goes last.
        let last = options.orphan_dependents == Some(false);
        let last = last.then(|| DeleteOptions {
            orphan_dependents: None,
            propagation: Some(Propagation::Foreground),
            ..options.clone()
        });
        set_finalizers_for_collector(&mut going, last.as_ref().unwrap_or(options), false);
        Ok(Removal::Becomes(going))
    }

    fn may_go(&self, object: &Value) -> bool {
        !has_content_finalizers(object)
    }
}

fn finalizers(object: &Value) -> impl Iterator<Item = &Value> {
    object["spec"]["finalizers"].as_array().into_iter().flatten()
}

/// Finalizers that everybody knows.
const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// A finalizer is qualified, or one of those that everybody knows.
fn finalizer_name(finalizer: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let name = finalizer.as_str().unwrap_or_default();
    let found = names::qualified_name(name);
    errors.extend(found.into_iter().map(|why| FieldError::invalid(path, finalizer, why)));
    if !name.contains('/') && !STANDARD.contains(&name) {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, finalizer, why));
    }
}

fn has_content_finalizers(object: &Value) -> bool {
    object["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_carries_its_name_and_phase() {
        let mut object = json!({"metadata": {"name": "a"}});
        Namespaces.default(&mut object);
        assert_eq!(object["metadata"]["labels"], json!({NAME_LABEL: "a"}));
        assert_eq!(object["status"], json!({"phase": "Active"}));
    }

    #[test]
    fn it_may_go_once_its_content_is_gone() {
        assert!(!Namespaces.may_go(&json!({"spec": {"finalizers": ["kubernetes"]}})));
        assert!(Namespaces.may_go(&json!({"spec": {"finalizers": []}})));
        assert!(Namespaces.may_go(&json!({"spec": {}})));
    }
}
