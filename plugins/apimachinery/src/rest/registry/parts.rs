//! Which parts of an object a write can reach: `status` and the rest of it are written apart.

use super::Registry;
use crate::rest::object::{carry_over, carry_over_meta, meta, metadata_mut, set_meta};
use crate::tree::{Text, Value};

/// Resources whose metadata stays as it is when their status is written: group, resource.
pub(super) const METADATA_STAYS: [(&str, &str); 6] = [
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
    ("networking.k8s.io", "servicecidrs"),
    ("resource.k8s.io", "resourceclaims"),
    ("storage.k8s.io", "volumeattachments"),
];
const METADATA: [&str; 5] = ["deletionTimestamp", "labels", "annotations", "finalizers", "ownerReferences"];

impl Registry<'_> {
    /// A write through the main resource leaves the status alone, and one through the status
    /// everything else. To be called once it is settled who owns what, which upstream does with all that
    /// was sent.
    pub(super) fn keep_other_parts(&self, object: &mut Value, old: &Value) {
        let has_status = self.definition.subresource("status").is_some();
        match self.subresource {
            "" if has_status => carry_over(object, old, "status"),
            "status" => {
                let keys: Vec<Text> = [&*object, old]
                    .iter()
                    .filter_map(|value| value.as_object())
                    .flat_map(|map| map.keys().cloned())
                    .collect();
                for key in
                    keys.iter().filter(|key| !matches!(key.as_str(), "kind" | "apiVersion" | "metadata" | "status"))
                {
                    carry_over(object, old, key);
                }
                let of = (&*self.definition.group, &*self.definition.resource);
                let kept: &[&str] = match self.definition.builtin {
                    true if of == ("apps", "deployments") => &["labels"],
                    true if of == ("", "pods") => &["ownerReferences"],
                    true if METADATA_STAYS.contains(&of) => &METADATA,
                    _ => &[],
                };
                kept.iter().for_each(|key| carry_over_meta(object, old, key));
                if !self.definition.builtin {
                    // Who owns what is settled by now, and nobody may.
                    let managed = metadata_mut(object).remove("managedFields");
                    let version = meta(object, "resourceVersion").to_string();
                    carry_over(object, old, "metadata");
                    set_meta(object, "resourceVersion", &version);
                    match managed {
                        Some(managed) => metadata_mut(object).insert("managedFields", managed),
                        None => metadata_mut(object).remove("managedFields"),
                    };
                }
            }
            _ => {}
        }
    }
}
