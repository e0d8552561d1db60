//! Eviction: a delete that respects disruption budgets.

use apimachinery::definition::Definition;
use apimachinery::rest::Special;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::Change;
use apimachinery::status::{ApiError, Cause};
use apimachinery::tree::{Value, json};
use plugin_sdk::Answer;

use super::of;
use crate::tree::text;
use crate::{check, small};

pub(super) async fn evict(special: &Special<'_>, definitions: &[Definition]) -> Result<Answer, ApiError> {
    let (eviction, write) = special.posted("policy", "v1", "Eviction").await?;
    let mut options = special.delete_options(&eviction["deleteOptions"])?;
    options.dry_run |= write.dry_run;
    let (pods, budgets) = (of(definitions, "", "pods")?, of(definitions, "policy", "poddisruptionbudgets")?);
    let (namespace, name) = (special.namespace(), special.name());
    if meta(&eviction, "name") != name {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let manager = special.manager(&write);
    let mut registry = special.registry(pods, &manager, options.dry_run);
    registry.subresource = "";
    let pod = registry.get(namespace, name).await?.value;
    if !is_over(&pod) {
        let prefix = format!("{}{namespace}/", budgets.storage_prefix);
        let all = small::values(special.store(), &prefix).await?;
        let labels = &pod["metadata"]["labels"];
        let matching: Vec<&Value> =
            all.iter().filter(|budget| check::selects(&budget["spec"]["selector"], labels)).collect();
        match matching[..] {
            [] => {}
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
                return Err(ApiError::internal(why));
            }
        }
    }
    registry.delete(namespace, name, &options).await?;
    special.answer(201, json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
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
    if allowed <= 0 {
        let (needs, has) = (number("desiredHealthy"), number("currentHealthy"));
        return Err(refused(format!(
            "The disruption budget {name} needs {needs} healthy pods and has {has} currently"
        )));
    }
    budget["status"]["disruptionsAllowed"] = (allowed - 1).into();
    let now = apimachinery::rest::clock::now();
    crate::tree::child(&mut budget["status"], "disruptedPods")[meta(pod, "name")] = now.into();
    Ok(budget)
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
}
