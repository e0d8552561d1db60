//! Eviction: a delete that respects disruption budgets.

use apimachinery::definition::Definition;
use apimachinery::rest::Special;
use apimachinery::rest::clock;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::{Change, Written};
use apimachinery::status::{ApiError, Cause};
use apimachinery::tree::{Value, json};
use plugin_sdk::Answer;

use super::of;
use crate::tree::{child, items, items_mut, text};
use crate::{check, small};

/// How many evictions may wait for the budget's controller.
const DISRUPTED_PODS_MAX: usize = 2000;

pub(super) async fn evict(special: &Special<'_>, definitions: &[Definition]) -> Result<Answer, ApiError> {
    let (eviction, write) = special.posted_since("v1beta1", "policy", "v1", "Eviction").await?;
    let (pods, budgets) = (of(definitions, "", "pods")?, of(definitions, "policy", "poddisruptionbudgets")?);
    let (namespace, name) = (special.namespace(), special.name());
    if meta(&eviction, "name") != name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let manager = special.manager(&write);
    let mut registry = special.registry(pods, &manager, write.dry_run);
    registry.subresource = "";
    let pod = registry.get(namespace, name).await?.value;
    let mut options = special.delete_options(&eviction["deleteOptions"])?;
    options.dry_run |= write.dry_run;
    registry.dry_run = options.dry_run;
    if !is_over(&pod) {
        let prefix = format!("{}{namespace}/", budgets.storage_prefix);
        let all = small::values(special.store(), &prefix).await?;
        let labels = &pod["metadata"]["labels"];
        let matching: Vec<&Value> =
            all.iter().filter(|budget| check::selects(&budget["spec"]["selector"], labels)).collect();
        match matching[..] {
            [] => {}
            [budget] if is_outside(budget, &pod) => {}
            [budget] => {
                let mut budgets = special.registry(budgets, &manager, options.dry_run);
                budgets.subresource = "status";
                budgets.applied = true;
                let change = Change::default();
                let name = meta(budget, "name");
                budgets
                    .update(namespace, name, &change, &mut |old| spend(old.cloned().unwrap_or_default(), &pod))
                    .await?;
            }
            _ => {
                let why =
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return special.answer(500, status("Failure", 500, why));
            }
        }
    }
    if !options.dry_run {
        let mut registry = special.registry(pods, &manager, false);
        registry.subresource = "status";
        registry.applied = true;
        let change = Change::default();
        let mark = &mut |old: Option<&Value>| {
            let old = old.cloned().unwrap_or_default();
            registry.check_preconditions_of_delete(&old, &options)?;
            Ok(disrupted(old))
        };
        let marked = registry.update(namespace, name, &change, mark).await?;
        if let (Some(version), Written::Object(object)) = (&mut options.resource_version, marked.written) {
            *version = object.revision().to_string();
        }
    }
    registry.delete(namespace, name, &options).await?;
    special.answer(201, status("Success", 201, ""))
}

fn status(status: &str, code: u16, message: &str) -> Value {
    let mut answer = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status});
    if !message.is_empty() {
        answer["message"] = message.into();
    }
    answer["code"] = code.into();
    answer
}

/// The pod, and why it goes, for whoever replaces it.
fn disrupted(mut pod: Value) -> Value {
    let condition = json!({
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    });
    set_condition(child(&mut pod, "status"), condition);
    pod
}

/// Sets a condition, with the time if it was not so before.
fn set_condition(status: &mut Value, mut condition: Value) {
    let own = items_mut(status, "conditions").find(|own| own["type"] == condition["type"]);
    let since =
        own.as_ref().filter(|own| own["status"] == condition["status"]).map(|own| own["lastTransitionTime"].clone());
    condition["lastTransitionTime"] = since.unwrap_or_else(|| clock::now().into());
    match own {
        Some(own) => condition.as_object().into_iter().flatten().for_each(|(key, value)| own[key] = value.clone()),
        None => match status["conditions"].as_array_mut() {
            Some(conditions) => conditions.push(condition),
            None => status["conditions"] = json!([condition]),
        },
    }
}

/// A pod that is not ready counts for nobody: it may go if the budget says so, or has enough others.
fn is_outside(budget: &Value, pod: &Value) -> bool {
    let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    if items(&pod["status"], "conditions").any(is_ready) {
        return false;
    }
    let number = |key: &str| budget["status"][key].as_i64().unwrap_or(0);
    text(&budget["spec"], "unhealthyPodEvictionPolicy") == "AlwaysAllow"
        || (number("desiredHealthy") > 0 && number("currentHealthy") >= number("desiredHealthy"))
}

/// Whom nothing is taken from by going.
fn is_over(pod: &Value) -> bool {
    matches!(text(&pod["status"], "phase"), "Succeeded" | "Failed" | "Pending")
        || !meta(pod, "deletionTimestamp").is_empty()
}

