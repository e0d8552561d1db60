//! Assigning a pod to a node: what a scheduler does.

use apimachinery::definition::Definition;
use apimachinery::rest::object::{is_deleting, meta, metadata_mut};
use apimachinery::rest::registry::Change;
use apimachinery::rest::{Special, clock};
use apimachinery::status::{ApiError, FieldError};
use apimachinery::tree::{Value, json};
use plugin_sdk::Answer;

use super::of;
use crate::check;
use crate::tree::{child, items_mut, text};

pub(super) async fn bind(special: &Special<'_>, definitions: &[Definition]) -> Result<Answer, ApiError> {
    let (binding, options) = special.posted("", "v1", "Binding").await?;
    // In the path of a pod, or, as the older way is, in the binding alone.
    let name = if special.name().is_empty() { meta(&binding, "name") } else { special.name() };
    if meta(&binding, "name") != name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    let mut errors = Vec::new();
    let target = &binding["target"];
    if !matches!(text(target, "kind"), "" | "Node") {
        errors.push(check::unsupported("target.kind", &target["kind"], &["Node", "<empty>"]));
    }
    if text(target, "name").is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    if !errors.is_empty() {
        // Upstream answers what it found as it is, which is taken for a fault of its own.
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let text = if texts.len() == 1 { texts[0].clone() } else { format!("[{}]", texts.join(", ")) };
        return Err(ApiError::new(500, "", text));
    }
    let pods = of(definitions, "", "pods")?;
    let manager = special.manager(&options);
    let mut registry = special.registry(pods, &manager, options.dry_run);
    registry.subresource = "binding";
    registry.applied = true;
    let (namespace, change) = (special.namespace(), Change::default());
    registry
        .update(namespace, name, &change, &mut |old| {
            let mut pod = old.cloned().unwrap_or_default();
            assign(&mut pod, &binding).map_err(|why| conflict(name, &why))?;
            Ok(pod)
        })
        .await?;
    special.answer(201, json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

fn assign(pod: &mut Value, binding: &Value) -> Result<(), String> {
    let name = meta(pod, "name").to_string();
    let uid = meta(binding, "uid");
    if !uid.is_empty() && uid != meta(pod, "uid") {
        return Err(format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            meta(pod, "uid")
        ));
    }
    if is_deleting(pod) {
        return Err(format!("pod {name} is being deleted, cannot be assigned to a host"));
    }
    let node = text(&pod["spec"], "nodeName");
    if !node.is_empty() {
        return Err(format!("pod {name} is already assigned to node \"{node}\""));
    }
    if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
        return Err(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    child(pod, "spec")["nodeName"] = binding["target"]["name"].clone();
    for key in ["annotations", "labels"] {
        for (name, value) in binding["metadata"][key].as_object().into_iter().flatten() {
            let own = metadata_mut(pod).entry(key).or_insert_with(|| json!({}));
            own[name] = value.clone();
        }
    }
    scheduled(child(pod, "status"));
    Ok(())
}

/// The condition that says so.
fn scheduled(status: &mut Value) {
    let condition = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": clock::now()});
    if let Some(own) = items_mut(status, "conditions").find(|own| own["type"] == "PodScheduled") {
        *own = condition;
        return;
    }
    match status["conditions"].as_array_mut() {
        Some(conditions) => conditions.push(condition),
        None => status["conditions"] = json!([condition]),
    }
}

fn conflict(name: &str, why: &str) -> ApiError {
    let message = format!("Operation cannot be fulfilled on pods/binding \"{name}\": {why}");
    let mut error = ApiError::new(409, "Conflict", message);
    error.kind = "pods/binding".to_string();
    error.name = name.to_string();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_bound_once() {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {}, "status": {"phase": "Pending"}});
        let to = |node: &str| json!({"metadata": {"annotations": {"a": "b"}}, "target": {"name": node}});
        assign(&mut pod, &to("n1")).unwrap();
        assert_eq!((&pod["spec"]["nodeName"], &pod["metadata"]["annotations"]), (&json!("n1"), &json!({"a": "b"})));
        assert_eq!(pod["status"]["conditions"][0]["type"], "PodScheduled");
        assert_eq!(assign(&mut pod, &to("n2")).unwrap_err(), "pod p is already assigned to node \"n1\"");
    }
}
