//! AppArmor profiles, which were annotations before they were fields: whoever still writes the
//! annotation of a container gets the field.

use apimachinery::tree::{Value, json};
use apimachinery::validation::place::{Findings, Place};

use super::validate;
use crate::tree::{child, items, items_mut, text};
use crate::warnings::Warnings;

pub(crate) const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The annotation of a container of this name.
pub(crate) fn key(container: &str) -> String {
    format!("{ANNOTATION}{container}")
}

/// What an annotation says, as the field says it; nothing if it says nothing that is valid.
pub(crate) fn field(annotation: &str) -> Option<Value> {
    let field = match annotation {
        "unconfined" => json!({"type": "Unconfined"}),
        "runtime/default" => json!({"type": "RuntimeDefault"}),
        _ => json!({"type": "Localhost", "localhostProfile": annotation.strip_prefix("localhost/")?}),
    };
    let mut findings = Findings::new();
    validate::app_armor(&Place::root(&field), &mut findings);
    findings.is_empty().then_some(field)
}

/// The annotation is on its way out.
pub(crate) fn warning(path: &str) -> String {
    format!("{path}: deprecated since v1.30; use the \"appArmorProfile\" field instead")
}

/// Of a new pod: whose annotations are no fields yet.
pub(super) fn warnings(pod: &Value) -> Warnings {
    let root = Place::root(pod);
    let annotations = root.at("metadata.annotations");
    let of_pod = of(&pod["spec"]);
    containers(pod)
        .filter_map(|(name, annotation)| {
            let same = field(annotation).is_some_and(|field| field == *of_pod);
            (!same).then(|| warning(&annotations.entry(&key(name)).path()))
        })
        .collect()
}

/// Sets the fields that annotations ask for, unless the pod's own says it for all.
pub(super) fn fill(pod: &mut Value) {
    let of_pod = of(&pod["spec"]);
    let fields: Vec<(String, Value)> = containers(pod)
        .filter_map(|(name, annotation)| Some((name.to_string(), field(annotation)?)))
        .filter(|(_, field)| field != of_pod)
        .collect();
    for (name, field) in fields {
        for list in LISTS {
            for container in items_mut(&mut pod["spec"], list).filter(|container| text(container, "name") == name) {
                child(container, "securityContext")["appArmorProfile"] = field.clone();
            }
        }
    }
}

/// The containers that have an annotation and no field, with it. Windows has no such thing.
fn containers(pod: &Value) -> impl Iterator<Item = (&str, &str)> {
    let (spec, annotations) = (&pod["spec"], &pod["metadata"]["annotations"]);
    let windows = text(&spec["os"], "name") == "windows";
    LISTS
        .iter()
        .filter(move |_| !windows)
        .flat_map(move |list| items(spec, list))
        .filter(|container| of(container).is_null())
        .filter_map(move |container| {
            let name = text(container, "name");
            Some((name, annotations.get(key(name))?.as_str()?))
        })
}

/// The profile of a pod's spec, or of a container.
fn of(holder: &Value) -> &Value {
    &holder["securityContext"]["appArmorProfile"]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotation: &str, of_pod: Value, of_container: Value) -> Value {
        let mut pod = json!({
            "metadata": {"annotations": {}},
            "spec": {"containers": [{"name": "c"}, {"name": "other"}]},
        });
        pod["metadata"]["annotations"][key("c")] = annotation.into();
        if !of_pod.is_null() {
            pod["spec"]["securityContext"] = json!({"appArmorProfile": of_pod});
        }
        if !of_container.is_null() {
            pod["spec"]["containers"][0]["securityContext"] = json!({"appArmorProfile": of_container});
        }
        pod
    }

    #[test]
    fn an_annotation_becomes_a_field() {
        let (none, default) = (Value::Null, json!({"type": "RuntimeDefault"}));
        let unconfined = json!({"type": "Unconfined"});
        let local = json!({"type": "Localhost", "localhostProfile": "mine"});
        for (annotation, of_pod, of_container, expected, warned) in [
            ("runtime/default", &none, &none, &default, true),
            ("unconfined", &none, &none, &unconfined, true),
            ("localhost/mine", &default, &none, &local, true),
            // The pod's says it already.
            ("runtime/default", &default, &none, &none, false),
            // The container's own field counts.
            ("runtime/default", &none, &unconfined, &unconfined, false),
            ("localhost/", &none, &none, &none, true),
            ("localhost/ padded", &none, &none, &none, true),
            ("nonsense", &none, &none, &none, true),
        ] {
            let mut pod = pod(annotation, of_pod.clone(), of_container.clone());
            assert_eq!(!warnings(&pod).is_empty(), warned, "{annotation}");
            fill(&mut pod);
            assert_eq!(of(&pod["spec"]["containers"][0]), expected, "{annotation}");
            assert_eq!(of(&pod["spec"]["containers"][1]), &none);
        }
    }

    #[test]
    fn windows_has_none() {
        let mut pod = pod("runtime/default", Value::Null, Value::Null);
        pod["spec"]["os"] = json!({"name": "windows"});
        assert!(warnings(&pod).is_empty());
        fill(&mut pod);
        assert!(of(&pod["spec"]["containers"][0]).is_null());
    }

    #[test]
    fn the_annotation_is_deprecated() {
        let found = warnings(&pod("unconfined", Value::Null, Value::Null));
        let path = "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]";
        assert_eq!(found, [format!("{path}: deprecated since v1.30; use the \"appArmorProfile\" field instead")]);
    }
}