/// Counts one disruption against the budget, if it has one left.
fn spend(mut budget: Value, pod: &Value) -> Result<Value, ApiError> {
    let name = meta(&budget, "name").to_string();
    let status = &budget["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    let observed = status["observedGeneration"].as_i64().unwrap_or(0);
    let current = budget["metadata"]["generation"].as_i64().unwrap_or(0);
    let allowed = number("disruptionsAllowed");
    let refused = |message: String| {
        let text = "Cannot evict pod as it would violate the pod's disruption budget.";
        let mut error = ApiError::new(429, "TooManyRequests", text);
        error.causes.push(Cause { reason: "DisruptionBudget".to_string(), message, field: String::new() });
        error
    };
    if observed < current {
        let mut error = refused(format!("The disruption budget {name} is still being processed by the server."));
        error.retry_after_seconds = 10;
        return Err(error);
    }
    let forbidden = |why: &str| {
        let message = format!("poddisruptionbudget.policy {name:?} is forbidden: {why}");
        let mut error = ApiError::new(403, "Forbidden", message);
        (error.group, error.kind, error.name) = ("policy".into(), "poddisruptionbudget".into(), name.clone());
        Err(error)
    };
    if allowed < 0 {
        return forbidden("pdb disruptions allowed is negative");
    }
    if status["disruptedPods"].as_object().is_some_and(|pods| pods.len() > DISRUPTED_PODS_MAX) {
        return forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
    }
    if allowed == 0 {
        return Err(refused(format!("The disruption budget {name} {}", why_none(status))));
    }
    budget["status"]["disruptionsAllowed"] = (allowed - 1).into();
    if allowed == 1 {
        let condition = json!({
            "type": "DisruptionAllowed",
            "status": "False",
            "observedGeneration": observed,
            "reason": "InsufficientPods",
            "message": "",
        });
        set_condition(&mut budget["status"], condition);
    }
    child(&mut budget["status"], "disruptedPods")[meta(pod, "name")] = clock::now().into();
    Ok(budget)
}

/// Why a budget allows no disruption.
fn why_none(status: &Value) -> String {
    let says_why = |condition: &&Value| {
        condition["type"] == "DisruptionAllowed"
            && condition["status"] == "False"
            && !text(condition, "message").is_empty()
    };
    let condition = items(status, "conditions").find(says_why);
    let of = |key: &str| condition.map(|condition| text(condition, key)).unwrap_or_default();
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    let (needs, has) = (number("desiredHealthy"), number("currentHealthy"));
    let (reason, message) = (of("reason"), of("message"));
    match () {
        () if reason == "SyncFailed" => {
            format!("does not allow evicting pods currently because it failed sync: {message}")
        }
        () if has <= needs => format!("needs {needs} healthy pods and has {has} currently"),
        () if condition.is_some() => format!("does not allow evicting pods currently ({reason}): {message}"),
        () => "does not allow evicting pods currently".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_then_refuses() {
        let pod = json!({"metadata": {"name": "p"}});
        let budget = json!({"metadata": {"name": "b"}, "status": {"disruptionsAllowed": 1}});
        let spent = spend(budget, &pod).unwrap();
        assert_eq!(spent["status"]["disruptionsAllowed"], 0);
        let error = spend(spent, &pod).unwrap_err();
        assert_eq!((error.code, error.causes[0].reason.as_str()), (429, "DisruptionBudget"));
    }

    #[test]
    fn a_budget_says_why_it_allows_none() {
        let condition = |reason: &str, message: &str| json!([{"type": "DisruptionAllowed", "status": "False", "reason": reason, "message": message}]);
        for (status, expected) in [
            (json!({"currentHealthy": 1, "desiredHealthy": 2}), "needs 2 healthy pods and has 1 currently"),
            (json!({"currentHealthy": 3, "desiredHealthy": 2}), "does not allow evicting pods currently"),
            (
                json!({"currentHealthy": 3, "desiredHealthy": 2, "conditions": condition("A", "b")}),
                "does not allow evicting pods currently (A): b",
            ),
            (
                json!({"currentHealthy": 1, "desiredHealthy": 2, "conditions": condition("SyncFailed", "b")}),
                "does not allow evicting pods currently because it failed sync: b",
            ),
        ] {
            assert_eq!(why_none(&status), expected);
        }
    }

    #[test]
    fn a_pod_that_is_not_ready_may_go_where_enough_others_are() {
        let budget = |policy: &str, current: i64| json!({"spec": {"unhealthyPodEvictionPolicy": policy}, "status": {"desiredHealthy": 2, "currentHealthy": current}});
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        for (budget, pod, outside) in [
            (budget("AlwaysAllow", 0), &json!({}), true),
            (budget("", 2), &json!({}), true),
            (budget("", 1), &json!({}), false),
            (budget("AlwaysAllow", 2), &ready, false),
        ] {
            assert_eq!(is_outside(&budget, pod), outside, "{budget}");
        }
    }

    #[test]
    fn a_pod_says_why_it_goes_and_since_when() {
        let once = disrupted(json!({"status": {"conditions": [{"type": "Ready"}]}}));
        assert_eq!(once["status"]["conditions"][1]["reason"], "EvictionByEvictionAPI");
        assert_eq!(disrupted(once.clone()), once);
    }
}
