//! The range of service addresses that is configured, as an object: `ServiceCIDR` `kubernetes`.

use apimachinery::definition::Definition;
use apimachinery::rest::clock;
use apimachinery::rest::object::meta;
use apimachinery::tree::{Value, json};
use plugin_sdk::{HookContext, Result};

use super::{ensure, statuses};
use crate::small;
use crate::strategies::services::Range;

pub(super) const NAME: &str = "start-kubernetes-service-cidr-controller";
const MANAGER: &str = "kubernetes-service-cidr-controller";
const OBJECT: &str = "kubernetes";
const INTERVAL_MS: u64 = 10_000;

/// Makes it, says that it is ready, and both again when somebody took it away. Other ranges are
/// the controller manager's.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let definition = ensure::definition(definitions, "networking.k8s.io", "servicecidrs")?;
    let store = context.store();
    let cidrs = json!([Range::of_cluster().text()]);
    let wanted = |object: &Value| is_unjudged(object, &cidrs).then(ready);
    loop {
        ensure::one(definition, &store, json!({"metadata": {"name": OBJECT}, "spec": {"cidrs": cidrs}})).await?;
        let known = small::values(&store, &definition.storage_prefix).await?;
        if let Some(object) = known.iter().find(|object| meta(object, "name") == OBJECT && wanted(object).is_some()) {
            statuses::apply(definition, &store, MANAGER, object, &wanted).await;
        }
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
}

/// Whether nobody has said yet if the range, as it is configured, is ready.
fn is_unjudged(object: &Value, cidrs: &Value) -> bool {
    let status = &statuses::condition(object, "Ready")["status"];
    meta(object, "deletionTimestamp").is_empty()
        && object["spec"]["cidrs"] == *cidrs
        && (status.is_null() || status == "Unknown")
}

/// In upstream's words; it gives no reason.
fn ready() -> Value {
    json!({
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": clock::now(),
        "message": "Kubernetes default Service CIDR is ready",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_ready_unless_somebody_knows_better() {
        let object = |cidr: &str, status: &str| {
            json!({
                "metadata": {"name": OBJECT},
                "spec": {"cidrs": [cidr]},
                "status": {"conditions": [{"type": "Ready", "status": status}]},
            })
        };
        let cidrs = json!(["10.0.0.0/24"]);
        let mut going = object("10.0.0.0/24", "Unknown");
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        for (object, unjudged) in [
            (json!({"metadata": {"name": OBJECT}, "spec": {"cidrs": ["10.0.0.0/24"]}}), true),
            (object("10.0.0.0/24", "Unknown"), true),
            (object("10.0.0.0/24", "True"), false),
            (object("10.0.0.0/24", "False"), false),
            (object("10.1.0.0/24", "Unknown"), false),
            (going, false),
        ] {
            assert_eq!(is_unjudged(&object, &cidrs), unjudged, "{object}");
        }
    }
}
