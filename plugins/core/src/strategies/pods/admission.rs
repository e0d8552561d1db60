//! What upstream's admission plugins add to a new pod: its priority, the tolerations that
//! every pod has, and the limits of its namespace.

use apimachinery::codec::quantity::Quantity;
use apimachinery::rest::from_store;
use apimachinery::rest::object::metadata_mut;
use apimachinery::status::ApiError;
use apimachinery::strategy::Operation;
use plugin_sdk::Store;
use plugin_sdk::storage::Freshness;
use serde_json::{Value, json};

use crate::small;
use crate::tree::{child, items, items_mut, or_set, remove, text};

const CLASSES: &str = "/registry/priorityclasses/";
const RUNTIME_CLASSES: &str = "/registry/runtimeclasses/";
const LIMITS: &str = "/registry/limitranges/";
const NOTE: &str = "kubernetes.io/limit-ranger";
const TOLERATION_SECONDS: u32 = 300;

pub(super) async fn admit(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    limits(operation, store, pod).await?;
    priority(operation, store, pod).await?;
    runtime_class(operation, store, pod).await?;
    tolerate(child(pod, "spec"));
    Ok(())
}

/// `RuntimeClass`: what running in a class costs, and where it can.
async fn runtime_class(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let refuse = |why: &str| {
        let why = format!("pod rejected: {why}");
        Err(ApiError::forbidden(operation.definition, operation.name, why))
    };
    let name = text(&pod["spec"], "runtimeClassName").to_string();
    let mut class = Value::Null;
    if !name.is_empty() {
        let classes = small::values(store, RUNTIME_CLASSES).await?;
        match classes.into_iter().find(|class| class["metadata"]["name"] == *name) {
            Some(found) => class = found,
            None => return refuse(&format!("RuntimeClass \"{name}\" not found")),
        }
    }
    let spec = child(pod, "spec");
    let (cost, own) = (class["overhead"]["podFixed"].clone(), spec["overhead"].clone());
    match (cost.is_object(), own.is_object()) {
        (true, true) if own != cost => return refuse("Pod's Overhead doesn't match RuntimeClass's defined Overhead"),
        (true, false) => spec["overhead"] = cost,
        (false, true) => return refuse("Pod Overhead set without corresponding RuntimeClass defined Overhead"),
        _ => {}
    }
    let scheduling = &class["scheduling"];
    for (key, value) in scheduling["nodeSelector"].as_object().into_iter().flatten() {
        let selector = child(spec, "nodeSelector");
        match selector.get(key) {
            Some(other) if other != value => {
                return refuse(&format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                    value.as_str().unwrap_or_default(),
                    other.as_str().unwrap_or_default()
                ));
            }
            _ => selector[key] = value.clone(),
        }
    }
    for toleration in items(scheduling, "tolerations") {
        if !items(spec, "tolerations").any(|other| other == toleration) {
            if !spec["tolerations"].is_array() {
                spec["tolerations"] = json!([]);
            }
            if let Some(tolerations) = spec["tolerations"].as_array_mut() {
                tolerations.push(toleration.clone());
            }
        }
    }
    Ok(())
}

/// `LimitRanger`: defaults of the namespace's limit ranges.
async fn limits(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let ranges = small::values(store, &format!("{LIMITS}{}/", operation.namespace)).await?;
    for range in &ranges {
        for limit in items(&range["spec"], "limits").filter(|limit| text(limit, "type") == "Container") {
            let mut notes = Vec::new();
            for list in ["containers", "initContainers"] {
                for container in items_mut(child(pod, "spec"), list) {
                    notes.extend(limit_container(container, limit, list == "initContainers"));
                }
            }
            if !notes.is_empty() {
                let annotations = metadata_mut(pod).entry("annotations").or_insert_with(|| json!({}));
                annotations[NOTE] = format!("LimitRanger plugin set: {}", notes.join("; ")).into();
            }
        }
    }
    for range in &ranges {
        for limit in items(&range["spec"], "limits").filter(|limit| text(limit, "type") == "Container") {
            check_bounds(operation, pod, limit)?;
        }
    }
    Ok(())
}

/// Sets what the container leaves open; answers what was set, as the annotation says it.
fn limit_container(container: &mut Value, limit: &Value, init: bool) -> Vec<String> {
    let kind = if init { "init container" } else { "container" };
    let name = text(container, "name").to_string();
    let mut notes = Vec::new();
    for (from, to, word) in [("defaultRequest", "requests", "request"), ("default", "limits", "limit")] {
        let mut set = Vec::new();
        for (resource, amount) in limit[from].as_object().into_iter().flatten() {
            let amounts = child(child(container, "resources"), to);
            if amounts.get(resource).is_none() {
                amounts[resource] = amount.clone();
                set.push(resource.as_str());
            }
        }
        set.sort_unstable();
        if !set.is_empty() {
            notes.push(format!("{} {word} for {kind} {name}", set.join(", ")));
        }
    }
    notes
}

