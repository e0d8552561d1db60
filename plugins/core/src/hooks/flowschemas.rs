//! Whether the priority level that a flow schema names is there: its condition `Dangling`.

use std::collections::BTreeSet;
use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::rest::{clock, from_store};
use apimachinery::tree::{Value, json};
use futures_util::future::join_all;
use plugin_sdk::{HookContext, Result, Store};

use super::{ensure, statuses};
use crate::small;
use crate::tree::text;

pub(super) const NAME: &str = "priority-and-fairness-config-consumer";
const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";
/// Changes are watched; this is for what failed.
const INTERVAL_MS: u64 = 60_000;
/// How many conditions are written side by side.
const BATCH: usize = 64;

/// Looks at all schemas whenever one of them or a level changed: there are tens.
pub(super) async fn run(definitions: &[Definition], context: HookContext) -> Result {
    let schemas = ensure::definition(definitions, GROUP, "flowschemas")?;
    let levels = ensure::definition(definitions, GROUP, "prioritylevelconfigurations")?;
    let context = Rc::new(context);
    let store = context.store();
    let mut changes =
        Changes::of(context.clone(), &[&schemas.storage_prefix, &levels.storage_prefix]).await.map_err(from_store)?;
    loop {
        look(definitions, &store).await?;
        context.ready();
        if !changes.wait(INTERVAL_MS).await.map_err(from_store)? {
            return Ok(());
        }
    }
}

/// Brings the condition of each schema to what it should be. Side by side, since each write waits for the disk.
pub(super) async fn look(definitions: &[Definition], store: &Store) -> Result {
    let schemas = ensure::definition(definitions, GROUP, "flowschemas")?;
    let levels = ensure::definition(definitions, GROUP, "prioritylevelconfigurations")?;
    let names: BTreeSet<String> = small::names(store, &levels.storage_prefix).await?.into_iter().collect();
    let wanted = |schema: &Value| {
        let wanted = condition(schema, names.contains(level(schema)));
        let own = statuses::condition(schema, "Dangling");
        let same = ["status", "reason", "message"].iter().all(|field| own[field] == wanted[field]);
        (!same).then_some(wanted)
    };
    let found = small::values(store, &schemas.storage_prefix).await?;
    let stale: Vec<&Value> = found.iter().filter(|schema| wanted(schema).is_some()).collect();
    for batch in stale.chunks(BATCH) {
        join_all(batch.iter().map(|schema| statuses::apply(schemas, store, MANAGER, schema, &wanted))).await;
    }
    Ok(())
}

fn level(schema: &Value) -> &str {
    text(&schema["spec"]["priorityLevelConfiguration"], "name")
}

/// In upstream's words.
fn condition(schema: &Value, found: bool) -> Value {
    let of = format!("This FlowSchema references the PriorityLevelConfiguration object named {:?}", level(schema));
    let (status, reason, message) = match found {
        true => ("False", "Found", format!("{of} and it exists")),
        false => ("True", "NotFound", format!("{of} but there is no such object")),
    };
    json!({
        "type": "Dangling",
        "status": status,
        "lastTransitionTime": clock::now(),
        "reason": reason,
        "message": message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_dangles_without_its_level() {
        let schema = json!({"spec": {"priorityLevelConfiguration": {"name": "gold"}}});
        let of = "This FlowSchema references the PriorityLevelConfiguration object named \"gold\"";
        for (found, status, reason, message) in [
            (true, "False", "Found", format!("{of} and it exists")),
            (false, "True", "NotFound", format!("{of} but there is no such object")),
        ] {
            let condition = condition(&schema, found);
            assert_eq!(condition["status"], status);
            assert_eq!(condition["reason"], reason);
            assert_eq!(condition["message"], message);
        }
    }
}
