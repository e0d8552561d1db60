//! The ranges of service addresses that are configured, as an object: `ServiceCIDR` `kubernetes`.

use apimachinery::definition::Definition;
use apimachinery::rest::object::meta;
use apimachinery::rest::registry::{Change, Registry};
use apimachinery::rest::{self, clock};
use apimachinery::status::ApiError;
use apimachinery::tree::{Value, json};
use plugin_sdk::{HookContext, Result, Store, log};

use super::{ensure, statuses};
use crate::small;
use crate::strategies::services::ranges;

pub(super) const NAME: &str = "start-kubernetes-service-cidr-controller";
const MANAGER: &str = "kubernetes-service-cidr-controller";
const OBJECT: &str = "kubernetes";
const INTERVAL_MS: u64 = 10_000;

/// Makes it, says that it is ready, and both again when somebody took it away. Other ranges are
/// the controller manager's.
pub(super) async fn run(definitions: &[Definition], context: &HookContext) -> Result {
    let definition = ensure::definition(definitions, "networking.k8s.io", "servicecidrs")?;
    let store = context.store();
    let cidrs = configured();
    let wanted = |object: &Value| is_unjudged(object, &cidrs).then(ready);
    let mut differed = false;
    loop {
        make(definitions, &store).await?;
        let known = small::values(&store, &definition.storage_prefix).await?;
        if let Some(object) = known.iter().find(|object| meta(object, "name") == OBJECT) {
            let has = &object["spec"]["cidrs"];
            if *has == cidrs {
                if wanted(object).is_some() {
                    statuses::apply(definition, &store, MANAGER, object, &wanted).await;
                }
            } else if is_first_of(has, &cidrs) {
                match upgrade(definition, &store, &cidrs).await {
                    // Its status is said of what it is now.
                    Ok(()) => continue,
                    Err(error) => {
                        log::warn!(
                            "the ServiceCIDR `{OBJECT}` does not become one of both families: {}",
                            error.message
                        );
                    }
                }
            } else if !differed {
                differed = true;
                log::warn!(
                    "the ServiceCIDR `{OBJECT}` has {has}, --service-cluster-ip-range says {cidrs}: services get their \
                     addresses from the former; delete it to have it made anew"
                );
            }
        }
        context.ready();
        context.sleep(INTERVAL_MS).await;
        if context.is_cancelled() {
            return Ok(());
        }
    }
}

/// Without it no service gets an address.
pub(super) async fn make(definitions: &[Definition], store: &Store) -> Result {
    let definition = ensure::definition(definitions, "networking.k8s.io", "servicecidrs")?;
    let object = json!({"metadata": {"name": OBJECT}, "spec": {"cidrs": configured()}});
    Ok(ensure::one(definition, store, object).await?)
}

fn configured() -> Value {
    ranges::configured().iter().map(|range| Value::from(range.to_string())).collect::<Vec<_>>().into()
}

/// Whether the second family is all that is new.
fn is_first_of(has: &Value, cidrs: &Value) -> bool {
    let ranges = |list: &Value| list.as_array().map_or(0, Vec::len);
    ranges(has) == 1 && ranges(cidrs) == 2 && has[0] == cidrs[0]
}

async fn upgrade(definition: &Definition, store: &Store, cidrs: &Value) -> Result<(), ApiError> {
    let groups = ["system:masters".to_string()];
    let registry = Registry::for_server(definition, store, &groups);
    let mut add = |old: Option<&Value>| {
        let mut object = old.cloned().unwrap_or_default();
        if is_first_of(&object["spec"]["cidrs"], cidrs) {
            object["spec"]["cidrs"] = cidrs.clone();
        }
        rest::typed(definition, object)
    };
    registry.update("", OBJECT, &Change::default(), &mut add).await.map(drop)
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

    #[test]
    fn a_second_family_is_added_to_the_first() {
        for (has, cidrs, upgrades) in [
            (json!(["10.0.0.0/24"]), json!(["10.0.0.0/24", "fd00::/108"]), true),
            (json!(["10.0.0.0/24"]), json!(["10.1.0.0/24", "fd00::/108"]), false),
            (json!(["10.0.0.0/24"]), json!(["fd00::/108", "10.0.0.0/24"]), false),
            (json!(["10.0.0.0/24", "fd00::/108"]), json!(["10.0.0.0/24"]), false),
        ] {
            assert_eq!(is_first_of(&has, &cidrs), upgrades, "{has} {cidrs}");
        }
    }
}
