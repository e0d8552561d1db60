//! Volumes, the claims on them, and what provides them.

use apimachinery::rest::clock;
use apimachinery::rest::object::metadata_mut;
use apimachinery::status::FieldError;
use apimachinery::strategy::{Companions, Operation, Reading, Strategy};
use plugin_sdk::Store;
use serde_json::{Value, json};

use super::pods::defaults::persistent_source;
use super::rules::{RULES, Rules};
use crate::tree::{child, is_empty, items, or_set, or_set_text, text};
use crate::{check, small};

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const CLASSES: &str = "/registry/storageclasses/";

pub(super) static STORAGE_CLASSES: Rules = Rules {
    default: |object| {
        or_set_text(object, "reclaimPolicy", "Delete");
        or_set_text(object, "volumeBindingMode", "Immediate");
    },
    validate: |object, errors| {
        if text(object, "provisioner").is_empty() {
            errors.push(FieldError::required("provisioner", ""));
        }
        check::one_of("reclaimPolicy", &object["reclaimPolicy"], &["Delete", "Retain"], true, errors);
        let modes = ["Immediate", "WaitForFirstConsumer"];
        check::one_of("volumeBindingMode", &object["volumeBindingMode"], &modes, true, errors);
    },
    immutable: &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
    ..RULES
};

