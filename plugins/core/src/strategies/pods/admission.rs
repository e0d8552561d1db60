//! What upstream's admission plugins add to a new pod: its priority, the tolerations that
//! every pod has, and the limits of its namespace.

use apimachinery::rest::from_store;
use apimachinery::status::ApiError;
use apimachinery::strategy::{Companions, Operation};
use apimachinery::tree::{Value, json};
use plugin_sdk::Store;
use plugin_sdk::storage::Freshness;

use super::account;
use crate::small;
use crate::strategies::limit_ranger::LimitRanges;
use crate::tree::{child, items, or_set, remove, text};

const CLASSES: &str = "/registry/priorityclasses/";
const RUNTIME_CLASSES: &str = "/registry/runtimeclasses/";
const TOLERATION_SECONDS: u32 = 300;

pub(super) async fn admit(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<Companions, ApiError> {
    let ranges = LimitRanges::read(store, operation.namespace).await?;
    ranges.complete(pod);
    account::admit(operation, store, pod).await?;
    priority(operation, store, pod).await?;
    tolerate(child(pod, "spec"));
    let has_cost = runtime_class(operation, store, pod).await?;
    Ok(Companions::review(move |operation, pod| {
        ranges.check_pod(operation, pod)?;
        // A cost that is sent empty is one that was sent.
        match has_cost || pod["spec"]["overhead"].is_null() {
            true => Ok(()),
            false => {
                let why = "Pod Overhead set without corresponding RuntimeClass defined Overhead";
                Err(operation.forbidden(format!("pod rejected: {why}")))
            }
        }
    }))
}

/// What is asked of a pod whose containers get other resources.
pub(super) async fn resize(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<Companions, ApiError> {
    let ranges = LimitRanges::read(store, operation.namespace).await?;
    ranges.complete(pod);
    Ok(Companions::review(move |operation, pod| ranges.check_pod(operation, pod)))
}

/// `RuntimeClass`: what running in a class costs, and where it can. Answers whether it says what it costs.
async fn runtime_class(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<bool, ApiError> {
    let refuse = |why: &str| {
        let why = format!("pod rejected: {why}");
        Err(operation.forbidden(why))
    };
    if pod["spec"]["runtimeClassName"] == "" {
        return Err(ApiError::new(500, "", "resource name may not be empty"));
    }
    let name = text(&pod["spec"], "runtimeClassName").to_string();
    let mut class = Value::Null;
    if !name.is_empty() {
        let classes = small::remembered(store, RUNTIME_CLASSES).await?;
        match classes.iter().find(|class| class["metadata"]["name"] == *name) {
            Some(found) => class = found.clone(),
            None => return refuse(&format!("RuntimeClass \"{name}\" not found")),
        }
    }
    let has_cost = class["overhead"].is_object();
    if has_cost {
        let (cost, own) = (class["overhead"]["podFixed"].clone(), &pod["spec"]["overhead"]);
        match own.is_object() {
            true if *own != cost => return refuse("Pod's Overhead doesn't match RuntimeClass's defined Overhead"),
            false if cost.is_object() => pod["spec"]["overhead"] = cost,
            _ => {}
        }
    }
    let spec = child(pod, "spec");
    let scheduling = &class["scheduling"];
    for (key, value) in scheduling["nodeSelector"].as_object().into_iter().flatten() {
        let selector = child(spec, "nodeSelector");
        match selector.get(key) {
            Some(other) if other != value => {
                return Err(operation.forbidden(format!(
                    "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {}; pod.spec.nodeSelector[{key}] = {}",
                    value.as_str().unwrap_or_default(),
                    other.as_str().unwrap_or_default()
                )));
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
    Ok(has_cost)
}

/// `Priority`: the number and the policy of the pod's class, or of the default class.
async fn priority(operation: &Operation<'_>, store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let spec = child(pod, "spec");
    let name = text(spec, "priorityClassName").to_string();
    let class = if name.is_empty() {
        let classes = small::remembered(store, CLASSES).await?;
        let defaults = classes.iter().filter(|class| class["globalDefault"] == true);
        defaults.min_by_key(|class| class["value"].as_i64()).cloned()
    } else {
        let found = store.get(format!("{CLASSES}{name}"), Freshness::Latest).await.map_err(from_store)?;
        let Some(found) = found else {
            let why = format!("no PriorityClass with name {name} was found");
            return Err(operation.forbidden(why));
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
        return Err(operation.forbidden(why));
    }
    if let Some(class) = &class {
        spec["priorityClassName"] = class["metadata"]["name"].clone();
    }
    spec["priority"] = value.into();
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
    if let Some(own) = spec["preemptionPolicy"].as_str().filter(|own| *own != policy) {
        let why = format!(
            "the string value of PreemptionPolicy ({own}) must not be provided in pod spec; priority admission \
             controller computed {policy} from the given PriorityClass name"
        );
        return Err(operation.forbidden(why));
    }
    spec["preemptionPolicy"] = policy.into();
    Ok(())
}

/// What was admitted stays when a client that replaces the pod does not send it.
pub(super) fn keep(object: &mut Value, old: &Value) {
    let spec = child(object, "spec");
    tolerate(spec);
    for key in ["priority", "preemptionPolicy"] {
        if let Some(value) = old["spec"].get(key) {
            or_set(spec, key, value.clone());
        }
    }
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
}
