//! What data cannot say of `customresourcedefinitions`.

use apimachinery::rest::clock;
use apimachinery::rest::object::{carry_over, is_deleting, meta_list, metadata_mut};
use apimachinery::rest::options::DeleteOptions;
use apimachinery::schema::structural::{coerce_defaults, unrecognized_formats};
use apimachinery::status::{ApiError, FieldError};
use apimachinery::strategy::{Operation, Removal, Strategy};
use apimachinery::tree::{Value, json};
use apimachinery::validation::quoted;

use super::{FINALIZER, TERMINATING, validation};
use crate::conditions::{self, Status};

pub(crate) struct CrdStrategy;

impl Strategy for CrdStrategy {
    fn default(&self, object: &mut Value) {
        let spec = &mut object["spec"];
        if !spec.is_object() {
            return;
        }
        let kind = spec["names"]["kind"].as_str().unwrap_or_default().to_string();
        let unset = |value: &Value| value.as_str().unwrap_or_default().is_empty();
        if spec["names"].is_object() {
            if unset(&spec["names"]["singular"]) && !kind.is_empty() {
                spec["names"]["singular"] = json!(kind.to_lowercase());
            }
            if unset(&spec["names"]["listKind"]) && !kind.is_empty() {
                spec["names"]["listKind"] = json!(format!("{kind}List"));
            }
        }
        if spec["conversion"].is_null() {
            spec["conversion"] = json!({"strategy": "None"});
        }
        let place = ["conversion", "webhook", "clientConfig", "service"];
        let service = place.into_iter().try_fold(spec, |value, name| value.get_mut(name));
        if let Some(service) = service.filter(|service| service.is_object() && service["port"].is_null()) {
            service["port"] = json!(443);
        }
        if object["status"]["storedVersions"].as_array().is_none_or(Vec::is_empty) {
            store_version(object);
        }
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({});
        store_version(object);
        complete_defaults(object);
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        if operation.subresource.is_empty() {
            carry_over(object, old, "status");
            store_version(object);
            complete_defaults(object);
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        errors.extend(validation::create(object));
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        errors.extend(match operation.subresource {
            "status" => validation::update_status(object),
            _ => validation::update(object, old),
        });
    }

    fn warnings(&self, _: &Operation<'_>, object: &Value, _: Option<&Value>) -> Vec<String> {
        let versions = object["spec"]["versions"].as_array().into_iter().flatten();
        let formats = versions.filter_map(validation::schema_of).flat_map(unrecognized_formats);
        formats.map(|format| format!("unrecognized format {}", quoted(&format))).collect()
    }

    fn knows_finalizers(&self) -> bool {
        false
    }

    fn unconditional_update(&self) -> bool {
        false
    }

    fn generation(&self) -> bool {
        true
    }

    /// The first delete only marks: the finalizing controller removes the objects first.
    fn before_delete(
        &self,
        _operation: &Operation<'_>,
        object: &Value,
        _options: &DeleteOptions,
    ) -> Result<Removal, ApiError> {
        if is_deleting(object) {
            return Ok(Removal::Ordinary);
        }
        let mut marked = object.clone();
        let mut finalizers: Vec<String> = meta_list(object, "finalizers").into_iter().map(String::from).collect();
        if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            finalizers.push(FINALIZER.to_string());
        }
        let now = clock::now();
        let metadata = metadata_mut(&mut marked);
        metadata.insert("deletionTimestamp", json!(now));
        metadata.insert("finalizers", json!(finalizers));
        let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        conditions::set(&mut marked, TERMINATING, Status::True, "InstanceDeletionPending", message, &now);
        Ok(Removal::Becomes(marked))
    }
}

/// Objects inside of defaults have the metadata that any object may have.
fn complete_defaults(object: &mut Value) {
    for version in object["spec"]["versions"].as_array_mut().into_iter().flatten() {
        if let Some(schema) = version["schema"].get_mut("openAPIV3Schema").filter(|schema| schema.is_object()) {
            coerce_defaults(schema);
        }
    }
}

/// Notes the storage version among those that were ever stored.
fn store_version(object: &mut Value) {
    let versions = object["spec"]["versions"].as_array().into_iter().flatten();
    let storage = versions.filter(|version| version["storage"] == true).find_map(|version| version["name"].as_str());
    let Some(storage) = storage.map(String::from) else { return };
    let stored = &mut object["status"]["storedVersions"];
    match stored {
        Value::Array(stored) if stored.iter().any(|stored| *stored == *storage) => {}
        Value::Array(stored) => stored.push(json!(storage)),
        _ => *stored = json!([storage]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_conversion_and_the_stored_version_have_defaults() {
        let mut object = json!({"spec": {"names": {"kind": "Widget", "plural": "widgets"}, "versions": [
            {"name": "v1", "storage": false}, {"name": "v2", "storage": true}]}});
        CrdStrategy.default(&mut object);
        assert_eq!(object["spec"]["names"]["singular"], "widget");
        assert_eq!(object["spec"]["names"]["listKind"], "WidgetList");
        assert_eq!(object["spec"]["conversion"], json!({"strategy": "None"}));
        assert_eq!(object["status"]["storedVersions"], json!(["v2"]));
        object["spec"]["versions"][0]["storage"] = json!(true);
        store_version(&mut object);
        assert_eq!(object["status"]["storedVersions"], json!(["v2", "v1"]));
    }
}
