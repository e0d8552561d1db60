//! The annotation of client-side apply, for clients that change to server-side apply: what
//! kubectl applied before is its own, and the annotation follows what it applies now.

use super::Manager;
use super::apply::Request;
use super::collect::collect;
use super::compare::compare;
use super::conflict::Conflict;
use crate::tree::{Map, Value};

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The one manager for which this holds; who wants none of it takes another name.
const KUBECTL: &str = "kubectl";
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// The conflicts that are not about fields which kubectl itself applied last, and which are
/// still as it applied them.
pub(super) fn without_own(request: &Request<'_>, conflicts: Vec<Conflict>) -> Vec<Conflict> {
    if request.manager.name != KUBECTL {
        return conflicts;
    }
    let Some(last) = annotation(request.live).and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return conflicts;
    };
    if last["apiVersion"] != *request.manager.api_version {
        return conflicts;
    }
    let Ok(since) = compare(request.of, &last, request.live) else { return conflicts };
    let own = collect(request.of, &last).difference(&since.modified.union(since.added).union(since.removed));
    conflicts.into_iter().filter(|conflict| !own.contains(&conflict.path)).collect()
}

/// If the object has the annotation, kubectl's applying updates it.
pub(super) fn keep_in_step(object: &mut Value, patch: &Value, manager: &Manager) {
    if manager.name != KUBECTL || annotation(object).is_none_or(str::is_empty) {
        return;
    }
    let mut applied = patch.clone();
    if let Some(annotations) = annotations_mut(&mut applied) {
        annotations.remove(ANNOTATION);
    }
    let text = format!("{}\n", sorted(&applied));
    let Some(annotations) = annotations_mut(object) else { return };
    annotations.insert(ANNOTATION, text.into());
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if bytes > ANNOTATIONS_BYTES_MAX {
        annotations.remove(ANNOTATION);
    }
}

fn annotation(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"].get(ANNOTATION)?.as_str()
}

fn annotations_mut(object: &mut Value) -> Option<&mut Map> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}

/// With sorted keys, as kubectl writes it.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            Value::Object(members.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