pub(super) static CSI_DRIVERS: Rules = Rules {
    default: |object| {
        let spec = child(object, "spec");
        or_set(spec, "attachRequired", true);
        or_set(spec, "podInfoOnMount", false);
        or_set(spec, "storageCapacity", false);
        or_set_text(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
        if is_empty(&spec["volumeLifecycleModes"]) {
            spec["volumeLifecycleModes"] = json!(["Persistent"]);
        }
        or_set(spec, "requiresRepublish", false);
        or_set(spec, "seLinuxMount", false);
    },
    unconditional_update: false,
    ..RULES
};

pub(super) static CSI_NODES: Rules = RULES;

pub(super) static CSI_CAPACITIES: Rules = Rules {
    validate: |object, errors| {
        if text(object, "storageClassName").is_empty() {
            errors.push(FieldError::required("storageClassName", ""));
        }
    },
    immutable: &["nodeTopology", "storageClassName"],
    ..RULES
};

pub(super) static VOLUME_ATTACHMENTS: Rules = Rules {
    validate: |object, errors| {
        for field in ["attacher", "nodeName"] {
            if text(&object["spec"], field).is_empty() {
                errors.push(FieldError::required(format!("spec.{field}"), ""));
            }
        }
    },
    immutable: &["spec"],
    ..RULES
};

pub(super) static ATTRIBUTES_CLASSES: Rules = Rules { immutable: &["driverName", "parameters"], ..RULES };

pub(super) struct Claims;
pub(super) struct Volumes;

impl Strategy for Claims {
    fn default(&self, object: &mut Value) {
        or_set_text(child(object, "status"), "phase", "Pending");
        let spec = child(object, "spec");
        or_set_text(spec, "volumeMode", "Filesystem");
        // The two names of the field say the same where they can.
        if spec["dataSource"].is_object() && spec["dataSourceRef"].is_null() {
            spec["dataSourceRef"] = spec["dataSource"].clone();
        }
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        Box::pin(async move {
            if old.is_none() && operation.subresource.is_empty() {
                protect(object, "kubernetes.io/pvc-protection");
                // `DefaultStorageClass`.
                if object["spec"].get("storageClassName").is_none()
                    && let Some(class) = small::default_name(store, CLASSES, DEFAULT_CLASS).await?
                {
                    object["spec"]["storageClassName"] = class.into();
                }
            }
            Ok(Companions::default())
        })
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"phase": "Pending"});
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        let spec = &object["spec"];
        access_modes(spec, errors);
        if spec["resources"]["requests"].get("storage").is_none() {
            errors.push(FieldError::required("spec.resources[storage]", ""));
        }
        check::one_of("spec.volumeMode", &spec["volumeMode"], &["Block", "Filesystem"], false, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource == "status" {
            return;
        }
        self.validate(operation, object, errors);
        let fixed = |object: &Value| {
            let mut spec = object["spec"].clone();
            if let Value::Object(map) = &mut spec {
                // A claim is bound once, and may grow.
                for key in ["resources", "volumeName", "volumeAttributesClassName"] {
                    map.shift_remove(key);
                }
            }
            spec
        };
        let bound = text(&old["spec"], "volumeName");
        if fixed(object) != fixed(old) || (!bound.is_empty() && text(&object["spec"], "volumeName") != bound) {
            let why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
            errors.push(FieldError::forbidden("spec", why));
        }
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

impl Strategy for Volumes {
    fn default(&self, object: &mut Value) {
        or_set_text(child(object, "status"), "phase", "Pending");
        let spec = child(object, "spec");
        or_set_text(spec, "persistentVolumeReclaimPolicy", "Retain");
        or_set_text(spec, "volumeMode", "Filesystem");
        persistent_source(spec);
    }

    fn admit<'a>(
        &'a self,
        operation: &'a Operation<'a>,
        _store: &'a Store,
        object: &'a mut Value,
        old: Option<&'a Value>,
    ) -> Reading<'a, Companions> {
        if old.is_none() && operation.subresource.is_empty() {
            protect(object, "kubernetes.io/pv-protection");
        }
        Box::pin(std::future::ready(Ok(Companions::default())))
    }

    fn prepare_for_create(&self, _operation: &Operation<'_>, object: &mut Value) {
        object["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": clock::now()});
    }

    fn prepare_for_update(&self, operation: &Operation<'_>, object: &mut Value, old: &Value) {
        if operation.subresource == "status" && object["status"]["phase"] != old["status"]["phase"] {
            let given = &object["status"]["lastPhaseTransitionTime"];
            if given.is_null() || *given == old["status"]["lastPhaseTransitionTime"] {
                object["status"]["lastPhaseTransitionTime"] = clock::now().into();
            }
        }
    }

    fn validate(&self, _operation: &Operation<'_>, object: &Value, errors: &mut Vec<FieldError>) {
        const NOT_SOURCES: [&str; 9] = [
            "accessModes",
            "capacity",
            "claimRef",
            "mountOptions",
            "nodeAffinity",
            "persistentVolumeReclaimPolicy",
            "storageClassName",
            "volumeAttributesClassName",
            "volumeMode",
        ];
        let spec = &object["spec"];
        access_modes(spec, errors);
        if is_empty(&spec["capacity"]) {
            errors.push(FieldError::required("spec.capacity", ""));
        } else if spec["capacity"].get("storage").is_none() {
            errors.push(check::unsupported("spec.capacity", &spec["capacity"], &["storage"]));
        }
        let sources = spec.as_object().into_iter().flatten().filter(|(key, _)| !NOT_SOURCES.contains(&key.as_str()));
        let mut sources = sources.map(|(key, _)| key);
        if sources.next().is_none() {
            errors.push(FieldError::required("spec", "must specify a volume type"));
        }
        for other in sources {
            errors.push(FieldError::forbidden(format!("spec.{other}"), "may not specify more than 1 volume type"));
        }
        let policies = ["Delete", "Recycle", "Retain"];
        let policy = &spec["persistentVolumeReclaimPolicy"];
        check::one_of("spec.persistentVolumeReclaimPolicy", policy, &policies, false, errors);
    }

    fn validate_update(&self, operation: &Operation<'_>, object: &Value, _old: &Value, errors: &mut Vec<FieldError>) {
        if operation.subresource.is_empty() {
            self.validate(operation, object, errors);
        }
    }

    fn returns_deleted(&self) -> bool {
        true
    }
}

fn access_modes(spec: &Value, errors: &mut Vec<FieldError>) {
    if is_empty(&spec["accessModes"]) {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    for mode in items(spec, "accessModes").filter(|mode| !ACCESS_MODES.iter().any(|known| *mode == known)) {
        errors.push(check::unsupported("spec.accessModes", mode, &ACCESS_MODES));
    }
}

/// `StorageObjectInUseProtection`: what is in use does not go.
fn protect(object: &mut Value, finalizer: &str) {
    let finalizers = metadata_mut(object).entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut()
        && !list.iter().any(|own| own == finalizer)
    {
        list.push(finalizer.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_protected_once() {
        let mut object = json!({"metadata": {"finalizers": ["x"]}});
        protect(&mut object, "kubernetes.io/pv-protection");
        protect(&mut object, "kubernetes.io/pv-protection");
        assert_eq!(object["metadata"]["finalizers"], json!(["x", "kubernetes.io/pv-protection"]));
    }
}
