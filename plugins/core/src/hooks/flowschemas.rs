//! Whether the priority level that a flow schema names is there: its condition `Dangling`.

use std::collections::BTreeSet;
use std::rc::Rc;

use apimachinery::changes::Changes;
use apimachinery::definition::Definition;
use apimachinery::rest::{clock, from_store};
use apimachinery::tree::{Value, json};
use plugin_sdk::{HookContext, Result};

use super::{ensure, statuses};
use crate::small;
use crate::tree::text;

pub(super) const NAME: &str = "priority-and-fairness-config-consumer";
const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";
/// Changes are watched; this is for what failed.
const INTERVAL_MS: u64 = 60_000;

/// Looks at all schemas whenever one of them or a level changed: there are tens.
pub(super) async fn run(definitions: &[Definition], context: HookContext) -> Result {
    let schemas = ensure::definition(definitions, GROUP, "flowschemas")?;
    let levels = ensure::definition(definitions, GROUP, "prioritylevelconfigurations")?;
    let context = Rc::new(context);
    let store = context.store();
    let mut changes =
        Changes::of(context.clone(), &[&schemas.storage_prefix, &levels.storage_prefix]).await.map_err(from_store)?;
    loop {
        let names: BTreeSet<String> = small::names(&store, &levels.storage_prefix).await?.into_iter().collect();
        for schema in small::values(&store, &schemas.storage_prefix).await? {
            let wanted = |schema: &Value| {
                let wanted = condition(schema, names.contains(level(schema)));
                let own = statuses::condition(schema, "Dangling");
                let same = ["status", "reason", "message"].iter().all(|field| own[field] == wanted[field]);
                (!same).then_some(wanted)
            };
            if wanted(&schema).is_some() {
                statuses::apply(schemas, &store, MANAGER, &schema, &wanted).await;
            }
        }
        context.ready();
        if !changes.wait(INTERVAL_MS).await.map_err(from_store)? {
            return Ok(());
        }
    }
}

/// For a schema that the server is about to make.
pub(super) fn set_condition(schema: &mut Value, found: bool) {
    schema["status"]["conditions"] = json!([condition(schema, found)]);
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