fn check_bounds(operation: &Operation<'_>, pod: &Value, limit: &Value) -> Result<(), ApiError> {
    let amount =
        |value: &Value| value.as_str().and_then(|text| Quantity::parse(text).ok()).map(|amount| amount.nanos());
    for container in items(&pod["spec"], "containers") {
        let resources = &container["resources"];
        for (resource, bound) in limit["max"].as_object().into_iter().flatten() {
            let (found, bound_shown) = (&resources["limits"][resource], bound.as_str().unwrap_or_default());
            let why = match amount(found) {
                None => format!("maximum {resource} usage per Container is {bound_shown}.  No limit is specified"),
                Some(found_amount) if Some(found_amount) > amount(bound) => format!(
                    "maximum {resource} usage per Container is {bound_shown}, but limit is {}",
                    found.as_str().unwrap_or_default()
                ),
                Some(_) => continue,
            };
            return Err(ApiError::forbidden(operation.definition, operation.name, why));
        }
        for (resource, bound) in limit["min"].as_object().into_iter().flatten() {
            let (found, bound_shown) = (&resources["requests"][resource], bound.as_str().unwrap_or_default());
            let why = match amount(found) {
                None => format!("minimum {resource} usage per Container is {bound_shown}.  No request is specified"),
                Some(found_amount) if Some(found_amount) < amount(bound) => format!(
                    "minimum {resource} usage per Container is {bound_shown}, but request is {}",
                    found.as_str().unwrap_or_default()
                ),
                Some(_) => continue,
            };
            return Err(ApiError::forbidden(operation.definition, operation.name, why));
        }
    }
    Ok(())
}

/// `Priority`: the number and the policy of the pod's class, or of the default class.
async fn priority(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let spec = child(pod, "spec");
    let name = text(spec, "priorityClassName").to_string();
    let class = if name.is_empty() {
        let classes = small::values(store, CLASSES).await?;
        classes.into_iter().filter(|class| class["globalDefault"] == true).min_by_key(|class| class["value"].as_i64())
    } else {
        let found = store.get(format!("{CLASSES}{name}"), Freshness::Latest).await.map_err(from_store)?;
        let Some(found) = found else {
            let why = format!("no PriorityClass with name {name} was found");
            return Err(ApiError::forbidden(operation.definition, operation.name, why));
        };
        Some(serde_json::from_slice(&found.value()).map_err(ApiError::internal)?)
    };
    let (value, policy) = match &class {
        Some(class) => (class["value"].as_i64().unwrap_or(0), text(class, "preemptionPolicy")),
        None => (0, "PreemptLowerPriority"),
    };
    if spec["priority"].as_i64().is_some_and(|own| own != value) {
        let own = &spec["priority"];
        let why = format!(
            "the integer value of priority ({own}) must not be provided in pod spec; priority admission controller \
             computed {value} from the given PriorityClass name"
        );
        return Err(ApiError::forbidden(operation.definition, operation.name, why));
    }
    if let Some(class) = &class {
        spec["priorityClassName"] = class["metadata"]["name"].clone();
    }
    spec["priority"] = value.into();
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
    or_set(spec, "preemptionPolicy", policy);
    Ok(())
}

/// `DefaultTolerationSeconds`: how long a pod stays on a node that is lost.
fn tolerate(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = items(spec, "tolerations").any(|toleration| {
            (text(toleration, "key").is_empty() || text(toleration, "key") == key)
                && matches!(text(toleration, "effect"), "" | "NoExecute")
        });
        if !tolerated {
            let toleration = json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS,
            });
            if !spec["tolerations"].is_array() {
                remove(spec, "tolerations");
                spec["tolerations"] = json!([]);
            }
            if let Some(list) = spec["tolerations"].as_array_mut() {
                list.push(toleration);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_stays_a_while_on_a_lost_node() {
        let mut spec = json!({"tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}]});
        tolerate(&mut spec);
        let keys: Vec<_> = items(&spec, "tolerations").map(|toleration| text(toleration, "key")).collect();
        assert_eq!(keys, ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);
        let mut everything = json!({"tolerations": [{"operator": "Exists"}]});
        tolerate(&mut everything);
        assert_eq!(everything["tolerations"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn limits_are_set_and_noted() {
        let mut container = json!({"name": "c"});
        let limit = json!({"default": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}});
        assert_eq!(
            limit_container(&mut container, &limit, false),
            ["cpu request for container c", "cpu limit for container c"]
        );
        assert_eq!(container["resources"], json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}));
    }
}
